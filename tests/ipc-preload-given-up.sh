#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-preload-given-up - a dump that is given up interrupts no call of an unmodified program
#
# A first System V object that the job makes between the mover's look and the freeze makes the mover
# say no when the job stands still and CRIU's code has been in it; the next attempt succeeds.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
cat >"$work/hook" <<END
#!/bin/sh
[ "\$1" != dump ] || {
	kill -USR1 \$(cat "$work/pid")
	sleep 0.1
	echo >>"$work/dumps"
}
END
chmod 755 "$work/hook"
export VCRUN_STEP_HOOK="$work/hook"
up

vcrun --ipc=map --on=vc0 --name=sleeper "$top_builddir/tests/ipc-sleeper" >"$work/out" 2>&1 &
sleeper=$!
wait_for grep -q asleep "$work/out"

job sleeper pid >"$work/pid"
for _ in 1 2 3 4; do
	move sleeper
done
is "dumps" "$(wc -l <"$work/dumps")" 8

kill -TERM "$(cat "$work/pid")"
wait $sleeper || fail "exit status $?: $(cat "$work/out")"
is "what it said" "$(cat "$work/out")" asleep
