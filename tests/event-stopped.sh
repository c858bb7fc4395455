#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# event-stopped - events happen on time while a daemon is stopped, whichever it is
#
# $VC_STOPPED_SEC (default 6) says for how long each daemon is stopped.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-shape.sh"
stopped_sec=${VC_STOPPED_SEC:-6}

at_of() { # SECONDS_FROM_NOW
	date -d "+$1 seconds" +%T
}
# Which daemon has the lease: the index of its partition.
watcher() {
	python3 -c 'import struct, sys
print(struct.unpack("=Q", open(sys.argv[1], "rb").read(8))[0] >> 40 & 255)' "$state/events.lease"
}
watcher_is_not() { # INDEX
	[ "$(watcher)" != "$1" ]
}
daemon() { # INDEX
	vcctl list --json | json "d['partitions'][$1]['daemon_pid']"
}
limits() {
	echo "$(($(limit_of a) >> 20)) $(($(limit_of b) >> 20))"
}
b_has_both() {
	[ "$(group_cpus b)" = 0-1 ]
}
fired() {
	grep -c '"fire event' "$state/reshapes.jsonl" || :
}

# The daemon of that partition stops; the time comes in the middle of that. The event takes memory
# of b, and gives it to a.
stopped_at() { # INDEX
	two_conf 128M 128M
	half=$((stopped_sec / 2))
	cat >>"$work/two.conf" <<-END
	event night {
		at = "$(at_of $((half + 3)))"
		after a {
			memory = "192M"
		}
		after b {
			memory = "64M"
		}
	}
	event taken-over {
		failover = "a"
		after b {
			cpus = "0-1"
			exclusive = false
		}
	}
	END
	up --config="$work/two.conf"
	vcrun --detach --on=a sleep 1000 >/dev/null
	wait_for test -s "$state/events.lease"
	wait_for watcher_is_not 0xff
	pid=$(daemon "$1")
	kill -STOP "$pid"
	stopped=$(msec)
	out=$(timeout 30 vcstat) || fail "vcstat does not answer within 30 s"
	say "with the daemon of partition $1 stopped: vcstat in $(($(msec) - stopped)) ms"
	matches "vcstat with the daemon of partition $1 stopped" "$out" "^$(vcctl list --json |
		json "d['partitions'][$1]['name']") +not answering"
	await "limits after the event" "192 64" limits
	due=$(date -d "$(sed -n 's/.*at = "\(.*\)"/\1/p' "$work/two.conf")" +%s)
	in_time "how late, with the daemon of partition $1 stopped" $(($(msec) - due * 1000)) 4000
	# And its partition, or its neighbour, fails.
	began=$(msec)
	# shellcheck disable=SC2046 # a list, of which some may have ended
	kill -KILL $(group_members a) 2>/dev/null || :
	wait_for b_has_both
	in_time "a failover with the daemon of partition $1 stopped" $(($(msec) - began)) 4000
	case $(sed 's/.*) //' "/proc/$pid/stat") in
	T*) ;;
	*) fail "the daemon was not stopped all the time" ;;
	esac
	# The rest of the time, so that it wakes up late.
	while [ $(($(msec) - stopped)) -lt $((stopped_sec * 1000)) ]; do
		sleep 0.2
	done
	kill -CONT "$pid"
	stays "limits when a daemon wakes up late" 2 "192 64" limits
	is "how often they happened" "$(fired)" 2
}

for index in 0 1; do
	stopped_at $index
	down --force
done

# The one that watches: the other takes over, and this one notices.
two_conf 128M 128M
cat >>"$work/two.conf" <<-END
event crowd {
	when = "a.jobs > 0"
	after b {
		memory = "64M"
	}
}
END
up --config="$work/two.conf"
wait_for grep -q 'watches for all' "$state/a/vcd.log" "$state/b/vcd.log"
first=$(watcher)
pid=$(daemon "$first")
kill -STOP "$pid"
wait_for watcher_is_not "$first"
other=$((1 - first))
kill -CONT "$pid"
log=$state/$(vcctl list --json | json "d['partitions'][$first]['name']")/vcd.log
wait_for grep -q 'has taken over the watch' "$log"
is "who watches afterwards" "$(watcher)" "$other"
# And dies: then it is the first one again.
kill -KILL "$(daemon $other)"
wait_for watcher_is_not "$other"
down --force
