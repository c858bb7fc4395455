# SPDX-License-Identifier: LGPL-2.1-or-later
"""terminal.py - a terminal with a program in it: types, waits for what appears

The tests run-tty*.sh import it.
"""
import fcntl, glob, json, os, pty, re, select, struct, subprocess, sys, termios, time

PATIENCE_SEC = int(os.environ.get("VC_TEST_PATIENCE", "60"))
case = "?"


def begin(text):
    global case
    case = text



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

    def wait(self, pattern, seconds=PATIENCE_SEC):
        """Waits until the pattern appears, and forgets all up to its end."""
        end = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.seen)
            if found:
                self.seen = self.seen[found.end():]
                return found
            if time.monotonic() > end or not self.read(0.2) and self.over():
                sys.exit(f"{case}: expected {pattern!r}, got {self.seen!r}")

    def wait_for_command(self):
        """Waits until the shell in it has given the terminal to a command."""
        wait_until("a command", lambda: os.tcgetpgrp(self.fd) != self.pid)

    def over(self):
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)

    def status(self, seconds=PATIENCE_SEC):
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


def wait_until(what, condition):
    end = time.monotonic() + PATIENCE_SEC
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"{case}: waited in vain for {what}")
        time.sleep(0.05)


def in_front(*argv):
    """Waits until such a process is in the foreground of its terminal."""
    wanted = "\0".join(argv).encode() + b"\0"

    def is_there():
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                if open(path, "rb").read() == wanted:
                    stat = open(path.replace("cmdline", "stat")).read().rsplit(")", 1)[1].split()
                    if stat[2] == stat[5]:
                        return True
            except OSError:
                pass
        return False
    wait_until(f"{argv} in the foreground", is_there)


def job_is(name, state):
    """Waits until a job has that state."""
    def is_so():
        out = subprocess.run(["vcstat", "jobs", "--json"], capture_output=True, text=True).stdout
        return any(job["name"] == name and job["state"] == state for job in json.loads(out)["jobs"])
    wait_until(f"{name} to be {state}", is_so)
