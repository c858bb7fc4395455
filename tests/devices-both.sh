#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# devices-both - each name of a device gives both: its interrupts arrive at the owner's CPU, and
# its nodes are denied to the others
#
# The device is the random number generator, by its node and by its PCI function.
. "${top_srcdir:=.}/tests/lib.sh"
requires python3 dd
[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"
[ -c /dev/hwrng ] || skip "there is no /dev/hwrng"
driver=/sys/bus/virtio/drivers/virtio_rng
rng=$(basename "$(echo "$driver"/virtio*)")
[ -e "$driver/$rng" ] || skip "there is no virtio random number generator"
pci=$(basename "$(dirname "$(readlink -f "$driver/$rng")")")
[ -d "/sys/bus/pci/devices/$pci/msi_irqs" ] || skip "the random number generator is at no PCI function"

# As the kernel has them.
irqs=$(ls "/sys/bus/pci/devices/$pci/msi_irqs")
node="c $(cat /sys/class/misc/hw_random/dev)"
# Where its interrupts go, each list once.
places() {
	for irq in $irqs; do
		cat "/proc/irq/$irq/smp_affinity_list"
	done | sort -u
}
reads() { # PARTITION
	vcrun --on="$1" dd if=/dev/hwrng of=/dev/null bs=16 count=1
}
# All that vcstat knows of the device: its interrupts, its nodes, whether others are kept off.
shown() {
	vcstat devices --json | json "[(v['device'], sorted(i['irq'] for i in v['irqs']), v['nodes'], v['denied'], all(i['routed'] for i in v['irqs'])) for v in d['devices']]"
}
both() { # DEVICE
	is "CPUs of $1's interrupts" "$(places)" 0
	is "vcstat of $1" "$(shown)" "[('$1', [$(echo "$irqs" | sort -n | paste -sd, | sed 's/,/, /g')], ['$node'], True, True)]"
	try reads a
	is "a job of the owner of $1 reads it: $out" "$status" 0
	try reads b
	matches "a job of another partition reads $1" "$out" 'not permitted'
}

for device in char:/dev/hwrng "pci:$pci"; do
	cat >"$work/two.conf" <<-END
		exclusive = false
		partition a {
			cpus = "0"
			devices = { "$device" }
		}
		partition b {
			cpus = "1"
		}
	END
	up --config="$work/two.conf"
	both "$device"
	vcctl set a --cpus=1 >/dev/null || fail "set a"
	is "CPUs of $device's interrupts after set" "$(places)" 1
	down
done

# Two names of the one: a conflict, whichever of the two it is seen by.
cat >"$work/bad.conf" <<END
partition a {
	cpus = "0"
	devices = { "char:/dev/hwrng" }
}
partition b {
	cpus = "1"
	devices = { "pci:$pci" }
}
END
try vcctl up --config="$work/bad.conf"
is "exit status for two owners of one device" "$status" 1
matches "message" "$out" "bad\.conf:7: .*in common"
