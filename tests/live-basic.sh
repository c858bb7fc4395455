#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# live-basic - a program is moved while it runs: same PIDs, every byte, and its memory's charge follows
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-live.sh"
requires python3
up

# Adds up what it reads; a thread notes the longest gap that it sees. 64 MiB, most of them in
# blocks of a huge page, are checked at the end.
cat >"$work/sums.py" <<'END'
import os, sys, threading, time, zlib

gap = [0.0]


def watch():
    last = time.monotonic()
    while True:
        time.sleep(0.0001)
        now = time.monotonic()
        gap[0] = max(gap[0], now - last)
        last = now


child = os.posix_spawnp("sleep", ["sleep", "1000"], os.environ)
memory = bytearray(os.urandom(1 << 20) * 64)
pieces = [os.urandom(5000) for _ in range(400)]
before = zlib.crc32(memory), zlib.crc32(b"".join(pieces))
threading.Thread(target=watch, daemon=True).start()
print("ready", os.getpid(), child, flush=True)
total = 0
for line in sys.stdin:
    total += int(line)
    print(line.strip(), flush=True)
if (zlib.crc32(memory), zlib.crc32(b"".join(pieces))) != before:
    sys.exit("memory has changed")
try:
    if os.waitpid(-1, os.WNOHANG) != (0, 0):
        sys.exit("it has a child that it did not make")
except ChildProcessError:
    sys.exit("it has lost its child")
os.kill(child, 9)
os.waitpid(child, 0)
print("end %d, longest gap %.1f ms" % (total, gap[0] * 1000), file=sys.stderr)
sys.exit(17)
END

mkfifo "$work/in"
{
	status=0
	vcrun --on=vc0 --name=sums python3 "$work/sums.py" <"$work/in" 2>"$work/err" || status=$?
	echo "exit $status"
} >"$work/out" &
exec 3>"$work/in"
wait_for grep -q ready "$work/out"
read -r _ pid child <"$work/out"
id=$(job sums id)
at_least "KiB charged to vc0" "$(charged_kib vc0)" 65536

number=0
for to in vc1 vc0 vc1; do
	# Some lines wait in the pipe while it is moved.
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		number=$((number + 1))
		echo $number >&3
	done
	from=$(job sums partition)
	cpu=$(job sums cpu_usec)
	live_move sums
	is "where it is" "$(job sums partition)" $to
	is "its PID" "$(job sums pid)" "$pid"
	for task in "/proc/$pid/task"/* "/proc/$child/task"/*; do
		is "the groups of $task" "$(groups_of "${task#/proc/}")" "$to "
	done
	is "its CPUs" "$(awk '/^Cpus_allowed_list:/ { print $2 }' "/proc/$pid/status")" \
		"$(vcctl list --json | json "[p['cpus'] for p in d['partitions'] if p['name'] == '$to'][0]")"
	at_least "CPU time counted, in microseconds" "$(job sums cpu_usec)" "$cpu"
	is "processes left in $from" "$(processes_in "$from" "$id")" 0
	is "groups left in $from" "$(job_groups "$from" "$id")" ''
	is "the engine on record" "$(last_move engine)" live
	is "images" "$(last_move image_bytes)" 0
	say "to $to: $(charged_kib "$to") KiB there, $(charged_kib "$from") KiB left, \
$(last_move lien_bytes) bytes of lien, $(last_move steps_usec)"
done
exec 3>&-
wait_for grep -q exit "$work/out"
matches "its end" "$(cat "$work/err")" "^end $((number * (number + 1) / 2)), longest gap"
say "$(cat "$work/err")"
is "its exit status" "$(tail -n 1 "$work/out")" "exit 17"
is "its answers" "$(tail -n +2 "$work/out" | head -n -1)" "$(seq 1 $number)"
