#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-intruder - another user who connects to CRIU in place of what it waits for is not heard, nor
# one who sends to the processes that it restores
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3 setpriv
requires_plain_build
up

# Ten processes, each of which CRIU waits for in turn.
vcrun --detach --on=vc0 --name=victim sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done; wait' \
	>/dev/null
setpriv --reuid=$nobody --regid=$nobody --clear-groups \
	"$top_builddir/tests/parasite-attack" disturb 30 >"$work/disturber" 2>&1 &
disturber=$!
wait_for grep -q ready "$work/disturber"
for i in 1 2 3; do
	try timeout 20 vcmove --quiet --policy=notparent victim
	is "exit status of disturbed move $i" "$status" 0
done
kill $disturber 2>/dev/null || :
wait $disturber 2>/dev/null || :

setpriv --reuid=$nobody --regid=$nobody --clear-groups \
	"$top_builddir/tests/parasite-attack" connect 30 >"$work/intruder" 2>&1 &
intruder=$!
wait_for grep -q ready "$work/intruder"
for i in $(seq 1 20); do
	try timeout 20 vcmove --quiet --policy=notparent victim
	is "exit status of move $i" "$status" 0
	[ "$i" -lt 3 ] || ! grep -q connected "$work/intruder" || break
done
kill $intruder 2>/dev/null || :
wait $intruder 2>/dev/null || :
is "moves of the victim" "$(job victim moves)" $((i + 3))
vcctl kill victim
grep -q connected "$work/intruder" || skip "nobody got to connect in $i moves"
say "$(tail -n 1 "$work/intruder") times in $i moves"
