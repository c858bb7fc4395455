#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# up-remains - what a crash left: jobs are taken over, an empty shell is cleared
. "${top_srcdir:=.}/tests/lib.sh"
requires python3

daemons() {
	vcctl list --json | json "*[p['daemon_pid'] for p in d['partitions'] if p['daemon_pid'] > 0]"
}

up
vcrun --detach --name=survivor sleep 1000 >/dev/null
pid=$(job survivor pid)
# shellcheck disable=SC2046 # a list
kill -KILL $(daemons)
wait_for sh -c '[ "$(vcctl list | grep -c down)" = 2 ]'
[ -d "/proc/$pid" ] || fail "the job died with its daemon"

try vcctl up --split=1
is "up with other partitions over living jobs" "$status" 1
matches "up with other partitions over living jobs" "$out" '1 job.*down --force'

try vcctl up
is "up after a crash" "$status" 0
wait_for job_is survivor state running
is "the job's pid" "$(job survivor pid)" "$pid"
is "vcrun after it" "$(vcrun echo works)" works

# A job that ends while no daemon is there is not in anybody's way later.
# shellcheck disable=SC2046
kill -KILL $(daemons)
kill -KILL "$pid"
wait_for sh -c '[ -z "$(ls "$VCRUN_STATE_DIR/jobs")" ]'
try vcctl up --split=2
is "up over an empty shell" "$status" 0
matches "up over an empty shell" "$out" 'removing the remains of a crash'
is "vcrun after that" "$(vcrun echo works)" works

# Down works without daemons too.
vcrun --detach --name=survivor sleep 1000 >/dev/null
# shellcheck disable=SC2046
kill -KILL $(daemons)
try vcctl down
is "down without daemons, with a job" "$status" 1
down --force

# Nor does it mind what another version wrote.
up
sed -i 's/"version": 1/"version": 999/; s/"ipc-entries"/"newer-entries"/' "$state/instance.json"
try vcctl list
is "exit status of list, of another version" "$status" 1
matches "list, of another version" "$out" "damaged .version 999.*vcctl down"
down
