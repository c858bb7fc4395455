#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-preload-interrupt - under --ipc=map a signal interrupts a blocking call from its first moment on
. "${top_srcdir:=.}/tests/lib.sh"
up
vcrun --ipc=map "$top_builddir/tests/ipc-interrupt" >"$work/out"
cat "$work/out"
is "calls" "$(wc -l <"$work/out")" 3
is "calls of which no signal was lost" "$(grep -c ': 0 of' "$work/out")" 3
down
