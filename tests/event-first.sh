#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# event-first - a failover comes first: an event that waits for memory gives way to it, and a deadline is kept
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-event.sh"

holder b 60

# An event that waits for memory has the lock. A command has its deadline all the same.
vcctl event fire squeeze >"$work/squeeze.out" 2>&1 &
squeeze=$!
wait_for test -e "$state/reshape.journal"
began=$(msec)
try vcctl set d --memory=120M --deadline=0.5
took=$(($(msec) - began))
is "a command that does not get the lock" "$status" 1
matches "a command that does not get the lock" "$out" "another change of partitions .* made by process [0-9]+"
in_time "a deadline of 500 ms" "$took" 3000

# So has an event, by itself; and the reason is kept.
vcrun --on=d --name=hasty sleep 1000 &
hasty=$!
wait_for event_is hasty "['last']['way']" fire
wait_for matches_reason hasty
kill $hasty
kill -0 $squeeze || fail "the event that had the lock has ended: $(cat "$work/squeeze.out")"
is "limits" "$(limit b) $(limit c)" "128 128"

# A failover makes it give way; then it waits again, and is done when it can be.
began=$(msec)
vcctl failover a --deadline=10 >"$work/out" 2>&1 || fail "failover: $(cat "$work/out")"
say "a failover beside an event that waits for memory: $(($(msec) - began)) ms"
is "limits after the failover" "$(limits)" "192 64"
is "in force, because of" "$(event taken-over "['by']")" failover
kill -0 $squeeze || fail "the event that gave way has ended: $(cat "$work/squeeze.out")"
is "the limit that the event waits to lower" "$(limit b)" 128
matches "the record" "$(cat "$state/reshapes.jsonl")" 'fire event squeeze.*undone.*gave way'
holder_ends b
wait $squeeze || fail "the event that gave way: $(cat "$work/squeeze.out")"
is "MiB of b when the event that gave way is done" "$(limit b)" 40

down --force
