#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# run-detach - a detached job lives on by itself, and its number is printed
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
up

# It cannot end before vcrun does: it waits for what is written only then.
mkfifo "$work/gate"
vcrun --detach --name=alone sh -c "read x <'$work/gate'; echo done >&2; exec sleep 1000" \
	>"$work/number" 2>"$work/done"
number=$(cat "$work/number")
echo go >"$work/gate"
is "its number" "$number" "$(job alone id)"
wait_for test -s "$work/done"
is "state" "$(job alone state)" running
vcmove --quiet "$number" || fail "it cannot be moved by the number printed"
is "moves" "$(job alone moves)" 1

# Who has the number can ask for the job at once.
for _ in $(seq 40); do
	number=$(vcrun --detach sleep 1000)
	vcstat jobs >"$work/jobs"
	grep -q "^ *$number " "$work/jobs" || fail "job $number is not there at once: $(cat "$work/jobs")"
	vcctl kill "$number" || fail "job $number cannot be signalled at once"
done
wait_for jobs_are 1

# Whoever reads the number does not wait for the job, nor gets what the job says.
began=$(date +%s)
number=$(vcrun --detach --name=read sh -c 'echo from a detached job; echo and this >&2; exec sleep 5' 2>&1)
at_most "seconds until the number was there" $(($(date +%s) - began)) 1
is "what was read" "$number" "$(job read id)"
pid=$(job read pid)
is "its output" "$(readlink "/proc/$pid/fd/1" "/proc/$pid/fd/2" | tr '\n' ' ')" "/dev/null /dev/null "
vcctl kill read

# Standard input may be a pipe, and files are the job's own.
echo given | vcrun --detach sh -c 'cat; cat' >"$work/number" 2>"$work/both"
wait_for grep -q given "$work/number"

# What cannot be started is said, and makes no job.
try vcrun --detach --name=none no-such-program
is "exit status" "$status" 127
wait_for jobs_are 1

# A program that makes itself a daemon: vcrun returns, the job lives as long as the daemon.
vcrun --name=daemon python3 -c '
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(0)
os.wait()'
job_is daemon state lingering || fail "no lingering job after a program daemonised: $(vcstat jobs)"
vcmove --quiet daemon || fail "a job whose program has ended cannot be moved"
down --force
