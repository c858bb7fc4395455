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

# Waits as wait_for; but where the other CPU is busy with something foreign, the balancer
# is right to move nothing.
wait_unless_busy() { # COMMAND
	for _ in $(seq 1 400); do
		"$1" && return
		sleep 0.2
	done
	busy=$(vcstat partitions --json | json "int(d['partitions'][1]['cpu_pct'])")
	[ "$busy" -lt 20 ] || skip "something else keeps CPU 1 busy ($busy %)"
	fail "waited in vain for: $1"
}

config advise
up --config="$work/vcrun.conf"
burn a
burn b
wait_unless_busy advised
sleep 4
is "moves when asked for advice only" "$(moves)" 0
down --force

config on
up --config="$work/vcrun.conf"
burn a
burn b
wait_unless_busy parted
sleep 5
is "moves under a steady load" "$(moves)" 1
is "states" "$(vcstat jobs --json | json "{j['state'] for j in d['jobs']}")" "{'running'}"
down --force

config sometimes
try vcctl up --config="$work/vcrun.conf"
is "a mode that is none" "$status" 1
matches "a mode that is none" "$out" 'vcrun.conf:1: .*off, advise or on'
