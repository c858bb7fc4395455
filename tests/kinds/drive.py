# SPDX-License-Identifier: LGPL-2.1-or-later
"""drive.py - runs the rows of tests/move-kinds as jobs, moves each twice and compares

drive.py DIRECTORY [ROW]...: DIRECTORY is the test's, with public/kinds and a directory rows/.
The instance is up. Prints a table "row, user, result, reason"; exit status 1 if one row is
neither as expected nor known to fail.

A row's result is one of
    moved      twice, and every description is as it was before
    refused    before the freeze, with a reason; the job runs on unchanged
    changed    moved, but a description differs
    lost       the job has ended, or answers no more
    returned, parked, failed    what the mover says; failed: after the freeze
    unstable   the description changes without a move: a fault of the row itself
    none       not to be had on this machine
"""

import concurrent.futures, difflib, glob, json, os, re, select, subprocess, sys, time

WORK, WANTED = sys.argv[1], sys.argv[2:]
KINDS = WORK + "/public/kinds"
USER = 65534
AT_A_TIME = int(os.environ.get("VCRUN_KINDS_JOBS", "4"))
PATIENCE_SEC = 30
STATUS = re.compile(r"(Umask|Uid|Gid|Groups|NStgid|SigQ|SigPnd|ShdPnd|SigBlk|SigIgn|SigCgt|Cap\w+|"
                    r"NoNewPrivs|Seccomp\w*|Speculation\w*|THP_enabled|untag_mask):\s*(.*)")
FDINFO = re.compile(r"(pos|flags|eventfd-count|eventfd-semaphore|sigmask|clockid|settime flags|seals):\s*(.*)")


class Lost(Exception):
    pass


class Absent(Exception):
    pass


def read(path):
    with open(path, errors="replace") as file:
        return file.read()


class Peer:
    """A process of the program kinds: the job, by way of vcrun, or the outsider."""

    def __init__(self, argv, cwd, log, uid):
        if uid:
            argv = ["setpriv", "--reuid=%d" % uid, "--regid=%d" % uid, "--clear-groups", "env",
                    "PATH=" + WORK + "/public:/usr/bin:/bin:/usr/sbin:/sbin"] + argv
        self.log = log
        self.process = subprocess.Popen(argv, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=open(log, "ab"), bufsize=0)

    def answer(self):
        text, end = b"", time.monotonic() + PATIENCE_SEC
        while not (text == b".\n" or text.endswith(b"\n.\n")):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise Lost("no answer for %d s; so far: %r" % (PATIENCE_SEC, text))
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                status = self.process.wait()
                if status == 77:
                    raise Absent(read(self.log).strip())
                raise Lost("ended, status %d: %s" % (status, read(self.log).strip()[-300:]))
            text += more
        return text.decode(errors="replace")[:-2]

    def ask(self):
        try:
            self.process.stdin.write(b"show\n")
        except BrokenPipeError:
            pass
        return self.answer()

    def end(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass


def command(*argv):
    try:
        done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=2 * PATIENCE_SEC)
    except subprocess.TimeoutExpired:
        raise Lost("no end in sight after %d s: %s" % (2 * PATIENCE_SEC, " ".join(argv)))
    return done.returncode, done.stdout, done.stderr.strip()


def children(pid):
    found = []
    for path in glob.glob("/proc/%d/task/*/children" % pid):
        try:
            found += [int(child) for child in read(path).split()]
        except OSError:
            pass
    return found


def parent(pid):
    return int(read("/proc/%d/stat" % pid).rsplit(")", 1)[1].split()[1])


def target(link):
    """A descriptor's text without numbers that are new in each life of the thing."""
    if link.startswith("/sys/fs/cgroup/"):
        # Its group's name has that of its partition in it.
        link = re.sub(r"/vc[01]/", "/PARTITION/", link)
    return re.sub(r"(pipe|socket|mnt|net|pid|ipc|uts|user|cgroup|time):\[\d+\]", r"\1", link)


def describe_fd(pid, fd):
    link = target(os.readlink("/proc/%d/fd/%s" % (pid, fd)))
    info = ["%s %s" % match.groups() for match in
            map(FDINFO.match, read("/proc/%d/fdinfo/%s" % (pid, fd)).splitlines()) if match]
    if re.match(r"/proc/\d+(/|$)", link):
        # CRIU opens these anew, and directories without O_DIRECTORY; see vcrun(7).
        info = ["flags %o" % (int(text[6:], 8) & ~0o300000) if text.startswith("flags") else text
                for text in info]
    return "  fd %s: %s, %s" % (fd, link, ", ".join(info))


