#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-fair - two programs in two partitions wait for the same: a post goes to the one that has slept
# longer, wherever it is and wherever the post is made
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
export LD_LIBRARY_PATH="$top_builddir/.libs"
turns=$top_builddir/tests/ipc-turns
[ ! -x "$top_builddir/tests/.libs/ipc-turns" ] || turns=$top_builddir/tests/.libs/ipc-turns
n=400
up

for kind in event sem mq; do
	for partition in vc0 vc1; do
		vcrun --on=$partition --name="$kind-$partition" "$turns" $kind wait "turns of $kind" ${partition#vc} \
			2>"$work/$kind-$partition.err" &
	done
	# From here, there, and from outside of all partitions.
	for poster in vc0 vc1 none; do
		case $poster in
		none) try "$turns" $kind post "turns of $kind" $n ;;
		*) try vcrun --on=$poster "$turns" $kind post "turns of $kind" $n ;;
		esac
		[ "$status" -eq 0 ] || fail "$kind posted in $poster: $out $(cat "$work/$kind"-*.err)"
		say "$kind posted in $poster: vc0, vc1, the one that slept longer: $out"
		# shellcheck disable=SC2086 # three numbers
		set -- $out
		is "$kind posted in $poster: posts taken" $(($1 + $2)) $n
		# Nobody sleeps for longer than a second without a look, and lines up anew then.
		at_least "$kind posted in $poster: taken in vc0 ($out)" "$1" $((n * 45 / 100))
		at_least "$kind posted in $poster: taken in vc1 ($out)" "$2" $((n * 45 / 100))
		at_least "$kind posted in $poster: by the one that slept longer" "$3" $((n * 90 / 100))
	done
	for partition in vc0 vc1; do
		vcctl kill "$kind-$partition"
	done
done
wait
down
