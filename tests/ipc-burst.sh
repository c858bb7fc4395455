#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-burst - one connection serves a burst of requests about IPC objects, and gives nobody rights
. "${top_srcdir:=.}/tests/lib.sh"
requires_plain_build
requires python3
. "$top_srcdir/tests/lib-ipc.sh"
cat >"$work/vcrun.conf" <<END
exclusive = false
partition vc0 { cpus = "0" }
partition vc1 { cpus = "1" }
partition vc2 { cpus = "0" }
END
up --config="$work/vcrun.conf"
burst=$work/ipc-burst
cp "$top_builddir/tests/ipc-burst" "$burst"
id=$("$client" 'open shm there create persistent mode=640' | sed 's/.*id=\([0-9]*\).*/\1/')
"$client" "chown $id 0 4242 640" >"$work/chown"
is "chown" "$(cat "$work/chown")" ok

for way in one fork closed rights inherited groups crowd; do
	try timeout 100 "$burst" $way
	is "$way: exit status, output" "$status $out" "0 "
done

# A job asks again after each of these.
mkfifo "$work/in"
vcrun --on=vc0 --name=burst "$burst" pause <>"$work/in" >"$work/out" 2>&1 &
answers_are() {
	[ "$(wc -l <"$work/out")" -eq "$1" ]
}
wait_for answers_are 1
answers=1
ask_again() { # WHEN
	echo >"$work/in"
	answers=$((answers + 1))
	wait_for answers_are $answers
	is "$1" "$(tail -n 1 "$work/out")" well
}
ask_again "at once"
kill -KILL "$(daemon vc0)"
ask_again "when its daemon is gone"
vcctl up >/dev/null
ask_again "when there is another one"
for to in vc1 vc2 vc0 vc1; do
	# A daemon that is new, or to which it has come, does not know of it at once.
	wait_for job_is burst state running
	vcmove burst --to=$to >/dev/null
	ask_again "moved to $to"
done

# A request that waits for a daemon does not keep its job from being moved, nor does it fail: the
# daemon that was asked before the move is stopped, and goes on after it.
stopped=$(daemon vc1)
wait_for job_is burst state running
vcmove burst --to=vc2 >/dev/null
wait_for job_is burst state running
kill -STOP "$stopped"
echo >"$work/in"
try timeout 60 vcmove burst --to=vc0
kill -CONT "$stopped"
is "exit status of the move, $out" "$status" 0
answers=$((answers + 1))
wait_for answers_are $answers
is "the answer after the move" "$(tail -n 1 "$work/out")" well
wait_for job_is burst state running
kill -KILL "$(job burst pid)"
wait
