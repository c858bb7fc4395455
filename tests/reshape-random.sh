#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# reshape-random - random changes under load; after each one a checker compares the kernel with the books
#
# VC_CHANGES: how many, 40 unless told; 1000 take some minutes. VC_SEED makes a run again.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-shape.sh"
requires python3
[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"

cat >"$work/three.conf" <<'END'
exclusive = false
partition a {
	cpus = "0"
	memory = "128M"
}
partition b {
	cpus = "1"
	memory = "128M"
}
partition c {
	cpus = "0-1"
	memory = "128M"
}
event turn {
	after a {
		memory = "64M"
		cpus = "1"
	}
	after b {
		memory = "192M"
		cpus = "0"
	}
	after c {
		memory-mode = "fixed"
	}
}
END
up --config="$work/three.conf"
for partition in a b c; do
	holder $partition 20
	group_of memory $partition >"$work/memory.$partition"
	group_of cpuset $partition >"$work/cpuset.$partition"
done

python3 "$top_srcdir/tests/reshape-random.py" "$work" "$state" "${VC_CHANGES:-$((40 * test_rounds))}" || fail "see above"
for partition in a b c; do
	vcctl set $partition --memory=512M >/dev/null || fail "set $partition --memory=512M"
	holder_ends $partition
	in_time "longest pause of the job in $partition" "$pause" 1500
done
down --force
