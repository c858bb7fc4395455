#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-python - python3 computes in threads and processes while it moves; the results are right
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3 setpriv
up

# Each worker hashes its last hash, until told to stop, and says after how many
# rounds what has come of it. Two hash large pieces, which lets the other threads run
# at the same time.
cat >"$work/compute.py" <<'END'
import hashlib, os, signal, sys, threading, time

def work(seed, size, rounds, stopped):
    data, n = bytes([seed]) * size, 0
    while n != rounds and not stopped():
        digest = hashlib.sha256(data).digest()
        data, n = digest * (size // 32), n + 1
        if n % 256 == 0:
            open(sys.argv[1] + ".%d" % seed, "w").write(str(n))
            if rounds < 0:
                time.sleep(0.01)
    os.write(1, b"%d %d %d %s\n" % (seed, size, n, data[:32].hex().encode()))

if len(sys.argv) > 2:
    for line in open(sys.argv[2]):
        seed, size, n, _ = line.split()
        work(int(seed), int(size), int(n), lambda: False)
    sys.exit(0)
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
if os.fork() == 0:
    work(9, 1024, -1, stop.is_set)
    os._exit(0)
threads = [threading.Thread(target=work, args=(i, 1 << 16 if i < 2 else 64, -1, stop.is_set))
           for i in range(4)]
for t in threads:
    t.start()
while not stop.wait(0.1):
    pass
os.killpg(0, signal.SIGTERM)
for t in threads:
    t.join()
os.wait()
END

got_on() { # WORKER BEFORE
	now=$(cat "$dir/at.$1")
	[ -n "$now" ] && [ "$now" != "$2" ]
}

# Every worker gets on.
gets_on() {
	for i in 0 1 2 3 9; do
		wait_for got_on $i "$(cat "$dir/at.$i" 2>/dev/null)"
	done
}

for uid in 0 $nobody; do
	dir=$(user_dir "$uid" "python-$uid")
	as "$uid" vcrun --on=vc0 --name=python python3 "$work/compute.py" "$dir/at" >"$dir/results" &
	job=$!
	wait_for job_is python state running
	bounce python "$uid" 0.2 gets_on
	kill -TERM "$(job python pid)"
	wait $job || fail "python3: exit status $?"
	python3 "$work/compute.py" "$dir/at" "$dir/results" >"$work/again"
	is "lines of results" "$(wc -l <"$dir/results")" 5
	is "results, uid $uid" "$(sort "$dir/results")" "$(sort "$work/again")"
	show_moves "python3 with threads, uid $uid"
done
