#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# set-stopped - a process that is stopped in the middle of a change keeps nobody from the next one
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-shape.sh"
two_conf 128M 128M
up --config="$work/two.conf"
limits() {
	echo "$(($(limit_of a) >> 20)) $(($(limit_of b) >> 20))"
}
cat >"$work/hook" <<'END'
#!/bin/sh
[ "$1 $2" = "$(cat "$0.at" 2>/dev/null)" ] || exit 0
rm -f "$0.at"
kill -STOP $PPID
touch "$0.stopped"
END
chmod 755 "$work/hook"
export VCRUN_RESHAPE_HOOK="$work/hook"

# At each step, before the commit and after it: undone, or finished.
for step in shrink cpus grow save; do
	rm -f "$work/hook.stopped"
	echo "$step set a" >"$work/hook.at"
	vcctl set a --memory=96M >"$work/set.out" 2>&1 &
	stopped=$!
	wait_for test -e "$work/hook.stopped"
	vcctl set b --memory=112M --deadline=20 >"$work/out" 2>&1 || fail "set b: $(cat "$work/out")"
	matches "what the next one says" "$(cat "$work/out")" 'process [0-9]+ was stopped while it had the lock'
	status=0
	wait $stopped || status=$?
	is "exit status of the one that was stopped at $step" "$status" 137
	case $step in
	shrink | cpus) is "limits after one stopped at $step" "$(limits)" "128 112" ;;
	*) is "limits after one stopped at $step" "$(limits)" "96 112" ;;
	esac
	[ ! -e "$state/reshape.journal" ] || fail "the journal is there still"
	vcctl set a --memory=128M >"$work/out" 2>&1 || fail "set a: $(cat "$work/out")"
	vcctl set b --memory=128M >"$work/out" 2>&1 || fail "set b: $(cat "$work/out")"
done

# Nobody else is ended who has locked a file of the same number, of another file system.
requires python3 mount umount
mkdir "$work/other"
mount -t tmpfs other "$work/other"
python3 - "$work/other" "$(stat -c %i "$state/reshape.lock")" <<'END'
import os, sys

directory, wanted = sys.argv[1], int(sys.argv[2])
for i in range(100000):
    name = f"{directory}/{i}"
    open(name, "w").close()
    number = os.stat(name).st_ino
    if number == wanted:
        os.rename(name, f"{directory}/same")
        break
    os.unlink(name)
    assert number < wanted, "the numbers of a new tmpfs are not in sequence"
END
is "number" "$(stat -c %i "$work/other/same")" "$(stat -c %i "$state/reshape.lock")"
flock -F "$work/other/same" sh -c 'touch "$1"; exec sleep 1000' - "$work/locked" &
other=$!
wait_for test -e "$work/locked"
kill -STOP $other
flock -F "$state/reshape.lock" sleep 1000 &
holder=$!
wait_for sh -c '! flock -n "$1" true' - "$state/reshape.lock"
try vcctl set b --memory=112M --deadline=4
is "exit status while the lock is held" "$status" 1
matches "who has the lock" "$out" "made by process $holder"
kill -0 $other || fail "the process that has another file's lock was ended"
kill -KILL $holder $other
wait $holder $other 2>/dev/null || :
umount "$work/other"

# One that is stopped for a moment is left alone.
rm -f "$work/hook.stopped"
echo "shrink set a" >"$work/hook.at"
vcctl set a --memory=96M >"$work/set.out" 2>&1 &
stopped=$!
wait_for test -e "$work/hook.stopped"
vcctl set b --memory=112M --deadline=20 >"$work/out" 2>&1 &
next=$!
sleep 0.5
kill -CONT $stopped
wait $stopped || fail "the one that was stopped for a moment: $(cat "$work/set.out")"
wait $next || fail "the next one: $(cat "$work/out")"
is "limits" "$(limits)" "96 112"
down --force
