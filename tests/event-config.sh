#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# event-config - an event that could never be is refused when it is read, with its line
. "${top_srcdir:=.}/tests/lib.sh"
[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"

partitions='partition a {
	cpus = "0"
	memory = "256M"
}
partition b {
	cpus = "1"
}
'
wrong() { # LINE WHAT_IT_SAYS, the events on standard input, from line 8 on
	{ printf '%s' "$partitions"; cat; } >"$work/bad.conf"
	try vcctl up --config="$work/bad.conf"
	is "exit status for: $2" "$status" 1
	matches "message" "$out" "bad\.conf:$1: .*$2"
	[ ! -e "$state/instance.json" ] || fail "an instance is there, made of a file with a mistake"
}
wrong 13 'same CPU' <<'END'
event night {
	at = "22:00"
	after a {
		memory = "100M"

		cpus = "0-1"
	}
}
END
total=$(awk '/^MemTotal/ { print $2 "K" }' /proc/meminfo)
wrong 11 'in all; the machine has' <<END
event night {
	after b {
		cpus = "1"
		memory = "$total"
	}
}
END
wrong 10 'no CPU 4000' <<'END'
event night {
	after a {
		cpus = "4000"
	}
}
END
wrong 9 'is no time' <<'END'
event night {
	at = "25:00"
	after a {
		memory = "1G"
	}
}
END
wrong 9 'retry must be 0, or 1 to 86400' <<'END'
event night {
	retry = 0.5
	after a {
		memory = "1G"
	}
}
END
wrong 9 'is no condition' <<'END'
event night {
	revert-when = "a.cpu is high"
	after a {
		memory = "1G"
	}
}
END
wrong 9 'no partition "c"' <<'END'
event night {
	when = "c.cpu > 90%"
	after a {
		memory = "1G"
	}
}
END
wrong 11 'no partition "c"' <<'END'
event night {
	after c {
		memory = "1G"
	}
}
END
wrong 10 'changes nothing' <<'END'
event night {
	at = "22:00"
}
END
wrong 10 'fixed memory needs a size' <<'END'
event night {
	after b {
		memory-mode = "fixed"
	}
}
END
wrong 9 'here there are' <<'END'
event night {
	whenever = "22:00"
	after a {
		memory = "1G"
	}
}
END
wrong 11 'the last section has no closing' <<'END'
event night {
	after a {
		memory = "1G"
	}
END
# What needs the shape before is judged by it.
{
	printf '%s' "$partitions"
	cat <<'END'
event swap {
	failover = "b"
	before a {
		cpus = "0"
	}
	before b {
		cpus = "1"
	}
	after a {
		cpus = "1"
	}
	after b {
		cpus = "0"
		memory = "1G"
	}
}
END
} >"$work/good.conf"
up --config="$work/good.conf"
try vcctl event fire nothing
matches "an event that is not there" "$out" "no event 'nothing'"
for args in 'event' 'event fire' 'event list swap' 'event explode swap'; do
	# shellcheck disable=SC2086 # words
	try vcctl $args
	is "exit status of vcctl $args" "$status" 2
done
matches "shown" "$(vcctl event show swap)" 'swap: failover of b; goes back by command'
down
