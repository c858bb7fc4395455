#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-threads - threads that all compute are stopped at once, and so they can be moved
#
# Stopped one after the other, each would have to wait for its turn on the CPU among those
# that still run: 150 of them on one CPU for half a minute, which CRIU does not wait for.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires setpriv
up
[ -e "$(sed -n 's/.*"cgroup-base": "\(.*\)".*/\1/p' "$state/instance.json" | tr ';' '\n' |
	awk -F'|' '$2 == 2 { print $3; exit }')/cgroup.subtree_control" ] || skip "no unified hierarchy"
cp "$top_builddir/tests/map-victim" "$work/victim"
: >"$work/out"
chmod 666 "$work/out"

as "$nobody" vcrun -d --on=vc0 --name=threads "$work/victim" computing 150 >"$work/out" 2>&1
wait_for grep -q ready "$work/out"
pid=$(job threads pid)
threads=$(find "/proc/$pid/task" -maxdepth 1 -mindepth 1 | wc -l)
for i in 1 2 3; do
	move threads "$nobody"
done
is "threads" "$(find "/proc/$pid/task" -maxdepth 1 -mindepth 1 | wc -l)" "$threads"
show_moves "$threads threads"
# A job that was not moved must not stay frozen.
try vcmove --to="$(job threads partition)" threads
is "exit status of a move to where it is" "$status" 1
before=$(job threads cpu_usec)
ran_on() {
	[ "$(job threads cpu_usec)" -gt $((before + 50000)) ]
}
wait_for ran_on
vcctl kill threads
wait_for jobs_are 0
down
