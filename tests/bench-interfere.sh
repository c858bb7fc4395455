#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# bench-interfere - vcbench interfere: the JSON has its shape; interrupted, it keeps what it has
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
[ "$(nproc)" -ge 2 ] || skip "this machine has one CPU"

try "$run" vcbench --quick --rounds=1 --json="$work/interfere.json" interfere
[ "$status" -eq 0 ] || fail "vcbench interfere: $out"
cat >"$work/check.py" <<'END_OF_PYTHON'
import json, sys

d = json.load(open("interfere.json"))["interfere"]
wrong = []


def is_(what, got, expected):
    if got != expected:
        wrong.append(f"{what}: got {got!r}, expected {expected!r}")


is_("rounds", d["rounds"], 1)
is_("victims", [v["victim"] for v in d["victims"]], ["ping", "compute"])
for v in d["victims"]:
    is_("noises", [n["noise"] for n in v["noises"]], ["hog", "storm", "io", "irq"])
    ways = [("alone", v["alone"])]
    for n in v["noises"]:
        is_("ways", [w["way"] for w in n["ways"]], ["together", "taskset", "systemd", "partitions"])
        ways += [(f"{n['noise']} {w['way']}", w) for w in n["ways"] if "unavailable" not in w]
    for name, w in ways:
        what = f"{v['victim']} {name}"
        p = [w[k]["center"] for k in ("p50_usec", "p99_usec", "p999_usec")]
        is_(f"{what}: percentiles in order", p == sorted(p) and p[0] > 0, True)
        is_(f"{what}: samples", w["p99_usec"]["n"], 1)
        if name != "alone":
            ratio = w["p99_usec"]["center"] / v["alone"]["p99_usec"]["center"]
            is_(f"{what}: over alone", abs(w["p99_over_alone"]["center"] / ratio - 1) < 1e-9, True)
sys.exit("\n".join(wrong) or 0)
END_OF_PYTHON
try python3 "$work/check.py"
[ "$status" -eq 0 ] || fail "$out"

# Interrupted in the second round: the first is kept, and nothing is left behind.
"$run" vcbench --quick --rounds=100 --json="$work/cut.json" --report="$work/cut.html" interfere \
	>"$work/cut.out" 2>&1 &
bench=$!
sleep 12
kill -INT $bench
wait $bench || :
{ [ -s "$work/cut.json" ] && [ -s "$work/cut.html" ]; } || fail "nothing was written: $(cat "$work/cut.out")"
at_least "values that were kept" \
	"$(json "d['interfere']['victims'][0]['alone']['p99_usec']['n']" <"$work/cut.json")" 1
is "what is left in memory" "$(find /dev/shm -maxdepth 1 -name "vcbench-$bench-*")" ""
