#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-churn - threads that begin and end all the time do not keep a job from being moved
#
# A thread that ends gives up its directory and its descriptors before it is gone. For a moment it
# looks like a thread that has some of its own, which cannot be carried.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3
up
cat >"$work/churn.py" <<'END'
import threading, time
count = 0
while True:
    threads = [threading.Thread(target=time.sleep, args=(0.0005,)) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    count += 4
    if count == 400:
        print("ready", flush=True)
END
vcrun -d --on=vc0 --name=churn python3 "$work/churn.py" >"$work/out" 2>&1
wait_for grep -q ready "$work/out"
for _ in $(seq 100); do
	try vcmove --estimate churn
	is "exit status of an estimate, $out" "$status" 0
done
for _ in 1 2 3 4; do
	move churn
done
show_moves "threads that begin and end"
vcctl kill churn
wait_for jobs_are 0
down
