#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-terminal-theft - a user's job whose terminal has the number of root's terminal, in a devpts of
# the user's own, does not come out of a move with root's terminal: it cannot type there
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3 setpriv unshare
requires_plain_build
as_user $nobody unshare -Urm true 2>/dev/null || skip "users cannot make namespaces here"
up
dir=$(user_dir $nobody theft)

cat >"$dir/owner.py" <<'END'
# Root's terminal, with root's session on it, and in that one a user's program that has inherited
# the terminal and no more, as from "su -c".
import fcntl, os, pty, signal, subprocess, sys, termios
master, slave = pty.openpty()
if os.fork():
    os.close(slave)
    signal.pause()
os.setsid()
os.close(master)
fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
child = subprocess.Popen(sys.argv[1:], stdin=slave, start_new_session=True)
print("root's terminal got", os.read(slave, 100), flush=True)
child.kill()
signal.pause()
END
cat >"$dir/double.py" <<'END'
# Makes a terminal of the same number in a devpts of its own, and hands both to the job.
import fcntl, os, signal, socket, sys, termios
number = os.minor(os.fstat(0).st_rdev)
masters = [os.open("/dev/pts/ptmx", os.O_RDWR | os.O_NOCTTY) for _ in range(number + 1)]
fcntl.ioctl(masters[number], 0x40045431, bytes(4))  # TIOCSPTLCK
slave = os.open("/dev/pts/%d" % number, os.O_RDWR | os.O_NOCTTY)
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen(1)
print("double", os.getpid(), flush=True)
socket.send_fds(server.accept()[0], [b"x"], [slave, 0])
os.close(slave)
signal.pause()
END
cat >"$dir/thief.py" <<'END'
# Has the double for a controlling terminal, but only root's terminal open.
import fcntl, os, signal, socket, sys, termios, time
if os.fork():
    signal.pause()
os.setsid()
sock = socket.socket(socket.AF_UNIX)
sock.connect(sys.argv[1])
double, roots = socket.recv_fds(sock, 1, 2)[1]
sock.close()
fcntl.ioctl(double, termios.TIOCSCTTY, 0)
os.close(double)
number = 0
while True:
    number += 1
    try:
        for key in b"command\n":
            fcntl.ioctl(roots, termios.TIOCSTI, bytes([key]))
        said = "typed"
    except OSError as error:
        said = error.strerror
    with open(sys.argv[2], "w") as out:
        print(number, said, file=out)
    time.sleep(0.02)
END

tries() {
	sed 's/ .*//' "$dir/out"
}

tries_are_past() { # NUMBER
	[ "$(tries)" -gt "$1" ]
}

python3 "$dir/owner.py" setpriv --reuid=$nobody --regid=$nobody --clear-groups unshare -Urm \
	sh -c 'mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts && exec python3 "$@"' \
	sh "$dir/double.py" "$dir/socket" >"$work/owner" 2>&1 &
owner=$!
wait_for grep -q "^double [0-9]" "$work/owner"
double=$(sed -n 's/double //p' "$work/owner")
as_user $nobody vcrun --detach --on=vc0 --name=thief python3 "$dir/thief.py" "$dir/socket" "$dir/out" >/dev/null
wait_for test -s "$dir/out"
# Where TIOCSTI is switched off nobody can type for others.
! grep -q "Input/output" "$dir/out" || skip "TIOCSTI is switched off"
matches "the thief before the move" "$(cat "$dir/out")" 'not permitted'
# Whether it moves does not matter.
try as_user $nobody vcmove --quiet --policy=notparent thief
say "vcmove: $status $out"
wait_for tries_are_past "$(($(tries) + 2))"
matches "the thief after the move" "$(cat "$dir/out")" 'not permitted'
! grep "root's terminal" "$work/owner" || fail "the thief has typed there"
vcctl kill --signal=KILL thief
# shellcheck disable=SC2046 # a list
kill "$double" $(pgrep -P $owner) $owner
