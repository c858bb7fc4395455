#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-preload-halfway - an object whose maker is stopped is whole for others, and stays
. "${top_srcdir:=.}/tests/lib.sh"
requires_plain_build
up
vcrun --ipc=map timeout 60 "$top_builddir/tests/ipc-halfway" >"$work/out" 2>&1 ||
	fail "exit status $?: $(cat "$work/out")"
cat "$work/out"
while read -r kind stops there; do
	at_least "stops of a maker of a $kind" "$stops" 10
	at_least "stops with an object there, $kind" "$there" 2
	at_least "stops without, $kind" $((stops - there)) 2
done <"$work/out"
is "kinds" "$(grep -c . "$work/out")" 2
