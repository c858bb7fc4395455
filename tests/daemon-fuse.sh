#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# daemon-fuse - a descriptor whose closing takes for ever holds up nobody but its owner
. "${top_srcdir:=.}/tests/lib.sh"
requires python3 setpriv

# A file system of one file, "file". It does not answer requests of the kinds given, by
# linux/fuse.h's numbers: 25 is what close() asks.
cat >"$work/fuse.py" <<'END'
import ctypes, os, struct, sys
where, deaf = sys.argv[1], [int(n) for n in sys.argv[2:]]
libc = ctypes.CDLL(None, use_errno=True)
try:
    dev = os.open("/dev/fuse", os.O_RDWR)
except OSError:
    dev = -1
options = b"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other" % dev
if dev < 0 or libc.mount(b"fuse", where.encode(), b"fuse", 0, options) < 0:
    print("none", flush=True)
    sys.exit()
print("mounted", flush=True)

def attributes(node):
    mode = 0o40777 if node == 1 else 0o100666
    return struct.pack("<6Q10I", node, 0, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

def answer(kind, node, body):
    if kind == 26:
        return struct.pack("<IIIIHHIIHHI28x", 7, 31, 0, 0, 8, 8, 4096, 1, 1, 0, 0)
    if kind == 1:
        return struct.pack("<QQQQII", 2, 0, 100, 100, 0, 0) + attributes(2)
    if kind in (3, 4):
        return struct.pack("<QII", 100, 0, 0) + attributes(node)
    if kind == 14:
        return struct.pack("<QII", 1, 0, 0)
    return b""

while True:
    request = os.read(dev, 1 << 17)
    _, kind, unique, node = struct.unpack_from("<IIQQ", request)
    if kind not in deaf and kind not in (2, 42):
        out = answer(kind, node, request[40:])
        # ENOSYS for what it has not.
        os.write(dev, struct.pack("<IiQ", 16 + len(out), 0 if out else -38, unique) + out)
END

# Sends the file in a message that nobody knows, and in a Run.
cat >"$work/attack.py" <<'END'
import array, os, socket, struct, sys
fd = os.open(sys.argv[2], os.O_RDWR)
for frame in b"\0\0\0\2\x1a\0", b"\0\0\0\x05\x62\x03\x0a\x01x":
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.connect(sys.argv[1])
    try:
        s.sendmsg([frame], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd] * 4))])
        print("sent", flush=True)
    except PermissionError:
        print("refused", flush=True)
print("done", flush=True)
os.close(fd)
END
up
mkdir "$work/mount"

# Not for long in any case: whoever reads the stat of a process that waits for the server in execve(2)
# waits with it, ps(1) for one.
serve() { # KIND
	rm -f "$work/fuse.out"
	timeout 10 python3 "$work/fuse.py" "$work/mount" "$1" >"$work/fuse.out" 2>&1 &
	server=$!
	wait_for test -s "$work/fuse.out"
	! grep -q none "$work/fuse.out" || skip "no FUSE file system can be mounted here"
}

# Whether the daemon serves others. What waits for the server fails when that has gone.
answers() { # WHAT PID
	answered=yes
	timeout 5 vcrun --on=vc0 true || answered=no
	kill $server
	wait "$2" 2>/dev/null || :
	umount "$work/mount"
	[ $answered = yes ] || fail "the daemon waits for $1"
}

attack() { # KIND
	serve "$1"
	as_user 65534 python3 "$work/attack.py" "$state/vc0/vcd.sock" "$work/mount/file" >"$work/attack.out" 2>&1 &
	attacker=$!
	wait_for grep -q 'done' "$work/attack.out"
	sleep 0.3
	answers "an answer to FUSE's request $1" $attacker
}
attack 25

# A job's process closes the file in execve(2).
serve 25
vcrun --on=vc0 python3 -c "import os; os.open('$work/mount/file', os.O_RDWR); print('exec', flush=True); os.execv('/bin/true', ['true'])" >"$work/exec.out" &
program=$!
wait_for grep -q exec "$work/exec.out"
sleep 0.6
answers "a process in execve()" $program

# Another user sends the file to a job that does not receive it: the move does not wait.
serve 25
mkdir -m 1777 "$work/meet"
cat >"$work/receiver.py" <<'END'
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
s.listen()
print("listens", flush=True)
c, _ = s.accept()
while True:
    time.sleep(1)
END
cat >"$work/sender.py" <<'END'
import array, os, socket, sys, time
fd = os.open(sys.argv[2], os.O_RDWR)
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
print("sent", os.getpid(), flush=True)
time.sleep(60)
END
as_user 65533 vcrun --on=vc0 --name=receiver python3 "$work/receiver.py" "$work/meet/socket" >"$work/receiver.out" &
receiver=$!
wait_for grep -q listens "$work/receiver.out"
as_user 65534 python3 "$work/sender.py" "$work/meet/socket" "$work/mount/file" >"$work/sender.out" &
sender=$!
wait_for grep -q sent "$work/sender.out"
try as_user 65533 timeout 5 vcmove receiver --to=vc1
kill $server "$(sed "s/sent //" "$work/sender.out")"
wait $sender 2>/dev/null || :
is "exit status of the move: $out" "$status" 1
matches "the refusal" "$out" 'of another user, or of an unknown one'
is "the job" "$(job receiver state)" running
vcctl kill receiver
wait $receiver || :
umount "$work/mount"
down
