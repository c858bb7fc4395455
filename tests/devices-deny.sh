#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# devices-deny - the nodes of a partition's device are for its jobs and the sharers', root's too
#
# The device is a file of the test's own, by the loop driver.
. "${top_srcdir:=.}/tests/lib.sh"
requires python3 losetup mknod
[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"

truncate -s 1M "$work/disk"
loop=$(losetup -f --show "$work/disk") || skip "no loop device is free"
opens() { # PARTITION [NODE]
	vcrun --on="$1" dd if="${2:-$loop}" of=/dev/null bs=512 count=1
}
may() { # PARTITION...
	for partition; do
		try opens "$partition"
		is "a job of $partition opens $loop: $out" "$status" 0
	done
}
may_not() { # PARTITION...
	for partition; do
		try opens "$partition"
		matches "a job of $partition opens $loop" "$out" 'not permitted'
	done
}

cat >"$work/three.conf" <<END
exclusive = false
partition a {
	cpus = "0"
	devices = { "block:${loop#/dev/}" }
}
partition b {
	cpus = "1"
}
partition c {
	cpus = "1"
	share = { "block:${loop#/dev/}" }
}
END
up --config="$work/three.conf"
may a c
may_not b
is "vcstat devices" "$(vcstat devices | awk 'NR == 2 { $4 = ""; print }')" \
	"block:${loop#/dev/} a c  b $(lsblk -dno MAJ:MIN "$loop" | tr -d ' ') - - - denied to others"
is "its JSON" "$(vcstat devices --json | json "[(d['owner'], d['sharers'], d['denied']) for d in d['devices']]")" \
	"[('a', ['c'], True)]"

# Whoever is in no partition may; what he has open he may hand to a job.
dd if="$loop" of=/dev/null bs=512 count=1 2>/dev/null || fail "the system cannot open $loop any more"
vcrun --on=b dd of=/dev/null bs=512 count=1 <"$loop" 2>/dev/null || fail "what was open before is not"
# Another name of it is no way around, nor a node of one's own.
ln -s "$loop" "$work/name"
try opens b "$work/name"
matches "by another name" "$out" 'not permitted'
try vcrun --on=b mknod "$work/node" b "$(stat -c '0x%t' "$loop")" "$(stat -c '0x%T' "$loop")"
matches "by a node of its own" "$out" 'not permitted'

# Devices are given and taken while jobs run.
disk=block:${loop#/dev/}
matches "a dry run" "$(vcctl set c --share= --dry-run)" "^share of c: $disk -> none"
may a c
vcctl set c --share= >/dev/null
may_not b c
try vcctl set b --devices="$disk"
matches "two owners" "$out" 'is owned by partitions .*the other may share it'
try vcctl set b --share=block:nothere
matches "no such device" "$out" 'there is no device block:nothere'
vcctl set a --devices= >/dev/null
may a b c
vcctl set b --devices="$disk,char:/dev/full" >/dev/null
may b
may_not a c
try opens a /dev/full
matches "a second device" "$out" 'not permitted'
vcctl set b --devices= >/dev/null
vcctl set a --devices="$disk" --cpus=1 >/dev/null
may a
may_not b c
vcctl set c --share="$disk" >/dev/null
may a c

# A daemon's death changes nothing; who comes later is denied from the start.
kill -KILL "$(vcctl list --json | json "[p['daemon_pid'] for p in d['partitions'] if p['name'] == 'b'][0]")"
vcctl up >/dev/null
may_not b
vcctl add d --cpus=0 --devices=char:/dev/full >/dev/null
may_not d b
try opens b /dev/full
matches "the device of a partition that was added" "$out" 'not permitted'
# With its owner a device goes back to those that nobody denies it.
vcctl remove c >/dev/null
vcctl remove a >/dev/null
may b d
is "devices left" "$(vcstat devices --json | json "[v['device'] for v in d['devices']]")" "['char:/dev/full']"
down
losetup -d "$loop"

wrong() { # LINE WHAT_IT_SAYS, the file on standard input
	cat >"$work/bad.conf"
	try vcctl up --config="$work/bad.conf"
	is "exit status for: $2" "$status" 1
	matches "message" "$out" "bad\.conf:$1: .*$2"
}
wrong 4 'owns device .* itself' <<END
partition a {
	cpus = "0"
	devices = { "char:/dev/full" }
	share = { "char:/dev/full" }
}
END
wrong 3 'no device char:/dev/nothere' <<'END'
partition a {
	cpus = "0"
	share = { "char:/dev/nothere" }
}
END
wrong 3 'neither interrupts nor nodes' <<'END'
partition a {
	cpus = "0"
	devices = { "net:lo" }
}
END
# Two names of one thing.
ln -s /dev/full "$work/full"
ln -s "$work" "/dev/vcrun-test.$$"
trap 'rm -f "/dev/vcrun-test.$$"' EXIT
wrong 7 'have the node 1:7 in common' <<END
partition a {
	cpus = "0"
	devices = { "char:/dev/full" }
}
partition b {
	cpus = "1"
	devices = { "char:/dev/vcrun-test.$$/full" }
}
END
