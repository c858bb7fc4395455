#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# event-stopped - events happen on time while a daemon is stopped, whichever it is
#
# $VC_STOPPED_SEC (default 8) says for how long each daemon is stopped.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-shape.sh"
stopped_sec=${VC_STOPPED_SEC:-8}

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
limits_are() { # MIB_OF_A MIB_OF_B
	[ "$(($(limit_of a) >> 20)) $(($(limit_of b) >> 20))" = "$*" ]
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
	wait_for 5 test -s "$state/events.lease"
	wait_for 5 watcher_is_not 0xff
	pid=$(daemon "$1")
	kill -STOP "$pid"
	stopped=$(date +%s%N)
	out=$(timeout 5 vcstat) || fail "vcstat does not answer within 5 s"
	took=$((($(date +%s%N) - stopped) / 1000000))
	say "with the daemon of partition $1 stopped: vcstat in $took ms"
	matches "vcstat with the daemon of partition $1 stopped" "$out" "^$(vcctl list --json |
		json "d['partitions'][$1]['name']") +not answering"
	wait_for $((stopped_sec + 5)) limits_are 192 64
	late=$((($(date +%s%N) - $(date -d "$(sed -n 's/.*at = "\(.*\)"/\1/p' "$work/two.conf")" +%s%N)) / 1000000))
	say "with the daemon of partition $1 stopped: $late ms late"
	at_most "milliseconds late, with the daemon of partition $1 stopped" "$late" 4000
	# And its partition, or its neighbour, fails.
	began=$(date +%s%N)
	# shellcheck disable=SC2046 # a list
	kill -KILL $(group_members a)
	wait_for 10 b_has_both
	late=$((($(date +%s%N) - began) / 1000000))
	say "with the daemon of partition $1 stopped: a failover in $late ms"
	at_most "milliseconds of a failover, with the daemon of partition $1 stopped" "$late" 4000
	case $(sed 's/.*) //' "/proc/$pid/stat") in
	T*) ;;
	*) fail "the daemon was not stopped all the time" ;;
	esac
	# The rest of the time, so that it wakes up late.
	while [ $((($(date +%s%N) - stopped) / 1000000000)) -lt "$stopped_sec" ]; do
		sleep 0.2
	done
	kill -CONT "$pid"
	sleep 2
	limits_are 192 64 || fail "a daemon that woke up late has changed something"
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
wait_for 5 grep -q 'watches for all' "$state/a/vcd.log" "$state/b/vcd.log"
first=$(watcher)
pid=$(daemon "$first")
kill -STOP "$pid"
wait_for 5 watcher_is_not "$first"
other=$((1 - first))
kill -CONT "$pid"
log=$state/$(vcctl list --json | json "d['partitions'][$first]['name']")/vcd.log
wait_for 5 grep -q 'has taken the watch over' "$log"
is "who watches afterwards" "$(watcher)" "$other"
# And dies: then it is the first one again.
kill -KILL "$(daemon $other)"
wait_for 5 watcher_is_not "$other"
down --force
