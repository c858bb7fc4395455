#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-lock - a job that had a lock does not run without it
#
# While the job does not exist, an outsider takes its POSIX lock. The restore fails then, at the
# source too, and the job comes back when the lock is free: it never sees itself without it.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3

cat >"$work/hook" <<END
#!/bin/sh
[ "\$1" = restore ] && [ -e "$work/steal" ] || exit 0
rm "$work/steal"
python3 "$work/steal.py" >"$work/steal.out" 2>&1 &
while ! grep -q . "$work/steal.out"; do sleep 0.02; done
END
cat >"$work/steal.py" <<END
import fcntl, os, time
f = open("$work/file", "r+")
fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 4, 2)
print("taken", flush=True)
while not os.path.exists("$work/enough"):
    time.sleep(0.05)
END
# The lock is its child's to look at: nobody sees his own.
cat >"$work/lock.py" <<'END'
import fcntl, os, struct, sys, time
f = open(sys.argv[1], "r+")
fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 4, 2)
owner = os.getpid()
if os.fork():
    os.wait()
    sys.exit()
print("ready", flush=True)
while not os.path.exists(sys.argv[2]):
    lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
    kind, _, start, length, pid = struct.unpack("hhqqi4x", fcntl.fcntl(f, fcntl.F_GETLK, lock))
    if (kind, start, length, pid) != (fcntl.F_WRLCK, 2, 4, owner):
        print("lost", kind, start, length, pid, flush=True)
    time.sleep(0.001)
END
chmod 755 "$work/hook"
echo 0123456789 >"$work/file"
export VCRUN_STEP_HOOK="$work/hook"
up
vcrun --on=vc0 --name=lock python3 "$work/lock.py" "$work/file" "$work/stop" >"$work/out" 2>&1 &
job=$!
wait_for grep -q ready "$work/out"
touch "$work/steal"
try vcmove --to=vc1 lock
is "exit status of vcmove ($out)" "$status" 1
matches "what vcmove says" "$out" 'a lock of thread [0-9]+ of pid [0-9]+ could not be restored'
is "the thief" "$(cat "$work/steal.out")" taken
touch "$work/enough"
wait_for job_is lock state running
is "the partition" "$(job lock partition)" vc0
move lock
touch "$work/stop"
wait $job || fail "the job: exit status $?"
is "what the job saw" "$(cat "$work/out")" ready
