#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# bench-interfere - vcbench interfere: the JSON has its shape; interrupted, it keeps what it has
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
[ "$(nproc)" -ge 2 ] || skip "this machine has one CPU"

# A numad that is there: on one memory node it is not run, and that is said.
mkdir "$work/peers"
printf '#!/bin/sh\necho "$@" >>%s\n' "$work/numad.log" >"$work/peers/numad"
chmod +x "$work/peers/numad"
PATH="$work/peers:$PATH"

try "$run" vcbench --quick --rounds=1 --patience=2 --json="$work/interfere.json" interfere
[ "$status" -eq 0 ] || fail "vcbench interfere: $out"
cat >"$work/check.py" <<'END_OF_PYTHON'
import glob, json, math, sys

d = json.load(open("interfere.json"))["interfere"]
wrong = []


def is_(what, got, expected):
    if got != expected:
        wrong.append(f"{what}: got {got!r}, expected {expected!r}")


measured = 0
is_("victims", [v["victim"] for v in d["victims"]], ["ping", "compute"])
for v in d["victims"]:
    is_("noises", [n["noise"] for n in v["noises"]], ["hog", "storm", "io", "irq"])
    ways = [("alone", v["alone"], None)]
    alone = []
    for n in v["noises"]:
        is_("ways", [w["way"] for w in n["ways"]],
            ["alone", "together", "numad", "taskset", "systemd", "partitions"])
        is_("rounds", n["rounds"], 1)
        ways += [(f"{n['noise']} {w['way']}", w, n["ways"][0]) for w in n["ways"] if "unavailable" not in w]
        alone.append(n["ways"][0]["p99_usec"]["center"])
    pooled = math.exp(sum(map(math.log, alone)) / len(alone))
    is_("alone: the mean of the pairs", math.isclose(v["alone"]["p99_usec"]["center"], pooled), True)
    measured += len(ways) - 1
    for name, w, lone in ways:
        what = f"{v['victim']} {name}"
        p = [w[k]["center"] for k in ("p50_usec", "p99_usec", "p999_usec")]
        is_(f"{what}: percentiles in order", p == sorted(p) and p[0] > 0, True)
        is_(f"{what}: samples", w["p99_usec"]["n"], 1)
        if "p99_over_alone" in w:
            ratio = w["p99_usec"]["center"] / lone["p99_usec"]["center"]
            is_(f"{what}: over alone", abs(w["p99_over_alone"]["center"] / ratio - 1) < 1e-9, True)
noise = d["noise"]
is_("noise: measurements", noise["kept"], measured)
for key in "others_pct", "steal_pct":
    is_(f"noise: {key}", 0 <= noise[key]["median"] <= noise[key]["p90"] <= 110, True)
if noise["others_pct"]["p90"] > 20:
    is_("noise: some were noisy", noise["noisy"] > 0, True)
numad = d["victims"][0]["noises"][0]["ways"][2].get("unavailable", "")
if len(glob.glob("/sys/devices/system/node/node[0-9]*")) < 2:
    is_("numad on one node", numad, "this machine has one memory node, so it would do nothing")
    is_("numad: what was asked of it", open("numad.log").read(), "-V\n")
else:
    calls = open("numad.log").read().splitlines()
    is_("numad: started and ended", calls.count("-H 0 -i 1") == calls.count("-i 0") == 8, True)
sys.exit("\n".join(wrong) or 0)
END_OF_PYTHON
try python3 "$work/check.py"
[ "$status" -eq 0 ] || fail "$out"

# Interrupted: what was measured is kept, and nothing is left behind. Each measurement has one or
# two crews, and each crew a directory.
"$run" vcbench --quick --rounds=100 --json="$work/cut.json" --report="$work/cut.html" interfere \
	>"$work/cut.out" 2>&1 &
bench=$!
seen_crews() {
	find /dev/shm -maxdepth 1 -name "vcbench-$bench-*" >>"$work/crews"
	[ "$(sort -u "$work/crews" | wc -l)" -ge 5 ]
}
wait_for seen_crews
kill -INT $bench
wait $bench || :
{ [ -s "$work/cut.json" ] && [ -s "$work/cut.html" ]; } || fail "nothing was written: $(cat "$work/cut.out")"
at_least "values that were kept" "$(json "sum(w['p99_usec']['n'] for v in d['interfere']['victims']
	for n in v['noises'] for w in n['ways'] if 'p99_usec' in w)" <"$work/cut.json")" 1
is "what is left in memory" "$(find /dev/shm -maxdepth 1 -name "vcbench-$bench-*")" ""
