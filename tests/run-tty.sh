#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# run-tty - on a terminal a program behaves as it would without vcrun
. "${top_srcdir:=.}/tests/lib.sh"
requires python3 bash stty
up

export PYTHONPATH="$top_srcdir/tests" PYTHONDONTWRITEBYTECODE=1
cat >"$work/cases.py" <<'END'
from terminal import Terminal, begin, equal

begin("a terminal of its own")
t = Terminal("vcrun", "sh", "-c", "tty; stty size; test -t 0 && test -t 1 && test -t 2; exit $?", rows=33, cols=77)
t.wait(r"/dev/pts/\d+\r\n33 77\r\n")
equal("exit status", t.status(), 0)

begin("a new size")
t = Terminal("vcrun", "sh", "-c", "trap 'stty size' WINCH; echo ready; while :; do sleep 0.1; done")
t.wait("ready")
t.resize(50, 132)
t.wait("50 132")
t.type("\x03")
equal("exit status after Ctrl-C", t.status(), 130)

begin("keys")
t = Terminal("vcrun", "sh", "-c", "echo ready; exec cat")
t.wait("ready\r\n")
t.type("one\n")
t.wait("one\r\none\r\n")
t.type("two\x15three\n")  # Ctrl-U
t.wait("three\r\nthree\r\n")
t.type("\x04")
equal("exit status after Ctrl-D", t.status(), 0)
t = Terminal("vcrun", "sh", "-c", "trap 'echo quit' QUIT; stty -echo; echo ready; until read x; do :; done; echo \"[$x]\"")
t.wait("ready")
t.type("\x1c")
t.wait("quit")
t.type("secret\n")
t.wait(r"\[secret\]")
equal("what was shown of it", t.seen.count("secret"), 0)

begin("much output")
t = Terminal("vcrun", "seq", "1", "50000")
equal("exit status", t.status(), 0)
equal("lines", t.seen.split("\r\n"), [str(i) for i in range(1, 50001)] + [""])

begin("pipes and a terminal")
t = Terminal("sh", "-c", "echo piped | vcrun sh -c 'cat; test -t 0 || echo no; test -t 1 && echo yes'")
t.wait("piped\r\nno\r\nyes\r\n")
equal("exit status", t.status(), 0)
t = Terminal("sh", "-c", "vcrun sh -c 'read x; echo \"got $x\"; test -t 1 || echo no >&2' | tr a-z A-Z")
t.type("something\n")
t.wait("something\r\n")
t.wait("GOT SOMETHING\r\n|no\r\n")
t.wait("GOT SOMETHING\r\n|no\r\n")
equal("exit status", t.status(), 0)
END
try python3 "$work/cases.py"
[ "$status" -eq 0 ] || fail "$out"
wait_for jobs_are 0
down
