#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-preload-move - programs in two partitions share an object of each kind while both move
#
# VCRUN_MOVES: how often each is moved. What they share, and what they check, ipc-pair.c says.
. "${top_srcdir:=.}/tests/lib.sh"
requires_plain_build
. "$top_srcdir/tests/lib-move.sh"
requires python3
up
pair=$top_builddir/tests/ipc-pair

vcrun --ipc=map --on=vc0 --name=ping "$pair" ping "$work/stop" >"$work/ping" 2>&1 &
ping=$!
vcrun --ipc=map --on=vc1 --name=pong "$pair" pong "$work/stop" >"$work/pong" 2>&1 &
pong=$!
wait_for job_is ping state running
wait_for job_is pong state running

both_run() {
	alive $ping && alive $pong || fail "one has ended: $(cat "$work/ping" "$work/pong")"
}

for i in $(seq "$moves"); do
	for name in ping pong; do
		sleep 0.2
		both_run
		move $name
	done
done
sleep 0.2
both_run
: >"$work/stop"
wait $ping || fail "ping: exit status $?: $(cat "$work/ping")"
wait $pong || fail "pong: exit status $?: $(cat "$work/pong")"
is "moves of both" "$(wc -l <"$state/moves.jsonl")" $((2 * moves))
turns=$(head -n 1 "$work/pong")
at_least "turns" "$turns" $((20 * moves))
is "kinds" "$(tail -n +2 "$work/pong" | wc -l)" 11
is "kinds whose count is exact" "$(grep -c ": $((2 * turns))\$" "$work/pong")" 11
show_moves "two programs, $turns turns"

# Whose child a process is, is known after a move too, and system calls are trapped as before.
calls=$top_builddir/tests/ipc-calls
for table in child raw; do
	vcrun --ipc=private timeout 60 "$calls" $table >"$work/kernel"
	vcrun --ipc=map,strict --on=vc0 --name=$table "$calls" $table "$work/moved" >"$work/mapped" 2>&1 &
	job=$!
	wait_for job_is $table state running
	move $table
	: >"$work/moved"
	wait $job || fail "$table, after a move: exit status $?: $(cat "$work/mapped")"
	rm "$work/moved"
	diff -u "$work/kernel" "$work/mapped" || fail "$table, after a move: the kernel's and ours differ"
done
