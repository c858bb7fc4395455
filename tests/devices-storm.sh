#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# devices-storm - thousands of interrupts of the machine's own network and disk arrive at their owner
#
# Network: echoes from the gateway, each a packet in and one out. Disk: direct reads of a file.
# What the kernel does not let be routed must be told, and arrive where it is told to.
. "${top_srcdir:=.}/tests/lib.sh"
requires python3 dd ip lsblk findmnt
[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"

link=$(ip -o -4 route show default | awk '{ print $5; exit }')
gateway=$(ip -o -4 route show default | awk '{ print $3; exit }')
cat >"$work/echoes" <<'END'
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.settimeout(1)
for i in range(int(sys.argv[2])):
    head = struct.pack("!BBHH", 8, 0, 4711, i)
    total = sum(struct.unpack("!3H", head))
    check = ~(total + (total >> 16)) & 0xffff
    s.sendto(head[:2] + struct.pack("!H", check) + head[2:], (sys.argv[1], 0))
    s.recv(200)
END
[ -n "$gateway" ] && python3 "$work/echoes" "$gateway" 10 2>/dev/null || gateway=
# The directory of this test may be in memory.
file=$top_builddir/devices-storm.$$
trap 'rm -f "$file"' EXIT
disk=$(lsblk -nso NAME,TYPE "$(findmnt -nvo SOURCE -T "$top_builddir")" 2>/dev/null | sed -n 's/[^a-z]*\([a-z0-9]*\) *disk$/\1/p' | head -n 1)
dd if=/dev/urandom of="$file" bs=1M count=8 conv=fsync 2>/dev/null
dd if="$file" of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null || disk=
[ -n "$gateway$disk" ] || skip "no gateway answers echoes, and no disk is read from here"

devices='' comma=''
for device in ${gateway:+"net:$link"} ${disk:+"block:$disk"}; do
	printf 'partition a {\ncpus = "0"\ndevices = { "%s" }\n}\n' "$device" >"$work/try.conf"
	vcctl up --config="$work/try.conf" >/dev/null 2>&1 || continue
	vcstat devices --json | json "len(d['devices'][0]['irqs'])" >"$work/n"
	down
	[ "$(cat "$work/n")" -gt 0 ] || continue
	devices="$devices$comma\"$device\"" comma=', '
done
[ -n "$devices" ] || skip "neither network nor disk has interrupts"
cat >"$work/two.conf" <<END
exclusive = false
partition a {
	cpus = "0"
	devices = { $devices }
}
partition b {
	cpus = "1"
}
END
cat /proc/irq/*/smp_affinity_list >"$work/before"

storm() { # DEVICE
	case $1 in
	net:*) vcrun --on=a python3 "$work/echoes" "$gateway" 2000 ;;
	block:*) vcrun --on=a dd if="$file" of=/dev/null bs=4k iflag=direct 2>/dev/null ;;
	esac
}
# "IRQ ROUTED EFFECTIVE" a line.
vectors() { # DEVICE
	vcstat devices --json | json "'\n'.join('%d %s %s' % (i['irq'], i['routed'], i['effective'])
		for v in d['devices'] if v['device'] == '$1' for i in v['irqs'])"
}
count() { # IRQ CPU
	awk -v irq="$1:" -v cpu="$2" '$1 == irq { print $(cpu + 2) }' /proc/interrupts
}
# All that arrive during a storm arrive where they are told to; moving is lazy, one may go astray.
arrive() { # DEVICE CPU
	storm "$1" || fail "a storm on $1"
	vectors "$1" >"$work/vectors"
	while read -r irq _ _; do
		echo "$irq $(count "$irq" 0) $(count "$irq" 1)"
	done <"$work/vectors" >"$work/counts"
	storm "$1"
	total=0
	while read -r irq routed effective; do
		grep "^$irq " "$work/counts" >"$work/line"
		read -r _ at0 at1 <"$work/line"
		at0=$(($(count "$irq" 0) - at0)) at1=$(($(count "$irq" 1) - at1))
		total=$((total + at0 + at1))
		say "$1, owner on CPU $2: interrupt $irq, routed: $routed, goes to $effective: $at0 at CPU 0, $at1 at CPU 1"
		[ "$routed" = False ] || effective=$2
		case $effective in
		0) at_most "interrupts $irq elsewhere than at CPU 0" $at1 1 ;;
		1) at_most "interrupts $irq elsewhere than at CPU 1" $at0 1 ;;
		esac
	done <"$work/vectors"
	at_least "interrupts of $1" $total 500
}
up --config="$work/two.conf"
for device in $(echo "$devices" | tr -d '",'); do
	arrive "$device" 0
done
vcctl set a --cpus=1 >/dev/null || fail "set a"
for device in $(echo "$devices" | tr -d '",'); do
	arrive "$device" 1
done
down
is "where interrupts go after down" "$(cat /proc/irq/*/smp_affinity_list)" "$(cat "$work/before")"
