#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# bench-noise - vcbench lock prints noise and level beside each verdict, and none of what was disturbed
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
[ "$(nproc)" -ge 2 ] || skip "this machine has one CPU"

measure() { # NAME [OPTION]...
	name=$1
	shift
	try "$run" vcbench --quick --works=futex,ipcget --json="$work/$name.json" --report="$work/$name.html" "$@" lock
	[ "$status" -eq 0 ] || fail "vcbench lock: $out"
	printf '%s\n' "$out" >"$work/$name.out"
}
# Each row of the table against the figures in the file, by the rule of bench/estimate.h.
cat >"$work/check.py" <<'END_OF_PYTHON'
import json, re, sys

name = sys.argv[1]
d = json.load(open(name + ".json"))["lock"]
lines = open(name + ".out").read().splitlines()
head = next(i for i, line in enumerate(lines) if line.startswith("WORK "))
columns = [(m.start(), m.group()) for m in re.finditer(r"IS A|LEVEL %|NOISE %", lines[head])]
if [c for _, c in columns] != ["IS A", "LEVEL %", "NOISE %"]:
    sys.exit(f"columns: {lines[head]}")


def verdict(gain):
    if gain["level"] < 0.75:
        return "few rounds"
    if not gain.get("noisy_pct", 100) <= 25:
        return "not quiet"
    return "gain" if gain["low"] > 1 else "cost" if gain["high"] < 1 else "none shown"


rows = 0
for work in d["works"]:
    line = next(line for line in lines[head:] if line.startswith(work["work"] + " "))
    gain = work["gains"][-1]["over_one"]
    cells = {(c["config"], c["domains"]): c for c in work["cells"] if c["threads"] == d["cpus"]}
    noise = sorted(cells[k]["others_pct"] + cells[k]["steal_pct"] for k in (("one", 1), ("vcrun", d["cpus"])))
    expected = f"{verdict(gain)} +{100 * gain['level']:.0f} +{gain['noise_pct']:.1f} "
    if not re.search(r"\) +" + expected, line):
        sys.exit(f"{line}: expected {expected}")
    if not noise[0] / 3 - 5 <= gain["noise_pct"] <= noise[1] * 3 + 5:
        sys.exit(f"{work['work']}: noise {gain['noise_pct']} of cells that had {noise}")
    rows += 1
print(rows, " ".join(sorted({verdict(w["gains"][-1]["over_one"]) for w in d["works"]})))
END_OF_PYTHON
check() { # NAME
	try python3 "$work/check.py" "$1"
	[ "$status" -eq 0 ] || fail "$1: $out: $(cat "$work/$1.out")"
}
cd "$work"

measure quick --rounds=3
check quick
matches "rows" "$out" '^2 '
matches "the noise of all" "$(cat quick.out)" '^Others had [0-9.]+ % of the machine'
# One round says nothing, however quiet it was.
measure single --rounds=1
check single
is "verdicts of one round" "$out" "2 few rounds"

# Somebody else has all CPUs: no verdict, on the page neither.
i=0
others=''
while [ $i -lt "$(nproc)" ]; do
	timeout 60 sh -c 'while :; do :; done' &
	others="$others $!"
	i=$((i + 1))
done
measure busy --rounds=3 --patience=0
# shellcheck disable=SC2086 # PIDs
kill $others
check busy
is "verdicts on a busy machine" "$out" "2 not quiet"
matches "the noise of all" "$(cat busy.out)" '^It was not quiet: nothing is said'
matches "the page" "$(cat busy.html)" 'Nothing is said of (futex and ipcget|ipcget and futex)'
matches "the page" "$(cat busy.html)" 'It was not quiet'
! grep -q 'That is quiet' busy.html || fail "the page says that it was quiet"
wait
