#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-files - a program with hundreds of files has each where it was after a move
#
# More than the mover has descriptors of its own, so that those it hands over have to make
# room for each other.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3
up

cat >"$work/files.py" <<'END'
import sys
files = []
for i in range(300):
    f = open("%s/%d" % (sys.argv[1], i), "w+b", buffering=0)
    f.write(b"%08d" % i * 2)
    f.seek(8)
    files.append(f)
print("ready", flush=True)
for line in sys.stdin:
    wrong = [i for i, f in enumerate(files) if f.tell() != 8 or f.read(8) != b"%08d" % i]
    for f in files:
        f.seek(8)
    print("wrong:", wrong, flush=True)
END
mkdir "$work/files"
mkfifo "$work/in"
vcrun --on=vc0 --name=files python3 "$work/files.py" "$work/files" <"$work/in" >"$work/out" &
waiting=$!
exec 3>"$work/in"
wait_for grep -q ready "$work/out"
said() {
	[ "$(wc -l <"$work/out")" = "$1" ]
}
for i in $(seq 1 "$moves"); do
	move files
	echo look >&3
	wait_for said $((i + 1))
	is "files after move $i" "$(tail -n 1 "$work/out")" "wrong: []"
done
exec 3>&-
wait "$waiting" || fail "exit status $?"
show_moves "300 files"
down
