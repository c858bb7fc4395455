#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-program - what a job has just written it can execute, moved meanwhile or not
#
# Whoever has a file open for writing makes execve(2) of it fail, "Text file busy"; a mover that
# has duplicates of the job's descriptors, or files that it maps, must not be the one.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3
up

# Makes programs, slowly, by write() and by a mapping, and executes each at once.
cat >"$work/make.py" <<'END'
import mmap, os, subprocess, sys, time
name, stop = sys.argv[1] + "/program", sys.argv[1] + "/stop"
program = open("/bin/true", "rb").read()
half = len(program) // 2

def by_write():
    with open(name, "wb") as f:
        f.write(program[:half])
        f.flush()
        time.sleep(0.02)
        f.write(program[half:])

def by_mapping():
    with open(name, "w+b") as f:
        f.truncate(len(program))
        with mmap.mmap(f.fileno(), len(program)) as m:
            f.close()
            m[:half] = program[:half]
            time.sleep(0.02)
            m[half:] = program[half:]

turns = 0
while not os.path.exists(stop):
    for make in by_write, by_mapping:
        make()
        os.chmod(name, 0o755)
        subprocess.run([name], check=True)
        os.unlink(name)
    turns += 1
    print(turns, flush=True)
END
mkdir "$work/job"
vcrun --on=vc0 --name=maker python3 "$work/make.py" "$work/job" >"$work/out" 2>&1 &
maker=$!
wait_for test -s "$work/out"
turn() {
	alive $maker || fail "it ended: $(tail -n 3 "$work/out")"
}
bounce maker 0 0.1 turn
: >"$work/job/stop"
wait $maker || fail "exit status $?: $(tail -n 3 "$work/out")"
show_moves "a program that makes programs, $(tail -n 1 "$work/out") turns"
