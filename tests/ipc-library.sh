#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-library - libvcipc seen from outside: its names, its header in C and C++, its manual
set -eu
top_srcdir=${top_srcdir:-.} top_builddir=${top_builddir:-$top_srcdir/build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
library=$top_builddir/.libs/libvcipc.so
! grep -q -e __asan_init -e __tsan_init "$library" || { echo "skipped: built with a sanitizer"; exit 77; }

is() { # WHAT GOT EXPECTED
	[ "$2" = "$3" ] || { printf '%s: got\n%s\nexpected\n%s\n' "$1" "$2" "$3"; exit 1; }
}

declared=$(sed -n 's/^VCIPC_API.*[ *]\(vcipc_[a-z_]*\)(.*/\1/p' "$top_srcdir/ipcmap/vcipc.h" | sort)
is "names in vcipc.sym" "$(sort "$top_srcdir/ipcmap/vcipc.sym")" "$declared"
is "names that the library exports" \
	"$(nm -D --defined-only "$library" | awk '{ print $3 }' | sort)" "$declared"

# Each call has its prototype in the manual.
for name in $declared; do
	cat "$top_srcdir"/man/vcipc*.3 | grep -Eq "^\.F[no] $name( |$)" ||
		{ echo "$name is not in the manual"; exit 1; }
done
# Each error that the manual names is made to happen by a test.
for name in $(sed -n 's/^\.It Bq Er //p' "$top_srcdir"/man/vcipc*.3 | sed 's/ , Er / /g' | tr ' ' '\n' | sort -u); do
	[ "$name" != ENOTSUP ] || continue # no such C library is here
	grep -qw "$name" "$top_srcdir"/tests/unit-ipc-*.c ||
		{ echo "no test makes $name happen"; exit 1; }
done

cat >"$work/use.c" <<'C'
#include "ipcmap/vcipc.h"

int main(void)
{
	struct timespec deadline;

	return vcipc_deadline(&deadline, VCIPC_NAME_MAX) != &deadline;
}
C
cp "$work/use.c" "$work/use.cc"
echo '#include "ipcmap/vcipc.h"' >"$work/header.c"
${CC:-cc} -std=c99 -pedantic -Wall -Wextra -Werror -I"$top_srcdir" -c -o "$work/header.o" "$work/header.c"
${CC:-cc} -std=c11 -pedantic -Wall -Wextra -Werror -I"$top_srcdir" -o "$work/c" "$work/use.c" "$library"
LD_LIBRARY_PATH=$top_builddir/.libs "$work/c"
for example in sender receiver; do
	${CC:-cc} -Wall -Wextra -Werror -I"$top_srcdir/ipcmap" -o "$work/$example" \
		"$top_srcdir/examples/ipc/$example.c" "$library"
done
if ! command -v g++ >/dev/null; then
	echo "skipped: g++ is not installed"
	exit 77
fi
g++ -std=c++11 -pedantic -Wall -Wextra -Werror -I"$top_srcdir" -o "$work/cc" "$work/use.cc" "$library"
LD_LIBRARY_PATH=$top_builddir/.libs "$work/cc"
