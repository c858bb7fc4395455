#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-timers - timers run on while a job is moved: none is lost, none late but by the standstill
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3
requires_plain_build

# The first standstill lasts past the time at which some timers are due.
cat >"$work/hook" <<'END'
#!/bin/sh
cd "${0%/*}"
[ "$1" != reap ] || [ -e second ] || sleep 0.8
[ "$1" != reap ] || : >second
END
chmod 755 "$work" "$work/hook"
export VCRUN_STEP_HOOK="$work/hook"
up

is_ready() {
	grep -q ready "$work/out"
}

: >"$work/out"
vcrun --on=vc0 --name=timers "$top_builddir/tests/timer-victim" >"$work/out" &
wait_for is_ready
sleep 0.55
for i in 1 2 3; do
	move timers
done
wait
show_moves timers
cat "$work/out"
python3 - "$work/out" <<'END' || fail "a timer is wrong"
import re, sys
SLACK = 60  # milliseconds, on a busy machine
wrong, gap = False, 0
for line in open(sys.argv[1]):
    if line.startswith("gap"):
        gap = int(line.split()[1])
    row = re.match(r"(.*): (\d+) of (\d+), late by (-?\d+) and (-?\d+)", line)
    if not row:
        continue
    name, got, due, first, last = row[1], *map(int, row.groups()[1:])
    # One more or less may be due at the very end.
    if due and abs(got - due) > (due > 1) or not got or min(first, last) < -1:
        wrong = True
        print("wrong:", line)
    if first > (gap if "stop" in name else 0) + SLACK or last > (gap if "stop" in name else 0) + SLACK:
        wrong = True
        print("late:", line)
sys.exit(wrong)
END
down
