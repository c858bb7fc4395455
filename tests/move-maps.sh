#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-maps - what takes no memory takes none when it is restored
#
# Mappings larger than memory and swap, for which the kernel grants only what is not
# counted: each is moved three times, and has its ranges, rights and flags afterwards.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires setpriv
[ "$(cat /proc/sys/vm/overcommit_memory)" = 0 ] || skip "vm.overcommit_memory is not 0"
up
cp "$top_builddir/tests/map-victim" "$work/victim"
chmod 1777 "$work"

# Ranges and flags of all processes. Not the first executable mapping: CRIU writes the
# instruction by which it enters the process there, so that the page becomes the process's own.
# Not the number of an inode that has no name.
mappings() { # PID
	for pid in "$1" $(cat "/proc/$1/task/$1/children"); do
		grep -E '^[0-9a-f]+-|^VmFlags' "/proc/$pid/smaps" |
			awk '/^[0-9a-f]*-.* r-xp/ && !seen++ { skip = 2 } skip-- <= 0'
	done | sed 's/ [0-9]* *\(\/memfd\)/ \1/'
}

carry() { # UID KIND
	: >"$work/out"
	chmod 666 "$work/out"
	as "$1" vcrun -d --name=maps "$work/victim" "$2" >"$work/out" 2>&1
	wait_for grep -q ready "$work/out"
	pid=$(job maps pid)
	mappings "$pid" >"$work/before"
	for i in 1 2 3; do
		move maps "$1"
		mappings "$pid" >"$work/after"
		diff "$work/before" "$work/after" >"$work/diff" ||
			fail "uid $1: $2: changed by move $i: $(cat "$work/diff")"
	done
	as "$1" vcctl kill maps
	wait_for jobs_are 0
	say "uid $1: $2: moved, unchanged"
}

for kind in none none-noreserve none-dontfork none-in-part none-forked read-only sparse \
	in-pieces of-file of-memfd grows-down locked; do
	carry "$nobody" $kind
done
carry 0 none-locked
down
