#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-room - the images of a user's jobs, moving or parked, take no more memory than allowed
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3 setpriv

cat >"$work/conf" <<'END'
images-per-user = "100M"
exclusive = false
partition vc0 {
	cpus = "0"
}
partition vc1 {
	cpus = "1"
}
END
breakable_criu
up --config="$work/conf"

cat >"$work/fill.py" <<'END'
import sys, time
b = bytearray(int(sys.argv[1]) << 20)
for i in range(0, len(b), 4096):
    b[i] = 1
print("ready", flush=True)
time.sleep(1000)
END

start() { # UID NAME MEGABYTES
	: >"$work/$2.out"
	chmod 666 "$work/$2.out"
	as "$1" vcrun --detach --on=vc0 --name="$2" sh -c "exec python3 $work/fill.py $3 >$work/$2.out" >/dev/null
	wait_for grep -q ready "$work/$2.out"
}
refused() { # WHAT NAME
	matches "$1" "$out" 'where a user may have 100 MiB \(images-per-user\)'
	is "$1: result" "$(vcstat moves --json | json "(d['moves'][-1]['result'], d['moves'][-1]['downtime_usec'])")" \
		"('refused', 0)"
	is "$1: state" "$(job "$2" state)" running
}
claims() {
	find "$state/images" -name '*.claim' | wc -l
}

start "$nobody" large 110
start "$nobody" one 60
start "$nobody" two 60
start 0 roots 110
start 65533 others 60

try as "$nobody" vcmove --to=vc1 large
refused "one job that is too large" large
try as "$nobody" vcmove --estimate --to=vc1 large
matches "its estimate" "$out" 'images-per-user'
move one "$nobody"
move one "$nobody"
is "claims after moves" "$(claims)" 0
vcmove --quiet --to=vc1 roots || fail "root's images are counted too"

: >"$work/break"
try as "$nobody" vcmove --to=vc1 one
matches "one is parked" "$out" 'is parked'
is "claims while it is parked" "$(claims)" 1
try as "$nobody" vcmove --to=vc1 two
refused "a second one" two
rm "$work/broken"
vcmove --quiet --to=vc1 others || fail "another user's job is refused"
wait_for job_is one state running
is "claims when it runs again" "$(claims)" 0
vcmove --quiet --policy=notparent two || fail "there is room again, and two is refused"
down --force
