#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# daemon-garbage - whatever comes through its socket, a daemon goes on
. "${top_srcdir:=.}/tests/lib.sh"
requires python3 setpriv
up
pid=$(vcctl list --json | json "d['partitions'][0]['daemon_pid']")
vcrun --detach --on=vc0 --name=bystander sleep 1000 >/dev/null

cat >"$work/garbage.py" <<'END'
import array, os, random, socket, struct, sys, time

PATH = sys.argv[1]
random.seed(4)


def talk(data, fds=()):
    """One connection; what the daemon answers does not matter, that it answers does not either."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(0.05)
    s.connect(PATH)
    try:
        s.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
        s.recv(65536)
    except (BrokenPipeError, ConnectionResetError, TimeoutError):
        pass
    except PermissionError:
        # The kernel is told that no descriptors are wanted.
        assert fds
    s.close()


def frame(body):
    return struct.pack(">I", len(body)) + body


for _ in range(300):
    talk(os.urandom(random.randrange(1, 200)))
for _ in range(300):
    talk(frame(os.urandom(random.randrange(0, 100))))
# Lengths that lie: none, more than is allowed, more than comes.
for length in (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, (8 << 20) + 1):
    talk(struct.pack(">I", length) + b"x" * 10)
# Every message by its tag, empty, and with a body cut short.
for field in range(1, 40):
    tag = field << 3 | 2
    head = bytes([tag & 0x7F | 0x80, tag >> 7]) if tag > 127 else bytes([tag])
    talk(frame(head + b"\0"))
    talk(frame(head + b"\x05ab"))
    talk(frame(head + b"\x02\x0a\x7f"))
# Descriptors that nobody asked for.
null = os.open("/dev/null", os.O_RDWR)
for n in (1, 4, 8, 9, 250):
    talk(frame(b"\x1a\0"), [null] * n)
    talk(b"\0", [null] * n)

# Programs without descriptors, with too few of them, and with something else in their place.
for n in (0, 1, 3, 5, 8, 20):
    for body in (b"\xd2\x01\0", b"\xca\x01\0", b"\x82\x01\x02\x08\x0f", b"\xff"):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.settimeout(2)
        s.connect(PATH)
        s.sendall(frame(b"\x62\x06\x0a\x04true"))
        assert s.recv(7) == frame(b"\xca\x01\0"), "a shim should be ready"
        fds = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [null] * n))] if n else []
        s.sendmsg([frame(body)], fds)
        s.close()

# Many that say nothing, one that says half a word, one that never reads its answers.
idle = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(400)]
for s in idle:
    s.connect(PATH)
idle[0].send(b"\0\0")
deaf = idle[1]
deaf.settimeout(0.2)
ping = frame(b"\xf2\x01\x06\x08\x01\x10\x01\x18\x01")
try:
    for _ in range(200000):
        deaf.sendall(ping * 16)
except OSError:
    pass
print("done", flush=True)
time.sleep(1000)
END

attack() { # UID
	setpriv --reuid="$1" --regid="$1" --clear-groups \
		python3 "$work/garbage.py" "$state/vc0/vcd.sock" >"$work/attack-$1" 2>&1 &
	attacker=$!
	wait_for grep -q . "$work/attack-$1"
	is "what the attacker of uid $1 says" "$(cat "$work/attack-$1")" "done"
	is "a program meanwhile" "$(vcrun --on=vc0 echo runs)" runs
	kill $attacker
	wait $attacker || :
}
attack 0
attack 65534
is "the daemon's pid" "$(vcctl list --json | json "d['partitions'][0]['daemon_pid']")" "$pid"
wait_for jobs_are 1
is "the bystander's state" "$(job bystander state)" running
wait_for sh -c '[ "$(ls /proc/'"$pid"'/fd | wc -l)" -lt 60 ]'
most=60000
# A sanitizer keeps freed memory for a while.
grep -qa asan_init "$top_builddir/vcd" && most=250000
at_most "KiB that the daemon holds" "$(awk '/^VmRSS:/ { print $2 }' "/proc/$pid/status")" "$most"
down --force
