#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# policy-memory - placements underway count by what was asked for, or what such jobs used before
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"

for partition in vc0:0 vc1:1; do
	printf 'exclusive = false\npartition %s {\n\tcpus = "%s"\n\tmemory = "512M"\n}\n' "${partition%:*}" "${partition#*:}"
done >"$work/two.conf"
up --config="$work/two.conf"

where() { # OPTION...
	vcrun "$@" cat /proc/self/cgroup | sed -n 's|.*/\(vc[0-9]\)/.*|\1|p' | sort -u
}
pending() { # PARTITION
	vcstat partitions --json |
		json "[round(p['pending_mem_bytes'] / 2**20) for p in d['partitions'] if p['name'] == '$1'][0]"
}
none_pending() {
	[ "$(pending vc0) $(pending vc1)" = "0 0" ]
}
used_at_least() { # NAME MIB
	[ "$(job "$1" rss_bytes)" -ge $(($2 << 20)) ]
}

# What is asked for is taken for used at once, and no more when the job has ended.
vcrun --detach --policy=leastmem --memory=300M --name=first sleep 1000 >/dev/null
second=$(where --policy=leastmem)
is "the one beside 300 MiB" "$second" "$([ "$(job first partition)" = vc0 ] && echo vc1 || echo vc0)"
vcctl kill --signal=KILL first >/dev/null
wait_for none_pending
# Where a partition is named it counts as well.
vcrun --detach --on=vc0 --memory=200M --name=named sleep 1000 >/dev/null
at_least "MiB pending in vc0" "$(pending vc0)" 100
vcctl kill --signal=KILL named >/dev/null
wait_for none_pending

# A program is known by what it used before, whatever it is called with the next time.
hold='import time, sys; memory = b"x" * (200 << 20); time.sleep(1000)'
vcrun --detach --on=vc0 --name=unknown python3 -c "$hold" >/dev/null
at_most "MiB pending of a program never seen" "$(pending vc0)" 1
wait_for used_at_least unknown 200
known() {
	vcrun --detach --on=vc1 --name=known python3 -c "$1" >/dev/null
	seen=$(pending vc1)
	vcctl kill --signal=KILL known >/dev/null
	wait_for none_pending
	[ "$seen" -ge 100 ]
}
wait_for known "$hold"
known 'import time; time.sleep(1000)' || fail "python3 with other arguments: $seen MiB pending"
vcctl kill --signal=KILL unknown >/dev/null

# A partition without room is none for it; neither placed nor moved there.
vcrun --detach --on=vc0 --name=half python3 -c "$hold" >/dev/null
wait_for used_at_least half 200
vcctl set vc1 --memory=128M >"$work/out" || fail "set: $(cat "$work/out")"
goes_to_vc0() {
	[ "$(where --policy=leastmem --memory=300M)" = vc0 ]
}
# Of 128M and 312M that are free; once the sample has it.
wait_for goes_to_vc0

for size in 0 max lots -5M 5X ''; do
	try vcrun --memory="$size" true
	is "status with --memory=$size" "$status" 125
	matches "with --memory=$size" "$out" "^vcrun: --memory=$size: write a size"
done
is "more than there is" "$(vcrun --memory=100000G echo runs)" runs
down --force
