#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# live-forks - processes and threads that are made during live moves are moved too
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-live.sh"
requires python3
up
rounds=${VCRUN_LIVE_ROUNDS:-20}

# Makes threads and short-lived children, and children that outlive them, without a pause.
cat >"$work/storm.py" <<'END'
import os, signal, sys, threading

ending = []
signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
open(sys.argv[1], "w").write("ready")
living, made = [], 0
while not ending:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            os.execlp("sleep", "sleep", "0.05")
        os._exit(3)
    made += 1
    pid, status = os.waitpid(child, 0)
    if pid != child or os.waitstatus_to_exitcode(status) != 3:
        sys.exit("child %d of %d has ended otherwise" % (pid, child))
sys.exit(9)
END

vcrun --on=vc0 --name=storm python3 "$work/storm.py" "$work/ready" &
vcrun=$!
wait_for test -s "$work/ready"
id=$(job storm id)
pid=$(job storm pid)
at=vc0
for _ in $(seq "$rounds"); do
	[ "$at" = vc0 ] && to=vc1 || to=vc0
	live_move storm
	is "processes left in $at" "$(processes_in "$at" "$id")" 0
	is "groups of the program" "$(groups_of "$pid")" "$to "
	at=$to
done
kill -TERM "$pid"
status=0
wait $vcrun || status=$?
is "exit status" $status 9

# Processes that end as soon as they have forked keep ahead of the moves.
cat >"$work/chain.py" <<'END'
import os, time

for _ in range(8):
    if os.fork() == 0:
        while True:
            if os.fork():
                os._exit(0)
time.sleep(1000)
END
vcrun --detach --on=vc0 --name=chain python3 "$work/chain.py" >/dev/null
wait_for job_is chain state running
id=$(job chain id)
at=vc0
for _ in 1 2 3 4; do
	[ "$at" = vc0 ] && to=vc1 || to=vc0
	# A busy machine may refuse it for a while; then it runs on where it is.
	for _ in 1 2 3 4; do
		vcmove --quiet --engine=live --to="$to" chain 2>/dev/null && break
	done
	job_is chain partition "$to" || live_move chain
	is "processes of a chain left in $at" "$(processes_in "$at" "$id")" 0
	at_least "processes of a chain in $to" "$(processes_in "$to" "$id")" 2
	at=$to
done
vcctl kill -s KILL chain >/dev/null
wait_for jobs_are 0

# Affinity by position, also of a thread that is bound to one CPU only.
down
cat >"$work/both.conf" <<'END'
exclusive = false
partition vc0 { cpus = "0-1" }
partition vc1 { cpus = "0-1" }
END
up -c "$work/both.conf"
vcrun --detach --on=vc0 --name=bound taskset -c 1 sleep 1000 >/dev/null
wait_for job_is bound state running
pid=$(job bound pid)
live_move bound
is "where it is" "$(groups_of "$pid")" "vc1 "
is "the CPUs of a bound program" "$(awk '/^Cpus_allowed_list:/ { print $2 }' "/proc/$pid/status")" 1
down --force
