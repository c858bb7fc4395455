#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-limits - a full table, and a user with too many objects, are told so; others go on
. "${top_srcdir:=.}/tests/lib.sh"
requires python3 setpriv
. "$top_srcdir/tests/lib-ipc.sh"
cat >"$work/vcrun.conf" <<END
exclusive = false
ipc-entries = 20
ipc-objects-per-user = 5
partition vc0 { cpus = "0" }
partition vc1 { cpus = "0" }
END
up --config="$work/vcrun.conf"
user=65534

creates() { # FROM TO
	for i in $(seq "$1" "$2"); do
		printf 'open event n%d create persistent\n' "$i"
	done
}
is "info" "$("$client" info)" "ok used=0 capacity=20 per_user=5"
creates 1 6 | as_user $user "$client" | cut -d' ' -f1,2 | uniq -c | tr -s ' ' >"$work/out"
is "a user's six" "$(cat "$work/out")" " 5 ok created
 1 EDQUOT"
is "root's" "$(creates 10 24 | "$client" | cut -d' ' -f1,2 | uniq -c | tr -s ' ')" " 15 ok created"
is "one more" "$("$client" 'open event more create')" ENOSPC
is "one that is there" "$("$client" 'open event n3' | cut -d' ' -f1)" ok
is "info when full" "$("$client" info)" "ok used=20 capacity=20 per_user=5"
is "unlink" "$("$client" 'unlink event n10')" ok
is "one more then" "$("$client" 'open event more create' | cut -d' ' -f1)" ok
is "his seventh" "$(as_user $user "$client" 'unlink event n1' 'open event more create' | tr '\n' ' ' | cut -d' ' -f1-3)" "ok ok created"
is "list in pieces" "$("$client" 'list event')" "ok 18"

# shellcheck disable=SC2016 # $0 is the client
is "one without descriptors" "$(sh -c 'ulimit -n 4; exec "$0" "open event n2"' "$client")" EMFILE
wait_for openers_are n2 -

# Opens have a limit too: four for each object.
for i in $(seq 6); do
	as_user $user "$client" 'open event n2' 'open event n3' 'open event n4' 'open event n5' pause >"$work/o$i" 2>&1 &
	wait_for grep -q '^ok [0-9]*$' "$work/o$i"
done
is "opens that were refused" "$(cat "$work"/o? | grep -c EDQUOT)" 4
is "root's open" "$("$client" 'open event n2' | cut -d' ' -f1)" ok
# shellcheck disable=SC2046 # a list
kill $(sed -n 's/^ok \([0-9]*\)$/\1/p' "$work"/o?)
wait_for openers_are n2 "-"
down --force
wait
