#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-limit - a move does not bring a user more jobs to a partition than may be started there
. "${top_srcdir:=.}/tests/lib.sh"
requires python3 setpriv
cat >"$work/conf" <<'END'
max-jobs-per-user = 2
exclusive = false
partition vc0 {
	cpus = "0"
}
partition vc1 {
	cpus = "1"
}
END
up --config="$work/conf"

start() { # PARTITION NAME
	as_user 65534 vcrun --detach --on="$1" --name="$2" sleep 1000 >/dev/null
}
in_partition() { # PARTITION
	vcstat jobs --json | json "len([j for j in d['jobs'] if j['partition'] == '$1' and j['uid'] == 65534])"
}
has() { # PARTITION NUMBER
	[ "$(in_partition "$1")" = "$2" ]
}

for name in a b; do
	start vc0 $name
	start vc1 other-$name
done
wait_for jobs_are 4
try as_user 65534 vcrun --on=vc1 true
matches "one more to start" "$out" 'as many as allowed'

try as_user 65534 vcmove a --to=vc1
is "one more by a move" "$status" 1
matches "one more by a move" "$out" 'has 2 jobs in partition vc1, as many as allowed'
try vcmove a --to=vc1
matches "ordered by root, for that user" "$out" 'has 2 jobs in partition vc1, as many as allowed'
is "its result" "$(vcstat moves --json | json "d['moves'][-1]['result']")" refused
is "its standstill" "$(vcstat moves --json | json "d['moves'][-1]['downtime_usec']")" 0
is "the job" "$(job a state)" running
vcrun --detach --on=vc0 --name=roots sleep 1000 >/dev/null
vcmove --quiet --to=vc1 roots || fail "root's jobs are counted too"

# One place, and two that want it, several times.
vcctl kill --signal=KILL other-a
wait_for has vc1 1
for try in 1 2 3; do
	for name in a b; do
		(
			status=0
			as_user 65534 vcmove --to=vc1 $name >"$work/$name.out" 2>&1 || status=$?
			echo $status >"$work/$name.status"
		) &
	done
	wait
	is "try $try: two moves to one place" "$(cat "$work/a.status" "$work/b.status" | sort | tr '\n' ' ')" "0 1 "
	is "try $try: jobs there" "$(in_partition vc1)" 2
	matches "try $try: the one that was refused" "$(cat "$work/a.out" "$work/b.out")" 'as many as allowed'
	moved=a
	job_is a partition vc1 || moved=b
	vcmove --quiet --to=vc0 $moved
	# Whoever failed has left its place free.
	wait_for has vc1 1
done

# A place is taken from the question on, and free again when the move fails.
vcmove --quiet --to=vc1 a
vcctl kill --signal=KILL a
wait_for has vc1 1
start vc1 last
wait_for has vc1 2
down --force
