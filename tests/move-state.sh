#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-state - a process's attributes are the same after a move, from its first instruction on
#
# A victim sets an attribute and looks at it without a pause while it is moved: it must not
# see another value, not even for a moment. Names as arguments: these attributes only.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
moves=${VCRUN_MOVES:-2}
up

victim=$work/state-victim
cp "$top_builddir/tests/state-victim" "$victim"
chmod 755 "$victim"

watch_moved() { # ATTRIBUTE UID
	name=$1-$2
	as "$2" vcrun --on=vc0 --name="$name" "$victim" "$1" >"$work/$name.out" 2>&1 &
	job=$!
	wait_for 20 grep -q -e '^ready' -e '^skipped' "$work/$name.out"
	if grep '^skipped' "$work/$name.out"; then
		wait $job || :
		return
	fi
	for _ in $(seq "$moves"); do
		move "$name" "$2"
	done
	vcctl kill "$name" >/dev/null
	wait $job || fail "$1, uid $2: $(cat "$work/$name.out")"
	say "unchanged: $1 (uid $2), $(tail -n 1 "$work/$name.out") looks"
}

# shellcheck disable=SC2046 # a list
[ $# -gt 0 ] || set -- $("$victim" --list)
for attribute in "$@"; do
	watch_moved "$attribute" 0
	watch_moved "$attribute" $nobody
done
