#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# run-tty-jobs - a shell's job control works on vcrun as on any program, and so does a shell inside
. "${top_srcdir:=.}/tests/lib.sh"
requires python3 bash stty
up

export PYTHONPATH="$top_srcdir/tests" PYTHONDONTWRITEBYTECODE=1
cat >"$work/cases.py" <<'END'
import os
from terminal import Terminal, begin, equal, in_front, job_is, wait_until

begin("job control")
t = Terminal("bash", "--norc", "--noprofile", "-i")
t.wait(r"\$ ")
t.type("stty -a >before\n")
t.wait(r"\$ ")
sleeper = str(100000 + os.getpid())
t.type(f"vcrun --name=sleeper sleep {sleeper}\n")
in_front("sleep", sleeper)
job_is("sleeper", "running")
t.type("\x1a")
t.wait(r"Stopped.*vcrun")
t.wait(r"\$ ")
t.type("stty -a | diff before - && echo 'as be''fore'; vcstat jobs | grep -o stopped\n")
t.wait("as before\r\n")
t.wait("stopped\r\n")
t.type("fg\n")
t.wait(f"vcrun --name=sleeper sleep {sleeper}\r\n")
t.wait_for_command()
job_is("sleeper", "running")
t.type("\x1a")
t.wait(r"Stopped.*vcrun")
t.type("bg\n")
t.wait(r"\$ ")
job_is("sleeper", "running")
t.type("vcstat jobs | grep -o running; jobs\n")
t.wait("running\r\n")
t.wait(r"Running.*vcrun")
t.wait(r"\$ ")
t.type("fg\n")
t.wait(f"vcrun --name=sleeper sleep {sleeper}\r\n")
t.wait_for_command()
t.type("\x03")
t.wait(r"\$ ")
t.type("echo status=$?\n")
t.wait("status=130")
t.type("vcrun sh -c 'kill -TSTP $$; echo went on; exit 4'\n")
t.wait(r"Stopped.*vcrun")
t.type("fg\n")
t.wait("went on\r\n")
t.wait(r"\$ ")
t.type("echo status=$?; stty -a | diff before - && echo 'as be''fore'\n")
t.wait("status=4")
t.wait("as before")
t.wait(r"\$ ")
# In the background from the start: it may write, and waits for its turn to read.
t.type("vcrun --name=reader sh -c 'echo in the back''ground; read x; echo \"got $x\"' &\n")
t.wait("in the background")
t.type("echo still the she''ll\n")
t.wait("still the shell\r\n")
t.wait(r"\$ ")
t.type("fg\n")
t.wait("vcrun --name=reader sh")
t.wait_for_command()
job_is("reader", "running")
t.type("now\n")
t.wait("got now")
t.wait(r"\$ ")
t.type("exit\n")
t.status()

begin("an interactive shell inside")
t = Terminal("vcrun", "bash", "--norc", "--noprofile", "-i")
t.wait(r"\$ ")
t.type(f"sleep {sleeper}\n")
in_front("sleep", sleeper)
t.type("\x1a")
t.wait("Stopped")
t.type("kill %1; wait; echo inner=$?\n")
t.wait(r"inner=\d+")
t.type(f"sleep {sleeper}\n")
in_front("sleep", sleeper)
t.type("\x03")
t.wait(r"\$ ")
t.type("exit 6\n")
equal("exit status", t.status(), 6)

begin("a terminal that goes away")
t = Terminal("vcrun", "--name=hungup", "sh", "-c", "trap 'echo hup >hup; exit' HUP; echo ready; while :; do sleep 0.1; done")
t.wait("ready")
os.close(t.fd)
os.waitpid(t.pid, 0)
wait_until("SIGHUP", lambda: os.path.exists("hup"))
END
try python3 "$work/cases.py"
[ "$status" -eq 0 ] || fail "$out"
wait_for jobs_are 0
down
