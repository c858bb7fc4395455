#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# nginx - serves new connections all the time: none is refused, reset or slow to connect
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
. "$top_srcdir/tests/programs/lib-programs.sh"
requires nginx ab python3 setpriv
up

for uid in 0 $nobody; do
	dir=$(user_dir "$uid" "nginx-$uid")
	port=$(free_port)
	seq 1 500 >"$dir/index.html"
	cat >"$dir/conf" <<-END
		daemon off; worker_processes 2; pid $dir/pid; error_log $dir/error.log;
		$([ "$uid" != 0 ] || echo "user root;")
		events { worker_connections 256; }
		http {
			access_log off; client_body_temp_path $dir/t1; proxy_temp_path $dir/t2;
			fastcgi_temp_path $dir/t3; uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
			server { listen 127.0.0.1:$port backlog=512; root $dir; }
		}
	END
	as "$uid" vcrun --on=vc0 --name=nginx nginx -c "$dir/conf" 2>"$work/nginx.err" &
	server=$!
	wait_for ab -q -n 1 "http://127.0.0.1:$port/"
	# Longer than the moves take; each request is a connection of its own.
	ab -q -r -c 10 -t $((moves + 8)) -n 10000000 "http://127.0.0.1:$port/" >"$work/ab.out" 2>&1 &
	bench=$!
	bounce nginx "$uid" 0.2 alive $bench
	wait $bench || fail "ab: exit status $?: $(tail -n 5 "$work/ab.out")"
	is "failed requests" "$(sed -n 's/^Failed requests: *//p' "$work/ab.out")" 0
	end_job nginx $server QUIT
	show_moves "nginx, uid $uid, $(sed -n 's/^Complete requests: *//p' "$work/ab.out") connections"
	sed -n '/Connection Times/,/Total/p; / 100%/p; / 99%/p' "$work/ab.out"
done
