#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# vcstat-json - the JSON of vcstat and vcmove has the shape that is promised
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
up --split=2
vcrun --detach --name='a"name"\with-signs' sh -c 'sleep 1000; :' "$(printf 'bytes \377\tx')" >/dev/null
vcmove --json "$(vcstat jobs --json | json "d['jobs'][0]['id']")" >"$work/move.json"
sleep 0.6

cat >"$work/shape.py" <<'END'
import json, subprocess, sys, time

N = (int, float)
OPTIONAL = type(None)
PARTITION = dict(name=str, state=str, cpus=str, mems=str, exclusive=str, memory_held=str, cpu_pct=N,
                 mem_used_bytes=(int, OPTIONAL),
                 mem_charged_bytes=(int, OPTIONAL), mem_limit_bytes=(int, OPTIONAL), jobs=int)
JOB = dict(id=int, name=(str, OPTIONAL), pid=int, uid=int, partition=str, state=str, argv=list,
           moves=int, cpu_usec=int, rss_bytes=int, started=N)
MOVE = dict(job=int, engine=str, result=str, downtime_usec=int, total_usec=int,
            image_bytes=int, at=N, **{"from": str, "to": str})


def vcstat(*words):
    return json.loads(subprocess.run(["vcstat", "--json", *words], check=True, capture_output=True).stdout)


def check(what, thing, shape):
    for key, kind in shape.items():
        if key not in thing:
            sys.exit(f"{what}: no {key} in {thing}")
        if not isinstance(thing[key], kind) or isinstance(thing[key], bool):
            sys.exit(f"{what}: {key} is {thing[key]!r}, expected {kind}")


every = vcstat("partitions", "jobs", "moves")
for words, keys in ((("partitions",), ["partitions"]), (("jobs",), ["jobs"]), (("moves",), ["moves"]),
                    ((), ["partitions", "jobs"]), (("moves", "jobs"), ["jobs", "moves"])):
    got = list(vcstat(*words))
    if sorted(got) != sorted(keys):
        sys.exit(f"vcstat --json {words}: got {got}, expected {keys}")
for p in every["partitions"]:
    check("partition", p, PARTITION)
for j in every["jobs"]:
    check("job", j, JOB)
for m in every["moves"]:
    check("move", m, MOVE)
job, move = every["jobs"][0], every["moves"][0]
check("vcmove --json", json.load(open("move.json")), MOVE)
facts = [
    ("partitions", [p["name"] for p in every["partitions"]], ["vc0", "vc1"]),
    ("states", [p["state"] for p in every["partitions"]], ["up", "up"]),
    ("jobs", sum(p["jobs"] for p in every["partitions"]), 1),
    ("name", job["name"], 'a"name"\\with-signs'),
    ("argv", job["argv"], ["sh", "-c", "sleep 1000; :", "bytes \ufffd\tx"]),
    ("state", job["state"], "running"),
    ("uid", job["uid"], 0),
    ("moves", job["moves"], 1),
    ("partition", job["partition"], move["to"]),
    ("job moved", move["job"], job["id"]),
    ("result", move["result"], "moved"),
    ("move as vcmove says", {k: json.load(open("move.json"))[k] for k in MOVE}, {k: move[k] for k in MOVE}),
    ("started a moment ago", 0 < time.time() - job["started"] < 60, True),
    ("moved a moment ago", 0 < time.time() - move["at"] < 60, True),
    ("stopped less than in all", 0 < move["downtime_usec"] <= move["total_usec"], True),
    ("images", move["image_bytes"] > 10000, True),
    ("memory", job["rss_bytes"] > 0, True),
]
for what, got, expected in facts:
    if got != expected:
        sys.exit(f"{what}: got {got!r}, expected {expected!r}")
END
try python3 "$work/shape.py"
[ "$status" -eq 0 ] || fail "$out"
down --force
