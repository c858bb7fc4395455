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
wait_for jobs_are 2
there=$(vcstat jobs --json | json "[j['pid'] for j in d['jobs'] if j['name'] == 'there'][0]")
pid=$(daemon vc1)
kill -STOP "$pid"
is "the row of a stopped daemon" "$(state vc1)" 'not answering'

# Others do their work, and say what they do not know.
is "a program that a policy places" "$(vcrun --policy=roundrobin echo runs)" runs
is "a second" "$(vcrun --policy=roundrobin echo runs)" runs
try vcstat jobs
is "vcstat" "$status" 0
matches "vcstat" "$out" 'partition vc1: its daemon \(pid '"$pid"'\) does not answer: it is stopped.*; its jobs are not shown'
for word in there "$there"; do
	try vcmove "$word"
	is "a job of a stopped daemon" "$status" 1
	matches "a job of a stopped daemon" "$out" "as far as can be seen: partition vc1: its daemon"
done

# What only it could do is refused, and is not done later either.
for to in --to=vc1 --policy=leastcpu; do
	try vcmove $to here
	is "a move to a stopped daemon" "$status" 1
	matches "a move to a stopped daemon" "$out" 'partition vc1: its daemon .* does not answer: it is stopped'
done
try vcrun --on=vc1 touch "$work/late"
is "vcrun --on a stopped daemon" "$status" 125
matches "vcrun --on a stopped daemon" "$out" 'partition vc1: its daemon .* does not answer: it is stopped'
kill -CONT "$pid"
wait_for state_is vc1 up
sleep 0.5
[ ! -e "$work/late" ] || fail "a program was started whose vcrun had given up"
is "the job that was to move" "$(job here partition)" vc0
is "the job there" "$(job there state)" running
vcmove --quiet --to=vc1 here
wait_for partition_is here vc1
vcmove --quiet --to=vc0 here

# Dead is another thing, which the kernel says at once.
kill -KILL "$pid"
wait_for state_is vc1 down
try vcmove here --to=vc1
matches "a move to a dead daemon" "$out" 'partition vc1 is down: its daemon does not run'
try vcmove here
matches "a move to whichever" "$out" 'no other partition is up'
vcctl up >/dev/null
wait_for jobs_are 2
down --force
