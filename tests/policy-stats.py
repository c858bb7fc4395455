# SPDX-License-Identifier: LGPL-2.1-or-later
#
# policy-stats.py - counts where policies place and move jobs, and compares with the kernel's figures
#
#	policy-stats.py RUNS STATE_DIR MEMORY_MIB
#
# The instance has three partitions of so much memory: a on CPU 0, b on CPU 1, c on both. Where a job is, and what
# its partitions' CPUs and memory are used to, is read here from /proc and the groups; nothing of it
# is asked of vcrun.
import collections
import math
import os
import subprocess
import sys
import threading
import time

RUNS = int(sys.argv[1])
STATE = sys.argv[2]
MEMORY_MIB = int(sys.argv[3])
PARTS = ["a", "b", "c"]
CPUS = {"a": [0], "b": [1], "c": [0, 1]}
# What is allowed to a choice over the true minimum, in percent. CPU: a tick of 10 ms is 4 % of a
# sample. Memory: what the policy itself takes for equal, and a sample's age.
CPU_SLACK = 15
OWN_SLACK = 10
MEM_SLACK = 3
faults = []


def sh(*command, check=True):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    if check and done.returncode != 0:
        sys.exit(f"failed: {' '.join(command)}: status {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


# --- the kernel's figures ----------------------------------------------------------------

def group_dirs():
    """controller -> the directory of the instance's groups"""
    dirs = {}
    for line in open(os.path.join(STATE, "instance.json")):
        if '"cgroup-base"' in line:
            for group in line.split('"')[3].split(";"):
                controllers, _, mount, base = group.split("|")
                for controller in controllers.split(","):
                    dirs[controller] = f"{mount}/{base}"
    return dirs


DIRS = group_dirs()


def partition_of(text):
    """of a /proc/PID/cgroup"""
    for line in text.splitlines():
        parts = line.split("/")
        for i in range(len(parts) - 1):
            if parts[i] in PARTS and parts[i + 1].startswith("job-"):
                return parts[i]
    return None


def where_is(pid):
    return partition_of(open(f"/proc/{pid}/cgroup").read())


def read_stat(path):
    return {line.split()[0]: int(line.split()[1]) for line in open(path)}


def memory_pct(part):
    """in use: charged, and no page cache"""
    path = f"{DIRS['memory']}/{part}"
    stat = read_stat(f"{path}/memory.stat")
    if os.path.exists(f"{path}/memory.current"):
        used = int(open(f"{path}/memory.current").read()) - stat["slab_reclaimable"]
        used -= stat["inactive_file"] + stat["active_file"]
        limit = int(open(f"{path}/memory.max").read())
    else:
        used = int(open(f"{path}/memory.usage_in_bytes").read())
        used -= stat["total_inactive_file"] + stat["total_active_file"]
        limit = int(open(f"{path}/memory.limit_in_bytes").read())
    return 100 * used / limit


def cpu_usec(part):
    """by the jobs of a partition, so far"""
    if "cpuacct" in DIRS:
        return int(open(f"{DIRS['cpuacct']}/{part}/cpuacct.usage").read()) // 1000
    # On v2 every group counts it; "" is a hierarchy without controllers.
    return read_stat(f"{DIRS.get('', DIRS['cpuset'])}/{part}/cpu.stat")["usage_usec"]


class CpuWatch(threading.Thread):
    """Reads CPU times all the time, so that a choice can be judged afterwards."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen = []
        self.start()

    def run(self):
        while True:
            ticks = {}
            for line in open("/proc/stat"):
                word = line.split()
                if word[0].startswith("cpu") and word[0] != "cpu":
                    number = [int(n) for n in word[1:9]]
                    ticks[int(word[0][3:])] = (sum(number) - number[3] - number[4], sum(number))
            self.seen.append((time.monotonic(), ticks, {p: cpu_usec(p) for p in PARTS}))
            time.sleep(0.05)

    def pct(self, part, begin, end):
        """of a partition's CPUs, by anybody; and its own share of them"""
        seen = [s for s in self.seen if begin <= s[0] <= end]
        if len(seen) < 2:
            return 0, 0
        first, last = seen[0], seen[-1]
        busy = sum(last[1][c][0] - first[1][c][0] for c in CPUS[part])
        whole = sum(last[1][c][1] - first[1][c][1] for c in CPUS[part])
        own = (last[2][part] - first[2][part]) / 1e6 / (last[0] - first[0]) / len(CPUS[part])
        return 100 * busy / whole if whole else 0, 100 * own


# --- judging ------------------------------------------------------------------------------

def chi_square(counts, expected):
    return sum((n - e) ** 2 / e for n, e in zip(counts, expected))


def chi_square_tail(x, df):
    """The chance of so much or more: the regularised upper gamma function, by its series."""
    if x <= 0:
        return 1.0
    a, half = df / 2, x / 2
    term = total = 1 / a
    for i in range(1, 1000):
        term *= half / (a + i)
        total += term
    return max(0.0, 1 - total * math.exp(-half + a * math.log(half) - math.lgamma(a)))


def judge_even(what, counts, expected, df, limit):
    x = chi_square(counts, expected)
    p = chi_square_tail(x, df)
    print(f"{what}: {counts}: chi-square {x:.2f} with {df} degrees of freedom, p = {p:.3g}",
          flush=True)
    if p < limit:
        faults.append(f"{what}: {counts} are not even: p = {p:.3g}, expected at least {limit:g}")


def judge_hits(what, hits, of, apart):
    """apart: where the partitions differed by more than the slack, so that a choice could be wrong"""
    print(f"{what}: {hits} of {of} at the true minimum; {apart} could have missed it", flush=True)
    # A machine that is busy with other things changes between two looks at it.
    if hits < 0.95 * of:
        faults.append(f"{what}: {hits} of {of} at the true minimum, expected 95 % at least")


def judge_errors(what, errors, of):
    print(f"{what}: {errors} errors of {of}", flush=True)
    if errors:
        faults.append(f"{what}: {errors} of {of} are wrong, expected none")


# --- placing and moving -------------------------------------------------------------------

def place(policy):
    return partition_of(sh("vcrun", f"--policy={policy}", "cat", "/proc/self/cgroup"))


class Job:
    def __init__(self, *options, command=("sleep", "100000")):
        self.id = sh("vcrun", "--detach", *options, *command).strip()
        for line in open(os.path.join(STATE, "jobs", self.id, "job.json")):
            self.pid = int(line.split('"pid":')[1].split(",")[0].strip("} \n"))

    def move(self, how):
        sh("vcmove", "--quiet", how, self.id)
        return self.where()

    def where(self):
        return where_is(self.pid)

    def end(self):
        sh("vcctl", "kill", "--signal=KILL", self.id)


def wait_for(what, condition, seconds=30):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            sys.exit(f"failed: waited in vain for {what}")
        time.sleep(0.05)


def others(part):
    return [p for p in PARTS if p != part]


def even_places():
    for policy in ("random", "roundrobin"):
        where = collections.Counter(place(policy) for _ in range(RUNS))
        counts = [where[p] for p in PARTS]
        judge_even(f"{policy}, placements", counts, [RUNS / 3] * 3, 2, 1e-6)
        if policy == "roundrobin" and max(counts) - min(counts) > 1:
            faults.append(f"roundrobin, placements: {counts} differ by more than 1")


def even_moves():
    for policy in ("random", "roundrobin"):
        job = Job("--on=a")
        went = collections.Counter()
        here = job.where()
        for _ in range(RUNS):
            there = job.move(f"--policy={policy}")
            went[here, there] += 1
            here = there
        job.end()
        counts, expected = [], []
        for source in PARTS:
            from_here = [went[source, target] for target in others(source)]
            counts += from_here
            expected += [max(sum(from_here), 1e-9) / 2] * 2
            if policy == "roundrobin" and abs(from_here[0] - from_here[1]) > 1:
                faults.append(f"roundrobin, moves out of {source}: {from_here} differ by more than 1")
        judge_even(f"{policy}, moves", counts, expected, 3, 1e-6)
        visits = [sum(went[s, t] for s in PARTS) for t in PARTS]
        if policy == "roundrobin" and min(visits) < RUNS // 3 - 1:
            faults.append(f"roundrobin, moves: {visits} into a, b, c: not all get their turn")


def with_busy(part):
    """One CPU is computed on; returns the job that does."""
    return Job(f"--on={part}", command=("sha256sum", "/dev/zero"))


def are_apart(figures, slack):
    return max(figures) > min(figures) + slack


def is_better(a, b):
    """Whether the first has less to do than the second, clearly: its CPUs, or, with as much on
    these, its own jobs."""
    return a[0] < b[0] - CPU_SLACK or (a[0] <= b[0] + 1 and a[1] < b[1] - OWN_SLACK)


def cpu_apart(watch, chosen, among, before, after):
    pct = [watch.pct(p, before - 0.5, after) for p in among]
    return any(is_better(a, b) for a in pct for b in pct)


def cpu_hit(watch, chosen, among, before, after):
    """Whether none was better, by what was measured up to the choice or across it."""
    for begin, end in ((before - 0.5, after), (before - 0.3, after + 0.3), (before - 1, after)):
        pct = {p: watch.pct(p, begin, end) for p in among}
        if not any(is_better(figures, pct[chosen]) for figures in pct.values()):
            return True
    print(f"  chose {chosen}, CPUs and own share in percent:",
          {p: (round(cpu), round(own)) for p, (cpu, own) in pct.items()}, flush=True)
    return False


def leastcpu():
    watch = CpuWatch()
    mover = Job("--on=c")
    choices = {"placements": [], "moves": []}
    for part in "a", "b":
        hog = with_busy(part)
        time.sleep(1.5)  # so long does it take until all figures are about this
        for _ in range(RUNS // 2):
            before = time.monotonic()
            chosen = place("leastcpu")
            choices["placements"].append((chosen, PARTS, before, time.monotonic()))
        for _ in range(RUNS // 2):
            among, before = others(mover.where()), time.monotonic()
            chosen = mover.move("--policy=leastcpu")
            choices["moves"].append((chosen, among, before, time.monotonic()))
        time.sleep(0.5)
        hog.end()
    if not watch.is_alive():
        faults.append("leastcpu: CPU times cannot be read")
    mover.end()
    for what, made in choices.items():
        hits = sum(cpu_hit(watch, *choice) for choice in made)
        apart = sum(cpu_apart(watch, *choice) for choice in made)
        judge_hits(f"leastcpu, {what}", hits, len(made), apart)


HOLD = "import sys, time; memory = b'x' * (int(sys.argv[1]) << 20); time.sleep(100000)"


def hold(part, pct):
    job = Job(f"--on={part}", command=("python3", "-c", HOLD, str(MEMORY_MIB * pct // 100)))
    wait_for(f"{part} to hold {pct} %", lambda: memory_pct(part) > pct - 2)
    return job


def memory_hit(chosen, figures):
    if figures[chosen] <= min(figures.values()) + MEM_SLACK:
        return True
    print(f"  chose {chosen}, memory in percent: { {p: round(v, 1) for p, v in figures.items()} }",
          flush=True)
    return False


def leastmem():
    hits, made, apart = (collections.Counter() for _ in range(3))

    def count(what, chosen, figures):
        hits[what] += memory_hit(chosen, figures)
        apart[what] += are_apart(figures.values(), MEM_SLACK)
        made[what] += 1

    for shares in (75, 0, 25), (0, 25, 75), (25, 75, 0):
        holders = [hold(p, share) for p, share in zip(PARTS, shares) if share]
        mover = Job("--on=c")
        time.sleep(1)
        for _ in range(RUNS // 3 + 1):
            figures = {p: memory_pct(p) for p in PARTS}
            count("placements", place("leastmem"), figures)
        # Tiny jobs that stay.
        tiny = []
        for _ in range(RUNS // 3 + 1):
            figures = {p: memory_pct(p) for p in PARTS}
            tiny.append(Job("--policy=leastmem"))
            count("placements of jobs that stay", tiny[-1].where(), figures)
        for _ in range(RUNS // 3 + 1):
            figures = {p: memory_pct(p) for p in others(mover.where())}
            count("moves", mover.move("--policy=leastmem"), figures)
        for job in [*holders, *tiny, mover]:
            job.end()
        wait_for("memory to be given back", lambda: max(memory_pct(p) for p in PARTS) < 5)
    for what in made:
        judge_hits(f"leastmem, {what}", hits[what], made[what], apart[what])


def family():
    """The child of a job that moves about itself."""
    wrong, made = collections.Counter(), collections.Counter()
    for i in range(RUNS):
        home = PARTS[i % 3]
        for policy, right in ("parent", [home]), ("notparent", others(home)):
            went = partition_of(sh("vcrun", f"--on={home}", "vcrun", f"--policy={policy}", "cat",
                                   "/proc/self/cgroup"))
            wrong[policy, "placements"] += went not in right
            made[policy, "placements"] += 1
    parent = Job("--on=a", command=("sh", "-c", "vcrun --detach --on=b --name=child sleep 100000; "
                                    "sleep 100000"))
    wait_for("the child", lambda: "child" in sh("vcstat", "jobs"))
    child = Job.__new__(Job)
    for line in sh("vcstat", "jobs").splitlines():
        if " child " in line:
            child.id, _, child.pid = line.split()[:3]
    home = "a"
    for i in range(RUNS):
        if i % 4 == 3:
            home = parent.move("--policy=roundrobin")
        away = others(home)[i % 2]
        if child.where() != away:
            child.move(f"--to={away}")
        wrong["parent", "moves"] += child.move("--policy=parent") != home
        made["parent", "moves"] += 1
        went = child.move("--policy=notparent")
        wrong["notparent", "moves"] += went == home
        made["notparent", "moves"] += 1
    for policy, what in made:
        judge_errors(f"{policy}, {what}", wrong[policy, what], made[policy, what])
    child.end()
    parent.end()


even_places()
even_moves()
leastcpu()
leastmem()
family()
for fault in faults:
    print(f"failed: {fault}")
sys.exit(bool(faults))
