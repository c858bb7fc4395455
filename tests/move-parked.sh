#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-parked - a job that exists in its images only comes back, or ends when it is told to
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3 setpriv

breakable_criu
up

cat >"$work/count.py" <<'END'
import signal, sys, time
signal.signal(signal.SIGUSR1, lambda *_: print("usr1", flush=True))
n = 0
while True:
    print(n, flush=True)
    n += 1
    time.sleep(0.05)
END

# Starts a program that counts; $vcrun: who waits for it, $id: its number.
begin() { # NAME [COMMAND]...
	name=$1
	shift
	rm -f "$work/broken"
	"$@" vcrun --on=vc0 --name="$name" python3 "$work/count.py" >"$work/$name.out" 2>&1 &
	vcrun=$!
	wait_for grep -q 3 "$work/$name.out"
	id=$(job "$name" id)
}

park() { # NAME
	: >"$work/break"
	try vcmove --to=vc1 "$1"
	is "exit status of moving $1" "$status" 1
	matches "moving $1" "$out" 'is parked'
	wait_for job_is "$1" state parked
}

nothing_left() {
	jobs_are 0 && [ -z "$(ls "$state/images")" ] && [ -z "$(ls "$state/jobs")" ] &&
		[ -z "$(xargs -I{} find {} -name "job-$id" <"$work/groups")" ]
}

ends() { # WHAT STATUS
	ended=0
	wait $vcrun || ended=$?
	is "exit status after $1" "$ended" "$2"
	wait_for nothing_left
}

begin told
park told
kill -TERM $vcrun
ends "SIGTERM to vcrun" 143

begin killed
park killed
vcctl kill --signal=KILL killed
ends "vcctl kill --signal=KILL" 137

# Another user's own, and nobody else's.
rm -f "$work/broken"
as_user $nobody vcrun --detach --on=vc0 --name=hers sleep 1000 >"$work/hers"
id=$(cat "$work/hers")
park hers
try as_user 65533 vcctl kill hers
is "exit status of a stranger's kill" "$status" 1
try as_user 65533 vcctl kill "$id"
matches "a stranger's kill" "$out" "there is no job $id"
job_is hers state parked || fail "a stranger ended her job"
as_user $nobody vcctl kill hers
wait_for nothing_left

# What a program is sent to do something, and not to end, waits until it can.
begin back
park back
kill -USR1 $vcrun
sleep 0.3
job_is back state parked || fail "SIGUSR1 ended a parked job"
wait_for grep -q 'stays parked: restore in vc0: ' "$state/vc0/vcd.log"
rm "$work/broken"
wait_for job_is back state running
wait_for grep -q usr1 "$work/back.out"
kill -TERM $vcrun
ends "SIGTERM, running again" 143
grep -v usr1 "$work/back.out" >"$work/count"
seq 0 $(($(wc -l <"$work/count") - 1)) | cmp -s - "$work/count" || fail "its count has a gap"

# A signal that it was started with ignored does not end it.
begin deaf sh -c 'trap "" TERM; exec "$@"' sh
park deaf
vcctl kill deaf
sleep 0.3
job_is deaf state parked || fail "SIGTERM ended a parked job that ignores it"
vcctl kill --signal=9 deaf
ends SIGKILL 137

# At a terminal, by its key.
rm -f "$work/broken"
cat >"$work/terminal.py" <<'END'
import os, pty, signal, sys, time
pid, fd = pty.fork()
if pid == 0:
    # A shell has its background commands ignore it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp("vcrun", ["vcrun", "--on=vc0", "--name=typed", "sleep", "1000"])
while not os.path.exists(sys.argv[1]):
    time.sleep(0.05)
os.write(fd, b"\x03")
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
python3 "$work/terminal.py" "$work/go" >"$work/typed" &
terminal=$!
wait_for job_sleeps typed sleep
id=$(job typed id)
park typed
: >"$work/go"
wait $terminal
is "exit status after Ctrl-C" "$(cat "$work/typed")" 130
wait_for nothing_left
down
