#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-redis - redis-server moves under redis-benchmark: no connection notices
#
# The benchmark runs outside of the job and keeps its connections open, so each of
# them must survive. It increments one key: the sum tells whether every request was
# served, and none of them twice.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3 redis-server redis-benchmark redis-cli setpriv
up

# Benchmarks one after the other until the moves are done; each is a line in $work/benches.
round=50000
keep_busy() { # CONNECTION...
	until [ -e "$work/moved" ]; do
		redis-benchmark "$@" -n $round -c 20 -t incr -q >"$work/bench.out" 2>>"$work/bench.err" || exit
		echo >>"$work/benches"
	done
}

serve_and_move() { # UID WHAT CONNECTION...
	uid=$1
	what=$2
	shift 2
	dir=$(user_dir "$uid" "redis-$what-$uid")
	if [ "$what" = tcp ]; then
		port=$(free_port)
		set -- -p "$port"
		listen="--port $port"
	else
		set -- -s "$dir/sock"
		listen="--port 0 --unixsocket $dir/sock"
	fi
	# shellcheck disable=SC2086 # options
	as "$uid" vcrun --on=vc0 --name=redis redis-server $listen --dir "$dir" --save '' \
		>"$work/redis.log" 2>&1 &
	server=$!
	wait_for redis-cli "$@" ping
	rm -f "$work/moved" "$work/benches"
	keep_busy "$@" &
	bench=$!
	bounce redis "$uid" 0.3 alive $bench
	: >"$work/moved"
	wait $bench || fail "redis-benchmark: exit status $?: $(tail -c 500 "$work/bench.err")"
	[ ! -s "$work/bench.err" ] || fail "redis-benchmark: $(cat "$work/bench.err")"
	n=$(($(wc -l <"$work/benches") * round))
	is "sum of the increments" "$(redis-cli "$@" get 'counter:__rand_int__')" "$n"
	is "connections refused" "$(redis-cli "$@" info stats |
		sed -n 's/^rejected_connections:\([0-9]*\).*/\1/p')" 0
	redis-cli "$@" shutdown nosave
	wait $server || fail "redis-server: exit status $?: $(tail -n 5 "$work/redis.log")"
	show_moves "redis over $what, uid $uid, $n requests"
}

serve_and_move 0 unix
serve_and_move 0 tcp
serve_and_move $nobody unix
serve_and_move $nobody tcp
