# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # shared with lib.sh and the tests
# lib-move.sh - what the tests share that move programs about
#
# Sourced after lib.sh. How often a program is moved: VCRUN_MOVES, 4 times when
# nothing is said. A program is moved while it is at work, back and forth, and every
# move must succeed: here a move that is refused is a failure.

moves=${VCRUN_MOVES:-$((4 * test_rounds))}
nobody=65534

# Runs a command as root (0) or as another user.
as() { # UID COMMAND...
	if [ "$1" = 0 ]; then
		shift
		"$@"
	else
		as_user "$@"
	fi
}

# A directory that is the user's to write.
user_dir() { # UID NAME
	mkdir -p "$work/$2"
	chown "$1:$1" "$work/$2"
	echo "$work/$2"
}

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Moves a job to the other partition; prints nothing unless it fails.
move() { # NAME [UID]
	as "${2:-0}" vcmove --quiet --policy=notparent "$1" 2>"$work/move.err" ||
		fail "$1 was not moved: $(cat "$work/move.err")"
}

# Moves a job back and forth; before and after each move a command must succeed,
# so that the program is known to have been at work each time.
bounce() { # NAME UID PAUSE COMMAND...
	name=$1
	uid=$2
	pause=$3
	shift 3
	earlier=$(job "$name" moves)
	for i in $(seq 1 "$moves"); do
		sleep "$pause"
		"$@" || fail "before move $i of $name: not true: $*"
		move "$name" "$uid"
		"$@" || fail "after move $i of $name: not true: $*"
	done
	is "moves of $name" "$(job "$name" moves)" $((earlier + moves))
}

# What the moves cost since this was called last, for the log.
moves_shown=0
show_moves() { # WHAT
	python3 - "$1" "$state/moves.jsonl" $moves_shown <<-'END'
		import json, statistics, sys
		stops = [json.loads(line)["downtime_usec"] / 1000 for line in open(sys.argv[2])]
		stops = stops[int(sys.argv[3]):]
		print("%s: %d moves, stopped for %.0f ms in the median, %.0f at most" %
		      (sys.argv[1], len(stops), statistics.median(stops), max(stops)))
	END
	moves_shown=$(wc -l <"$state/moves.jsonl")
}

alive() { # PID
	kill -0 "$1" 2>/dev/null
}

# From here on no restore works while $work/broken is there: a criu that is started then fails,
# and the one that was started before is killed. $work/break makes it so at the next restore.
breakable_criu() {
	criu=$(vcctl check | sed -n 's/^ok  *criu  *\([^,]*\),.*/\1/p')
	[ -n "$criu" ] || skip "no criu that works"
	cat >"$work/criu" <<END
#!/bin/sh
[ ! -e "$work/broken" ] || exit 1
exec "$criu" "\$@"
END
	cat >"$work/hook" <<END
#!/bin/sh
[ "\$1" = restore ] && [ -e "$work/break" ] || exit 0
mv "$work/break" "$work/broken"
kill -KILL "\$6"
END
	chmod 755 "$work/criu" "$work/hook"
	export VCRUN_CRIU="$work/criu" VCRUN_STEP_HOOK="$work/hook"
}
