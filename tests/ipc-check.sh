#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-check - vcctl ipc check finds what is wrong with objects, and nothing when all is well
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
. "$top_srcdir/tests/lib-ipc.sh"
up

sound() { # WHEN
	try vcctl ipc check
	is "exit status of a check $1" "$status" 0
	matches "$1" "$out" "$2"
}

wrong() { # WHEN REGEX
	try vcctl ipc check
	[ "$status" -eq 1 ] || fail "a check $1: exit status $status, $out"
	matches "$1" "$out" "$2"
	[ -z "${3:-}" ] || matches "the remedy, $1" "$out" "-> .*$3"
}

sound "of nothing" '^ok +table +0 of 1048576 entries'
"$client" 'open mq kept create persistent' >/dev/null
start_client a vc1
ask a 'open sem gate create' >/dev/null
ask a 'open shm - create' >/dev/null
sound "of three objects" '^ok +table +3 of .* \(1 persistent\); its parts agree'
matches "its files" "$out" '^ok +files +3 files, and as many entries$'
matches "its openers" "$out" '^ok +openers +1 process$'
is "as JSON" "$(vcctl ipc check --json | json "[(c['check'], c['verdict']) for c in d['checks']]")" \
	"[('table', 'ok'), ('files', 'ok'), ('openers', 'ok')]"

# While others work: what comes and goes between two looks is not wrong.
(while [ ! -e "$work/enough" ]; do "$client" 'open sem x create' 'open sem y create' 'close 0'; done) >/dev/null &
busy=$!
for _ in 1 2 3 4 5 6 7 8; do
	sound "while others come and go" '^ok +openers'
done
touch "$work/enough"
wait $busy

# Files: one of no entry, one that belongs to no object, an entry's that is gone.
id=$(vcctl ipc show kept --json | json "'%016x' % d['ipc'][0]['id']")
file=$state/ipc/o/$(printf %s "$id" | tail -c 2)/$id
mkdir -p "$state/ipc/o/77"
: >"$state/ipc/o/77/0000000000abcd77"
wrong "with a file too many" '^fail +files +1 without an entry: 77/0000000000abcd77$' "$state/ipc/o"
rm "$state/ipc/o/77/0000000000abcd77"
: >"$state/ipc/o/77/foreign"
wrong "with a foreign file" '^fail +files +1 that belong to no object: 77/foreign$' "$state/ipc/o"
rm "$state/ipc/o/77/foreign"
mv "$file" "$work/"
wrong "with a file too few" '^fail +files +1 entries whose file is gone: id:[0-9]+$' 'vcctl ipc rm'
is "as JSON" "$(vcctl ipc check --json | json "[c['verdict'] for c in d['checks']]")" "['ok', 'fail', 'ok']"
mv "$work/$(basename "$file")" "$file"
sound "with all files back" '^ok +files'

# An opener that ends while no daemon watches.
pid=$(job a pid)
kill -KILL "$(daemon vc1)"
kill -KILL "$pid"
wait_for [ ! -d "/proc/$pid" ]
wrong "after an end that no daemon saw" "^fail +openers +1 have ended but are still counted: [0-9]+" 'vcctl up.*vc1'
vcctl up >/dev/null
sound "after the daemon is back" '^ok +openers +0 processes$'

# Whose table it is: root's.
try as_user 65534 vcctl ipc check
is "exit status for another user" "$status" 1
matches "for another user" "$out" "needs root"

# A table whose parts disagree is repaired with the next lock.
python3 - "$state/ipc/table" <<'END'
import re, sys
with open(sys.argv[1], "r+b") as table:
    head = table.read(8 << 20)
    at = head.index(b"kept\0")
    table.seek(at)
    table.write(b"lost")
END
wrong "of a table that was written to" '^fail +table +its parts disagree: entry 0 has the wrong hash$'
sound "after the repair" '^ok +table +1 of '
# Whose lock it was: the check's own, or a daemon's.
matches "after the repair" "$out" '^(warn|ok) +table .*repaired'
"$client" 'unlink mq lost' >/dev/null
wait_for nothing_left
down --force
try vcctl ipc check
is "exit status when it is not up" "$status" 1
matches "when it is not up" "$out" 'not up'
wait
