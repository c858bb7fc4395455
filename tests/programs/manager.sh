#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# manager - Python's multiprocessing: a Manager's server process and three workers
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
. "$top_srcdir/tests/programs/lib-programs.sh"
requires python3 setpriv
up

cat >"$work/manager.py" <<'END'
import multiprocessing, os, sys, time

def work(table, lock, queue, stop):
    n = 0
    while not stop.is_set():
        with lock:
            table["sum"] += 1
        n += 1
        time.sleep(0.002)
    queue.put(n)

if __name__ == "__main__":
    with multiprocessing.Manager() as manager:
        table, lock, queue, stop = manager.dict(sum=0), manager.Lock(), manager.Queue(), manager.Event()
        workers = [multiprocessing.Process(target=work, args=(table, lock, queue, stop)) for _ in range(3)]
        for worker in workers:
            worker.start()
        line = 0
        while not os.path.exists(sys.argv[1]):
            line += 1
            print(line, table["sum"], flush=True)
            time.sleep(0.02)
        stop.set()
        for worker in workers:
            worker.join()
        counted = sum(queue.get() for _ in workers)
        sys.exit(0 if counted == table["sum"] and all(w.exitcode == 0 for w in workers) else 1)
END

for uid in 0 $nobody; do
	dir=$(user_dir "$uid" "manager-$uid")
	as "$uid" env TMPDIR="$dir" vcrun --on=vc0 --name=manager python3 "$work/manager.py" "$dir/stop" \
		>"$work/manager.out" 2>"$work/manager.err" &
	job=$!
	wait_for more_lines "$work/manager.out" 5
	bounce manager "$uid" 0.1 gets_on "$work/manager.out"
	: >"$dir/stop"
	wait $job || fail "the program: exit status $?: $(tail -n 5 "$work/manager.err")"
	counts_up "lines" "$work/manager.out"
	show_moves "multiprocessing with a Manager, uid $uid"
done
