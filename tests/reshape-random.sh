#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# reshape-random - random changes under load; after each one a checker compares the kernel with the books
#
# VC_CHANGES: how many, 40 unless told; 1000 take some minutes. VC_SEED makes a run again.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-shape.sh"
requires python3
[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"

cat >"$work/three.conf" <<'END'
exclusive = false
partition a {
	cpus = "0"
	memory = "128M"
}
partition b {
	cpus = "1"
	memory = "128M"
}
partition c {
	cpus = "0-1"
	memory = "128M"
}
event turn {
	after a {
		memory = "64M"
		cpus = "1"
	}
	after b {
		memory = "192M"
		cpus = "0"
	}
	after c {
		memory-mode = "fixed"
	}
}
END
up --config="$work/three.conf"
for partition in a b c; do
	holder $partition 20
	group_of memory $partition >"$work/memory.$partition"
	group_of cpuset $partition >"$work/cpuset.$partition"
done

cat >"$work/changes.py" <<'END'
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
END
python3 "$work/changes.py" "$work" "$state" "${VC_CHANGES:-40}" || fail "see above"
for partition in a b c; do
	vcctl set $partition --memory=512M >/dev/null || fail "set $partition --memory=512M"
	holder_ends $partition
	in_time "longest pause of the job in $partition" "$pause" 1500
done
down --force
