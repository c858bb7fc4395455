#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# sshd - a server with a session on a terminal: the session goes on, new ones get in
#
# The ordinary user is one with a shell, since sshd looks for it: postgres, if the
# machine has it. Without one only root is tried.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
. "$top_srcdir/tests/programs/lib-programs.sh"
requires sshd ssh ssh-keygen python3 setpriv
up
[ -d /run/sshd ] || { mkdir -m 755 /run/sshd && made_run=yes; }

connect() { # COMMAND...
	ssh -F none -i "$work/key" -p "$port" -o StrictHostKeyChecking=no -o BatchMode=yes \
		-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "$login@127.0.0.1" "$@"
}

session_answers() {
	count=$((count + 1))
	echo "$count" >&8
	wait_for grep -q "got $count" "$work/session.out"
	is "a new session" "$(connect echo new)" new
}

serve() { # UID LOGIN
	uid=$1
	login=$2
	dir=$(user_dir "$uid" "sshd-$uid")
	port=$(free_port)
	count=0
	ssh-keygen -q -t ed25519 -N '' -f "$dir/host"
	chown -R "$uid:$uid" "$dir"
	cat >"$dir/config" <<-END
		Port $port
		ListenAddress 127.0.0.1
		HostKey $dir/host
		AuthorizedKeysFile $work/key.pub
		StrictModes no
		UsePAM no
		PermitRootLogin yes
		PidFile none
	END
	as "$uid" vcrun --on=vc0 --name=sshd "$(command -v sshd)" -D -e -f "$dir/config" \
		2>"$work/sshd.err" &
	server=$!
	wait_for connect true
	mkfifo "$work/keys"
	# Only root's sshd can give a terminal its group.
	# shellcheck disable=SC2016,SC2046 # for the shell at the other end; an option or nothing
	connect $([ "$uid" != 0 ] || echo -tt) 'while read -r n; do echo "got $n"; done' <"$work/keys" >"$work/session.out" 2>&1 &
	session=$!
	exec 8>"$work/keys"
	bounce sshd "$uid" 0.1 session_answers
	exec 8>&-
	kill $session
	wait $session || :
	rm "$work/keys"
	end_job sshd $server
	show_moves "sshd with a session, uid $uid"
}

ssh-keygen -q -t ed25519 -N '' -f "$work/key"
chmod 755 "$work"
serve 0 root
other=$(id -u postgres 2>/dev/null) && serve "$other" postgres
[ -z "${made_run:-}" ] || rmdir /run/sshd
