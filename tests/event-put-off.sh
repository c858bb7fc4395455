#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# event-put-off - what a failover has made is not taken back by a load: that event is put off
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-event.sh"

# A load that begins to hold does not take back what the failover made; it is put off.
vcctl failover a --deadline=10 >"$work/out" 2>&1 || fail "failover: $(cat "$work/out")"
vcrun --on=b --name=one sleep 1000 &
vcrun --on=b --name=two sleep 1000 &
two=$!
wait_for event_is crowd "['last']['put-off']" True
matches "the reason" "$(event crowd "['last']['reason']")" 'put off: event taken-over comes first, is in force, and has set c'
stays "limits while the failover is in force" 1 "192 64" limits
is "how often the failover was made" "$(changes 'fire event taken-over')" 1
# Ordered once more it is so already.
vcctl failover a >"$work/out" 2>&1 || fail "failover: $(cat "$work/out")"
is "limits after the failover was ordered again" "$(limits)" "192 64"
# Another load, which would have d otherwise.
vcrun --on=b --name=three sleep 1000 &
three=$!
wait_for event_is throng "['last']['put-off']" True
# By command anything may be done; and then what was put off is done by itself: the first, and a hold
# time later the second, since both change d.
vcctl event revert taken-over >"$work/out" 2>&1 || fail "revert: $(cat "$work/out")"
wait_for is_recorded 'fire event crowd'
is "in force, because of" "$(event crowd "['by']")" load
wait_for is_recorded 'fire event throng'
is "limits after both" "$(limits)" "96 144"
# The hold counts from the change's beginning, and its record has the end.
at_least "milliseconds from one event to the next" "$(python3 - "$state/reshapes.jsonl" <<'END'
import json, sys
at = {}
for line in open(sys.argv[1]):
    change = json.loads(line)
    if change["result"] == "done":
        at[change["cause"]] = change["at_usec"]
print((at["fire event throng"] - at["fire event crowd"]) // 1000)
END
)" 900

# One that is put off and is not wanted any more does not come.
vcctl failover a >"$work/out" 2>&1 || fail "failover: $(cat "$work/out")"
kill $three $two
wait_for event_is crowd "['last']['put-off']" True
is "limits while the failover is in force" "$(limits)" "192 64"

down --force
wait
