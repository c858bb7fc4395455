# SPDX-License-Identifier: LGPL-2.1-or-later
"""reshape-random.py - makes random changes, and compares the kernel with the books after each

reshape-random.py WORK STATE CHANGES, for tests/reshape-random.sh, which makes the files in WORK.
"""
import json, os, random, subprocess, sys, threading

work, state, changes = sys.argv[1], sys.argv[2], int(sys.argv[3])
seed = os.environ.get("VC_SEED") or str(random.randrange(10**9))
random.seed(seed)
names = "abc"
groups = {kind: {n: open(f"{work}/{kind}.{n}").read().strip() for n in names}
          for kind in ("memory", "cpuset")}
machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE")
pids = {n: int(open(f"{work}/holder-{n}.pid").read()) for n in names}
MIB = 1 << 20

def fail(text):
    print(f"failed: {text} (VC_SEED={seed})")
    os._exit(1)

def read(kind, name, *files):
    for file in files:
        try:
            return open(f"{groups[kind][name]}/{file}").read().strip()
        except FileNotFoundError:
            pass
    fail(f"none of {files} in {groups[kind][name]}")

def cpu_set(text):
    cpus = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        cpus |= set(range(int(first), int(last or first) + 1))
    return cpus

# All the time: no partition is ever without a CPU.
looks = 0
def watch():
    global looks
    while not done:
        for name in names:
            if not cpu_set(read("cpuset", name, "cpuset.cpus.effective", "cpuset.effective_cpus")):
                fail(f"{name} has no CPU")
        looks += 1

def kernel():
    return {n: (int(read("memory", n, "memory.max", "memory.limit_in_bytes").replace("max", str(1 << 62))),
                frozenset(cpu_set(read("cpuset", n, "cpuset.cpus"))),
                read("memory", n, "memory.swap.max", "memory.swappiness") == "0") for n in names}

def books():
    parts = json.load(open(state + "/instance.json"))["partitions"]
    return {p["name"]: (p["memory"], frozenset(cpu_set(p["cpus"])), p["memory-mode"] == "fixed")
            for p in parts}, {p["name"]: p["exclusive"] for p in parts}

def check(what):
    now, (wanted, exclusive) = kernel(), books()
    if now != wanted:
        fail(f"after {what}: the kernel has {now}, instance.json {wanted}")
    if sum(v[0] for v in now.values()) > machine:
        fail(f"after {what}: more memory than there is: {now}")
    for x in names:
        for y in names:
            if x < y and exclusive[x] and exclusive[y] and now[x][1] & now[y][1]:
                fail(f"after {what}: {x} and {y} both have CPUs {now[x][1] & now[y][1]} as their own")
        if not os.path.exists(f"/proc/{pids[x]}"):
            fail(f"after {what}: the job in {x} is gone")
        if "oom_kill_disable 1" in read("memory", x, "memory.oom_control", "memory.events"):
            fail(f"after {what}: the OOM killer of {x} still sleeps")
    if os.path.exists(state + "/reshape.journal"):
        fail(f"after {what}: a journal is left")
    return now

def change():
    if random.random() < 0.25:
        return ["event", random.choice(["fire", "revert"]), "turn", "--deadline=0.1"]
    options = []
    if random.random() < 0.7:
        options.append(f"--memory={random.choice([16, 48, 64, 96, 128, 192, 256])}M")
    if random.random() < 0.6:
        options.append(f"--cpus={random.choice(['0', '1', '0-1'])}")
    if random.random() < 0.4:
        options.append(f"--cpu={random.choice(['dedicated', 'shared', 'shared'])}")
    if random.random() < 0.4 or not options:
        options.append(f"--memory-mode={random.choice(['fixed', 'pageable'])}")
    return ["set", random.choice(names), "--deadline=0.1"] + options

done = False
watcher = threading.Thread(target=watch, daemon=True)
watcher.start()
made = refused = 0
before = check("up")
for i in range(changes):
    order = change()
    r = subprocess.run(["vcctl"] + order, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    what = f"change {i}, vcctl {' '.join(order)}: {r.stdout}"
    now = check(what)
    if r.returncode == 0:
        made += 1
    elif r.returncode != 1 or now != before:
        fail(f"{what} was refused ({r.returncode}), but the shape went from {before} to {now}")
    else:
        refused += 1
    before = now
done = True
print(f"{made} changes made, {refused} refused, {looks} looks at the CPUs")
if not made or not refused or not looks:
    fail("one of these never happened")
