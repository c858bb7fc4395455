#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# live-any - jobs that CRIU does not carry are moved live: a message queue, a tracer, a user namespace, a stopped job
export VC_TEST_TIMEOUT="${VC_TEST_TIMEOUT:-60}"
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-live.sh"
requires python3
up

cat >"$work/any.py" <<'END'
import ctypes, os, signal, sys, time

libc = ctypes.CDLL(None, use_errno=True)
kind, ready = sys.argv[1:]
ending = []
signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
if kind == "mqueue":
    queue = libc.mq_open(b"/vcrun-live", os.O_RDWR | os.O_CREAT, 0o600, None)
    libc.mq_unlink(b"/vcrun-live")
    if queue < 0:
        sys.exit(77)
if kind == "tracer":
    child = os.fork()
    if child == 0:
        libc.ptrace(0, 0, None, None)
        os.kill(os.getpid(), signal.SIGSTOP)
        while True:
            time.sleep(0.01)
    os.waitpid(child, 0)
    libc.ptrace(7, child, None, None)
open(ready, "w").write("ready")
while not ending:
    time.sleep(0.01)
if kind == "tracer":
    os.kill(child, signal.SIGKILL)
    if os.waitpid(child, 0)[0] != child:
        sys.exit(1)
if kind == "mqueue" and libc.mq_send(queue, b"x", ctypes.c_size_t(1), 0) < 0:
    sys.exit(1)
sys.exit(7)
END

start() { # KIND COMMAND...
	kind=$1
	shift
	rm -f "$work/ready"
	vcrun --on=vc0 --name="$kind" "$@" python3 "$work/any.py" "$kind" "$work/ready" &
	vcrun=$!
	wait_for test -s "$work/ready"
}

bounce() {
	id=$(job "$kind" id)
	for to in vc1 vc0 vc1; do
		live_move "$kind"
		[ $to = vc1 ] && from=vc0 || from=vc1
		is "processes of $kind left in $from" "$(processes_in "$from" "$id")" 0
	done
}

finish_job() {
	status=0
	vcctl kill -s TERM "$kind" >/dev/null
	wait "$vcrun" || status=$?
	is "exit status of $kind" "$status" 7
}

start mqueue
bounce
finish_job

start tracer
try vcmove --engine=criu --to=vc1 tracer
is "exit status of a move by CRIU" "$status" 1
bounce
finish_job

if unshare -r true 2>/dev/null; then
	start userns unshare -r
	bounce
	finish_job
fi

start stopped
vcctl kill -s STOP stopped >/dev/null
wait_for job_is stopped state stopped
bounce
is "the state of a stopped job" "$(job stopped state)" stopped
vcctl kill -s CONT stopped >/dev/null
wait_for job_is stopped state running
kill -CONT "$vcrun" # it stops with its program
finish_job

# Another user's job, by that user.
rm -f "$work/ready"
mkdir "$work/user"
chown 65534 "$work/user"
as_user 65534 vcrun --detach --on=vc0 --name=user sh -c "echo ready >'$work/user/ready'; exec sleep 1000" >/dev/null
wait_for test -s "$work/user/ready"
as_user 65534 vcmove --quiet --engine=live --to=vc1 user || fail "a user cannot move his job"
is "the groups of a user's job" "$(groups_of "$(job user pid)")" "vc1 "
down --force
