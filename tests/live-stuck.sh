#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# live-stuck - processes that do not stop, of which there are many, hold a live move up for a short time
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-live.sh"
requires python3 cc
up

# A parent is in an uninterruptible sleep until its child by vfork() ends.
cat >"$work/stuck.c" <<'END'
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	for (int i = 0; i < 40; i++)
		if (fork() == 0) {
			memset(malloc(1 << 20), 1, 1 << 20);
			if (vfork() == 0)
				for (;;)
					pause();
		}
	for (;;)
		pause();
}
END
cc -o "$work/stuck" "$work/stuck.c"
vcrun --detach --on=vc0 --name=stuck "$work/stuck" >/dev/null
id=$(job stuck id)
all_there() {
	[ "$(processes_in vc0 "$id")" -ge 81 ]
}
wait_for all_there
begun=$(date +%s)
live_move stuck
at_most "seconds of a move" $(($(date +%s) - begun)) 20
is "processes left in vc0" "$(processes_in vc0 "$id")" 0
vcctl kill -s KILL stuck >/dev/null
wait_for jobs_are 0
down
