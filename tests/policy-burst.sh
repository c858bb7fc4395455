#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# policy-burst - a hundred programs at once spread over equal partitions
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
up

# All between two samples of the load: only the reservations on the board tell them apart.
vcrun --policy=leastcpu true
sleep 1
i=0
while [ $i -lt 100 ]; do
	vcrun --policy=leastcpu sleep 1000 &
	i=$((i + 1))
done
wait_for jobs_are 100
here=$(vcstat jobs --json | json "sum(j['partition'] == 'vc0' for j in d['jobs'])")
at_least "jobs of 100 in vc0" "$here" 40
at_most "jobs of 100 in vc0" "$here" 60
say "$here of 100 in vc0"
down --force
wait
