#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# daemon-restart - a daemon that is killed takes no job with it, and knows them all when it is back
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
up

daemon() { # PARTITION
	vcctl list --json | json "[p['daemon_pid'] for p in d['partitions'] if p['name'] == '$1'][0]"
}

vcrun --on=vc0 --name=worker sh -c 'while [ ! -e '"$work/stop"' ]; do sleep 0.1; done; exit 23' &
worker=$!
vcrun --on=vc0 --name=mover sleep 1000 &
mover=$!
vcrun --on=vc1 --name=other sleep 1000 &
wait_for jobs_are 3
pid=$(job worker pid)
killed=$(daemon vc0)
kill -KILL "$killed"
wait_for sh -c 'vcstat partitions --json | grep -q "\"down\""'
[ -d "/proc/$pid" ] || fail "the job died with its daemon"

# The others go on meanwhile.
is "a program placed while vc0 is down" "$(vcrun --policy=roundrobin echo runs)" runs
is "a second" "$(vcrun --policy=roundrobin echo runs)" runs
try vcrun --on=vc0 true
is "vcrun --on the partition that is down" "$status" 125
matches "vcrun --on the partition that is down" "$out" "partition vc0 is down.*vcctl up"
try vcmove other --to=vc0
is "a move to the partition that is down" "$status" 1
matches "a move to the partition that is down" "$out" 'vc0.*down'

try vcctl up
is "exit status of up" "$status" 0
matches "up" "$out" '1 daemon started again'
[ "$(daemon vc0)" != "$killed" ] || fail "the daemon of vc0 is still $killed"
wait_for jobs_are 3
is "the job's pid" "$(job worker pid)" "$pid"
is "the job's state" "$(job worker state)" running
wait_for sh -c '! vcstat partitions --json | grep -q "\"down\""'

# All is as before: a move, a signal, an exit status.
vcmove --quiet mover || fail "mover cannot be moved after its daemon was killed"
kill -TERM $mover
status=0
wait $mover || status=$?
is "exit status after SIGTERM" "$status" 143
touch "$work/stop"
status=0
wait $worker || status=$?
is "exit status of the program that ran all the time" "$status" 23
down --force
wait
