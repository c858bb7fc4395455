# SPDX-License-Identifier: LGPL-2.1-or-later
"""claims.py - runs the commands of docs/CLAIMS.md, for tests/claims.sh

    claims.py PAGE list              the claims, and whether each has its row and its commands
    claims.py PAGE claims.conf       writes the page's configuration to that file
    claims.py PAGE run [CLAIM]...    runs them, in the instance of $VCRUN_STATE_DIR

A line "# command" in a block is given to a shell, one shell a block; the lines behind it are what
it must say, on standard output and error. "..." there is anything, a line of it alone any
number of lines; blanks count as one. "Needs: a, b." before a block are conditions of the
table below; a block whose conditions do not hold is skipped with the reason.
"""
import glob
import json
import os
import re
import signal
import subprocess
import sys
import time

PATIENCE_SEC = 300
CLAIMS = [("JP11085547", n) for n in range(1, 16)] + [("JP06110715", n) for n in range(1, 10)]


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def bases():
    """The instance's groups: controllers, version, directory."""
    text = json.loads(read(os.environ["VCRUN_STATE_DIR"] + "/instance.json"))["cgroup-base"]
    return [entry.split("|") for entry in text.split(";")]


def version(controller):
    return next(int(entry[1]) for entry in bases() if controller in entry[0].split(","))


def swap_free_kib():
    return int(re.search(r"SwapFree: +(\d+)", read("/proc/meminfo")).group(1))


def cpu_times(cpu):
    line = re.search(rf"^cpu{cpu} (.*)$", read("/proc/stat"), re.M).group(1)
    times = [int(word) for word in line.split()]
    return sum(times[:8]), times[3] + times[4]


def is_quiet(cpu):
    """Whether it has little to do now."""
    all_then, idle_then = cpu_times(cpu)
    time.sleep(0.5)
    all_now, idle_now = cpu_times(cpu)
    return idle_now - idle_then > 0.8 * (all_now - all_then)


def can_move():
    out = subprocess.run(["vcctl", "check", "--json"], capture_output=True, text=True).stdout
    return any(c["check"] == "criu" and c["verdict"] == "ok" for c in json.loads(out)["checks"])


NEEDS = {
    "cgroup v2": (lambda: version("memory") == 2 and version("cpuset") == 2, "cgroup v1 has memory and CPUs here"),
    "cgroup v1": (lambda: version("memory") == 1, "cgroup v2 has memory here"),
    "four CPUs": (lambda: os.cpu_count() >= 4, "this machine has fewer CPUs"),
    "two memory nodes": (lambda: len(glob.glob("/sys/devices/system/node/node[0-9]*")) >= 2,
                         "this machine has one memory node"),
    "swap": (lambda: swap_free_kib() >= 131072, "this machine has no 128 MiB of swap free"),
    "no swap": (lambda: swap_free_kib() == 0, "this machine has swap"),
    "a random number generator": (lambda: bool(glob.glob("/sys/bus/virtio/drivers/virtio_rng/virtio*/driver")) and
                                  os.path.exists("/dev/hwrng"), "this machine has no virtio random number generator"),
    "CRIU": (can_move, "vcctl check says that criu moves nothing here"),
    "a quiet CPU 1": (lambda: is_quiet(1), "others use CPU 1 now"),
    "python3 with shm_open()": (lambda: subprocess.run([sys.executable, "-c", "import _posixshmem"],
                                                       stderr=subprocess.DEVNULL).returncode == 0,
                                "this python3 has no shm_open()"),
}


class Block:
    def __init__(self, claim, needs):
        self.claim, self.needs, self.steps, self.line = claim, needs, [], 0

    def missing(self):
        return "; ".join(NEEDS[need][1] for need in self.needs if not NEEDS[need][0]())


class Page:
    def __init__(self, path):
        self.rows, self.blocks, self.unseen = {}, [], {}
        self.conf = self.words = ""
        patent, claim, needs, lines = None, None, [], iter(enumerate(open(path), 1))
        for number, line in lines:
            if match := re.match(r"## (?:Seeing )?(JP\d+)$", line):
                patent = match.group(1)
            elif match := re.match(r"### (JP\d+) claim (\d+)$", line):
                claim, needs = (match.group(1), int(match.group(2))), []
            elif match := re.match(r"\| \[(\d+)\]\(#(.*?)\) \|", line):
                if match.group(2) != f"{patent.lower()}-claim-{match.group(1)}":
                    sys.exit(f"line {number}: the row's link leads to {match.group(2)}")
                self.rows[patent, int(match.group(1))] = line
            elif match := re.match(r"This claim cannot be demonstrated: (.*)\.$", line):
                self.unseen[claim] = match.group(1)
            elif match := re.match(r"Needs: (.*)\.$", line):
                needs = match.group(1).split(", ")
                if unknown := [need for need in needs if need not in NEEDS]:
                    sys.exit(f"line {number}: nobody knows how to find out about: {', '.join(unknown)}")
            elif line.startswith("```"):
                body = []
                for _, inner in lines:
                    if inner == "```\n":
                        break
                    body.append(inner)
                if line == "```conf\n":
                    self.conf = "".join(body)
                elif line == "```sh\n":
                    self.words = "".join(body)
                else:
                    block = Block(claim, needs)
                    block.line = number
                    for inner in body:
                        if inner.startswith("# "):
                            block.steps.append((inner[2:], []))
                        else:
                            block.steps[-1][1].append(inner)
                    self.blocks.append(block)
                needs = []