def describe_process(pid):
    stat = read("/proc/%d/stat" % pid)
    name, fields = stat[stat.index("("):stat.rindex(")") + 1], stat.rsplit(")", 1)[1].split()
    # Parent, group, session, terminal, its foreground group; stopped or dead.
    lines = ["pid %d %s: ppid %s pgrp %s sid %s tty %s tpgid %s %s" %
             (pid, name, *fields[1:6], fields[0] if fields[0] in "ZTt" else "alive")]
    lines += ["  nice %s, policy %s, rt %s" % (fields[16], fields[38], fields[37])]
    if fields[0] == "Z":
        ids = re.findall(r"^[UG]id:.*", read("/proc/%d/status" % pid), re.M)
        return lines + ["  " + text for text in ids]
    lines += ["  %s" % match.group(0) for match in
              map(STATUS.match, read("/proc/%d/status" % pid).splitlines())
              if match and match.group(1) != "SigQ"]
    lines += ["  thread %s %s" % (tid, read("/proc/%d/task/%s/comm" % (pid, tid)).strip())
              for tid in sorted(os.listdir("/proc/%d/task" % pid), key=int)]
    for link in "exe", "cwd", "root":
        lines.append("  %s: %s" % (link, target(os.readlink("/proc/%d/%s" % (pid, link)))))
    for file in "limits", "oom_score_adj", "coredump_filter", "personality", "cmdline", "environ":
        text = read("/proc/%d/%s" % (pid, file)).strip()
        lines += ["  %s: %s" % (file, line) for line in text.splitlines()]
    for fd in sorted(os.listdir("/proc/%d/fd" % pid), key=int):
        try:
            lines.append(describe_fd(pid, fd))
        except FileNotFoundError:
            pass
    return lines


def describe_tree(root):
    """The job from the outside: of all processes what the kernel says."""
    lines, todo = [], [root]
    while todo:
        pid = todo.pop(0)
        lines += describe_process(pid)
        todo += sorted(children(pid))
    return "\n".join(lines) + "\n"


class Row:
    def __init__(self, line):
        self.name, self.users, self.refused, self.todo, self.outside = line.split("\t")

    def jobs(self):
        return [(self, uid) for uid in {"root": [0], "user": [USER], "both": [0, USER]}[self.users]]


