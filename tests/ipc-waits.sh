#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-waits - a program that waits in one of libvcipc's calls is moved, and so is its peer,
# which posts before, during and after: nothing is lost or doubled, and no call fails
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3
export LD_LIBRARY_PATH="$top_builddir/.libs"
peer=$top_builddir/tests/ipc-peer
[ ! -x "$top_builddir/tests/.libs/ipc-peer" ] || peer=$top_builddir/tests/.libs/ipc-peer
up

start() { # PARTITION JOB CALL NAME N
	partition=$1 name=$2
	shift 2
	vcrun --on="$partition" --name="$name" "$peer" "$@" >"$work/$name.out" 2>"$work/$name.err" &
}

done_well() { # JOB PID
	wait "$2" || fail "$1: $(cat "$work/$1.err")"
	is "$1" "$(tail -n 1 "$work/$1.out")" "done"
}

# The one that waits is moved again and again, its peer once in between.
pair() { # CALL PEER'S_CALL N
	start vc0 waiter "$1" "test of $1" "$3"
	waiter=$!
	wait_for grep -q ready "$work/waiter.out"
	start vc1 poster "$2" "test of $1" "$3"
	poster=$!
	wait_for grep -q ready "$work/poster.out"
	for i in $(seq 1 "$moves"); do
		sleep 0.1
		move waiter
		[ "$i" != 2 ] || move poster
	done
	is "$1: moves of the waiter" "$(job waiter moves)" "$moves"
	done_well poster $poster
	done_well waiter $waiter
	show_moves "$1"
}

pair event_wait event_post 1000
pair event_timedwait event_post 1000
pair event_wait_broadcast event_broadcast 1000
pair sem_wait sem_post 1000
pair sem_timedwait sem_post 1000
pair mq_receive mq_put 1000
pair mq_timedreceive mq_put 1000
pair mq_poll mq_put 1000
pair mq_send mq_get 1000
pair mq_timedsend mq_get 1000
for call in mutex_lock mutex_timedlock; do
	pair $call $call 500
	"$peer" mutex_sum "test of $call" 1000 >/dev/null || fail "$call: not every turn was counted"
done

# A mutex that is held stays held while its holder is moved, and is given back in order.
mkfifo "$work/in"
vcrun --on=vc0 --name=holder "$peer" mutex_hold held 0 <"$work/in" >"$work/holder.out" 2>"$work/holder.err" &
holder=$!
exec 3>"$work/in"
wait_for grep -q held "$work/holder.out"
start vc1 wanter mutex_want held 1000
wanter=$!
for _ in $(seq 1 "$moves"); do
	move holder
done
wait_for grep -q looked "$work/wanter.out"
move holder
move wanter
echo >&3
done_well holder $holder
done_well wanter $wanter

objects() {
	find "$state/ipc/o" -type f | wc -l
}
nothing_left() {
	[ "$(objects)" = 0 ]
}
wait_for nothing_left
down
