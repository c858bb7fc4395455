#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# regions-burst - a job that is moved live during a burst of requests does not get a region of its old partition
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-regions.sh"

# Asks without a pause; in its new partition, at once for the region.
cat >"$work/burst.py" <<'END'
import os, sys, _posixshmem

def ask(name):
    try:
        os.close(_posixshmem.shm_open(name, os.O_RDWR, mode=0o600))
        return "given"
    except OSError as e:
        return os.strerror(e.errno)

print(ask("/frames"), flush=True)
while True:
    while "/b/job-" in open("/proc/self/cgroup").read():
        ask("/none")
    print(ask("/frames"), flush=True)
    while "/b/job-" not in open("/proc/self/cgroup").read():
        pass
END
VCRUN_PRELOAD="$work/libvcipc-preload.so" vcrun --on=b --name=burst --ipc=map python3 "$work/burst.py" >"$work/burst.out" &
wait_for grep -q . "$work/burst.out"
is "in the partition that has the region" "$(cat "$work/burst.out")" given
asked() { # TIMES
	[ "$(wc -l <"$work/burst.out")" -ge "$1" ]
}
for round in 2 3 4 5 6; do
	vcmove --quiet --engine=live --to=c burst
	wait_for asked $round
	vcmove --quiet --engine=live --to=b burst
done
is "in the partition that does not have it" "$(tail -n +2 "$work/burst.out" | sort -u)" 'Permission denied'
vcctl kill -s KILL burst >/dev/null
wait_for jobs_are 0
down --force
