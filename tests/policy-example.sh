#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# policy-example - the example policy builds out of tree and the loader takes it
set -eu
: "${top_srcdir:=.}" "${top_builddir:=.}"

command -v make >/dev/null || { echo "skipped: no make"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cp "$top_srcdir"/examples/policy/mine.c "$top_srcdir"/examples/policy/Makefile "$dir"
chmod 0755 "$dir"
include=$(cd "$top_srcdir/policy" && pwd)
# Nothing of the outer make's may reach the inner one.
(umask 022; cd "$dir"
 env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u CFLAGS make -s CC="${CC:-cc}" POLICY_CFLAGS="-I$include")

# 300 MB free against 1000 and 200: the one in the middle, although it is the busiest.
got=$("$top_builddir/tests/policy-ask" "$dir" mine 0:100:400 90:3000:4000 10:300:500)
[ "$got" = 1 ] || { echo "the example policy answers '$got', expected '1'"; exit 1; }

# And the loader is not taking just anything for it.
mv "$dir/mine.so" "$dir/yours.so"
if "$top_builddir/tests/policy-ask" "$dir" yours 0:1:1 2>"$dir/err"; then
	echo "a module named otherwise than its policy was taken"
	exit 1
fi
grep -q "policy 'mine'" "$dir/err" || { echo "unexpected: $(cat "$dir/err")"; exit 1; }
