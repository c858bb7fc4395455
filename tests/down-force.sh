#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# down-force - down --force ends whatever is there, even what is only being started
. "${top_srcdir:=.}/tests/lib.sh"
requires python3

# While many start: some run, some are on their way, some find nobody.
for pause in 0 0.02 0.05 0.1; do
	up
	i=0
	while [ $i -lt 40 ]; do
		(
			status=0
			vcrun sleep 1000 2>/dev/null || status=$?
			echo "$status" >>"$work/statuses"
		) &
		i=$((i + 1))
	done
	sleep $pause
	down --force
	wait
done
# A very slow machine may not end one within the time after which it is killed.
is "how the vcruns ended" "$(sort -u "$work/statuses" | grep -vxE '143|125|137')" ""
at_most "vcruns that had to be killed" "$(grep -cx 137 "$work/statuses")" 8
is "how many" "$(wc -l <"$work/statuses")" 160

# A program that does not listen to SIGTERM gets SIGKILL in the end; its children too.
up
vcrun --name=deaf sh -c 'trap "" TERM; sleep 1000 & sleep 1000; sleep 1000' &
wait_for job_is deaf state running
down --force
status=0
wait $! || status=$?
is "exit status of the program that was deaf" "$status" 137
