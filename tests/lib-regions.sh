# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # shared with lib.sh and the tests
# lib-regions.sh - partitions with two regions of memory, and a job that uses one
#
# Sourced after lib.sh.
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

# What the kernel charges the region's own group.
charged() { # WHEN, and the kernel's own for the group
	at_least "bytes that the region is charged $1" "$(used_by a/region-frames)" $size
	at_most "bytes that the region is charged $1" "$(used_by a/region-frames)" $((size + (1 << 20)))
}

up --config="$work/three.conf"
