#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# flood - a user with many connections and expensive requests does not hold up another user
#
# Time is not measured, since the machine may be busy with something else. What is counted is how
# many messages of answers the flooder gets while another user runs some programs. A program makes
# several requests. Without turns between users, each of them waits for thousands of messages.
# The flooder is also served while a program starts and ends, so a busy machine gives it some hundred.
. "${top_srcdir:=.}/tests/lib.sh"
requires python3 setpriv
up
runs=10
most=$((runs * 1000))

# Some thousand moves of the flooder, and some jobs.
python3 - "$state/moves.jsonl" <<'END'
import json, sys

with open(sys.argv[1], "w") as file:
    for i in range(3000):
        print(json.dumps({"job": 100000 + i, "from": "vc0", "to": "vc1", "engine": "criu",
                          "result": "moved", "at": i, "uid": 65534, "steps_usec": {}}), file=file)
END
chmod 600 "$state/moves.jsonl"
for _ in 1 2 3 4 5 6 7 8 9 10; do
	as_user 65534 vcrun --detach --on=vc0 sleep 1000 >/dev/null
done

cat >"$work/flood.py" <<'END'
import selectors, socket, struct, sys

# In Status: partitions 1, jobs 2, moves 3, devices 70, regions 80.
KINDS = {
    "moves": b"\xf2\x01\x02\x18\x01",
    "jobs": b"\xf2\x01\x02\x10\x01",
    "everything": b"\xf2\x01\x0c\x08\x01\x10\x01\x18\x01\xb0\x04\x01\x80\x05\x01",
}
path, kind, count = sys.argv[1:]
requests = (struct.pack(">I", len(KINDS[kind])) + KINDS[kind]) * 50
selector = selectors.DefaultSelector()
buffers = {}
for _ in range(120):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    s.setblocking(False)
    selector.register(s, selectors.EVENT_READ | selectors.EVENT_WRITE)
    buffers[s] = b""
frames = 0
with open(count, "w") as file:
    while True:
        for key, events in selector.select():
            s = key.fileobj
            if events & selectors.EVENT_WRITE:
                try:
                    s.send(requests)
                except BlockingIOError:
                    pass
            if events & selectors.EVENT_READ:
                data = s.recv(1 << 20)
                assert data, "a connection was cut"
                data = buffers[s] + data
                while len(data) >= 4 and len(data) >= 4 + struct.unpack(">I", data[:4])[0]:
                    data = data[4 + struct.unpack(">I", data[:4])[0]:]
                    frames += 1
                buffers[s] = data
        file.seek(0)
        file.write(f"{frames:12}")
        file.flush()
END

frames() {
	tr -d ' ' <"$work/count"
}

for kind in moves jobs everything; do
	echo 0 >"$work/count"
	chmod 666 "$work/count"
	setpriv --reuid=65534 --regid=65534 --clear-groups \
		python3 "$work/flood.py" "$state/vc0/vcd.sock" $kind "$work/count" &
	flooder=$!
	wait_for sh -c '[ "$(tr -d " " <"$1")" -ge 50 ]' - "$work/count"
	before=$(frames)
	for _ in $(seq $runs); do
		as_user 65533 vcrun --on=vc0 true
	done
	got=$(($(frames) - before))
	say "$kind: the flooder got $got messages while $runs programs of another user ran"
	at_most "$kind: messages for the flooder meanwhile" "$got" $most
	# Root is served too.
	is "$kind: the partitions" "$(vcstat partitions --json | json "[p['state'] for p in d['partitions']]")" "['up', 'up']"
	kill -0 $flooder || fail "$kind: the flooder has ended"
	kill $flooder
	wait $flooder 2>/dev/null || :
done
is "the jobs" "$(vcstat jobs --json | json "len([j for j in d['jobs'] if j['uid'] == 65534])")" 10
is "the moves" "$(as_user 65534 vcstat moves --json | json "[m['job'] for m in d['moves']] == list(range(100000, 103000))")" True
is "the moves, for another user" "$(as_user 65533 vcstat moves --json | json "len(d['moves'])")" 0
down --force
