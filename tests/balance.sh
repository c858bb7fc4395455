#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# balance - the balancer parts two jobs that share a CPU, once, and then leaves them alone
. "${top_srcdir:=.}/tests/lib.sh"
requires python3

config() { # MODE
	printf 'balance = "%s"\npartition vc0 { cpus = "0" }\npartition vc1 { cpus = "1" }\n' "$1" \
		>"$work/vcrun.conf"
}

burn() { # NAME
	vcrun --on=vc0 --detach --name="$1" sh -c 'while :; do :; done' >/dev/null
}

parted() {
	[ "$(vcstat jobs --json | json "len({j['partition'] for j in d['jobs']})")" = 2 ]
}

advised() {
	[ "$(vcstat jobs --json | json "[j['advice'] for j in d['jobs'] if j['advice']] != []")" = True ]
}

moves() {
	vcstat moves --json | json "len(d['moves'])"
}

# Waits as wait_for does. Where something foreign keeps the other CPU busy, the balancer is right to move
# nothing.
wait_unless_busy() { # COMMAND
	until=$(($(date +%s) + ${VC_TEST_PATIENCE:-60}))
	until "$1"; do
		busy=$(vcstat partitions --json | json "int(d['partitions'][1]['cpu_pct'])")
		[ "$(date +%s)" -lt "$until" ] || [ "$busy" -lt 20 ] ||
			skip "something else keeps CPU 1 busy ($busy %)"
		[ "$(date +%s)" -lt $((until + 60)) ] || fail "waited in vain for: $1"
		sleep 0.2
	done
}

config advise
up --config="$work/vcrun.conf"
burn a
burn b
wait_unless_busy advised
stays "moves when asked for advice only" 3 0 moves
down --force

config on
up --config="$work/vcrun.conf"
burn a
burn b
wait_unless_busy parted
stays "moves under a steady load" 3 1 moves
is "states" "$(vcstat jobs --json | json "{j['state'] for j in d['jobs']}")" "{'running'}"
down --force

config sometimes
try vcctl up --config="$work/vcrun.conf"
is "a mode that is none" "$status" 1
matches "a mode that is none" "$out" 'vcrun.conf:1: .*off, advise or on'
