#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# run-tty - on a terminal a program behaves as it would without vcrun
. "${top_srcdir:=.}/tests/lib.sh"
requires python3 bash stty
up

cat >"$work/terminal.py" <<'END'
"""A terminal with a program in it: types, waits for what appears."""
import fcntl, os, pty, re, select, signal, struct, sys, termios, time


class Terminal:
    def __init__(self, *argv, rows=24, cols=80):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="dumb", PS1="$ ", HISTFILE="/dev/null")
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
            os.execvp(argv[0], argv)

    def resize(self, rows, cols):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def type(self, text):
        os.write(self.fd, text.encode())

    def read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.seen += data.decode(errors="replace")
        return data != b""

    def wait(self, pattern, seconds=10):
        """Waits until the pattern appears, and forgets all up to its end."""
        end = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.seen)
            if found:
                self.seen = self.seen[found.end():]
                return found
            if time.monotonic() > end or not self.read(0.2) and self.over():
                sys.exit(f"{case}: expected {pattern!r}, got {self.seen!r}")

    def over(self):
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)

    def status(self, seconds=10):
        end = time.monotonic() + seconds
        while not self.over():
            self.read(0.05)
            if time.monotonic() > end:
                sys.exit(f"{case}: it does not end; got {self.seen!r}")
        while self.read(0):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def equal(what, got, expected):
    if got != expected:
        sys.exit(f"{case}: {what}: got {got!r}, expected {expected!r}")


case = "a terminal of its own"
t = Terminal("vcrun", "sh", "-c", "tty; stty size; test -t 0 && test -t 1 && test -t 2; exit $?", rows=33, cols=77)
t.wait(r"/dev/pts/\d+\r\n33 77\r\n")
equal("exit status", t.status(), 0)

case = "a new size"
t = Terminal("vcrun", "sh", "-c", "trap 'stty size' WINCH; echo ready; while :; do sleep 0.1; done")
t.wait("ready")
t.resize(50, 132)
t.wait("50 132")
t.type("\x03")
equal("exit status after Ctrl-C", t.status(), 130)

case = "keys"
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

case = "much output"
t = Terminal("vcrun", "seq", "1", "50000")
equal("exit status", t.status(), 0)
equal("lines", t.seen.split("\r\n"), [str(i) for i in range(1, 50001)] + [""])

case = "pipes and a terminal"
t = Terminal("sh", "-c", "echo piped | vcrun sh -c 'cat; test -t 0 || echo no; test -t 1 && echo yes'")
t.wait("piped\r\nno\r\nyes\r\n")
equal("exit status", t.status(), 0)
t = Terminal("sh", "-c", "vcrun sh -c 'read x; echo \"got $x\"; test -t 1 || echo no >&2' | tr a-z A-Z")
t.type("something\n")
t.wait("something\r\n")
t.wait("GOT SOMETHING\r\n|no\r\n")
t.wait("GOT SOMETHING\r\n|no\r\n")
equal("exit status", t.status(), 0)

case = "job control"
t = Terminal("bash", "--norc", "--noprofile", "-i")
t.wait(r"\$ ")
t.type("stty -a >before\n")
t.wait(r"\$ ")
t.type("vcrun --name=sleeper sleep 1000\n")
time.sleep(0.7)
t.type("\x1a")
t.wait(r"Stopped.*vcrun")
t.wait(r"\$ ")
t.type("stty -a | diff before - && echo 'as be''fore'; vcstat jobs | grep -o stopped\n")
t.wait("as before\r\n")
t.wait("stopped\r\n")
t.type("fg\n")
t.wait("vcrun --name=sleeper sleep 1000\r\n")
time.sleep(0.5)
t.type("\x1a")
t.wait(r"Stopped.*vcrun")
t.type("bg\n")
t.wait(r"\$ ")
time.sleep(0.3)
t.type("vcstat jobs | grep -o running; jobs\n")
t.wait("running\r\n")
t.wait(r"Running.*vcrun")
t.wait(r"\$ ")
t.type("fg\n")
time.sleep(0.5)
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
t.type("vcrun sh -c 'echo in the back''ground; read x; echo \"got $x\"' &\n")
t.wait("in the background")
t.type("echo still the she''ll\n")
t.wait("still the shell\r\n")
t.wait(r"\$ ")
t.type("fg\n")
t.wait("vcrun sh")
time.sleep(0.7)
t.type("now\n")
t.wait("got now")
t.wait(r"\$ ")
t.type("exit\n")
t.status()

case = "an interactive shell inside"
t = Terminal("vcrun", "bash", "--norc", "--noprofile", "-i")
t.wait(r"\$ ")
t.type("sleep 1000\n")
time.sleep(0.5)
t.type("\x1a")
t.wait("Stopped")
t.type("kill %1; wait; echo inner=$?\n")
t.wait(r"inner=\d+")
t.type("sleep 1000\n")
time.sleep(0.5)
t.type("\x03")
t.wait(r"\$ ")
t.type("exit 6\n")
equal("exit status", t.status(), 6)

case = "a terminal that goes away"
t = Terminal("vcrun", "--name=hungup", "sh", "-c", "trap 'echo hup >hup; exit' HUP; echo ready; while :; do sleep 0.1; done")
t.wait("ready")
os.close(t.fd)
os.waitpid(t.pid, 0)
end = time.monotonic() + 10
while not os.path.exists("hup"):
    if time.monotonic() > end:
        sys.exit(f"{case}: no SIGHUP within 10 s")
    time.sleep(0.1)
END
try python3 "$work/terminal.py"
[ "$status" -eq 0 ] || fail "$out"
wait_for jobs_are 0
down
