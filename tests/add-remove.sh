#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# add-remove - partitions come and go while the others run, and jobs find them
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"

cat >"$work/one.conf" <<'END'
exclusive = false
sample-interval-msec = 60000
partition first {
	cpus = "0-1"
	memory = "1G"
}
END
up --config="$work/one.conf"
names() {
	vcstat partitions --json | json "' '.join(p['name'] for p in d['partitions'])"
}

vcrun --on=first --name=mover sleep 1000 &
wait_for jobs_are 1
try vcctl add second
is "add without CPUs" "$status" 2
try vcctl add second --cpus=0-1 --memory=4000T
is "a size that cannot be" "$status" 1
matches "a size that cannot be" "$out" 'add second: .*the machine has'
try vcctl add images --cpus=0
matches "a name that is taken" "$out" 'vcrun uses it itself'
is "the partitions after refusals" "$(names)" first

vcctl add second --cpus=1 --memory=256M >"$work/add.out" 2>&1 || fail "add: $(cat "$work/add.out")"
try vcctl add second --cpus=1
matches "the same once more" "$out" 'a partition .second. already'
is "the partitions" "$(names)" "first second"
is "CPUs of a program in it" "$(vcrun --on=second grep Cpus_allowed_list /proc/self/status | tr -cd 0-9,-)" 1
# The first one's daemon knows at once, though it samples once a minute.
vcmove --quiet mover --to=second || fail "mover cannot be moved to the new partition"
is "its partition" "$(job mover partition)" second
try vcctl remove second
is "exit status of remove with a job in it" "$status" 1
matches "remove with a job in it" "$out" 'remove second: 1 job still runs'
vcmove --quiet mover --to=first || fail "mover cannot be moved back"

vcctl add third --cpus=0 >"$work/add.out" 2>&1 || fail "add: $(cat "$work/add.out")"
vcctl remove second || fail "remove second"
is "the partitions" "$(names)" "first third"
[ ! -e "$state/second" ] || fail "$state/second is still there"
is "a program placed afterwards" "$(vcrun --policy=roundrobin echo runs)" runs
is "another" "$(vcrun --policy=notparent echo runs)" runs
vcctl add fourth --cpus=0 >"$work/add.out" 2>&1 || fail "add: $(cat "$work/add.out")"
is "the partitions, the free place taken" "$(names)" "first fourth third"
vcctl remove fourth || fail "remove fourth"
vcctl remove third || fail "remove third"
try vcctl remove first
matches "remove the only one" "$out" 'the only partition'

# A daemon that died is found again beside a free place.
kill -KILL "$(vcctl list --json | json "d['partitions'][0]['daemon_pid']")"
wait_for sh -c 'vcctl list | grep -q down'
vcctl up >"$work/up.out" 2>&1 || fail "up: $(cat "$work/up.out")"
wait_for jobs_are 1
down --force
wait
