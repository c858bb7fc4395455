#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-limits - what a limit or a pool has no room for is refused before the freeze
#
# Limits of a process, pools of huge pages. What is just within them is moved; what is
# not is refused with the numbers, and its downtime is 0.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
up

start() { # KIND NUMBER
	: >"$work/out"
	vcrun -d --on=vc0 --name=limits "$top_builddir/tests/map-victim" "$1" "$2" >"$work/out" 2>&1
	wait_for grep -q ready "$work/out"
	pid=$(job limits pid)
}

stop() {
	vcctl kill limits
	wait_for jobs_are 0
	wait_for free_are "$total"
}

free_are() { # NUMBER
	[ "$(cat "$pool/free_hugepages")" = "$1" ]
}

moves() { # KIND NUMBER
	start "$1" "$2"
	move limits
	alive "$pid" || fail "$1 $2: it has ended"
	say "$1 $2: moved"
	stop
}

refuses() { # KIND NUMBER REASON
	start "$1" "$2"
	try vcmove --to=vc1 limits
	is "$1 $2: exit status" "$status" 1
	matches "$1 $2: reason" "$out" "$3"
	is "$1 $2: result" "$(vcstat moves --json | json "(d['moves'][-1]['result'], d['moves'][-1]['downtime_usec'])")" \
		"('refused', 0)"
	is "$1 $2: state" "$(job limits state) in $(job limits partition)" "running in vc0"
	say "$1 $2: refused"
	stop
}

pool=/sys/kernel/mm/hugepages/hugepages-2048kB
total=0
# A machine without: one that never changes.
[ -e $pool ] || {
	pool=$work
	echo 0 >"$pool/free_hugepages"
	echo 0 >"$pool/nr_hugepages"
}
total=$(cat "$pool/free_hugepages")

moves space-left 4096
refuses space-left 0 'pid [0-9]+ \(map-victim\): uses [0-9]+ of [0-9]+ KiB of address space \(RLIMIT_AS\), and a move needs [0-9]+ KiB more'
moves files-limit 6
refuses files-limit 5 'has 3 of 5 possible descriptors open \(RLIMIT_NOFILE\), and a move needs 3 more'
refuses files-limit 0 'has 0 of 0 possible descriptors open'
moves data-limit 0

before=$(cat "$pool/nr_hugepages")
restore_pool() {
	echo "$before" >"$pool/nr_hugepages"
}
trap restore_pool EXIT
echo 12 >"$pool/nr_hugepages" || :
total=$(cat "$pool/free_hugepages")
[ "$total" = 12 ] || {
	say "huge pages: this machine gives $total of 12 pages"
	down
	exit 0
}
moves huge-private 11
moves huge-shared 6
moves huge-memfd 6
moves huge-file 6
moves huge-sysv 6
moves huge-forked 6
refuses huge-private 12 'takes 1 more .* has 0 left; raise vm.nr_hugepages'
refuses huge-shared 7 'takes 7 more for a time, but the pool has 5 left'
refuses huge-memfd 7 'takes 7 more .* has 5 left'
refuses huge-file 7 'takes 7 more .* has 5 left'
refuses huge-sysv 7 'takes 7 more .* has 5 left'
refuses huge-forked 7 'takes 7 more, since parent and child will no longer share them'
down
