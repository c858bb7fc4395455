#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# regions - a region is its owner's memory whoever uses it, and only those that it is shared with have it
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-shape.sh"
requires python3 setpriv
python3 -c 'import _posixshmem' 2>/dev/null || skip "this python3 has no shm_open()"
[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"
size=$((48 << 20))

cat >"$work/three.conf" <<'END'
sample-interval-msec = 100
exclusive = false
partition a {
	cpus = "0"
	memory = "128M"
}
partition b {
	cpus = "1"
	memory = "64M"
}
partition c {
	cpus = "0-1"
}
region frames {
	size = "48M"
	owner = "a"
	share = { "b" }
}
region board {
	size = "64K"
	owner = "b"
	share = { "a", "c" }
	mode = "0666"
	user = "65534"
}
END

# Has a region mapped, by one interface or the other, and is asked by lines: fill or look, which
# answers with the sum over its pages; close.
cat >"$work/use.py" <<'END'
import ctypes, mmap, os, sys, _posixshmem
how, name, library = sys.argv[1:4]

def open_posix():
    fd = _posixshmem.shm_open("/" + name, os.O_RDWR, mode=0o600)
    memory = mmap.mmap(fd, 0)
    os.close(fd)
    return memory, memory.close

def open_vcipc():
    lib = ctypes.CDLL(library, use_errno=True)
    lib.vcipc_shm_open.restype = ctypes.c_void_p
    lib.vcipc_shm_open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_uint64]
    shm = ctypes.c_void_p(lib.vcipc_shm_open(name.encode(), 0, 0, 0))
    at, size = ctypes.c_void_p(), ctypes.c_size_t()
    if not shm or lib.vcipc_shm_map(shm, ctypes.byref(at), ctypes.byref(size)) < 0:
        raise OSError(ctypes.get_errno(), "")
    memory = (ctypes.c_ubyte * size.value).from_address(at.value)
    return memory, lambda: (lib.vcipc_shm_unmap(at, size), lib.vcipc_shm_close(shm))

try:
    memory, close = open_posix() if how == "posix" else open_vcipc()
except OSError as e:
    print(os.strerror(e.errno), flush=True)
    sys.exit(1)
print("open", len(memory), flush=True)
for line in sys.stdin:
    if line == "fill\n":
        for i in range(0, len(memory), 4096):
            memory[i] = i // 4096 % 251
    if line == "close\n":
        close()
        print("closed", flush=True)
    else:
        print(sum(memory[i] for i in range(0, len(memory), 4096)), flush=True)
END
sum=$(python3 -c "print(sum(i % 251 for i in range($size // 4096)))")
# The build tree may lie where another user cannot go.
cp "$top_builddir/.libs/libvcipc.so" "$top_builddir/.libs/libvcipc-preload.so" "$work/" 2>/dev/null || skip "libvcipc is not built as a shared library"
! grep -qa asan_init "$work/libvcipc.so" || skip "Python cannot load libvcipc with a sanitizer in it"

start() { # NAME PARTITION HOW REGION [UID]
	mkfifo "$work/$1.in"
	: >"$work/$1.out"
	as_user "${5:-0}" env VCRUN_PRELOAD="$work/libvcipc-preload.so" vcrun --on="$2" --name="$1" --ipc=map python3 "$work/use.py" "$3" "$4" "$work/libvcipc.so" <>"$work/$1.in" >"$work/$1.out" 2>&1 &
	wait_for grep -q . "$work/$1.out"
}
ask() { # NAME WORD
	lines=$(wc -l <"$work/$1.out")
	printf '%s\n' "$2" >"$work/$1.in"
	wait_for sh -c "[ \"\$(wc -l <'$work/$1.out')\" -gt $lines ]"
	tail -n 1 "$work/$1.out"
}
once() { # PARTITION HOW REGION, whatever comes of it
	vcrun --on="$1" --ipc=map python3 "$work/use.py" "$2" "$3" "$work/libvcipc.so" </dev/null 2>&1 || :
}
region() { # NAME EXPRESSION, over the region r
	vcstat regions --json | json "[($2) for r in d['regions'] if r['name'] == '$1'][0]"
}

up --config="$work/three.conf"

# It is there and paid for before anybody comes; all in the owner's account.
charged() { # WHEN, and the kernel's own for the group
	at_least "bytes that the region is charged $1" "$(used_by a/region-frames)" $size
	at_most "bytes that the region is charged $1" "$(used_by a/region-frames)" $((size + (1 << 20)))
}
charged "at first"
at_least "bytes that its owner is charged" "$(used_by a)" $size
is "as vcstat has it" "$(region frames "[r['owner'], r['share'], r['size_bytes'], r['charged_bytes'] >> 20, oct(r['mode'])]")" \
	"['a', ['b'], $size, 48, '0o660']"