def matches(got, wanted):
    """Whether lines are as they should be."""
    pattern = ""
    for line in wanted:
        words = " ".join(line.split())
        if words == "...":
            pattern += r"(?:.*\n)*"
        else:
            pattern += ".*".join(re.escape(part) for part in words.split("...")) + r"\n"
    return re.fullmatch(pattern, "".join(" ".join(line.split()) + "\n" for line in got)) is not None


class Shell:
    """One shell, that is given commands one by one."""

    def __init__(self, words):
        self.end = f"end of {os.getpid()}"
        self.process = subprocess.Popen(["sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self.ask(words)

    def ask(self, command):
        self.process.stdin.write(f"{command}\necho; echo '{self.end}'\n")
        self.process.stdin.flush()
        signal.alarm(PATIENCE_SEC)
        got = []
        for line in self.process.stdout:
            if line == self.end + "\n":
                signal.alarm(0)
                return got[:-1] if got[-1] == "\n" else got
            got.append(line)
        raise RuntimeError("the shell has ended")

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def jobs():
    out = subprocess.run(["vcstat", "jobs", "--json"], capture_output=True, text=True, check=True).stdout
    return [job["id"] for job in json.loads(out)["jobs"]]


def clear():
    """Ends what a block has left behind, and says whether it has. What is ending has 5 seconds."""
    for _ in range(50):
        if not (left := jobs()):
            return left
        time.sleep(0.1)
    for job in left:
        subprocess.run(["vcctl", "kill", "--signal=KILL", str(job)], stderr=subprocess.DEVNULL)
    while jobs():
        time.sleep(0.1)
    return left


def run(page, block):
    """None, or what is wrong."""
    shell = Shell(page.words)
    try:
        for command, wanted in block.steps:
            got = shell.ask(command)
            if not matches(got, wanted):
                return f"# {command}got:\n{''.join(got)}expected:\n{''.join(wanted)}"
        return None
    except (TimeoutError, RuntimeError) as error:
        return f"# {command}{error}"
    finally:
        shell.close()


def run_all(page, only):
    failed = False
    for claim in CLAIMS:
        name = f"{claim[0]} claim {claim[1]}"
        if only and name not in only:
            continue
        if claim in page.unseen:
            print(f"skipped: {name}: {page.unseen[claim]}", flush=True)
        for block in (block for block in page.blocks if block.claim == claim):
            where = f"{name} (line {block.line})"
            if missing := block.missing():
                print(f"skipped: {where}: {missing}", flush=True)
                continue
            wrong = run(page, block)
            left = clear()
            # What was there at the beginning may not be any more, such as quiet.
            if wrong and (missing := block.missing()):
                print(f"skipped: {where}: {missing}", flush=True)
            elif wrong or left:
                failed = True
                print(f"failed: {where}: {wrong or f'jobs were left behind: {left}'}", flush=True)
            else:
                print(f"seen: {where}", flush=True)
    return failed


def check(page):
    """Whether each claim has a row, and can be seen or says why not."""
    wrong = [f"{p} claim {n} has no row" for p, n in CLAIMS if (p, n) not in page.rows]
    wrong += [f"the row of {p} claim {n} is nobody's" for p, n in page.rows if (p, n) not in CLAIMS]
    for claim, row in page.rows.items():
        if row.count(" | ") != 3:
            wrong.append(f"the row of {claim[0]} claim {claim[1]} has not all columns")
        elif claim not in page.unseen and not re.search(r"`[a-z/-]+\.c:[a-z0-9_]+`", row):
            wrong.append(f"{claim[0]} claim {claim[1]} names no place in the code")
    seen = {block.claim for block in page.blocks} | set(page.unseen)
    wrong += [f"{p} claim {n}: nothing to be seen" for p, n in CLAIMS if (p, n) not in seen]
    wrong += [f"line {block.line}: nothing is looked at" for block in page.blocks
              if not any(wanted for _, wanted in block.steps)]
    return wrong


def on_alarm(*_):
    raise TimeoutError(f"not done after {PATIENCE_SEC} s")


def main():
    signal.signal(signal.SIGALRM, on_alarm)
    page = Page(sys.argv[1])
    if sys.argv[2] == "list":
        sys.exit("\n".join(check(page)) or 0)
    if sys.argv[2] == "run":
        sys.exit(run_all(page, sys.argv[3:]))
    with open(sys.argv[2], "w") as file:
        file.write(page.conf)


main()
