#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-preload-stress - stress-ng's IPC stressors verify mapped IPC while they are moved
#
# Two of each run at a time, in different partitions, and each is moved once a second.
# VC_STRESS_SECONDS: for how long each stressor runs, 4 when nothing is said.
. "${top_srcdir:=.}/tests/lib.sh"
requires_plain_build
. "$top_srcdir/tests/lib-move.sh"
requires stress-ng python3
up
seconds=${VC_STRESS_SECONDS:-$((4 * test_rounds))}

start() { # STRESSOR PARTITION
	mkdir -p "$work/$2"
	vcrun --ipc=map --on="$2" --name="$1-$2" stress-ng "--$1" 1 --verify --timeout "$seconds" \
		--temp-path "$work/$2" >"$work/$1-$2" 2>&1 &
}

# These do little else than open and unlink objects. A job that is asking its daemon in the very
# moment in which it is frozen is refused the move, and is asked again.
move_soon() { # NAME
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		vcmove --quiet --policy=notparent "$1" 2>"$work/move.err" && moved=$((moved + 1)) && return
		job "$1" state >/dev/null 2>&1 || return 0 # it has ended
		grep -q 'continues to run where it was' "$work/move.err" || break
	done
	fail "$1 was not moved: $(cat "$work/move.err")"
}

all=0
for stressor in mq sem sem-sysv msg shm shm-sysv; do
	begun=$(date +%s) moved=0
	start $stressor vc0
	one=$!
	start $stressor vc1
	other=$!
	sleep 1
	while [ $(($(date +%s) - begun)) -lt $((seconds - 1)) ] && alive $one && alive $other; do
		move_soon "$stressor-vc0"
		move_soon "$stressor-vc1"
		sleep 0.8
	done
	wait $one || fail "$stressor: exit status $?: $(tail -n 5 "$work/$stressor-vc0")"
	wait $other || fail "$stressor: exit status $?: $(tail -n 5 "$work/$stressor-vc1")"
	say "$stressor: moved $moved times"
	all=$((all + moved))
done
at_least "moves" $all 6
