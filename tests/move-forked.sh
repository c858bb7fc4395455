#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-forked - many children that share memory since a fork
#
# The images have each process's own, so they are many times what the job is charged. It needs
# room in the target for what it is charged; what takes too long or too much is refused with the numbers.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
cat >"$work/one.conf" <<'END'
partition vc0 { cpus = "0" exclusive = false }
partition vc1 { cpus = "1" exclusive = false memory = "128M" }
END
up --config="$work/one.conf"

start() { # CHILDREN
	vcrun -d --on=vc0 --name=forked "$top_builddir/tests/map-victim" forked "$1" >"$work/out"
	wait_for grep -q ready "$work/out"
}

start 15
matches "estimate" "$(vcmove --estimate --to=vc1 forked)" 'about [0-9]+ m?s: 3[0-9][0-9].*M of memory, 16 processes'
vcmove --quiet --to=vc1 forked
image=$(vcstat moves --json | json "d['moves'][-1]['image_bytes']")
at_least "bytes of images" "$image" $((300 << 20))
vcmove --quiet --to=vc0 forked
vcctl kill forked
wait_for jobs_are 0

start 1500
try vcmove --to=vc1 forked
is "1500 children: exit status" "$status" 1
matches "1500 children" "$out" \
	'would stand still for about [0-9]+ .*, 1501 processes\), longer than the 60 s allowed|its 1502 processes share most of their [0-9]+ MiB since a fork, and the images have each'
is "result" "$(vcstat moves --json | json "(d['moves'][-1]['result'], d['moves'][-1]['downtime_usec'])")" \
	"('refused', 0)"
vcctl kill forked
wait_for jobs_are 0
down
