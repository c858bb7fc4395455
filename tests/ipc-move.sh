#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-move - a job that is moved takes its handles from one column to the other
. "${top_srcdir:=.}/tests/lib.sh"
requires_plain_build
requires python3
. "$top_srcdir/tests/lib-ipc.sh"
. "$top_srcdir/tests/lib-move.sh"
cat >"$work/hook" <<END
#!/bin/sh
[ "\$1" != restore ] || [ ! -e "$work/break" ] || kill -KILL "\$6"
END
chmod 755 "$work/hook"
export VCRUN_STEP_HOOK="$work/hook"
up

start_client a vc0
start_client b vc1
ask a 'open event both create' >/dev/null
ask b 'open event both' >/dev/null
ask a 'open shm mine create' >/dev/null
ask a 'open shm mine' >/dev/null
ask a 'open shm child create' >/dev/null
ask a 'put 3 33' >/dev/null
child=$(ask a fork | sed 's/^ok pid=//')
is "a leaves one to its child" "$(ask a 'close 3')" ok
is "openers of both" "$(openers both)" "vc0:1 vc1:1"
is "openers of mine" "$(openers mine)" "vc0:2"
is "openers of child" "$(openers child)" "-"
handle=$(handle mine vc0)
theirs=$(handle both vc1)

move a
wait_for openers_are both "vc1:2"
is "handle of both" "$(handle both vc1)" "$theirs"
wait_for openers_are mine "vc1:2"
is "handle of mine, moved" "$(handle mine vc1)" "$handle"
stays "openers of mine, later" 1 "vc1:2" openers mine
is "openers of child, later" "$(openers child)" "-"
[ -d "/proc/$child" ] || fail "the child is gone"
ask a 'put 0 12' >/dev/null
is "memory is shared over the move" "$(ask b 'get 0')" "ok 12"
is "it opens what it has" "$(ask a 'open shm mine' | cut -d' ' -f1,2)" "ok found"
is "openers then" "$(openers mine)" "vc1:3"

# To and fro. A daemon is killed after the second move.
for i in 1 2 3; do
	move a
	[ "$i" != 2 ] || { kill -KILL "$(daemon vc1)" && vcctl up >/dev/null; }
	wait_for jobs_are 2
done
wait_for openers_are mine "vc0:3"
wait_for openers_are both "vc0:1 vc1:1"

# A move whose restore fails: it is restored where it was.
touch "$work/break"
try vcmove a --to=vc1
rm "$work/break"
is "exit status of the move that failed" "$status" 1
is "where it is" "$(job a partition)" vc0
stays "openers after a move that failed" 1 "vc0:3" openers mine
is "its memory" "$(ask a 'put 0 13' && ask b 'get 0')" "ok
ok 13"

# Who dies after a move is counted out where it was last.
move a
kill -KILL "$(job a pid)"
wait_for openers_are mine "-" # its child has inherited that one too
wait_for openers_are both "vc1:1"
kill -KILL "$child"
wait_for openers_are child gone
wait_for openers_are mine gone
kill -KILL "$(job b pid)"
wait_for nothing_left
down --force
wait
