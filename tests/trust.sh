#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# trust - no program acts on a state directory that another user could have written
#
# Each row is a state directory with a true copy of a victim's instance.json, so a program that
# believes it would kill the victim's daemons and jobs. Each program is run on each row, by root
# and by a user. Each must name what is not trusted, and the victim must live on unchanged.
. "${top_srcdir:=.}/tests/lib.sh"
requires setpriv python3

owner=65534 other=65533
victim=$state
up
vcrun --detach --name=victim sleep 1000 >/dev/null

# What root's programs would kill or change, and what they find it by.
victim_now() {
	VCRUN_STATE_DIR=$victim vcctl list --json | json "[p['daemon_pid'] for p in d['partitions']]"
	VCRUN_STATE_DIR=$victim vcstat jobs --json | json "[(j['name'], j['pid'], j['state']) for j in d['jobs']]"
	cksum <"$victim/instance.json"
}
before=$(victim_now)
job_number=$(job victim id)
pid=$(job victim pid)

rows=$work/rows
mkdir "$rows"
new() { # ROW: a copy in a directory that is root's
	dir=$rows/$1/state
	mkdir -p "$dir/vc0" "$dir/vc1" "$dir/jobs"
	chmod 755 "$rows/$1" "$dir" "$dir"/*
	cp "$victim/instance.json" "$victim/events.json" "$dir/"
	chmod 644 "$dir/instance.json" "$dir/events.json"
}

new root-owned
for row in owner group-writable world-writable sticky group-sticky parent-owner parent-writable \
	file-owner file-writable file-group-writable file-link part-owner; do
	new $row
done
chown -R $owner "$rows/owner/state"
chmod 775 "$rows/group-writable/state"
chmod 777 "$rows/world-writable/state"
chmod 1777 "$rows/sticky/state"
chmod 1775 "$rows/group-sticky/state"
chown $owner "$rows/parent-owner"
chmod 777 "$rows/parent-writable"
chown $owner "$rows/file-owner/state/instance.json"
chmod 666 "$rows/file-writable/state/instance.json"
chmod 664 "$rows/file-group-writable/state/instance.json"
mv "$rows/file-link/state/instance.json" "$rows/file-link/else"
ln -s ../else "$rows/file-link/state/instance.json"
# Links: a user's, in a directory of the user's and in a sticky one; one to a user's directory.
mkdir "$rows/link" "$rows/sticky-link" "$rows/link-to-user"
ln -s "$victim" "$rows/link/state"
chown -h $owner "$rows/link" "$rows/link/state"
chmod 1777 "$rows/sticky-link"
ln -s "$victim" "$rows/sticky-link/state"
chown -h $owner "$rows/sticky-link/state"
ln -s ../owner/state "$rows/link-to-user/state"
if command -v setfacl >/dev/null && new acl && setfacl -m u:$owner:rwx "$rows/acl/state" 2>/dev/null; then
	:
else
	rm -rf "$rows/acl"
fi

refused() { # ROW COMMAND...
	row=$1
	shift
	try "$@"
	[ "$status" -ne 0 ] || fail "$row: $*: ran, and said: $out"
	matches "$row: $*" "$out" 'not trusted|not root'
}

for row in "$rows"/*; do
	name=${row##*/}
	[ "$name" != root-owned ] && [ "$name" != part-owner ] || continue
	export VCRUN_STATE_DIR="$row/state"
	for command in "vcctl list" "vcctl down" "vcctl down --force" "vcctl up" "vcctl up --split=2" \
		"vcctl set vc0 --memory=64M" "vcctl add new --cpus=0" "vcctl remove vc1" \
		"vcctl event list" "vcctl ipc check" "$run vcd --partition=vc0" "$run vcd --fire=e"; do
		# shellcheck disable=SC2086 # words
		refused "$name" $command
	done
	case $name in file-*) continue ;; esac
	for command in "vcctl kill $job_number" "vcctl ipc list" "vcrun true" "vcrun --on=vc0 true" \
		"vcmove $job_number" "vcmove --pid $pid" "vcstat" "vcstat jobs" "vcstat devices"; do
		# shellcheck disable=SC2086
		refused "$name" $command
		# shellcheck disable=SC2086
		refused "$name, as a user" as_user $other $command
	done
done

# A user's directory inside: its lock file names a process, and its socket is the user's.
part=$rows/part-owner/state
touch "$part/vc0/vcd.lock" "$part/vc1/vcd.lock"
timeout 60 python3 - "$part/vc0/vcd.sock" <<'PY' >/dev/null 2>&1 &
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
time.sleep(100)
PY
fake=$!
wait_for [ -S "$part/vc0/vcd.sock" ]
chown -R $owner "$part/vc0"
VCRUN_STATE_DIR=$part refused part-owner vcrun --on=vc0 true
VCRUN_STATE_DIR=$part refused "part-owner, as a user" as_user $other vcrun --on=vc0 true
VCRUN_STATE_DIR=$part refused part-owner "$run" vcd --partition=vc0
kill $fake
wait $fake 2>/dev/null || :

is "the victim, after all" "$(VCRUN_STATE_DIR=$victim victim_now)" "$before"

# A configuration names code that root executes.
echo 'policy = leastcpu' >"$work/vcrun.conf"
export VCRUN_STATE_DIR="$work/state2"
for mode in 666 664; do
	chmod $mode "$work/vcrun.conf"
	refused "a configuration of mode $mode" vcctl up --config="$work/vcrun.conf"
done
chmod 644 "$work/vcrun.conf"
chown $owner "$work/vcrun.conf"
refused "a user's configuration" vcctl up --config="$work/vcrun.conf"
[ ! -e "$work/state2" ] || fail "an up that was refused left $work/state2"

# What is root's is used, whatever the way to it: links of root's, "..", a relative path.
export VCRUN_STATE_DIR="$victim"
ln -s "$victim" "$work/mine"
for path in "$work/mine" "$work/mine/../mine/." "$victim/vc0/.." "//$victim//"; do
	is "a job by $path" "$(VCRUN_STATE_DIR=$path vcrun echo works)" works
	is "a user's job by $path" "$(VCRUN_STATE_DIR=$path as_user $other vcrun echo works)" works
	VCRUN_STATE_DIR=$path vcctl list >/dev/null || fail "list by $path"
done
cd "$work"
is "a job by a relative path" "$(VCRUN_STATE_DIR=state vcrun echo works)" works
down --force
