#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# journey.sh - every function that docs/JOURNEY.md, or another document, names is defined in the file it names
set -eu

top_srcdir=${top_srcdir:-$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)}
page=$(mktemp)
trap 'rm -f "$page"' EXIT

# A definition begins in the first column and has its brace on a line of its own; a
# prototype or call ends with a semicolon before that.
is_defined() { # FILE FUNCTION
	[ -f "$top_srcdir/$1" ] && awk -v name="$2" '
		$0 ~ "^[A-Za-z_].*[ *]" name "\\(" { open = 1 }
		open && /^\{/ { found = 1; exit }
		open && /;[ \t]*$/ { open = 0 }
		END { exit !found }' "$top_srcdir/$1"
}

# Prints what is wrong with a page's places in the code; returns 1 if anything is.
check_places() { # PAGE LEAST
	named=0 wrong=0
	for place in $(grep -o '`[a-z/-]*\.c:[a-z0-9_]*`' "$1" | tr -d '`'); do
		named=$((named + 1))
		is_defined "${place%%:*}" "${place#*:}" && continue
		echo "${place#*:} is not defined in ${place%%:*}"
		wrong=1
	done
	[ "$named" -ge "$2" ] || { echo "$1: only $named functions are named"; wrong=1; }
	return $wrong
}

# The same of the journey, with its stages.
check_page() { # PAGE
	wrong=0
	check_places "$1" 30 || wrong=1
	for stage in $(cd "$top_srcdir" && sed -n 's/.*log_stage("\([a-z]*\)".*/\1/p' ./*/*.c) \
		$(sed -n 's/^.*X([A-Z]*, "\([a-z]*\)").*/\1/p' "$top_srcdir/libmig/mig.h"); do
		grep -q "^| $stage |" "$1" && continue
		echo "the logs say stage $stage, which is not in the table"
		wrong=1
	done
	return $wrong
}

check_page "$top_srcdir/docs/JOURNEY.md"
check_places "$top_srcdir/docs/CLAIMS.md" 30
for page_of in DESIGN SECURITY FAULTS BENCHMARKS; do
	check_places "$top_srcdir/docs/$page_of.md" 0
done

# And it can fail: a function renamed, moved to another file, or a stage left out.
for change in s/decide_place/decide_where/ 's|shim/job.c:job_end|shim/move.c:job_end|' \
	's/^| commit |/| |/'; do
	sed "$change" "$top_srcdir/docs/JOURNEY.md" >"$page"
	! check_page "$page" >/dev/null || { echo "not noticed: $change"; exit 1; }
done
