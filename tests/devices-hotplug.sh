#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# devices-hotplug - interrupts find their owner again when its CPU, or the device, has been away
#
# It takes a CPU and the random number generator from everybody on the machine for some
# seconds: only where that is nobody else's, as in tests/in-vm.
. "${top_srcdir:=.}/tests/lib.sh"
[ "${VC_TEST_HOTPLUG:-}" = 1 ] || [ "$(uname -n)" = in-vm ] ||
	skip "takes a CPU offline: set VC_TEST_HOTPLUG=1 where nobody minds"
[ "$(nproc)" -ge 3 ] || skip "needs three CPUs"
last=$(($(nproc) - 1))
switch=/sys/devices/system/cpu/cpu$last/online
[ -w "$switch" ] || skip "CPU $last cannot be taken offline"
driver=/sys/bus/virtio/drivers/virtio_rng
rng=$(basename "$(echo "$driver"/virtio*)")
[ -e "$driver/$rng" ] || skip "there is no virtio random number generator"
pci=$(basename "$(dirname "$(readlink -f "$driver/$rng")")")
trap 'echo 1 >"$switch"; [ -e "$driver/$rng" ] || echo "$rng" >"$driver/bind"' EXIT

cat >"$work/two.conf" <<END
exclusive = false
partition a {
	cpus = "$last"
	devices = { "pci:$pci" }
}
partition b {
	cpus = "0-1"
}
END
# Where the generator's interrupts may go, each list once.
places() {
	for irq in "/sys/bus/pci/devices/$pci/msi_irqs"/*; do
		cat "/proc/irq/${irq##*/}/smp_affinity_list"
	done | sort -u
}
up --config="$work/two.conf"
is "CPUs of the interrupts" "$(places)" "$last"
# With the last of the owner's CPUs the kernel sends them anywhere, and not back.
echo 0 >"$switch"
sleep 2
[ "$(places)" != "$last" ] || say "the kernel keeps interrupts at a CPU that is offline"
echo 1 >"$switch"
await "CPUs of the interrupts when the CPU is back" "$last" places
# A driver that comes again has new vectors, which may go anywhere.
echo "$rng" >"$driver/unbind"
sleep 2
echo "$rng" >"$driver/bind"
await "CPUs of the interrupts when the device is back" "$last" places
is "routed" "$(vcstat devices --json | json "{i['routed'] for v in d['devices'] for i in v['irqs']}")" "{True}"
down
