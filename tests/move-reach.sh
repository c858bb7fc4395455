#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-reach - files that a user can reach and root cannot: refused before the freeze, by name
#
# A FUSE file system without allow_other, as an NFS export with root_squash, refuses root.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3 setpriv

# A file system with one file, "file": of nobody's, or of the user given.
cat >"$work/fuse.py" <<'END'
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
try:
    dev = os.open("/dev/fuse", os.O_RDWR)
except OSError:
    dev = -1
user = int(sys.argv[2]) if len(sys.argv) > 2 else 65534
options = b"fd=%d,rootmode=40000,user_id=%d,group_id=%d" % (dev, user, user)
if dev < 0 or libc.mount(b"fuse", sys.argv[1].encode(), b"fuse", 0, options) < 0:
    print("none", flush=True)
    sys.exit()
print("mounted", flush=True)

def attributes(node):
    mode = 0o40777 if node == 1 else 0o100666
    return struct.pack("<6Q10I", node, 4096, 8, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

def answer(kind, node):
    if kind == 26:
        return struct.pack("<IIIIHHIIHHI28x", 7, 31, 0, 0, 8, 8, 4096, 1, 1, 0, 0)
    if kind == 1:
        return struct.pack("<QQQQII", 2, 0, 100, 100, 0, 0) + attributes(2)
    if kind in (3, 4):
        return struct.pack("<QII", 100, 0, 0) + attributes(node)
    if kind in (14, 27):
        return struct.pack("<QII", 1, 0, 0)
    if kind == 15:
        return bytes(4096)
    return b""

while True:
    try:
        request = os.read(dev, 1 << 17)
    except OSError:
        break
    _, kind, unique, node = struct.unpack_from("<IIQQ", request)
    if kind not in (2, 42):
        out = answer(kind, node)
        os.write(dev, struct.pack("<IiQ", 16 + len(out), 0 if out else -38, unique) + out)
END

cat >"$work/user.py" <<'END'
import ctypes, os, sys, time
what, where = sys.argv[1:]
if what == "cwd":
    os.chdir(where)
else:
    file = open(where + "/file", "rb", buffering=0)
if what == "map":
    # Not by the module mmap, which keeps a descriptor.
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
    assert libc.mmap(None, 4096, 1, 2, file.fileno(), 0) != ctypes.c_void_p(-1).value
    file.close()
print("ready", flush=True)
while True:
    time.sleep(0.1)
END

mkdir "$work/mnt"
chmod 777 "$work/mnt"
python3 "$work/fuse.py" "$work/mnt" >"$work/fuse.out" &
server=$!
wait_for test -s "$work/fuse.out"
! grep -q none "$work/fuse.out" || skip "no FUSE file system can be mounted"
up

refused() { # WHAT SENTENCE
	matches "$1" "$out" "pid [0-9]+ \(python3\): $2"
	is "$1: exit status" "$status" 1
	is "$1: result" "$(vcstat moves --json | json "(d['moves'][-1]['result'], d['moves'][-1]['downtime_usec'])")" \
		"('refused', 0)"
	is "$1: state" "$(job reach state) in $(job reach partition)" "running in vc0"
}

start() { # WHAT
	: >"$work/out"
	chmod 666 "$work/out"
	as "$nobody" vcrun -d --on=vc0 --name=reach python3 "$work/user.py" "$1" "$work/mnt" >"$work/out"
	wait_for grep -q ready "$work/out"
}

look() { # WHAT SENTENCE
	start "$1"
	try vcmove --to=vc1 reach
	refused "$1" "$2"
	vcctl kill reach
	wait_for jobs_are 0
}

root='as on a FUSE file system without allow_root'
look fd "root cannot read fd [0-9]+, $work/mnt/file, $root"
look cwd "root cannot read its current directory, $work/mnt, $root"
look map "root cannot read a mapped file, $work/mnt/file, $root"

# The server has died.
start fd
kill "$server"
wait "$server" || :
try vcmove --to=vc1 reach
refused "a dead server" "(fd [0-9]+, $work/mnt/file, is on a file system that does not answer|root cannot read fd [0-9]+, $work/mnt/file, as on a FUSE)"
vcctl kill reach
wait_for jobs_are 0
umount -l "$work/mnt"

# The server is one of the job's processes. It is moved, but not with a file of its own file system.
cat >"$work/both.sh" <<END
python3 "$work/fuse.py" "$work/mnt" 0 >"$work/fuse.out" &
while ! [ -s "$work/fuse.out" ]; do sleep 0.1; done
[ "\$1" = server ] || exec 5<"$work/mnt/file"
echo ready >"$work/out"
wait
END
for what in server both; do
	: >"$work/out"
	: >"$work/fuse.out"
	vcrun -d --on=vc0 --name=reach sh "$work/both.sh" $what >/dev/null
	wait_for grep -q ready "$work/out"
	try vcmove --to=vc1 reach
	[ $what = both ] || is "the server alone: $out" "$status" 0
	[ $what = server ] || matches "$what" "$out" "$work/mnt/file on a FUSE file system that pid [0-9]+ of the same job serves"
	vcctl kill --signal=KILL reach
	wait_for jobs_are 0
	umount -l "$work/mnt"
done
down
