#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# claims - the commands of docs/CLAIMS.md say what the page says that they say
#
# The page is the test: rows are read out of it. What this machine cannot show is named.
. "${top_srcdir:=.}/tests/lib.sh"
requires_plain_build
requires python3
page=$top_srcdir/docs/CLAIMS.md
claims() { # PAGE ARGUMENT...
	python3 "$top_srcdir/tests/claims.py" "$@"
}

try claims "$page" list
[ "$status" -eq 0 ] || fail "the page: $out"
# And it can fail.
unnoticed() { # SED_COMMAND
	sed "$1" "$page" >changed.md
	! cmp -s changed.md "$page" || fail "$1 changes nothing"
	try claims changed.md list
	[ "$status" -ne 0 ]
}
for change in '/^| \[7\]/d' '/^### JP06110715 claim 3/,/^### /d' 's/^Needs: swap/Needs: luck/' \
	's/#jp11085547-claim-12/#jp11085547-claim-11/' 's/^This claim cannot be demonstrated: .*//' 's/`policy.random\.c.*place`//'; do
	unnoticed "$change" || fail "not noticed in the page: $change"
done

PATH=$top_builddir/examples/ipc:$top_builddir/tests:$PATH
claims "$page" claims.conf
up --config=claims.conf
for change in 's/^268435456$/268435455/' 's/^vc1  *1 /vc1 0 /' 's/^1$/1\n2/'; do
	sed "$change" "$page" >changed.md
	try claims changed.md run 'JP11085547 claim 1'
	is "exit status with other output expected, $change: $out" "$status" 1
	matches "with other output expected" "$out" '^failed: JP11085547 claim 1 '
done
claims "$page" run || fail "not all is as the page says"
down
