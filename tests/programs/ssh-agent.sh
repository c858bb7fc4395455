#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ssh-agent - signs for clients outside of the job, at its socket, all the time
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
. "$top_srcdir/tests/programs/lib-programs.sh"
requires ssh-agent ssh-add ssh-keygen python3 setpriv
up

# Its own check: the agent proves that it has the key.
key_is_there() {
	as "$uid" env SSH_AUTH_SOCK="$dir/socket" ssh-add -T "$dir/key.pub"
}

sign_on() {
	key_is_there || fail "ssh-add -T: exit status $?"
	gets_on "$work/signed"
}

for uid in 0 $nobody; do
	dir=$(user_dir "$uid" "agent-$uid")
	as "$uid" ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
	as "$uid" vcrun --on=vc0 --name=agent ssh-agent -D -a "$dir/socket" >/dev/null &
	job=$!
	wait_for test -S "$dir/socket"
	as "$uid" env SSH_AUTH_SOCK="$dir/socket" ssh-add -q "$dir/key"
	: >"$work/signed"
	while [ -d "$dir" ] && [ ! -e "$work/stop" ]; do
		if key_is_there; then echo good; else echo bad; fi >>"$work/signed"
	done &
	client=$!
	bounce agent "$uid" 0.1 sign_on
	: >"$work/stop"
	wait $client
	rm "$work/stop"
	is "signatures that failed" "$(grep -c bad "$work/signed" || :)" 0
	end_job agent $job
	show_moves "ssh-agent, uid $uid, $(lines_in "$work/signed") signatures"
done
