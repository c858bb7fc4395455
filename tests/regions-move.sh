#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# regions-move - a job with a region moves to the partitions that the region is shared with, and nowhere else
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-regions.sh"

start one a vcipc frames
start two b posix frames
is "what the sharer wrote" "$(ask two fill)" "$sum"

# Moves: where it is shared it comes along, elsewhere it cannot.
vcmove two --to=a >"$work/move.out" || fail "move to the owner: $(cat "$work/move.out")"
is "after a move to its owner" "$(ask two look)" "$sum"
vcmove two --to=b >"$work/move.out" || fail "move back: $(cat "$work/move.out")"
vcmove one --to=b >"$work/move.out" || fail "move to a sharer: $(cat "$work/move.out")"
is "after a move to a sharer" "$(ask one look)" "$sum"
is "openers after that" "$(region frames "r['openers']")" "{'b': 1}"
for job in one two; do
	try vcmove $job --to=c
	is "exit status of $job's move to where it is not shared" "$status" 1
	matches "$job's move to where it is not shared" "$out" 'has the region frames open or mapped, which is not given to c'
done
is "after the refusal" "$(ask two look)" "$sum"
is "the region closed" "$(ask two close)" closed
vcmove two --to=c >"$work/move.out" || fail "move without it: $(cat "$work/move.out")"

start three b posix board 65533
ask three fill >"$work/before"
vcmove three --to=c >"$work/move.out" || fail "move of a user's job: $(cat "$work/move.out")"
is "after a move of a user's job" "$(ask three look)" "$(cat "$work/before")"

# A list of mappings that is too long to be searched does not hide the region.
cat >"$work/many.py" <<'END'
import ctypes, mmap, os, sys, time, _posixshmem

region = mmap.mmap(_posixshmem.shm_open("/frames", os.O_RDWR, mode=0o600), 4096)
os.closerange(3, 1000)
os.chdir(sys.argv[1])
for _ in range(15):
    os.mkdir("d" * 250)
    os.chdir("d" * 250)
fd = os.open("file", os.O_RDWR | os.O_CREAT)
os.truncate(fd, 4096)
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
for _ in range(20000):
    libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_PRIVATE, fd, 0)
os.close(fd)
print("ready", flush=True)
time.sleep(1000)
END
VCRUN_PRELOAD="$work/libvcipc-preload.so" vcrun --on=b --name=many --ipc=map python3 "$work/many.py" "$work" >"$work/many.out" 2>&1 &
wait_for grep -q . "$work/many.out"
is "what it says" "$(cat "$work/many.out")" ready
try vcmove many --engine=live --to=c
is "exit status of a move with too many mappings" "$status" 1
matches "what is said of it" "$out" 'the mappings of pid'
down --force
