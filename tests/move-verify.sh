#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-verify - images that give a job what it did not have are refused, and the job runs on
#
# A value of the images is altered when they are complete (unit-verify has all values).
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3
requires_plain_build

# Called by the shim: STEP JOB FROM TO DUMP-PID RESTORE-PID.
cat >"$work/hook" <<END
#!/bin/sh
[ "\$1" = "\$(cat "$work/step")" ] && [ -s "$work/value" ] || exit 0
"$top_builddir/tests/alter-image" "$state/images/\$2" \$(cat "$work/value") >"$work/altered" 2>&1
END
chmod 755 "$work/hook"
export VCRUN_STEP_HOOK="$work/hook"
echo verify >"$work/step"
up

# Two threads, and a pipe that signals its owner.
cat >"$work/victim.py" <<'END'
import fcntl, os, signal, sys, threading, time
pipe = os.pipe()
fcntl.fcntl(pipe[0], fcntl.F_SETOWN, os.getpid())
fcntl.fcntl(pipe[0], fcntl.F_SETSIG, signal.SIGCONT)
thread = threading.Thread(target=lambda: time.sleep(1000), daemon=True)
thread.start()
n = 0
while True:
    n += 1
    with open(sys.argv[1] + ".new", "w") as f:
        print(n, thread.native_id, os.getresuid(), file=f)
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    time.sleep(0.02)
END
home=$(user_dir $nobody home)
as $nobody vcrun --detach --on=vc0 --name=victim python3 "$work/victim.py" "$home/beat" >/dev/null
wait_for test -s "$home/beat"
pid=$(job victim pid)
read -r _ tid _ <"$home/beat"

beats() { # AFTER
	read -r now _ <"$home/beat"
	[ "$now" -gt "$1" ]
}

for value in "core-$pid.img.thread_core.creds.uid" "core-$pid.img.thread_core.creds.euid" \
	"core-$tid.img.thread_core.creds.euid" "core-$tid.img.thread_core.creds.cap_eff" \
	"core-$pid.img.thread_core.creds.groups" "core-$pid.img.thread_core.creds.secbits" \
	"core-$pid.img.tc.rlimits" pstree.img.pgid "mm-$pid.img.dumpable" files.img.owner.uid; do
	rm -f "$work/altered"
	echo "$pid $tid $value" >"$work/value"
	try as $nobody vcmove --quiet --to=vc1 victim
	is "exit status of a move with another $value" "$status" 1
	matches "what was altered for $value" "$(cat "$work/altered")" "$value"
	matches "what is said of $value" "$out" "pid [0-9]*: its image says .* the job was not moved"
	is "state after $value" "$(job victim state)" running
	read -r before _ <"$home/beat"
	wait_for beats "$before"
done
is "moves of the victim" "$(job victim moves)" 0
matches "what root finds of it" "$(cat "$state"/vc?/vcd.log "$state"/vcd*.log 2>/dev/null)" \
	"its image says uid 0, the kernel says $nobody"

# Nor may they change between the comparison and the commit.
echo "$pid $tid core-$pid.img.thread_core.creds.uid" >"$work/value"
echo commit >"$work/step"
try as $nobody vcmove --quiet --to=vc1 victim
is "exit status of a move with another uid after the comparison" "$status" 1
matches "what is said of it" "$out" "its images were changed after they had been compared"
read -r before _ <"$home/beat"
wait_for beats "$before"

: >"$work/value"
move victim $nobody
wait_for beats "$before"
read -r _ _ who <"$home/beat"
is "whose it is when it was moved" "$who" "($nobody, $nobody, $nobody)"
vcctl kill victim
