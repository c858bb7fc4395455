#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-stdio - whatever the standard descriptors are, they are the same after a move
. "${top_srcdir:=.}/tests/lib.sh"
requires python3 script
up

# Echoes line for line, and at the end says what its descriptors are.
cat >"$work/echo.py" <<'END'
import os, stat, sys

def what(fd):
    s = os.fstat(fd)
    kind = "tty" if os.isatty(fd) else stat.filemode(s.st_mode)[0]
    return f"{kind}:{s.st_dev}:{s.st_ino}:{s.st_rdev}"

before = [what(i) for i in range(3)]
sys.stdout.write("ready\n")
sys.stdout.flush()
while True:
    line = sys.stdin.readline()
    if line in ("", "end\n"):
        break
    sys.stdout.write("<" + line)
    sys.stdout.flush()
after = [what(i) for i in range(3)]
print("same" if before == after else f"{before} {after}", flush=True)
END

move_twice() {
	vcmove --quiet echo --to=vc1 || fail "$1: not moved to vc1"
	vcmove --quiet echo --to=vc0 || fail "$1: not moved back"
}

expect() { # WHAT FILE LINE...
	what=$1 file=$2
	shift 2
	wait_for jobs_are 0
	is "$what" "$(tr -d '\r' <"$file")" "$(printf '%s\n' "$@")"
}

start() {
	vcrun --on=vc0 --name=echo python3 "$work/echo.py"
}

# Files: the offset goes with it, and what others append meanwhile stays.
seq 1 20000 >"$work/numbers"
echo end >>"$work/numbers"
cat >"$work/slow.py" <<'END'
import sys, time
for i, line in enumerate(sys.stdin):
    sys.stdout.write(line)
    if i % 200 == 0:
        sys.stdout.flush()
        time.sleep(0.01)
END
echo first >"$work/file"
vcrun --on=vc0 --name=echo python3 "$work/slow.py" <"$work/numbers" >>"$work/file" &
wait_for grep -qx 400 "$work/file"
move_twice "files"
wait $!
is "a file appended to" "$(cksum <"$work/file")" "$( (echo first; cat "$work/numbers") | cksum)"

# A file written to from the start, with an offset.
vcrun --on=vc0 --name=echo python3 "$work/slow.py" <"$work/numbers" >"$work/file" &
wait_for grep -qx 400 "$work/file"
move_twice "a file"
wait $!
is "a file" "$(cksum <"$work/file")" "$(cksum <"$work/numbers")"

# Named and unnamed pipes.
mkfifo "$work/fifo"
start <"$work/fifo" 2>&1 | cat >"$work/out" &
exec 3>"$work/fifo"
wait_for grep -q ready "$work/out"
echo one >&3
move_twice "pipes"
echo two >&3
exec 3>&-
expect "pipes" "$work/out" ready '<one' '<two' same

# /dev/null, and closed ones.
start </dev/null >"$work/out" 2>/dev/null
expect "/dev/null" "$work/out" ready same
vcrun --detach --on=vc0 --name=echo sleep 1000 <&- >&- 2>&-
move_twice "closed ones"
kill "$(job echo pid)"
wait_for jobs_are 0

# A socket pair, as inetd gives.
cat >"$work/pair.py" <<'END'
import socket, subprocess, sys
ours, theirs = socket.socketpair()
p = subprocess.Popen(["vcrun", "--on=vc0", "--name=echo", "python3", "echo.py"], stdin=theirs, stdout=theirs)
theirs.close()
f = ours.makefile("rw")
def hear(expected):
    line = f.readline().strip()
    if line != expected:
        sys.exit(f"socket pair: got {line!r}, expected {expected!r}")
def say(line):
    f.write(line + "\n")
    f.flush()
hear("ready")
say("one")
hear("<one")
for to in "vc1", "vc0":
    say("while it is moved")
    subprocess.run(["vcmove", "--quiet", "echo", "--to=" + to], check=True)
    hear("<while it is moved")
say("end")
hear("same")
sys.exit(p.wait())
END
try python3 "$work/pair.py"
[ "$status" -eq 0 ] || fail "socket pair: $out"

# A terminal.
mkfifo "$work/keys"
script -q -e -c "vcrun --on=vc0 --name=echo python3 $work/echo.py" "$work/typescript" <"$work/keys" >"$work/out" 2>&1 &
exec 3>"$work/keys"
wait_for grep -q ready "$work/out"
echo one >&3
wait_for grep -q '<one' "$work/out"
move_twice "a terminal"
echo two >&3
wait_for grep -q '<two' "$work/out"
echo end >&3
wait_for grep -q same "$work/out"
exec 3>&-
wait
down
