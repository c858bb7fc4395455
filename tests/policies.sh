#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# policies - each policy places through vcrun as its name says
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-policy.sh"
requires python3
up

for policy in leastcpu leastmem parent notparent random roundrobin twochoices joinidle cost; do
	matches "$policy" "$(where $policy)" '^vc[01]$'
done

is "parent, from outside" "$(where parent)" vc0
is "notparent, from outside" "$(where notparent)" vc1
# From inside: the program's own partition, or the other one.
inside() { # PARTITION POLICY
	vcrun --on="$1" vcrun --policy="$2" cat /proc/self/cgroup | sed -n 's|.*/\(vc[0-9]\)/.*|\1|p' | sort -u
}
is "parent, from vc1" "$(inside vc1 parent)" vc1
is "notparent, from vc1" "$(inside vc1 notparent)" vc0
is "notparent, from vc0" "$(inside vc0 notparent)" vc1

first=$(where roundrobin)
second=$(where roundrobin)
third=$(where roundrobin)
[ "$first" != "$second" ] || fail "roundrobin: twice in $first"
is "roundrobin: the third" "$third" "$first"

for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	where random
done >"$work/random"
is "random: partitions that 20 fell on" "$(sort -u "$work/random" | wc -l)" 2

# One partition holds memory: leastmem takes the other.
vcrun --on=vc1 --name=holds python3 -c '
import time
memory = bytearray(300 << 20)
time.sleep(1000)' &
holds=$!
wait_for loads "p[1]['mem_used_bytes'] > 250 << 20"
is "leastmem while vc1 holds 300 MiB" "$(where leastmem)" vc0
kill $holds
wait $holds || :

try vcrun --policy=no-such-policy true
is "a policy that does not exist" "$status" 125
matches "a policy that does not exist" "$out" 'no-such-policy'
down
