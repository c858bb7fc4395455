# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # shared with lib.sh, lib-move.sh and the tests
# lib-programs.sh - what the tests share that move well-known programs while they work
#
# Sourced after lib.sh and lib-move.sh. Each test runs one program, as root and as an
# ordinary user, moves it VCRUN_MOVES times, and looks after each move whether it works on.

lines_in() { # FILE
	wc -l <"$1" 2>/dev/null || echo 0
}

more_lines() { # FILE BEFORE
	[ "$(lines_in "$1")" -gt "$2" ]
}

# The program keeps writing lines.
gets_on() { # FILE
	wait_for more_lines "$1" "$(lines_in "$1")"
}

# Counts 1, 2, 3 ... without a gap, as many lines as there are.
counts_up() { # WHAT FILE
	is "$1: lines out of order" "$(awk '$1 != NR { n++ } END { print n + 0 }' "$2")" 0
}

# Ends a job by name and waits for its vcrun, whatever it answers.
end_job() { # NAME VCRUN-PID [SIGNAL]
	vcctl kill --signal="${3:-TERM}" "$1" >/dev/null
	wait "$2" || :
}
