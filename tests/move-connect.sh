#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-connect - who connects to a job while it stands still waits for no longer than that
#
# The listening socket is there all the time: it takes the connection and what is sent, and the
# job answers when it runs again. Were the first packet lost, it would be sent again after 1 s.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3

cat >"$work/server.py" <<'END'
import socket
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(16)
print(server.getsockname()[1], flush=True)
while True:
    connection = server.accept()[0]
    connection.sendall(connection.recv(64).upper())
    connection.close()
END
cat >"$work/client.py" <<'END'
import socket, sys, time
begun = time.monotonic()
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20)
connected = time.monotonic() - begun
client.sendall(b"hello")
reply = client.recv(64).decode()
print(reply, int(connected * 1000), flush=True)
END
# The step waits for the connection, and so the whole of it falls into the standstill.
cat >"$work/hook" <<END
#!/bin/sh
[ "\$1" = commit ] || exit 0
python3 "$work/client.py" \$(cat "$work/port") >>"$work/replies" &
until ss -tnH state established "dport = :\$(cat "$work/port")" | grep -q .; do sleep 0.01; done
END
chmod 755 "$work/hook"
requires ss
export VCRUN_STEP_HOOK="$work/hook"
up
: >"$work/replies"
vcrun --on=vc0 --name=server python3 "$work/server.py" >"$work/port" &
wait_for test -s "$work/port"
for i in 1 2 3; do
	move server
	wait_for sh -c "[ \$(wc -l <'$work/replies') = $i ]"
done
while read -r reply msec; do
	is "the reply" "$reply" HELLO
	[ "$msec" -lt 900 ] || fail "connected after $msec ms: its first packet was lost"
done <"$work/replies"
down --force
