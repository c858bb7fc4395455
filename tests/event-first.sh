#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# event-first - a failover comes before time and load: it waits for nobody who waits, and what it has
# made is not taken back by them
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-shape.sh"
requires python3

limit() { # PARTITION
	echo $(($(limit_of "$1") >> 20))
}
limit_is() { # PARTITION MIB
	[ "$(limit "$1")" = "$2" ]
}
event() { # NAME FIELD
	vcctl event list --json | json "[e for e in d['events'] if e['name'] == '$1'][0]$2"
}
event_is() { # NAME FIELD VALUE
	[ "$(event "$1" "$2")" = "$3" ]
}
is_recorded() { # CAUSE
	[ "$(changes "$1")" -gt 0 ]
}
matches_reason() { # NAME
	event "$1" "['last']['reason']" | grep -q 'another change of partitions was under way'
}
changes() { # CAUSE: how often that was done
	grep -c "\"cause\":\"$1\",\"result\":\"done\"" "$state/reshapes.jsonl" || :
}

cat >"$work/four.conf" <<'END'
sample-interval-msec = 100
exclusive = false
partition a {
	cpus = "0"
	memory = "128M"
}
partition b {
	cpus = "1"
	memory = "128M"
	memory-mode = "fixed"
}
partition c {
	cpus = "0"
	memory = "128M"
}
partition d {
	cpus = "1"
	memory = "128M"
}
event squeeze {
	deadline = 60
	after b {
		memory = "40M"
	}
}
event taken-over {
	failover = "a"
	hold = 1
	after c {
		memory = "192M"
	}
	after d {
		memory = "64M"
	}
}
event crowd {
	when = "b.jobs > 1"
	revert-when = "b.jobs < 2"
	hold = 1
	after c {
		memory = "96M"
	}
	after d {
		memory = "160M"
	}
}
event hasty {
	when = "d.jobs > 0"
	deadline = 0.5
	after c {
		memory = "112M"
	}
}
event throng {
	when = "b.jobs > 2"
	hold = 0
	after d {
		memory = "144M"
	}
}
END
[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"
up --config="$work/four.conf"
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
is "limits after the failover" "$(limit c) $(limit d)" "192 64"
is "in force, because of" "$(event taken-over "['by']")" failover
kill -0 $squeeze || fail "the event that gave way has ended: $(cat "$work/squeeze.out")"
is "the limit that the event waits to lower" "$(limit b)" 128
matches "the record" "$(cat "$state/reshapes.jsonl")" 'fire event squeeze.*undone.*gave way'
holder_ends b
wait $squeeze || fail "the event that gave way: $(cat "$work/squeeze.out")"
limit_is b 40 || fail "the event that gave way was not done: b has $(limit b) MiB"

# A load that begins to hold does not take back what the failover made; it is put off.
vcctl event revert squeeze >/dev/null
vcrun --on=b --name=one sleep 1000 &
vcrun --on=b --name=two sleep 1000 &
two=$!
wait_for event_is crowd "['last']['put-off']" True
matches "the reason" "$(event crowd "['last']['reason']")" 'put off: event taken-over comes first, is in force, and has set c'
limits() {
	echo "$(limit c) $(limit d)"
}
stays "limits while the failover is in force" 1 "192 64" limits
is "how often the failover was made" "$(changes 'fire event taken-over')" 1
# Ordered once more it is so already.
vcctl failover a >"$work/out" 2>&1 || fail "failover: $(cat "$work/out")"
is "limits after the failover was ordered again" "$(limit c) $(limit d)" "192 64"
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
is "limits after both" "$(limit c) $(limit d)" "96 144"
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
is "limits while the failover is in force" "$(limit c) $(limit d)" "192 64"

# A dry run makes the checks of the event, and none of its waits.
is "a dry run of what could be" "$(vcctl event fire squeeze --dry-run >/dev/null && echo ok)" ok
rm -f "$work"/holder-b.*
holder b 60
began=$(msec)
try vcctl event fire squeeze --dry-run
took=$(($(msec) - began))
is "a dry run of what would fail for memory" "$status" 1
matches "a dry run of what would fail for memory" "$out" 'partition b: [0-9]+ MiB are in use that cannot be reclaimed'
in_time "a dry run" "$took" 3000
try vcctl set b --memory=40M --dry-run
is "a dry run of set" "$status" 1
matches "a dry run of set" "$out" 'partition b: [0-9]+ MiB are in use that cannot be reclaimed'
holder_ends b
try vcctl failover b
is "a failover for which there is no event" "$status" 1
matches "a failover for which there is no event" "$out" 'no event has failover = "b"'
down --force
