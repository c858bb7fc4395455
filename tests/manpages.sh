#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# manpages.sh - the manual pages are sound, and have the very options that --help has
set -euo pipefail

top_srcdir=${top_srcdir:-.} top_builddir=${top_builddir:-$top_srcdir/build}
failed=0

# A made page is in the build tree, another in the source tree.
page_of() {
	if [ -e "$top_builddir/man/$1" ]; then
		echo "$top_builddir/man/$1"
	else
		echo "$top_srcdir/man/$1"
	fi
}

options_of_help() {
	"$top_builddir/$1" --help |
		sed -n 's/^  *\(-[a-zA-Z], \)\{0,1\}\(--[a-z-]*\).*/\2/p' | sort -u
}

options_of_page() {
	grep '^\.It Fl' "$1" | grep -o -- '-[a-z][a-z-]* \|-[a-z][a-z-]*$' |
		sed 's/^/-/; s/ $//' | grep -- '--[a-z][a-z]' | sort -u
}

for page in vcrun.1 vcmove.1 vcstat.1 vcbench.1 vcctl.8 vcd.8; do
	name=${page%.*}
	help=$(options_of_help "$name" | paste -sd' ')
	documented=$(options_of_page "$(page_of "$page")" | paste -sd' ')
	[ "$help" = "$documented" ] && continue
	printf '%s --help has: %s\n%s has: %s\n' "$name" "$help" "$page" "$documented"
	failed=1
done

# Wrong renderings that lint accepts: a word of a heading that is a macro ("In a partition" becomes
# "<a> partition"), and two quoting macros in one line, each of which quotes the rest of the line.
check_rendering() {
	local page=$1 rendered heading

	rendered=$(mandoc -T utf8 "$page" | sed 's/.\x08//g')
	while IFS= read -r heading; do
		! grep -qFx -- "$heading" <<<"$rendered" || continue
		printf '%s: the heading "%s" is rendered otherwise\n' "$page" "$heading"
		failed=1
	done < <(sed -n 's/^\.Sh //p; s/^\.Ss /   /p' "$page")
	! grep -n '^\..*\<[BDPQS]q .*\<[BDPQS]q ' "$page" | grep -v '\.Pq [QS]q [^ ]*$' || failed=1
}

for page in "$top_srcdir"/man/*.[1-9] "$top_builddir"/man/*.[1-9]; do
	[ -e "$page" ] || continue
	! grep -n '@[a-z]*@' "$page" || failed=1
	command -v mandoc >/dev/null || continue
	mandoc -T lint -W warning "$page" || failed=1
	check_rendering "$page"
done
[ "$failed" -eq 0 ] || exit 1
command -v mandoc >/dev/null || { echo "skipped: mandoc is not installed"; exit 77; }
