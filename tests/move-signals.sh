#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-signals - a signal that is sent during a move is delivered after it, once, and answered then
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3

# Real-time signals queue, so each one that is sent can be counted. 34 to 36 are counted.
cat >"$work/count.py" <<'END'
import os, signal
signals = {10, 34, 35, 36}
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
child = os.fork() if os.environ.get("CHILD") else 1
name = "child" if child == 0 else "program"
print(name, "ready", flush=True)
while True:
    # One write: the two share the file.
    os.write(1, b"%s %d\n" % (name.encode(), signal.sigwait(signals)))
END

# The hook holds a move in one step until the test lets it go; or breaks it, and its way back.
breakable_criu
mv "$work/hook" "$work/hook.break"
cat >"$work/hook" <<END
#!/bin/sh
if [ "\$1" = "\$(cat "$work/hold" 2>/dev/null)" ]; then
	: >"$work/held"
	while [ -e "$work/hold" ]; do sleep 0.02; done
fi
exec "$work/hook.break" "\$@"
END
chmod 755 "$work/hook"
up

begin() { # NAME
	rm -f "$work/broken"
	vcrun --on=vc0 --name="$1" python3 "$work/count.py" >"$work/$1.out" 2>&1 &
	vcrun=$!
	wait_for grep -q 'program ready' "$work/$1.out"
}

counted() { # NAME SIGNAL [PROCESS]
	grep -c "^${3:-program} $2\$" "$work/$1.out" || :
}
counts() { # NAME SIGNAL NUMBER [PROCESS]
	[ "$(counted "$1" "$2" "${4:-program}")" = "$3" ]
}

# Begins a move that stays in that step; $mover: its vcmove.
hold_move() { # NAME STEP
	rm -f "$work/held"
	echo "$2" >"$work/hold"
	vcmove --policy=notparent "$1" >"$work/mover.out" 2>&1 &
	mover=$!
	wait_for [ -e "$work/held" ]
}
release_move() {
	rm "$work/hold"
	wait $mover || fail "the move failed: $(cat "$work/mover.out")"
}

begin held
for step in check dump commit restore resume; do
	before=$(counted held 34)
	hold_move held $step
	for _ in 1 2 3; do
		vcctl kill --signal=34 held >"$work/kill.out" 2>&1 &
		killers="${killers:-} $!"
	done
	sleep 0.3
	for killer in $killers; do
		kill -0 "$killer" 2>/dev/null || fail "in step $step: answered before it was delivered: $(cat "$work/kill.out")"
	done
	is "signals that arrived in step $step" "$(counted held 34)" "$before"
	release_move
	for killer in $killers; do
		wait "$killer" || fail "a signal sent in step $step: $(cat "$work/kill.out")"
	done
	killers=''
	wait_for counts held 34 $((before + 3))
done

# What the waiting vcrun passes on waits too, and a second move is no less an order.
before=$(counted held 10)
hold_move held restore
kill -USR1 $vcrun
vcmove --policy=notparent held >"$work/second.out" 2>&1 &
second=$!
sleep 0.2
release_move
wait_for counts held 10 $((before + 1))
wait $second || matches "a second move's answer" "$(cat "$work/second.out")" 'job'
matches "a second move's answer" "$(cat "$work/second.out")" 'vc[01]'

# A move that ends with the job parked: the answer says that the signal is held. So it is for
# those that come later, and all arrive in their number when the job runs again.
hold_move held prepare
vcctl kill --signal=35 held >"$work/kill.out" 2>&1 &
killer=$!
: >"$work/break"
rm "$work/hold"
! wait $mover || fail "moved, without criu"
wait_for job_is held state parked
wait $killer || fail "a signal sent in a move that parked the job: $(cat "$work/kill.out")"
matches "its answer" "$(cat "$work/kill.out")" 'parked'
for _ in 1 2 3; do
	vcctl kill --signal=36 held 2>"$work/kill.out" || fail "a parked job's signal"
	matches "the answer, parked" "$(cat "$work/kill.out")" 'parked'
done
is "signals that a parked job got" "$(counted held 36)" 0
rm "$work/broken"
wait_for job_is held state running
wait_for counts held 36 3
is "the signal of the move" "$(counted held 35)" 1

# The end is an order as any other.
hold_move held restore
vcctl kill held >"$work/kill.out" 2>&1 &
killer=$!
sleep 0.2
release_move
wait $killer || fail "TERM during a move: $(cat "$work/kill.out")"
ended=0
wait $vcrun || ended=$?
is "exit status after TERM during a move" $ended 143
wait_for jobs_are 0
try vcctl kill held
is "exit status of a signal to a job that has ended" "$status" 1

# Without any hold: signals at any moment of twenty moves, to all processes.
export CHILD=1
begin busy
wait_for grep -q 'child ready' "$work/busy.out"
(
	for _ in $(seq 20); do
		vcmove --quiet --policy=notparent busy || exit 1
	done
) >"$work/moves.out" 2>&1 &
mover=$!
for _ in $(seq 100); do
	vcctl kill --signal=34 busy 2>"$work/kill.out" || fail "vcctl kill: $(cat "$work/kill.out")"
done
wait $mover || fail "a move failed: $(cat "$work/moves.out")"
wait_for counts busy 34 100
wait_for counts busy 34 100 child
is "moves" "$(job busy moves)" 20
vcctl kill --signal=KILL busy
wait $vcrun || :
wait_for jobs_are 0
down
