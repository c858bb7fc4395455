#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# up-config - a configuration file makes the partitions; a mistake in it is named by its line
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"

cat >"$work/good.conf" <<'END'
policy = "roundrobin"
exclusive = false
partition front {
	cpus = "0"
}
partition back {
	cpus = "1"
	memory = "512M"
}
END
up --config="$work/good.conf"
is "names" "$(vcctl list --json | json "[p['name'] for p in d['partitions']]")" "['front', 'back']"
is "memory of back" "$(vcctl list --json | json "d['partitions'][1]['memory_bytes']")" 536870912
# The kernel's word for it, not the daemon's.
cpus=$(vcrun --on=back grep Cpus_allowed_list /proc/self/status | tr -cd 0-9,-)
is "CPUs of a program in back" "$cpus" 1
# The configured policy is the one that counts: in turn.
first=$(vcrun sh -c 'grep Cpus_allowed_list /proc/self/status' | tr -cd 0-9,-)
second=$(vcrun sh -c 'grep Cpus_allowed_list /proc/self/status' | tr -cd 0-9,-)
is "two programs in turn" "$(printf '%s\n' "$first" "$second" | sort | tr '\n' ' ')" "0 1 "
down

wrong() { # LINE WHAT_IT_SAYS, the file on standard input
	cat >"$work/bad.conf"
	try vcctl up --config="$work/bad.conf"
	is "exit status for: $2" "$status" 1
	matches "message" "$out" "bad\.conf:$1: .*$2"
	[ ! -e "$state/instance.json" ] || fail "an instance is there, made of a file with a mistake"
}
wrong 3 'here there are' <<'END'
partition a {
	cpus = "0"
	memroy = "1G"
}
END
wrong 2 'CPU' <<'END'
partition a {
	cpus = "0-4000"
}
END
wrong 5 'same CPU' <<'END'
partition a {
	cpus = "0"
}
partition b {
	cpus = "0,1"
}
END
try vcctl up --config="$work/none.conf"
is "a file that is not there" "$status" 1
matches "a file that is not there" "$out" 'none\.conf.*No such file'
