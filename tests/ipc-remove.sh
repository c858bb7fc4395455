#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-remove - openers outside of all jobs outlive the partition they count in, and are counted out
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
. "$top_srcdir/tests/lib-ipc.sh"
cat >"$work/shared.conf" <<'CONF'
exclusive = false
partition vc0 {
	cpus = "0"
}
partition vc1 {
	cpus = "0"
}
CONF
up --config="$work/shared.conf"
column() { # LIST
	is "the openers" "$(vcctl ipc list --json | json "[p['partition'] for o in d['ipc'] for p in o['partitions']]")" "$1"
}

# They ask any daemon: let there be the new one only.
vcctl add late --cpus=0 >"$work/add.out" 2>&1 || fail "add: $(cat "$work/add.out")"
for at in 0 1; do
	kill -KILL "$(vcctl list --json | json "d['partitions'][$at]['daemon_pid']")"
done
mkfifo "$work/in"
"$client" <>"$work/in" >"$work/client.out" 2>&1 &
opener=$!
printf 'open event gate create\n' >"$work/in"
wait_for grep -q '^ok' "$work/client.out"
column "['late']"
vcctl up >/dev/null
vcctl remove late || fail "remove late"
column "['vc0']"

# Somebody watches them: their end is noticed. A new partition in that place begins with none.
vcctl add again --cpus=0 >"$work/add.out" 2>&1 || fail "add: $(cat "$work/add.out")"
column "['vc0']"
kill "$opener"
nothing_is_left() {
	[ "$(vcctl ipc list --json | json "len(d['ipc'])")" -eq 0 ]
}
wait_for nothing_is_left
down
