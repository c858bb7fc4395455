#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# daemon-silent - a daemon that is stopped, or late, is not taken for one that is dead
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
up --split=2

daemon() { # PARTITION
	vcctl list --json | json "[p['daemon_pid'] for p in d['partitions'] if p['name'] == '$1'][0]"
}
state() { # PARTITION
	vcstat partitions --json | json "[p['state'] for p in d['partitions'] if p['name'] == '$1'][0]"
}
state_is() { # PARTITION STATE
	[ "$(state "$1" 2>/dev/null)" = "$2" ]
}
partition_is() { # JOB PARTITION
	job_is "$1" partition "$2"
}

vcrun --detach --on=vc0 --name=here sleep 1000 >/dev/null
vcrun --detach --on=vc1 --name=there sleep 1000 >/dev/null
wait_for 5 jobs_are 2
there=$(vcstat jobs --json | json "[j['pid'] for j in d['jobs'] if j['name'] == 'there'][0]")
pid=$(daemon vc1)
kill -STOP "$pid"
wait_for 10 state_is vc1 silent

# Others do their work, and say what they do not know.
is "a program that a policy places" "$(vcrun --policy=roundrobin echo runs)" runs
is "a second" "$(vcrun --policy=roundrobin echo runs)" runs
try vcstat jobs
is "vcstat" "$status" 0
matches "vcstat" "$out" 'partition vc1 \(pid '"$pid"'\) does not answer: it is stopped; its jobs are not shown'
for word in there "$there"; do
	try vcmove "$word"
	is "a job of a stopped daemon" "$status" 1
	matches "a job of a stopped daemon" "$out" "as far as can be seen: the daemon of partition vc1"
done

# It is asked, and has time to answer.
for to in --to=vc1 --policy=leastcpu; do
	vcmove $to here >"$work/move.out" 2>&1 &
	mover=$!
	sleep 1 # longer than three samples
	kill -0 $mover || fail "vcmove $to did not wait: $(cat "$work/move.out")"
	kill -CONT "$pid"
	wait $mover || fail "vcmove $to: $(cat "$work/move.out")"
	wait_for 5 partition_is here vc1
	wait_for 5 state_is vc1 up
	vcmove --quiet --to=vc0 here
	kill -STOP "$pid"
	wait_for 10 state_is vc1 silent
done

# A program that is to run there waits likewise.
vcrun --on=vc1 echo waited >"$work/run.out" 2>&1 &
runner=$!
sleep 0.5
kill -CONT "$pid"
wait $runner || fail "vcrun --on a stopped daemon: $(cat "$work/run.out")"
is "a program for a stopped daemon" "$(cat "$work/run.out")" waited
is "the job there" "$(job there state)" running

# Dead is another thing, which the kernel says at once.
kill -KILL "$pid"
wait_for 5 state_is vc1 down
try vcmove here --to=vc1
matches "a move to a dead daemon" "$out" 'partition vc1 is down: its daemon does not run'
try vcmove here
matches "a move to whichever" "$out" 'no other partition is up'
vcctl up >/dev/null
wait_for 5 jobs_are 2
down --force
