#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-wreck - a process that ends with many objects to be put in order does not hold up others
#
# Time is not measured. If the work were done at once, the table would be locked until no object is
# left: a list would show all of them or none.
. "${top_srcdir:=.}/tests/lib.sh"
requires_plain_build
requires python3 setpriv
. "$top_srcdir/tests/lib-ipc.sh"
up
wreck=$work/ipc-wreck
cp "$top_builddir/tests/ipc-wreck" "$wreck"
n=60

sets() {
	"$client" 'list sysv-sem' | sed 's/^ok //'
}

: >"$work/seen"
as_user 65534 env VCRUN_STATE_DIR="$state" "$wreck" $n || fail "ipc-wreck: $?"
none_is_left() {
	sets >>"$work/seen"
	[ "$(tail -n 1 "$work/seen")" -eq 0 ]
}
wait_for none_is_left
between=$(sort -u "$work/seen" | grep -vxcE "0|$n")
say "numbers of objects that were seen: $(uniq "$work/seen" | tr '\n' ' ')"
at_least "lists that were answered while there was work" "$between" 5

# The next process of this user is put in order as any.
"$client" 'open sysv-sem - create' >"$work/out"
matches "a new one" "$(cat "$work/out")" '^ok created'
gone() {
	[ "$(sets)" -eq 0 ]
}
wait_for gone
down
