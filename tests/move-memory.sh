#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-memory - memory of every kind is after a move what it was, and is not more
#
# Small, which CRIU restores alone; large, which is filled from both partitions
# (libmig/fill/fill.h); with a child that shares pages, and one that does not; of root and of
# another user.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires setpriv
up
cp "$top_builddir/tests/memory-victim" "$work/victim"

look() { # -> the answer's word; $kib
	echo look >&3
	wait_for answers $((answered + 1))
	answered=$((answered + 1))
	answer=$(tail -n 1 "$place/out")
	kib=${answer##* }
	matches "$1" "$answer" '^well '
}

answers() {
	[ "$(wc -l <"$place/out")" = "$1" ]
}

carry() { # UID MEBIBYTES [fork|exec]
	what="uid $*"
	place=$(user_dir "$1" "$1-$2${3:-}")
	mkfifo "$place/in"
	as "$1" vcrun --on=vc0 --name=memory "$work/victim" "$2" ${3:-} <"$place/in" >"$place/out" &
	waiting=$!
	exec 3>"$place/in"
	answered=0
	look "$what, before"
	first=$kib
	for i in $(seq 1 "$moves"); do
		move memory "$1"
		look "$what, after move $i"
	done
	# What was shared is shared still, and nothing was made that was not there.
	[ "$kib" -lt $((first + first / 20 + 1024)) ] ||
		fail "$what: memory grew from $first KiB to $kib KiB"
	exec 3>&-
	status=0
	wait "$waiting" || status=$?
	is "$what: exit status" "$status" 0
	show_moves "$what"
}

carry 0 1
carry 0 32
carry 0 32 fork
carry 0 32 exec
carry "$nobody" 32
carry "$nobody" 16 fork
down
