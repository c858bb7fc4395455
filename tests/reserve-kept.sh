#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# reserve-kept - the kernel refuses a partition's own CPUs to other groups where it can, and what it does is told
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-shape.sh"
requires python3
[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"

# One CPU is nobody's own, for daemons and shims.
cat >"$work/one.conf" <<'END'
partition a {
	cpus = "0"
}
partition c {
	cpus = "1"
	exclusive = false
}
END

file_of() { # PATH FILE
	cat "$(group_of cpuset "$1")/$2" 2>/dev/null || :
}
# What the kernel's own files say.
kept() { # PARTITION
	if [ "$(file_of "$1" cpuset.cpu_exclusive)" = 1 ]; then
		echo cpuset.cpu_exclusive
	else
		case $(file_of "$1" cpuset.cpus.partition) in
		root | isolated) echo cpuset.cpus.partition ;;
		*) echo None ;;
		esac
	fi
}
told() { # PARTITION
	vcstat partitions --json | json "[p['kept_by'] for p in d['partitions'] if p['name'] == '$1'][0]"
}
told_right() {
	for partition in a c; do
		[ "$(told $partition)" = "$(kept $partition)" ] || return 1
	done
}
checked() {
	vcctl check --json >"$work/check" || fail "check: $(cat "$work/check")"
	json "[c['verdict'] + ': ' + c['found'] for c in d['checks'] if c['check'] == 'kept CPUs'][0]" <"$work/check"
}
works() {
	is "CPUs of a job in a" "$(vcrun --on=a grep Cpus_allowed_list /proc/self/status | tr -cd 0-9,-)" 0
	is "CPUs of a job in c" "$(vcrun --on=c grep Cpus_allowed_list /proc/self/status | tr -cd 0-9,-)" 1
}

up --config="$work/one.conf"
base=$(group_of cpuset .)
base=${base%/.}
[ -e "$base/cpuset.cpu_exclusive" ] || {
	wait_for told_right
	works
	down
	exit 0
}
down

# Beside a group that has the CPU too, the kernel can keep off nobody.
neighbour=${base%/*}/vctest-$$
trap 'rmdir "$neighbour" 2>/dev/null || :' EXIT
mkdir "$neighbour"
cat "${base%/*}/cpuset.mems" >"$neighbour/cpuset.mems"
cat "${base%/*}/cpuset.cpus" >"$neighbour/cpuset.cpus"
up --config="$work/one.conf"
is "beside a group with the same CPUs" "$(kept a)" None
matches "vcctl up" "$(cat "$work/up.out")" '^note: the CPUs of a are advisory: .* the kernel keeps nothing off them$'
wait_for told_right
matches "vcctl check" "$(checked)" '^warn: the kernel refuses the CPUs of 0 of 1 exclusive partition to other groups$'
works
rmdir "$neighbour"

# It is tried again with the next change.
vcctl set c --memory=64M >"$work/out" || fail "set: $(cat "$work/out")"
vcctl set a --cpu=shared >"$work/out" || fail "set: $(cat "$work/out")"
is "shared CPUs" "$(kept a)" None
vcctl set a --cpu=dedicated >"$work/out" || fail "set: $(cat "$work/out")"
matches "vcctl set" "$(cat "$work/out")" '^note: the CPUs of a are advisory: '
wait_for told_right
works
for other in "${base%/*}"/*/; do
	[ "$other" = "$base/" ] || [ -z "$(cat "$other/cpuset.cpus" 2>/dev/null)" ] || alone=no
done
if [ "${alone:-yes}" = yes ]; then
	is "with no group beside ours" "$(kept a)" cpuset.cpu_exclusive
	is "the group of all partitions" "$(cat "$base/cpuset.cpu_exclusive")" 1
	matches "vcctl check" "$(checked)" '^ok: the kernel refuses the CPUs of 1 of 1 exclusive partition to other groups .*cpu_exclusive'
	matches "vcctl set" "$(vcctl set a --memory=100M)" 'the kernel refuses them to other groups'
	is "CPUs of shims" "$(file_of shims cpuset.cpus)" 1
	mkdir "$neighbour"
	try sh -c "echo 0 >'$neighbour/cpuset.cpus'"
	matches "a group that wants the CPU" "$status $out" '^[1-9].*(Invalid|I/O error)'
	rmdir "$neighbour"
	# A partition that shares it ends that, and one more instance too.
	vcctl set c --cpus=0-1 >"$work/out" || fail "set: $(cat "$work/out")"
	is "a CPU that is shared" "$(kept a)" None
	vcctl set c --cpus=1 >"$work/out" || fail "set: $(cat "$work/out")"
	vcctl set a --cpu=shared >"$work/out" && vcctl set a --cpu=dedicated >"$work/out"
	is "alone again" "$(kept a)" cpuset.cpu_exclusive
	vcctl add d --cpus=1 --cpu=shared >"$work/out" || fail "add: $(cat "$work/out")"
	up --split=2 --state-dir="$work/state-two"
	is "beside another instance" "$(kept a)" None
	wait_for told_right
	works
	down --state-dir="$work/state-two"
else
	say "other groups of this machine have CPUs: what is then told was seen, and no more"
fi
# What is given back: a group may have all CPUs again.
vcctl set a --cpu=shared >"$work/out" || fail "set: $(cat "$work/out")"
is "CPUs of the group of all partitions" "$(cat "$base/cpuset.cpus")" "$(cat "${base%/*}/cpuset.cpus")"
is "CPUs of shims" "$(file_of shims cpuset.cpus)" "$(cat "$base/cpuset.cpus")"
down
