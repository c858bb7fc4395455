#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# tcpdump - captures through a mapped packet ring: each datagram is there once, also
# those that came while it stood still
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
. "$top_srcdir/tests/programs/lib-programs.sh"
requires tcpdump python3
up

port=$(free_port)
vcrun --on=vc0 --name=tcpdump "$(command -v tcpdump)" -Z root -i lo -U -n -l -A -s 0 \
	"udp and dst port $port" >"$work/capture" 2>"$work/tcpdump.err" &
job=$!
wait_for grep -q 'listening on' "$work/tcpdump.err"
python3 - "$port" "$work/stop" <<-'END' >"$work/sent" &
	import os, socket, sys, time
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	n = 0
	while not os.path.exists(sys.argv[2]):
	    n += 1
	    s.sendto(b"number %d." % n, ("127.0.0.1", int(sys.argv[1])))
	    time.sleep(0.005)
	print(n)
END
sender=$!
bounce tcpdump 0 0.1 gets_on "$work/capture"
: >"$work/stop"
wait $sender
wait_for grep -q "number $(cat "$work/sent")\\." "$work/capture"
end_job tcpdump $job INT
grep -o 'number [0-9]*\.' "$work/capture" | tr -dc '0-9\n' >"$work/numbers"
counts_up "what was captured" "$work/numbers"
is "datagrams" "$(lines_in "$work/numbers")" "$(cat "$work/sent")"
show_moves "tcpdump, $(cat "$work/sent") datagrams"
