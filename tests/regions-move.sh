#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# regions-move - a job with a region moves to the partitions that the region is shared with, and nowhere else
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-regions.sh"

start one a vcipc frames
start two b posix frames
is "what the sharer wrote" "$(ask two fill)" "$sum"

# Moves: where it is shared it comes along, elsewhere it cannot.
vcmove two --to=a >"$work/move.out" || fail "move to the owner: $(cat "$work/move.out")"
is "after a move to its owner" "$(ask two look)" "$sum"
vcmove two --to=b >"$work/move.out" || fail "move back: $(cat "$work/move.out")"
vcmove one --to=b >"$work/move.out" || fail "move to a sharer: $(cat "$work/move.out")"
is "after a move to a sharer" "$(ask one look)" "$sum"
is "openers after that" "$(region frames "r['openers']")" "{'b': 1}"
for job in one two; do
	try vcmove $job --to=c
	is "exit status of $job's move to where it is not shared" "$status" 1
	matches "$job's move to where it is not shared" "$out" 'has the region frames open or mapped, which is not given to c'
done
is "after the refusal" "$(ask two look)" "$sum"
is "the region closed" "$(ask two close)" closed
vcmove two --to=c >"$work/move.out" || fail "move without it: $(cat "$work/move.out")"

start three b posix board 65533
ask three fill >"$work/before"
vcmove three --to=c >"$work/move.out" || fail "move of a user's job: $(cat "$work/move.out")"
is "after a move of a user's job" "$(ask three look)" "$(cat "$work/before")"
down --force
