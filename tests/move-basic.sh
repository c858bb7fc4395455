#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-basic - a program between two pipes is moved: same PIDs, memory, threads, every byte
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
up

# Sums what it reads; a child and a thread of it count; 64 MiB are checked at the end.
cat >"$work/sums.py" <<'END'
import os, sys, threading, time, zlib

memory = bytearray(os.urandom(1 << 20) * 64)
before = zlib.crc32(memory)
ticks = [0]


def tick():
    while True:
        ticks[0] += 1
        time.sleep(0.001)


read, write = os.pipe()
child = os.fork()
if child == 0:
    os.close(write)
    os._exit(len(os.read(read, 10)))  # waits until the pipe is closed
os.close(read)
threading.Thread(target=tick, daemon=True).start()
me = os.getpid(), os.getppid(), os.getsid(0), os.umask(0o22), os.getcwd(), os.times().elapsed
print("ready", *me[:2], child, flush=True)
total = 0
for line in sys.stdin:
    total += int(line)
    print(line.strip(), flush=True)
if (os.getpid(), os.getppid(), os.getsid(0)) != me[:3] or os.getcwd() != me[4]:
    sys.exit("not who it was")
if zlib.crc32(memory) != before:
    sys.exit("memory has changed")
seen = ticks[0]
time.sleep(0.1)
if ticks[0] == seen:
    sys.exit("the thread has stopped")
os.write(write, b"1234567")
os.close(write)
if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 7:
    sys.exit("the child has lost its pipe")
print("end", total, file=sys.stderr)
sys.exit(17)
END

mkfifo "$work/in"
vcrun --on=vc0 --name=sums python3 "$work/sums.py" <"$work/in" 2>"$work/err" | cat >"$work/out" &
exec 3>"$work/in"
wait_for grep -q ready "$work/out"
read -r _ pid _ child <"$work/out"
is "PID" "$(job sums pid)" "$pid"

groups_of() { # PID: the partitions that its cgroups are in
	sed -n 's|.*/\(vc[0-9]\)/.*|\1|p' "/proc/$1/cgroup" | sort -u | tr '\n' ' '
}

number=0
for to in vc1 vc0 vc1; do
	# Some lines wait in the pipe while it is moved.
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		number=$((number + 1))
		echo $number >&3
	done
	cpu=$(job sums cpu_usec)
	vcmove --quiet sums --to=$to || fail "not moved to $to"
	is "where it is" "$(job sums partition)" $to
	is "its PID" "$(job sums pid)" "$pid"
	is "its cgroups" "$(groups_of "$pid")" "$to "
	is "its child's cgroups" "$(groups_of "$child")" "$to "
	is "its CPUs" "$(awk '/^Cpus_allowed_list:/ { print $2 }' "/proc/$pid/status")" \
		"$(vcctl list --json | json "[p['cpus'] for p in d['partitions'] if p['name'] == '$to'][0]")"
	at_least "CPU time counted, in microseconds" "$(job sums cpu_usec)" "$cpu"
done
is "moves" "$(job sums moves)" 3
exec 3>&-
wait_for grep -q end "$work/err"
is "its sum" "$(cat "$work/err")" "end $((number * (number + 1) / 2))"
is "its answers" "$(tail -n +2 "$work/out")" "$(seq 1 $number)"
wait

# It is said why not, and the program is as it was.
vcrun --detach --name=stays --on=vc0 sleep 1000 >/dev/null
try vcmove stays --to=vc0
is "exit status of a move to where it is" "$status" 1
matches "a move to where it is" "$out" 'already|is in vc0|is there'
try vcmove stays --to=nowhere
is "exit status of a move to nowhere" "$status" 1
matches "a move to nowhere" "$out" 'no partition nowhere'
try vcmove no-such-job
is "exit status of a move of nothing" "$status" 1
try vcmove
is "exit status of vcmove without a word" "$status" 2
is "its state" "$(job stays state)" running
down --force