class Run:
    """One row as one user."""

    def __init__(self, row, uid):
        self.row, self.uid = row, uid
        self.label = row.name if not uid else row.name + "-user"
        self.dir = "%s/rows/%s" % (WORK, self.label)
        self.log = self.dir + ".log"
        os.mkdir(self.dir)
        os.chown(self.dir, uid, uid)
        self.outsider = self.job = self.shim = self.root = None
        self.differs = []

    def start(self):
        if self.row.outside:
            self.outsider = Peer([KINDS, "outside", self.row.name], self.dir, self.log, self.uid)
            self.outsider.answer()
        self.job = Peer(["vcrun", "--on=vc0", "--name=" + self.label, KINDS, "victim", self.row.name],
                        self.dir, self.log, self.uid)
        self.job.answer()
        # The daemon learns of it from its shim, and the program may be faster.
        end = time.monotonic() + PATIENCE_SEC
        found = []
        while not found:
            if time.monotonic() > end:
                raise Lost("the daemon does not know the job")
            _, out, _ = command("vcstat", "jobs", "--json")
            found = [job for job in json.loads(out)["jobs"] if job["name"] == self.label]
        self.root = parent(found[0]["pid"])
        self.shim = parent(self.root)

    def describe(self, before=None):
        """Three texts. What was said before need not be so at once: a signal is on its way."""
        text = {"inside": self.job.ask(), "outsider": self.outsider.ask() if self.outsider else ""}
        end = time.monotonic() + 1
        while True:
            text["outside"] = describe_tree(self.root)
            if not before or text["outside"] == before["outside"] or time.monotonic() > end:
                return text
            time.sleep(0.02)

    def mover_descriptors(self, at_most):
        """How many it has; some may be about to be closed."""
        end = time.monotonic() + 2
        while True:
            count = len(os.listdir("/proc/%d/fd" % self.shim))
            if count <= at_most or time.monotonic() > end:
                return count
            time.sleep(0.01)

    def compare(self, before, after, when):
        for what in before:
            old, new = before[what].splitlines(), after[what].splitlines()
            self.differs += ["%s, %s: %s" % (when, what, line) for line in
                             difflib.unified_diff(old, new, lineterm="", n=0)
                             if not line.startswith(("---", "+++", "@@"))]
        return not self.differs

    def move(self, to):
        status, out, said = command("vcmove", "--json", "--to=" + to, self.label)
        if status == 0:
            return "moved", ""
        try:
            move = json.loads(out)
        except ValueError:
            return "failed", said
        result = move["result"]
        # Frozen, it would have been a little while.
        if result == "refused" and move["downtime_usec"]:
            result = "failed"
        return result, move["reason"]

    def look(self):
        self.start()
        self.describe()
        before = self.describe()
        if not self.compare(before, self.describe(before), "unmoved"):
            return "unstable", ""
        kept = 1 << 20
        for to in "vc1", "vc0":
            result, reason = self.move(to)
            if result in ("parked", "returned", "failed"):
                return result, reason
            if not self.compare(before, self.describe(before), result + " to " + to):
                return "changed", ""
            if result == "refused":
                return ("refused", reason) if to == "vc1" else ("changed", "second move: " + reason)
            now = self.mover_descriptors(kept)
            if now > kept:
                return "changed", "the mover has %d descriptors instead of %d" % (now, kept)
            kept = now
        return "moved", ""

    def end(self):
        """The program ends with its input; the rest is killed, and then the shim must end."""
        for peer in self.job, self.outsider:
            if peer:
                peer.end()
        if not self.job:
            return
        if not self.shim:
            self.job.process.kill()
            self.job.process.wait()
            return
        try:
            shim = os.pidfd_open(self.shim)
        except ProcessLookupError:
            return
        end = time.monotonic() + PATIENCE_SEC
        while not select.select([shim], [], [], 0.1)[0]:
            command("vcctl", "kill", "--signal=KILL", self.label)
            if time.monotonic() > end:
                raise Lost("the job does not end")
        os.close(shim)
        self.job.process.wait()
        if self.outsider:
            self.outsider.process.wait()

    def run(self):
        try:
            result, reason = self.look()
        except Absent as absent:
            result, reason = "none", str(absent)
        except (Lost, OSError, IndexError) as lost:
            result, reason = "lost", repr(lost)
        try:
            self.end()
        except Lost as lost:
            result, reason = "lost", str(lost)
        for line in read("/proc/self/mounts").splitlines():
            if line.split()[1].startswith(self.dir + "/"):
                command("umount", "-l", line.split()[1])
        return result, " ".join(reason.split())

    def verdict(self, result, reason):
        if result == "none":
            return "none"
        expected = "refused" if self.row.refused else "moved"
        good = result == expected and (not self.row.refused or re.search(self.row.refused, reason))
        if self.row.todo:
            return "TODO HOLDS" if good else "todo"
        return "ok" if good else "FAILED"


def main():
    rows = [Row(line) for line in command(KINDS, "list")[1].splitlines()]
    unknown = set(WANTED) - {row.name for row in rows}
    if unknown:
        sys.exit("no such row: %s" % " ".join(sorted(unknown)))
    runs = [Run(*job) for row in rows if not WANTED or row.name in WANTED for job in row.jobs()]
    count = {}
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        for run, (result, reason) in zip(runs, pool.map(Run.run, runs)):
            verdict = run.verdict(result, reason)
            count[verdict] = count.get(verdict, 0) + 1
            note = reason or (run.row.todo if verdict == "todo" else "")
            print("%-11s %-34s %-9s %s" % (verdict, run.label, result, note[:200]), flush=True)
            if verdict == "FAILED" or WANTED:
                for line in run.differs[:40 if WANTED else 12]:
                    print("              " + line[:300])
    print("%d rows: %s" % (len(runs), ", ".join("%d %s" % (n, what) for what, n in sorted(count.items()))))
    sys.exit(1 if count.get("FAILED") else 0)


main()
