#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-burst-move - a program that asks the daemons without a pause is moved, and notices nothing
#
# VCRUN_MOVES: how often.
. "${top_srcdir:=.}/tests/lib.sh"
requires_plain_build
. "$top_srcdir/tests/lib-move.sh"
. "$top_srcdir/tests/lib-ipc.sh"
requires python3
up

vcrun --ipc=map --on=vc0 --name=storm "$top_builddir/tests/ipc-burst" storm "$work/stop" >"$work/storm" 2>&1 &
storm=$!
wait_for job_is storm state running
for i in $(seq "$moves"); do
	alive $storm || fail "it has ended: $(cat "$work/storm")"
	move storm
	# With a daemon that goes meanwhile, too.
	[ $((i % 3)) != 0 ] || { kill -KILL "$(daemon "$(job storm partition)")" && vcctl up >/dev/null; }
	wait_for job_is storm state running
done
: >"$work/stop"
wait $storm || fail "exit status $?: $(cat "$work/storm")"
is "moves" "$(wc -l <"$state/moves.jsonl")" "$moves"
at_least "rounds" "$(cat "$work/storm")" "$moves"
wait_for nothing_left
show_moves "a burst, $(cat "$work/storm") rounds"
