# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # shared with lib.sh and the tests
# lib-ipc.sh - what the tests of IPC objects share
#
# Sourced after lib.sh. tests/ipc-client.c says what it can be asked.

[ -x "$top_builddir/tests/ipc-client" ] || skip "tests/ipc-client is not built"
client=$work/ipc-client
[ -e "$client" ] || cp "$top_builddir/tests/ipc-client" "$client"
export VCRUN_STATE_DIR

# Starts a client that lives on in a job, and can be asked: it reads from the FIFO $work/NAME.in.
start_client() { # NAME PARTITION [UID]
	mkfifo "$work/$1.in"
	: >"$work/$1.out"
	if [ -n "${3:-}" ]; then
		chmod 666 "$work/$1.in"
		as_user "$3" vcrun --on="$2" --name="$1" "$client" <>"$work/$1.in" >"$work/$1.out" 2>&1 &
	else
		vcrun --on="$2" --name="$1" "$client" <>"$work/$1.in" >"$work/$1.out" 2>&1 &
	fi
	wait_for job_is "$1" state running
}

# Asks a client that was started; its answer is printed. Requests go by lines, and so do answers.
ask() { # NAME REQUEST
	before=$(wc -l <"$work/$1.out")
	printf '%s\n' "$2" >"$work/$1.in"
	for _ in $(seq 200); do
		[ "$(wc -l <"$work/$1.out")" -gt "$before" ] && break
		sleep 0.02
	done
	tail -n +$((before + 1)) "$work/$1.out"
}

# The openers of an object, "vc0:1 vc1:2", or "-"; "gone" when there is no such object.
openers() { # NAME
	vcctl ipc show "$1" --json 2>/dev/null |
		json "' '.join('%s:%d' % (p['partition'], p['openers']) for p in d['ipc'][0]['partitions']) or '-'" 2>/dev/null ||
		echo gone
}

openers_are() { # NAME OPENERS
	[ "$(openers "$1")" = "$2" ]
}

# The handle of an object in a partition.
handle() { # NAME PARTITION
	vcctl ipc show "$1" --json | json "[p['handle'] for p in d['ipc'][0]['partitions'] if p['partition'] == '$2'][0]"
}

# Neither the table nor the file system has anything left.
nothing_left() {
	[ "$(vcctl ipc list --json | json "d['used']")" = 0 ] &&
		[ -z "$(find "$state/ipc/o" -type f)" ]
}

daemon() { # PARTITION
	vcctl list --json | json "[p['daemon_pid'] for p in d['partitions'] if p['name'] == '$1'][0]"
}
