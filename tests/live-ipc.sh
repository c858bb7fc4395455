#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# live-ipc - a job that is moved live takes its handles along, and its peer is served
. "${top_srcdir:=.}/tests/lib.sh"
requires_plain_build
requires python3
. "$top_srcdir/tests/lib-ipc.sh"
. "$top_srcdir/tests/lib-live.sh"
up

start_client a vc0
start_client b vc1
ask a 'open event both create' >/dev/null
ask b 'open event both' >/dev/null
ask a 'open shm mine create' >/dev/null
ask a 'open shm mine' >/dev/null
is "openers of both" "$(openers both)" "vc0:1 vc1:1"
is "openers of mine" "$(openers mine)" "vc0:2"
handle=$(handle mine vc0)
theirs=$(handle both vc1)

live_move a
wait_for openers_are both "vc1:2"
is "handle of both" "$(handle both vc1)" "$theirs"
wait_for openers_are mine "vc1:2"
is "handle of mine, moved" "$(handle mine vc1)" "$handle"
ask b 'open shm mine' >/dev/null
ask a 'put 0 12' >/dev/null
is "memory is shared over the move" "$(ask b 'get 0')" "ok 12"
is "it opens what it has" "$(ask a 'open shm mine' | cut -d' ' -f1,2)" "ok found"
wait_for openers_are mine "vc1:4"

# To and fro. A daemon is killed after the second move.
for i in 1 2 3; do
	live_move a
	[ "$i" != 2 ] || { kill -KILL "$(daemon vc1)" && vcctl up >/dev/null; }
	wait_for jobs_are 2
done
wait_for openers_are mine "vc0:3 vc1:1"
wait_for openers_are both "vc0:1 vc1:1"

# A process that ends after a move is counted out where it was last.
live_move a
kill -KILL "$(job a pid)"
wait_for openers_are mine "vc1:1"
wait_for openers_are both "vc1:1"
kill -KILL "$(job b pid)"
wait_for nothing_left
down --force
wait
