#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-waits - system calls wait on over a move as they do over SIGSTOP and SIGCONT
#
# The same processes wait twice: as plain processes that are stopped for a while, and as a job that
# stands still in a move for as long. A signal is due in that time. What every call returns, whether
# its handler has run, and when it returned must be the same. The moved job is moved back too. The
# same again for a move that is given up when the job is frozen already; the signal is due later then.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3
requires_plain_build

# Notes when each standstill begins; the first one lasts past the time at which the signals are due.
# When a move is to be given up the job becomes what cannot be moved after it was looked at.
cat >"$work/hook" <<'END'
#!/bin/sh
cd "${0%/*}"
[ "$1" != dump ] || date +%s.%N >>begins
[ "$1" != reap ] || [ -e second ] || sleep 0.6
[ "$1" != reap ] || : >second
[ "$1" = prepare ] && [ -e give-up ] || exit 0
pid=$(cat give-up)
kill -USR2 "$pid"
while ! grep -q 'NoNewPrivs:.1' "/proc/$pid/status"; do sleep 0.01; done
END
chmod 755 "$work" "$work/hook"
export VCRUN_STEP_HOOK="$work/hook"
up
victim=$top_builddir/tests/wait-victim

is_ready() {
	grep -q ready "$work/moved"
}

begin() { # DUE
	: >"$work/begins"
	: >"$work/moved"
	vcrun --on=vc0 --name=waits "$victim" "$1" >"$work/moved" &
	wait_for is_ready
	sleep 0.6
}

# The same processes, stopped at the same moments and for as long.
compare() { # WHAT DUE
	python3 "$work/compare.py" "$work" "$victim" "$2" ||
		fail "$1: not every call waits on as over a stop"
}

cat >"$work/compare.py" <<'END'
import os, signal, subprocess, sys, time

work, victim, due = sys.argv[1:]

def rows(lines):
    return {tuple(w[:2]): (w[2:5], int(w[5])) for w in map(str.split, lines) if len(w) == 6}

moved = open(work + "/moved").read().splitlines()
ready = float(moved[0].split()[1])
# Of the times in which nothing ran: the longest after each beginning.
gaps = [(int(w[1]) / 1e3, int(w[2]) / 1e3) for w in map(str.split, moved) if w[0] == "gap"]
begins = [float(line) - ready for line in open(work + "/begins")]
ends = begins[1:] + [begins[-1] + 3]
begins, stops = zip(*(max((gap for gap in gaps if begin - 0.1 <= gap[0] < end), key=lambda gap: gap[1])
                      for begin, end in zip(begins, ends)))
print("stopped", ", ".join("after %.2f s for %.2f s" % pair for pair in zip(begins, stops)))

process = subprocess.Popen([victim, due], stdout=subprocess.PIPE, text=True, start_new_session=True)
ready = float(process.stdout.readline().split()[1])
for begin, stop in zip(begins, stops):
    time.sleep(max(0, ready + begin - time.time()))
    os.killpg(process.pid, signal.SIGSTOP)
    time.sleep(stop)
    os.killpg(process.pid, signal.SIGCONT)
stopped, moved = rows(process.stdout), rows(moved)

def same_time(a, b):
    """Within 0.6 s, or at the edges of one standstill: its bounds are known roughly."""
    return abs(a - b) <= 600 or any(
        min(a, b) >= 1000 * begin - 300 and max(a, b) <= 1000 * (begin + stop) + 400
        for begin, stop in zip(begins, stops))

wrong = len(stopped) != len(moved) or len(stopped) < 80
for row, (result, msec) in sorted(stopped.items()):
    got, when = moved.get(row, (["0", "nothing", "0"], 0))
    # A value is a number of milliseconds that are left, or small.
    if result[1:] != got[1:] or abs(int(result[0]) - int(got[0])) > 1000 * (int(got[0]) > 9) \
            or not same_time(msec, when):
        wrong = True
        print("%-20s %-10s stopped: %s after %d ms; moved: %s after %d ms" %
              (*row, " ".join(result), msec, " ".join(got), when))
print("%d rows" % len(stopped))
sys.exit(wrong)
END

begin 1200
move waits
move waits
wait
show_moves waits
compare "two moves" 1200

begin 2300
job waits pid >"$work/give-up"
try vcmove --to=vc1 waits
case $out in
*Landlock*) ;;
*) skip "two moves are right; nothing to give a third one up for: $out" ;;
esac
wait
compare "a move that was given up" 2300
down
