#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# users - everybody has his own jobs, and no hand in another's
. "${top_srcdir:=.}/tests/lib.sh"
requires python3 setpriv
up
own=65534 other=65533

is "a user's program runs as the user" "$(as_user $own vcrun id -u)" $own
as_user $own vcrun --detach --name=hers sleep 1000 >/dev/null
as_user $other vcrun --detach --name=his sleep 1000 >/dev/null
pid=$(job hers pid)

names() { # UID
	as_user "$1" vcstat jobs --json | json "[j['name'] for j in d['jobs']]"
}
is "what she sees" "$(names $own)" "['hers']"
is "what he sees" "$(names $other)" "['his']"
is "what root sees" "$(vcstat jobs --json | json "sorted(j['name'] for j in d['jobs'])")" "['hers', 'his']"

for what in hers "$(job hers id)" "$pid" "--pid $pid"; do
	# shellcheck disable=SC2086 # an option and its word
	try as_user $other vcmove $what
	is "exit status of his vcmove $what" "$status" 1
	matches "his vcmove $what" "$out" 'no job|another user|is no job'
done
is "her job has not moved" "$(job hers moves)" 0
as_user $own vcmove --quiet hers || fail "she cannot move her own job"
as_user $own vcstat moves --json | json "d['moves'][0]['result']" >"$work/result"
is "the move as she sees it" "$(cat "$work/result")" moved
is "moves that he sees" "$(as_user $other vcstat moves --json | json "len(d['moves'])")" 0
vcmove --quiet hers || fail "root cannot move her job"
is "its user after two moves" "$(ps -o uid= -p "$pid" | tr -d ' ')" $own

for command in up down check; do
	try as_user $own vcctl $command
	is "exit status of vcctl $command as a user" "$status" 1
	matches "vcctl $command as a user" "$out" 'needs root'
done
# A name is one job's, among those that one may see.
as_user $other vcrun --detach --name=hers sleep 1000 >"$work/twin"
numbers="$(as_user $own vcstat jobs --json | json "d['jobs'][0]['id']"), $(cat "$work/twin")"
for command in vcmove "vcctl kill"; do
	try $command hers
	is "exit status of $command with a name of two" "$status" 1
	matches "$command with a name of two" "$out" "several jobs are named hers: .* one of $numbers\$"
done
as_user $other vcctl kill hers || fail "he cannot end the job that is hers by name alone"
wait_for jobs_are 2
for word in nobodys '' ' 1' -1 18446744073709551617; do
	try vcctl kill -- "$word"
	is "exit status of vcctl kill '$word'" "$status" 1
	matches "vcctl kill '$word'" "$out" 'there is no job'
done
# The same one twice: it has moved in between.
as_user $own vcmove --quiet hers hers || fail "she cannot move her job twice at once"

# What is no name, no partition, no time.
for name in '' 12 'a b' "$(printf 'a\nb')" "$(printf '\302\233')" "$(printf '\377')"; do
	try vcrun --name="$name" true
	is "exit status with the name '$name'" "$status" 125
	matches "the name '$name'" "$out" "name"
done
try vcrun --on= true
matches "vcrun --on=" "$out" "'' is not the name of a partition"
try vcmove --to= hers
is "exit status of vcmove --to=" "$status" 2
for sec in 0 x 1e99 nan -1; do
	try vcstat --watch=$sec
	is "exit status of vcstat --watch=$sec" "$status" 2
done
try vcctl kill --signal=NONE hers
is "exit status with no signal's name" "$status" 2
try vcctl kill
is "exit status without a job" "$status" 2

# What the daemons keep is not theirs to read.
for file in images board jobs; do
	if as_user $own sh -c "cat '$state/$file' '$state/$file'/*" >/dev/null 2>&1; then
		fail "a user can read $state/$file"
	fi
done
if as_user $own sh -c ": >'$state/vc0/mine'" 2>/dev/null; then
	fail "a user can write in $state/vc0"
fi
down --force
