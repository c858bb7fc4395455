#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# devices-astray - interrupts that something moves away are sent back; irqbalance is told of
#
# The device is a virtio device's interrupt for changes of its configuration: it never comes.
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"

irq=$(awk '/virtio.*-config$/ { sub(":", "", $1); print $1 }' /proc/interrupts | tail -n 1)
[ -n "$irq" ] || skip "there is no virtio device"
file=/proc/irq/$irq/smp_affinity_list
origin=$(cat "$file")

cat >"$work/two.conf" <<END
partition a {
	cpus = "0"
	devices = { "irq:$irq" }
}
partition b {
	cpus = "1"
}
END
# A program of that name, with options as given. Its name is what it is found by.
cp "$(command -v sh)" "$work/irqbalance"
balance() { # OPTION...
	"$work/irqbalance" -c 'while :; do sleep 0.1; done' sh "$@" &
	balancer=$!
	wait_for grep -qx irqbalance "/proc/$balancer/comm"
}
found() {
	vcctl check --json | json "[(c['verdict'], c.get('remedy', '')) for c in d['checks'] if c['check'] == 'irqbalance']"
}

pgrep -x irqbalance >/dev/null && skip "irqbalance runs on this machine"
balance --banirq=99999
up --config="$work/two.conf"
matches "what up says" "$(cat "$work/up.out")" "warning: irqbalance runs .pid $balancer.* --banirq=$irq"'$'
matches "what check says" "$(found)" "warn.*--banirq=$irq'"
kill "$balancer"
wait "$balancer" 2>/dev/null || :
balance --banirq=99999 --banirq "$irq"
matches "what check says when it is told to keep off" "$(found)" "^..'ok', ''"
kill "$balancer"
wait "$balancer" 2>/dev/null || :
is "what check says when it is gone" "$(found)" "[('ok', '')]"

is "CPUs of interrupt $irq" "$(cat "$file")" 0
for astray in 1 0-1; do
	echo $astray >"$file"
	await "CPUs of interrupt $irq that was sent to $astray" 0 cat "$file"
done
# A change of the partitions is no going astray: the daemon does not send it back from there.
vcctl set b --cpu=shared >/dev/null || fail "set b"
vcctl set a --cpus=1 >/dev/null || fail "set a"
stays "CPUs of interrupt $irq after set" 2 1 cat "$file"
echo 0 >"$file"
await "CPUs of interrupt $irq that was sent to 0" 1 cat "$file"
matches "the log" "$(cat "$state/a/vcd.log")" 'sent to CPUs 1 again'
# Taken from its owner it goes where it was before, and given to another one, to that.
vcctl set a --devices= >/dev/null || fail "set a"
is "CPUs of interrupt $irq without an owner" "$(cat "$file")" "$origin"
vcctl set b --devices="irq:$irq" --cpus=0 >/dev/null || fail "set b"
stays "CPUs of interrupt $irq with its new owner" 2 0 cat "$file"
down
is "CPUs of interrupt $irq after down" "$(cat "$file")" "$origin"