matches "as a table" "$(vcstat regions)" '^frames +a +b +48'

# Jobs in both partitions have the same memory, by either interface.
start one a vcipc frames
start two b posix frames
is "as libvcipc has it" "$(cat "$work/one.out")" "open $size"
is "as shm_open() has it" "$(cat "$work/two.out")" "open $size"
before=$(used_by b)
is "what the sharer wrote" "$(ask two fill)" "$sum"
is "what the owner's job reads" "$(ask one look)" "$sum"
at_most "bytes that the sharer is charged for it" $(($(used_by b) - before)) $((4 << 20))
charged "when it has been used"
is "openers" "$(region frames "r['openers']")" "{'a': 1}"

# Whoever it is not shared with, be it root and the mode as it may; and the mode counts besides.
is "libvcipc in a partition that it is not given to" "$(once c vcipc frames)" "Permission denied"
is "shm_open() there" "$(once c posix frames)" "Permission denied"
is "shm_open() of one that is" "$(once c posix board)" "open 65536"
as_user 65533 env VCRUN_PRELOAD="$work/libvcipc-preload.so" vcrun --on=b --ipc=map python3 "$work/use.py" posix frames - </dev/null >"$work/user.out" 2>&1 || :
is "a user whom the mode keeps out" "$(cat "$work/user.out")" "Permission denied"
as_user 65533 env VCRUN_PRELOAD="$work/libvcipc-preload.so" vcrun --on=c --ipc=map python3 "$work/use.py" posix board - </dev/null >"$work/user.out" 2>&1 || :
is "a user whom the mode lets in" "$(cat "$work/user.out")" "open 65536"
file=$(find "$state/ipc/o" -samefile "$state/ipc/o/regions/board" ! -path '*/regions/*')
for path in "$state/ipc/o/regions/board" "$file"; do
	try as_user 65534 head -c 1 "$path"
	matches "$path by its path" "$out" 'Permission denied'
done
try vcctl ipc rm frames
is "exit status of removing it" "$status" 1
matches "removing it" "$out" "configuration's"

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

# Its owner cannot become smaller than it, nor go.
try vcctl set a --memory=48M
is "exit status of making its owner as small" "$status" 1
matches "making its owner as small" "$out" 'a: it owns regions of 48M in all, and would have 48M'
try vcctl remove a
is "exit status of removing its owner" "$status" 1
matches "removing its owner" "$out" 'it owns the region frames'

# Daemons come and go. One that was killed while it made it left an empty file: the next one goes on.
kill_daemons() {
	for pid in $(vcctl list --json | json "' '.join(str(p['daemon_pid']) for p in d['partitions'])"); do
		kill -KILL "$pid"
	done
	wait_for sh -c '! vcctl list --json | grep -q "daemon_pid.: [1-9]"'
	vcctl up >"$work/up.out" || fail "up again: $(cat "$work/up.out")"
}
kill_daemons
is "after the daemons' death" "$(ask one look)" "$sum"
charged "then"
truncate -s 0 "$state/ipc/o/regions/board"
is "one that is not made yet" "$(once a posix board)" "Device or resource busy"
kill_daemons
is "one that is made now" "$(once a posix board)" "open 65536"
at_least "bytes that it is charged" "$(used_by b/region-board)" 65536
vcctl ipc check >"$work/check" || fail "$(cat "$work/check")"
down --force
wait
[ ! -e "$state/ipc" ] || fail "$state/ipc is still there"

wrong() { # LINE WHAT_IT_SAYS, the regions on standard input
	{
		printf 'partition a {\n\tcpus = "0"\n\tmemory = "64M"\n}\n'
		cat
	} >"$work/bad.conf"
	try vcctl up --config="$work/bad.conf"
	is "exit status for: $2" "$status" 1
	matches "message" "$out" "bad\.conf:$1: .*$2"
}
wrong 6 'would own regions of 64M in all, and has 64M' <<'END'
region r {
	size = "64M"
	owner = "a"
}
END
wrong 7 'there is no partition "z"' <<'END'
region r {
	size = "1M"
	owner = "z"
}
END
wrong 8 'there is no partition "b"' <<'END'
region r {
	size = "1M"
	owner = "a"
	share = { "b" }
}
END
wrong 7 'has no owner' <<'END'
region r {
	size = "1M"
}
END
wrong 6 'give permission bits' <<'END'
region r {
	mode = "rw"
}
END
wrong 6 'there is no user "nobody-here"' <<'END'
region r {
	user = "nobody-here"
}
END
