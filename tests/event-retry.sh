#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# event-retry - an event that fails by itself is tried again until it is done, or somebody gives it up
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-shape.sh"

limits_are() { # MIB_OF_A MIB_OF_B
	[ "$(($(limit_of a) >> 20)) $(($(limit_of b) >> 20))" = "$*" ]
}
result() {
	vcctl event list --json | json "(d['events'][0]['last']['reason'][:5], d['events'][0]['last']['again'])"
}
result_is() { # TEXT
	[ "$(result)" = "$1" ]
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
	wait_for 20 result_is "('event', $2)"
	kill $sleeper
}

begin 2 True
matches "listed" "$(vcctl event list)" 'grow .*fire: .*MiB are in use.*; is tried again'
limits_are 128 128 || fail "a failed event has changed something"
first=$(vcctl event list --json | json "d['events'][0]['last']['at_usec']")
# Whoever watches the clock knows it from the file.
for pid in $(vcctl list --json | json "' '.join(str(p['daemon_pid']) for p in d['partitions'])"); do
	kill -KILL "$pid"
done
wait_for 5 sh -c '! vcctl list --json | grep -q "daemon_pid.: [1-9]"'
vcctl up >"$work/up.out" || fail "up again: $(cat "$work/up.out")"
wait_for 10 sh -c "[ \"\$(vcctl event list --json | sed -n 's/.*\"at_usec\": \\([0-9]*\\).*/\\1/p')\" -gt $first ]"
is "tried again, in vain" "$(result)" "('event', True)"
holder_ends b
wait_for 10 limits_are 192 40
is "done at last" "$(result)" "('', False)"
down --force

# Given up: it is not in force, and will not be.
begin 2 True
try vcctl event revert grow
is "the result, given up" "$(result | sed 's/.*, //')" "False)"
holder_ends b
sleep 4
limits_are 128 128 || fail "an event that was given up has been tried again"
down --force

# Unless it says so it is not tried again.
begin 0 False
holder_ends b
sleep 3
limits_are 128 128 || fail "an event without retry has been tried again"
down --force
