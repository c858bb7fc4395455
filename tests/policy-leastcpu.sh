#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# policy-leastcpu - leastcpu places a program where less is going on
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-policy.sh"
requires python3
up

# One partition is kept busy: leastcpu takes the other. What else this machine does counts
# too, so this says something only while the other CPU has little to do.
vcrun --on=vc0 --name=busy sha256sum /dev/zero &
busy=$!
asked=0
for _ in $(seq 20); do
	sleep 0.3
	loads "p[0]['cpu_pct'] > 90 and p[1]['cpu_pct'] < 30" || continue
	got=$(where leastcpu)
	loads "p[0]['cpu_pct'] > 90 and p[1]['cpu_pct'] < 30" || continue
	is "leastcpu while vc0 is busy" "$got" vc1
	asked=$((asked + 1))
	[ $asked -lt 2 ] || break
done
kill $busy
wait $busy || :
down
[ $asked -gt 0 ] || skip "this machine is too busy to try leastcpu"
