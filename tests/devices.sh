#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# devices - interrupts of a partition's device arrive on its CPUs, follow them, and go back on down
#
# The machine's own random number generator is the device: reading it interrupts, and
# nobody minds where.
. "${top_srcdir:=.}/tests/lib.sh"
requires python3 dd
[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"

# An interrupt that the generator raises; its line is the one that grows while it is read.
count() { # IRQ CPU
	awk -v irq="$1:" -v cpu="$2" '$1 == irq { print $(cpu + 2) }' /proc/interrupts
}
read_some() {
	dd if=/dev/hwrng of=/dev/null bs=64 count=100 >/dev/null 2>&1
}
read_some || skip "no random number generator to be read"
irq=$(awk '/virtio.*-input$/ { sub(":", "", $1); print $1 }' /proc/interrupts | head -n 1)
[ -n "$irq" ] || skip "the random number generator has no interrupt"
before=$(grep "^ *$irq:" /proc/interrupts)
read_some
[ "$before" != "$(grep "^ *$irq:" /proc/interrupts)" ] || skip "interrupt $irq is not the generator's"
origin=$(cat "/proc/irq/$irq/smp_affinity_list")

cat >"$work/two.conf" <<END
partition a {
	cpus = "0"
	devices = { "irq:$irq" }
}
partition b {
	cpus = "1"
}
END
# All that arrive while it is read arrive at one CPU; moving is lazy, so one may go astray.
arrive_at() { # CPU
	other=$((1 - $1))
	read_some
	here=$(count "$irq" "$1") there=$(count "$irq" $other)
	read_some
	at_least "interrupts $irq at CPU $1" $(($(count "$irq" "$1") - here)) 20
	at_most "interrupts $irq at CPU $other" $(($(count "$irq" $other) - there)) 0
}
up --config="$work/two.conf"
is "CPUs of interrupt $irq" "$(cat "/proc/irq/$irq/smp_affinity_list")" 0
arrive_at 0
vcstat devices >"$work/out" &
sleep 0.3
read_some
wait $!
matches "vcstat devices" "$(cat "$work/out")" "^irq:$irq +a +- +$irq .* 0:[0-9]+ +routed"

# They follow the CPUs.
vcctl set b --cpu=shared >/dev/null || fail "set b"
vcctl set a --cpus=1 >/dev/null || fail "set a"
is "CPUs of interrupt $irq" "$(cat "/proc/irq/$irq/smp_affinity_list")" 1
arrive_at 1
is "its owner" "$(vcstat devices --json | json "d['devices'][0]['owner'] + ' ' + str(d['devices'][0]['irqs'][0]['routed'])")" "a True"
down --force
is "CPUs of interrupt $irq after down" "$(cat "/proc/irq/$irq/smp_affinity_list")" "$origin"

wrong() { # LINE WHAT_IT_SAYS, the file on standard input
	cat >"$work/bad.conf"
	try vcctl up --config="$work/bad.conf"
	is "exit status for: $2" "$status" 1
	matches "message" "$out" "bad\.conf:$1: .*$2"
}
wrong 3 'no device block:nothere' <<'END'
partition a {
	cpus = "0"
	devices = { "block:nothere" }
}
END
wrong 3 'is no device: write' <<'END'
partition a {
	cpus = "0"
	devices = { "disk" }
}
END
wrong 7 'is owned by partitions' <<END
partition a {
	cpus = "0"
	devices = { "irq:$irq" }
}
partition b {
	cpus = "1"
	devices = { "irq:$irq" }
}
END
