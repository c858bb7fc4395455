#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-attack - a user who rewrites his job's memory while it is frozen does not become root
#
# A second process of his writes where CRIU, in the job's memory, notes who the job is: uid 0.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires setpriv
requires_plain_build
up

attack=$top_builddir/tests/parasite-attack
home=$(user_dir $nobody home)
as $nobody vcrun --detach --on=vc0 --name=victim "$attack" victim "$home/who" >/dev/null
wait_for test -s "$home/who"
pid=$(job victim pid)

# Runs an attacker and moves the victim; $status and $out are the move's.
move_under() { # learn|attack [AT]
	setpriv --reuid=$nobody --regid=$nobody --clear-groups "$attack" "$1" "$pid" 20 ${2:+"$2"} \
		>"$work/attack" 2>&1 &
	attacker=$!
	wait_for grep -q ready "$work/attack"
	try as $nobody vcmove --quiet --policy=notparent victim
	# One that came too late waits in vain.
	sleep 0.1
	kill "$attacker" 2>/dev/null || :
	wait "$attacker" 2>/dev/null || :
}

at=''
for _ in $(seq 1 10); do
	move_under learn
	is "exit status of a move that is looked at" "$status" 0
	at=$(sed -n 's/^at \([0-9]*\)$/\1/p' "$work/attack")
	[ -z "$at" ] || break
done
[ -n "$at" ] || skip "where CRIU notes the uids was not seen in 10 moves"

beats() { # BEFORE
	[ "$(cat "$home/who")" != "$1" ]
}

# Most attacks come between two questions; what is written then is overwritten by the answer.
most=${VCRUN_ATTACKS:-$((60 * test_rounds))} refused=no
for i in $(seq 1 "$most"); do
	before=$(cat "$home/who")
	move_under attack "$at"
	wait_for beats "$before"
	is "whose it is after attack $i" "$(head -n 1 "$home/who" | cut -d' ' -f2-)" \
		"$nobody $nobody $nobody"
	is "its user after attack $i" "$(ps -o uid= -p "$pid" | tr -d ' ')" $nobody
	# CRIU itself fails when what is written hits something else there.
	case $out in
	*'its image says '*'uid 0, the kernel says 65534'*) refused=yes ;;
	esac
	[ $refused = no ] || break
done
vcctl kill victim
[ $refused = yes ] || skip "none of $most attacks came in time"
say "attack $i would have gone through, and was refused"
