#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# etcd - puts, a lease that is kept alive and a watch: the watch sees each put once
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
. "$top_srcdir/tests/programs/lib-programs.sh"
requires etcd etcdctl python3 setpriv
up
export ETCDCTL_API=3

client() { # COMMAND...
	etcdctl --endpoints="http://127.0.0.1:$port" "$@"
}

for uid in 0 $nobody; do
	dir=$(user_dir "$uid" "etcd-$uid")
	port=$(free_port)
	peer=$(free_port)
	as "$uid" vcrun --on=vc0 --name=etcd etcd --data-dir "$dir/data" --name one \
		--listen-client-urls "http://127.0.0.1:$port" --advertise-client-urls "http://127.0.0.1:$port" \
		--listen-peer-urls "http://127.0.0.1:$peer" \
		--initial-advertise-peer-urls "http://127.0.0.1:$peer" \
		--initial-cluster "one=http://127.0.0.1:$peer" >"$work/etcd.log" 2>&1 &
	server=$!
	wait_for client endpoint health
	lease=$(client lease grant 10 | sed -n 's/^lease \([0-9a-f]*\) .*/\1/p')
	etcdctl --endpoints="http://127.0.0.1:$port" lease keep-alive "$lease" >"$work/lease.out" 2>&1 &
	keeper=$!
	client put --lease="$lease" leased yes >/dev/null
	etcdctl --endpoints="http://127.0.0.1:$port" watch count >"$work/watch.out" 2>&1 &
	watcher=$!
	sleep 0.5
	: >"$work/put.out"
	n=0
	while [ -d "$dir" ] && [ ! -e "$work/stop" ]; do
		n=$((n + 1))
		client put count $n >/dev/null 2>>"$work/put.err" && echo $n >>"$work/put.out"
	done &
	writer=$!
	gets_on "$work/put.out"
	bounce etcd "$uid" 0.2 gets_on "$work/put.out"
	: >"$work/stop"
	wait $writer
	rm "$work/stop"
	[ ! -s "$work/put.err" ] || fail "a put failed: $(head -n 3 "$work/put.err")"
	last=$(tail -n 1 "$work/put.out")
	wait_for grep -qx "$last" "$work/watch.out"
	awk '/^PUT/ { getline; getline; print }' "$work/watch.out" >"$work/numbers"
	counts_up "what the watch saw" "$work/numbers"
	is "puts that the watch saw" "$(lines_in "$work/numbers")" "$last"
	is "the leased key" "$(client get --print-value-only leased)" yes
	kill $keeper $watcher
	wait $keeper $watcher || :
	end_job etcd $server
	show_moves "etcd, uid $uid, $last puts"
done
