#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# policy-stats - policies place and move jobs as their claims say, by the kernel's own figures
#
# Each policy decides 24 placements and as many moves; VCRUN_POLICY_RUNS or an argument says
# otherwise: 200 for a longer run.
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"

memory=512
for partition in a:0 b:1 c:0-1; do
	printf 'partition %s {\n\tcpus = "%s"\n\tmemory = "%sM"\n\texclusive = false\n}\n' \
		"${partition%:*}" "${partition#*:}" $memory
done >"$work/three.conf"
up --config="$work/three.conf"
python3 "$top_srcdir/tests/policy-stats.py" "${1:-${VCRUN_POLICY_RUNS:-$((24 * test_rounds))}}" "$state" $memory ||
	fail "policies, see above"
down
