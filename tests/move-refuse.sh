#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-refuse - what cannot be moved is refused before anything is frozen, and named
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3

# Each victim gets hold of one thing that CRIU cannot carry, and then counts. It
# prints "none" where this kernel does not give it the thing.
cat >"$work/victim.py" <<'END'
import ctypes, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

def syscall(*args):
    fd = libc.syscall(*args)
    if fd < 0:
        print("none:", os.strerror(ctypes.get_errno()), flush=True)
        sys.exit()
    return fd

def io_uring():
    syscall(425, 4, ctypes.create_string_buffer(120))

def secret():
    os.ftruncate(syscall(447, 0), 4096)

def userfault():
    syscall(323, os.O_CLOEXEC)

def mount_namespace():
    if os.fork() == 0:
        if libc.unshare(0x20000) < 0:
            os._exit(1)
        time.sleep(1000)

def huge():
    # MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
    if libc.mmap(None, 9 << 40, 3, 0x4022, -1, 0) == ctypes.c_void_p(-1).value:
        print("none", flush=True)
        sys.exit()
    if os.fork() == 0:
        time.sleep(1000)

def traced():
    child = os.fork()
    if child == 0:
        time.sleep(1000)
    libc.ptrace(0x4206, child, 0, 0)  # PTRACE_SEIZE

globals()[sys.argv[1]]()
time.sleep(0.1)
for n in range(10**9):
    print(n, flush=True)
    time.sleep(0.02)
END
up

counts() { # THAN
	[ "$(wc -l <"$work/out")" -gt "$1" ]
}

refuses() { # THING SENTENCE
	: >"$work/out"
	vcrun --on=vc0 --name="$1" python3 "$work/victim.py" "$1" >>"$work/out" &
	wait_for test -s "$work/out"
	if grep -q none "$work/out"; then
		say "$1: not to be had from this kernel: $(cat "$work/out")"
		return
	fi
	try vcmove --to=vc1 --json "$1"
	is "moving $1" "$status" 1
	matches "moving $1" "$out" "pid [0-9]+ .*$2"
	is "result" "$(vcstat moves --json | json "(d['moves'][-1]['result'], d['moves'][-1]['downtime_usec'])")" \
		"('refused', 0)"
	wait_for counts "$(wc -l <"$work/out")"
	is "state of $1" "$(job "$1" state) in $(job "$1" partition)" "running in vc0"
	kill -KILL "$(job "$1" pid)"
	wait || :
}

refuses io_uring 'io_uring'
refuses secret 'secret memory'
refuses userfault 'userfaultfd'
refuses mount_namespace 'mnt|mount'
refuses traced 'trace'
refuses huge 'reserve [0-9]+ TiB'

# A reason that quotes what is no text is on record all the same.
odd=$(printf 'na\377me')
cp "$(command -v sleep)" "$work/$odd"
vcrun --on=vc0 --name=odd unshare --user "$work/$odd" 1000 &
wait_for job_sleeps odd 'na?me'
try vcmove --to=vc1 odd
is "exit status" "$status" 1
matches "the reason on record" "$(vcstat moves --json | json "d['moves'][-1]['reason']")" \
	'pid [0-9]+ \(na.me\): .*user namespace'
vcctl kill odd
wait || :

# A line that a full disk has cut takes no other with it.
printf '{"job":1,"from":"vc' >>"$state/moves.jsonl"
vcrun --on=vc0 --detach --name=whole sleep 1000 >/dev/null
vcmove --quiet --to=vc1 whole
is "the move after a torn line" "$(vcstat moves --json | json "d['moves'][-1]['job']")" "$(job whole id)"
down --force
