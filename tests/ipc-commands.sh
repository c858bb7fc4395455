#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-commands - vcctl ipc and vcstat ipc show the objects, and remove them
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
. "$top_srcdir/tests/lib-ipc.sh"
up

is "an empty list" "$(vcctl ipc list)" "KIND  NAME  USER  MODE  SIZE  OPENERS  STATE"
is "an empty list as JSON" "$(vcctl ipc list --json | json "(d['ipc'], d['used'], d['capacity'])")" "([], 0, 1048576)"
"$client" 'open mq jobs create persistent mode=640 size=8192' >/dev/null
"$client" 'open posix-mq jobs create persistent' >/dev/null
start_client a vc1
ask a 'open sem gate create mode=600' >/dev/null
ask a 'open sem gate' >/dev/null
ask a 'open sysv-shm - create persistent' >/dev/null

matches "list" "$(vcctl ipc list)" '^mq +jobs +root +0640 +8.0K +- +persistent'
matches "list" "$(vcctl ipc list)" '^sem +gate +root +0600 +4.0K +vc1:2 +-$'
matches "list" "$(vcctl ipc list)" '^sysv-shm +id:[0-9]+ '
is "list --kind" "$(vcctl ipc list --kind=posix-mq --json | json "[o['name'] for o in d['ipc']]")" "['jobs']"
is "vcstat ipc" "$(vcstat ipc)" "$(vcctl ipc list)"
cat >"$work/shape.py" <<'END'
import json, subprocess, sys, time
d = json.loads(subprocess.run(["vcstat", "ipc", "--json"], check=True, capture_output=True).stdout)
gate = [o for o in d["ipc"] if o["name"] == "gate"][0]
shape = dict(id=int, kind=str, name=str, uid=int, gid=int, creator_uid=int, creator_gid=int, mode=int,
             size_bytes=int, openers=int, created=float, persistent=bool, unlinked=bool, inherited=bool,
             partitions=list)
got = {key: type(value) for key, value in gate.items()}
if got != shape:
    sys.exit(f"got {got}, expected {shape}")
facts = [("kind", gate["kind"], "sem"), ("openers", gate["openers"], 2), ("mode", gate["mode"], 0o600),
         ("partitions", [(p["partition"], p["openers"], p["handle"] > 0) for p in gate["partitions"]],
          [("vc1", 2, True)]),
         ("made a moment ago", 0 <= time.time() - gate["created"] < 60, True),
         ("words", sorted(d), ["ipc"])]
for what, got, expected in facts:
    if got != expected:
        sys.exit(f"{what}: got {got!r}, expected {expected!r}")
END
try python3 "$work/shape.py"
[ "$status" -eq 0 ] || fail "$out"
is "with others" "$(vcstat jobs ipc --json | json "sorted(d)")" "['ipc', 'jobs']"

matches "show" "$(vcctl ipc show gate)" '^ *vc1 +[0-9]+ +2$'
is "show, of two kinds" "$(vcctl ipc show jobs --json | json "[o['kind'] for o in d['ipc']]")" "['mq', 'posix-mq']"
id=$(vcctl ipc list --kind=sysv-shm --json | json "d['ipc'][0]['id']")
is "show, by id" "$(vcctl ipc show "id:$id" --json | json "d['ipc'][0]['kind']")" sysv-shm
# By the handle that a partition has it by: from outside with the partition's name, in a job without.
handle=$(handle gate vc1)
is "show, by handle" "$(vcctl ipc show "handle:vc1:$handle")" "$(vcctl ipc show gate)"
is "show, by handle, as JSON" "$(vcctl ipc show "handle:vc1:$handle" --json)" "$(vcctl ipc show gate --json)"
is "show, by handle, in a job" "$(vcrun --on=vc1 vcctl ipc show "handle:$handle")" "$(vcctl ipc show gate)"
shows_nothing() { # MESSAGE COMMAND...
	message=$1
	shift
	try "$@"
	is "exit status of $*" "$status" 1
	matches "$*" "$out" "$message"
}
shows_nothing "partition vc0 has no IPC object by the handle $handle" vcctl ipc show "handle:vc0:$handle"
shows_nothing "partition vc0 has no IPC object by the handle $handle" vcrun --on=vc0 vcctl ipc show "handle:$handle"
shows_nothing 'you are in none: write handle:PARTITION:NUMBER' vcctl ipc show "handle:$handle"
shows_nothing "no partition 'vc7'" vcctl ipc show "handle:vc7:$handle"
shows_nothing 'no IPC object by the handle 0' vcctl ipc show handle:vc1:0
shows_nothing 'no IPC object by the handle 4294967295' vcctl ipc show handle:vc1:4294967295
for name in handle: handle:vc1 handle:vc1: handle:vc1:4294967296 "handle:vc1:$handle:" "handle:vc1:-$handle" \
	"handle:0123456789012345678901234567890123456789:$handle"; do
	shows_nothing "no IPC object '$name'" vcctl ipc show "$name"
done
shows_nothing 'is not yours' as_user 65534 vcctl ipc show "handle:vc1:$handle"
try vcctl ipc show nothing
is "exit status of show of nothing" "$status" 1
matches "show of nothing" "$out" "no IPC object 'nothing'.*vcctl ipc list"
try vcctl ipc rm jobs
is "exit status of an rm of two" "$status" 1
matches "an rm of two" "$out" 'several kinds.*--kind'
vcctl ipc rm jobs --kind=mq
is "after rm" "$(vcctl ipc show jobs --json | json "[o['kind'] for o in d['ipc']]")" "['posix-mq']"
vcctl ipc rm "id:$id"
vcctl ipc rm gate
matches "one that is held, after rm" "$(vcctl ipc list)" '^sem +id:[0-9]+ .* vc1:2 +unlinked$'
for words in '' 'list x' show rm 'rm a b' 'no such'; do
	# shellcheck disable=SC2086 # words
	try vcctl ipc $words
	is "exit status of vcctl ipc $words" "$status" 2
done
down --force
try vcstat ipc
is "exit status when it is not up" "$status" 1
matches "when it is not up" "$out" 'not up'
is "the door then" "$("$client" 'open event x create')" ENOTCONN
wait
