#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# up-down - partitions come up, come up only once, and go down without a trace
. "${top_srcdir:=.}/tests/lib.sh"
requires python3

up --split=2
is "partitions" "$(vcctl list --json | json "[p['name'] for p in d['partitions']]")" "['vc0', 'vc1']"
matches "list" "$(vcctl list)" '^vc1 '

try vcctl up
is "up a second time" "$status" 0
matches "up a second time" "$out" 'up already'
try vcctl up --split=1
is "up a second time, differently" "$status" 1
matches "up a second time, differently" "$out" 'vcctl down'

vcrun --detach --name=sleeper sleep 1000 >/dev/null
try vcctl down
is "down with a job" "$status" 1
matches "down with a job" "$out" '1 job still runs.*--force'
is "the job goes on" "$(job sleeper state)" running
pid=$(job sleeper pid)

down --force
[ ! -d "/proc/$pid" ] || fail "job $pid outlived down --force"
no_own_processes || fail "outlived down --force: $(own_processes)"
[ ! -e "$state" ] || [ -z "$(ls -A "$state")" ] || fail "left in $state: $(ls -A "$state")"
while read -r group; do
	[ ! -d "$group" ] || fail "left: $group"
done <"$work/groups"

try vcctl down
is "down of nothing" "$status" 1
matches "down of nothing" "$out" 'is not up'
try vcrun true
is "vcrun without daemons" "$status" 125
matches "vcrun without daemons" "$out" "vcctl up"

up --split=2
is "vcrun after down and up" "$(vcrun echo hello)" hello
down
