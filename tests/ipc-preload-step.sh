#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-preload-step - a signal at any instruction of a call that blocks makes it return EINTR
#
# VC_STEP_EVERY: which instructions far from the sleep get one. 1: all, which takes minutes.
. "${top_srcdir:=.}/tests/lib.sh"
requires_plain_build
[ "$(uname -m)" = x86_64 ] || skip "the test knows the instructions of x86-64"
step=$top_builddir/tests/ipc-step
up
for how in private map; do
	vcrun --ipc=$how timeout 600 "$step" all "${VC_STEP_EVERY:-700}" >"$work/$how" 2>&1 ||
		fail "--ipc=$how: exit status $?: $(cat "$work/$how")"
	cat "$work/$how"
	is "calls, --ipc=$how" "$(wc -l <"$work/$how")" 7
	is "calls that lose no signal, --ipc=$how" "$(grep -c ' 0 lost$' "$work/$how")" 7
done
