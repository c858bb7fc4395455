#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-make - this very project is configured and built by "make -j2" while it moves
#
# Compilers come and go by the dozen, joined by pipes and a jobserver. The build
# starts anew until the moves are done; each must succeed, and its result must run.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
: "${CC:=gcc}"
requires make setpriv "${CC%% *}"
[ -x "$top_srcdir/configure" ] || skip "there is no $top_srcdir/configure"
up

cat >"$work/build.sh" <<'END'
set -e
# The source tree's own files are not made anew here.
frozen="ACLOCAL=: AUTOCONF=: AUTOMAKE=: AUTOHEADER=:"
"$1/configure" -q CFLAGS=-O1 >configure.out 2>&1
: >configured
while :; do
	make -s V=1 $frozen -j2 vcrun >>make.log
	echo built >>rounds
	[ ! -e stop ] || break
	make -s V=1 $frozen clean >/dev/null
done
END

builds() {
	alive "$build" || fail "it ended: $(tail -n 20 "$work/make.out") $(tail -n 3 configure.out)"
}

for uid in 0 $nobody; do
	# The other user may not be able to go where the sources are.
	[ "$uid" = 0 ] || as "$uid" test -r "$top_srcdir/configure" || continue
	dir=$(user_dir "$uid" "build-$uid")
	cd "$dir"
	(
		unset MAKEFLAGS MAKELEVEL MFLAGS
		as "$uid" vcrun --on=vc0 --name=make sh "$work/build.sh" "$top_srcdir"
	) >"$work/make.out" 2>&1 &
	build=$!
	wait_for job_is make state running
	bounce make "$uid" 0.3 builds
	wait_for test -e configured
	bounce make "$uid" 0.5 builds
	as "$uid" touch stop
	wait $build || fail "the build: exit status $?: $(tail -n 20 "$work/make.out") $(tail -n 3 configure.out)"
	at_least "builds" "$(wc -l <rounds)" 1
	matches "what was built" "$(./vcrun --version)" '^vcrun '
	is "complaints" "$(cat "$work/make.out")" ''
	show_moves "make -j2, uid $uid, built $(wc -l <rounds) times"
	cd "$work"
done
