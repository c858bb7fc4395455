#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# regions-daemons - regions outlive the daemons; one that a daemon did not finish is made by the next
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-regions.sh"

start one a vcipc frames
start two b posix frames
is "what the sharer wrote" "$(ask two fill)" "$sum"

# Daemons come and go. One that was killed while it made it left an empty file: the next one goes on.
kill_daemons() {
	for pid in $(vcctl list --json | json "' '.join(str(p['daemon_pid']) for p in d['partitions'])"); do
		kill -KILL "$pid"
	done
	wait_for sh -c '! vcctl list --json | grep -q "daemon_pid.: [1-9]"'
	vcctl up >"$work/up.out" || fail "up again: $(cat "$work/up.out")"
}
kill_daemons
is "after the daemons' death" "$(ask one look)" "$sum"
charged "then"
truncate -s 0 "$state/ipc/o/regions/board"
is "one that is not made yet" "$(once a posix board)" "Device or resource busy"
kill_daemons
is "one that is made now" "$(once a posix board)" "open 65536"
at_least "bytes that it is charged" "$(used_by b/region-board)" 65536
vcctl ipc check >"$work/check" || fail "$(cat "$work/check")"
down --force
wait
[ ! -e "$state/ipc" ] || fail "$state/ipc is still there"
