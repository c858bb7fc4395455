#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# bench-lock - vcbench lock: the JSON has its shape, and its figures agree with each other
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
[ "$(nproc)" -ge 2 ] || skip "this machine has one CPU"

"$run" vcbench --quick --rounds=3 --works=mutex,ipcget,fork --json="$work/lock.json" \
	--report="$work/page.html" lock >"$work/lock.out" 2>&1 &
bench=$!
wait $bench || fail "vcbench lock: $(cat "$work/lock.out")"
is "what is left in memory" "$(find /dev/shm -maxdepth 1 -name "vcbench-$bench-*")" ""

cat >"$work/check.py" <<'END_OF_PYTHON'
import json, math, os, sys

d = json.load(open("lock.json"))["lock"]
cpus = os.cpu_count()
wrong = []


def same(a, b):
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return math.isclose(a, b, rel_tol=1e-9) if isinstance(a, float) else a == b


def is_(what, got, expected):
    if not same(got, expected):
        wrong.append(f"{what}: got {got!r}, expected {expected!r}")


def hodges_lehmann(values):
    logs = [math.log(v) for v in values]
    means = sorted((a + b) / 2 for i, a in enumerate(logs) for b in logs[i:])
    n = len(means)
    return math.exp((means[(n - 1) // 2] + means[n // 2]) / 2)


is_("cpus", d["cpus"], cpus)
is_("rounds", d["rounds"], 3)
is_("works", [w["work"] for w in d["works"]], ["mutex", "fork", "ipcget"])
for w in d["works"]:
    name = w["work"]
    cells = {(c["config"], c["domains"], c["threads"]): c for c in w["cells"]}
    wanted = [("one", 1, cpus), ("pinned", 1, 1), ("pinned", 1, cpus), ("vcrun", 1, cpus)]
    wanted += [(c, cpus, cpus) for c in ("split", "taskset", "vcrun")]
    is_(f"{name}: cells", [k for k in wanted if k not in cells], [])
    one = cells["one", 1, cpus]["rate"]["values"]
    for key, c in cells.items():
        rate, what = c["rate"], f"{name} {key}"
        # On a machine that is very busy a round of 50 ms may go by with nothing done.
        done = [v for v in rate["values"] if v]
        is_(f"{what}: rounds", (rate["n"], len(rate["values"])), (len(done), 3))
        if len(done) < 3 or not all(one):
            continue
        is_(f"{what}: level of three rounds", rate["level"], 0.75)
        is_(f"{what}: center", rate["center"], hodges_lehmann(rate["values"]))
        is_(f"{what}: the interval of three is the range", (rate["low"], rate["high"]),
            tuple(math.exp(math.log(f(rate["values"]))) for f in (min, max)))
        is_(f"{what}: within the range", rate["low"] <= rate["center"] <= rate["high"], True)
        is_(f"{what}: over one", c["over_one"]["center"],
            hodges_lehmann([a / b for a, b in zip(rate["values"], one)]))
        is_(f"{what}: percentiles in order",
            c["p50_usec"]["center"] <= c["p99_usec"]["center"] <= c["p999_usec"]["center"], True)
        is_(f"{what}: fairness", 1 / c["threads"] - 1e-9 <= c["jain"] <= 1 + 1e-9, True)
        is_(f"{what}: time", 0 <= c["wait_pct"] + c["blocked_pct"] + c["queue_pct"] <= 201, True)
    alone = cells["pinned", 1, 1]
    is_(f"{name}: fairness of one thread", alone["jain"], 1.0)
    is_(f"{name}: one thread waits for nobody", alone["wait_pct"], 0.0)
    gain = [g for g in w["gains"] if g["partitions"] == cpus][0]
    is_(f"{name}: gain", gain["over_one"], cells["vcrun", cpus, cpus]["over_one"])
    law = w["usl"]
    is_(f"{name}: law", (law["separable"], law["loss_cpus"]), (cpus > 2, cpus))
    is_(f"{name}: carried on", [f["cpus"] for f in law["further"]], [8, 64, 256])
    for f in law["further"]:
        is_(f"{name}: range at {f['cpus']}", 0 < f["one"]["low"] <= f["one"]["high"] <= f["cpus"], True)
sys.exit("\n".join(wrong) or 0)
END_OF_PYTHON
try python3 "$work/check.py"
[ "$status" -eq 0 ] || fail "$out"

# A page of its own: nothing is fetched, and the very figures are in it.
! grep -Eq '(src|href)="?(https?:|//)|@import|url\(' "$work/page.html" || fail "the page fetches something"
python3 - "$work/page.html" "$work/lock.json" <<'END_OF_PYTHON' || fail "the figures in the page are others"
import json, re, sys
page = open(sys.argv[1]).read()
inside = re.search(r'<script type="application/json" id="results">(.*?)</script>', page, re.S).group(1)
sys.exit(json.loads(inside) != json.load(open(sys.argv[2])))
END_OF_PYTHON
is "pictures" "$(grep -c '<svg viewBox="0 0 [13][68]0' "$work/page.html")" 7
"$run" vcbench --from="$work/lock.json" --report="$work/again.html" 2>/dev/null
cmp -s "$work/page.html" "$work/again.html" || fail "made again from the figures, the page differs"

try "$run" vcbench --works=nothing lock
is "a work that is not there" "$status" 1
matches "a work that is not there" "$out" 'no such work'
