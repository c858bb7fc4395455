#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# tail - tail -f, by inotify and by sleeping, prints each line once
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
. "$top_srcdir/tests/programs/lib-programs.sh"
requires tail python3 setpriv
up

append_one() {
	count=$((count + 1))
	echo $count >>"$dir/log"
	wait_for has_lines $count
}

has_lines() { # NUMBER
	[ "$(lines_in "$work/tail.out")" -eq "$1" ]
}

follow() { # UID OPTION...
	uid=$1
	shift
	dir=$(user_dir "$uid" "tail-$uid")
	: >"$dir/log"
	count=0
	as "$uid" vcrun --on=vc0 --name=tail tail "$@" -f "$dir/log" >"$work/tail.out" &
	job=$!
	wait_for job_is tail state running
	bounce tail "$uid" 0.05 append_one
	end_job tail $job
	counts_up "tail $*" "$work/tail.out"
	show_moves "tail $* -f, uid $uid"
}

for uid in 0 $nobody; do
	follow "$uid"
	follow "$uid" ---disable-inotify -s 0.3
done
