#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# event-retry - an event that fails by itself is tried again until it is done, or somebody gives it up
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-shape.sh"

limits() {
	echo "$(($(limit_of a) >> 20)) $(($(limit_of b) >> 20))"
}
result() {
	vcctl event list --json | json "(d['events'][0]['last']['reason'][:5], d['events'][0]['last']['again'])"
}

# A job in b has too much memory for the event, which a job in a lets happen. Swap, if the machine
# has any, is no way out.
begin() { # RETRY WHETHER_IT_IS_TRIED_AGAIN
	two_conf 128M 128M
	cat >>"$work/two.conf" <<-END
	event grow {
		when = "a.jobs > 0"
		deadline = 0.2
		retry = $1
		before b {
			memory-mode = "fixed"
		}
		after a {
			memory = "192M"
		}
		after b {
			memory = "40M"
			memory-mode = "fixed"
		}
	}
	END
	up --config="$work/two.conf"
	rm -f "$work"/holder-b.*
	vcctl set b --memory-mode=fixed >"$work/out" || fail "set b: $(cat "$work/out")"
	holder b 50
	vcrun --on=a sleep 1000 &
	sleeper=$!
	await "the result" "('event', $2)" result
	kill $sleeper
}

begin 2 True
matches "listed" "$(vcctl event list)" 'grow .*fire: .*MiB are in use.*; is tried again'
is "limits after a failed event" "$(limits)" "128 128"
first=$(vcctl event list --json | json "d['events'][0]['last']['at_usec']")
# Whoever watches the clock knows it from the file.
for pid in $(vcctl list --json | json "' '.join(str(p['daemon_pid']) for p in d['partitions'])"); do
	kill -KILL "$pid"
done
wait_for sh -c '! vcctl list --json | grep -q "daemon_pid.: [1-9]"'
vcctl up >"$work/up.out" || fail "up again: $(cat "$work/up.out")"
wait_for sh -c "[ \"\$(vcctl event list --json | sed -n 's/.*\"at_usec\": \\([0-9]*\\).*/\\1/p')\" -gt $first ]"
is "tried again, in vain" "$(result)" "('event', True)"
holder_ends b
await "limits at last" "192 40" limits
is "done at last" "$(result)" "('', False)"
down --force

# Given up: it is not in force, and will not be.
begin 2 True
try vcctl event revert grow
is "the result, given up" "$(result | sed 's/.*, //')" "False)"
holder_ends b
stays "limits when the event is given up" 3 "128 128" limits
down --force

# Unless it says so it is not tried again.
begin 0 False
holder_ends b
stays "limits after an event without retry" 2 "128 128" limits
down --force
