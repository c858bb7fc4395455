#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-daemon - programs that daemonise, and orphans left behind, move with their job
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires redis-server redis-cli python3 setpriv
up

visit() {
	redis-cli -s "$dir/sock" incr visits >/dev/null
}

daemonise() { # UID
	dir=$(user_dir "$1" "daemon-$1")
	as "$1" vcrun --on=vc0 --name=daemon redis-server --port 0 --unixsocket "$dir/sock" \
		--dir "$dir" --pidfile "$dir/pid" --save '' --daemonize yes >"$work/redis.log" 2>&1
	wait_for redis-cli -s "$dir/sock" ping
	wait_for job_is daemon state lingering
	redis-cli -s "$dir/sock" set key "kept by $1" >/dev/null
	bounce daemon "$1" 0.1 visit
	is "what the daemon keeps" "$(redis-cli -s "$dir/sock" get key)" "kept by $1"
	is "visits" "$(redis-cli -s "$dir/sock" get visits)" $((2 * moves))
	is "the daemon's pid" "$(redis-cli -s "$dir/sock" info server |
		sed -n 's/^process_id:\([0-9]*\).*/\1/p')" "$(cat "$dir/pid")"
	redis-cli -s "$dir/sock" shutdown nosave
	wait_for jobs_are 0
	show_moves "redis-server --daemonize, uid $1"
}

# Three generations: the eldest ends at once, the middle one a little later.
# shellcheck disable=SC2016 # for the inner shells to expand
orphans='cd "$1"
	sh -c "sh -c \"while [ ! -e stop ]; do echo grandchild >>count; sleep 0.02; done\" & exec sleep 1" &
	(exec setsid sh -c "while [ ! -e stop ]; do echo session >>count2; sleep 0.02; done") &
	exit 7'

longer() { # FILE THAN
	[ "$(wc -l <"$1")" -gt "$2" ]
}

gets_on() {
	for file in count count2; do
		wait_for longer "$dir/$file" "$(wc -l <"$dir/$file")"
	done
}

orphan() { # UID
	dir=$(user_dir "$1" "orphan-$1")
	status=0
	as "$1" vcrun --on=vc0 --name=orphans sh -c "$orphans" - "$dir" || status=$?
	is "the eldest's exit status" "$status" 7
	wait_for job_is orphans state lingering
	wait_for test -s "$dir/count2" -a -s "$dir/count"
	bounce orphans "$1" 0.2 gets_on
	touch "$dir/stop"
	wait_for jobs_are 0
	show_moves "orphans, uid $1"
}

for uid in 0 $nobody; do
	daemonise "$uid"
	orphan "$uid"
done
