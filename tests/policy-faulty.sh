#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# policy-faulty - a policy at fault stops nobody, and is named
. "${top_srcdir:=.}/tests/lib.sh"

# The faulty modules are built for the unit tests.
faulty=$top_builddir/tests/policies/.libs
[ -e "$faulty/wild.so" ] || skip "the faulty policies are not built (cmocka is missing)"
# What others than root could change is not loaded, so they need a safe place.
mkdir "$work/modules"
cp -L "$faulty"/*.so "$work/modules"
# Not through ./run, which has a policy path of its own.
VCRUN_POLICY_PATH="$work/modules" VCRUN_VCD="$top_builddir/vcd" \
	VCRUN_VCSHIM="$top_builddir/vcshim" VCRUN_VCINIT="$top_builddir/vcinit" \
	VCRUN_CRIU_MODULES="$top_builddir/libmig/modules/.libs" \
	"$top_builddir/vcctl" up --split=2 >"$work/up.out" || fail "vcctl up: $(cat "$work/up.out")"

says() { # POLICY REGEX
	status=0
	out=$(vcrun --policy="$1" echo runs 2>"$work/note") || status=$?
	is "exit status with policy $1" "$status" 0
	is "output with policy $1" "$out" runs
	matches "note on policy $1" "$(cat "$work/note")" "^vcrun: .*$2.*leastcpu decides instead"
}
says wild 'answers 99, which is no partition'
says nonefit 'finds no partition fit'
says noplace 'no place'
says wrongapi 'api'
says toosmall ''
says nosymbol 'vc_policy'
says notpolicy ''
says wrongname ''

# No fault, but a mistake of whoever typed it.
try vcrun --policy=nosuch true
is "exit status with a policy that does not exist" "$status" 125
matches "a policy that does not exist" "$out" 'nosuch'
# A move asks policies too.
vcrun --detach --name=mover sleep 1000 >/dev/null
try vcmove --policy=wild mover
is "exit status of a move with policy wild" "$status" 0
matches "a move with policy wild" "$out" 'leastcpu decides instead'
down --force
