# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154 # shared with lib.sh and the tests
# lib-event.sh - four partitions with events by command, failover and load that change the same ones
#
# Sourced after lib.sh.
. "$top_srcdir/tests/lib-shape.sh"
requires python3

limit() { # PARTITION
	echo $(($(limit_of "$1") >> 20))
}
limits() {
	echo "$(limit c) $(limit d)"
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
