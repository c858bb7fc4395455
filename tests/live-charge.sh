#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# live-charge - after a live move the target is charged for the job's memory, and the sum is the same
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-live.sh"
requires python3
up

# What is left may be page tables and other memory of the kernel's own.
left_most=2048

# KIND: whole blocks, small pieces, huge pages; the job writes to all of it without a pause.
cat >"$work/memory.py" <<'END'
import mmap, os, signal, sys, zlib

kind, size = sys.argv[1], 48 << 20
ending = []
signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
if kind == "huge":
    memory.madvise(mmap.MADV_HUGEPAGE)
if kind == "none":
    memory.madvise(mmap.MADV_NOHUGEPAGE)
step = 8192 if kind == "pieces" else 4096
if kind == "none":
    step, size = 4096, 24 << 20
for at in range(0, size, step):
    memory[at:at + 8] = at.to_bytes(8, "little")
open(sys.argv[2], "w").write(str(os.getpid()))
while not ending:
    for at in range(0, size, step):
        if int.from_bytes(memory[at:at + 8], "little") != at:
            sys.exit("word %d is wrong" % at)
        memory[at + 8:at + 16] = memory[at:at + 8]
sys.exit(7)
END

for kind in blocks pieces none huge; do
	rm -f "$work/ready"
	status=0
	base0=$(charged_kib vc0) base1=$(charged_kib vc1)
	vcrun --on=vc0 --name=$kind python3 "$work/memory.py" $kind "$work/ready" &
	vcrun=$!
	wait_for test -s "$work/ready"
	before=$(charged_kib vc0)
	at_least "KiB of $kind" "$before" 20480
	for to in vc1 vc0; do
		live_move $kind
		[ $to = vc1 ] && from=vc0 base=$base0 || from=vc1 base=$base1
		at_most "KiB of $kind left in $from" "$(($(charged_kib "$from") - base))" $left_most
		at_least "KiB of $kind in $to" "$(charged_kib $to)" $((before - 2 * left_most))
		at_most "KiB of $kind in $to" "$(charged_kib $to)" $((before + 2 * left_most))
		at_most "bytes of lien" "$(last_move lien_bytes)" $((left_most * 1024))
	done
	pid=$(cat "$work/ready")
	is "children that it did not make" "$(cat "/proc/$pid/task/$pid/children")" ''
	kill -TERM "$pid"
	wait $vcrun || status=$?
	is "exit status of $kind" $status 7
done

# What cannot be charged anew is reported: shared memory.
cat >"$work/shared.py" <<'END'
import mmap, os, sys, time

memory = mmap.mmap(-1, 32 << 20)
memory.write(b"x" * (32 << 20))
open(sys.argv[1], "w").write("ready")
time.sleep(1000)
END
rm -f "$work/ready"
vcrun --detach --on=vc0 --name=shared python3 "$work/shared.py" "$work/ready" >/dev/null
wait_for test -s "$work/ready"
try vcmove --engine=live --to=vc1 shared
is "exit status of a move with a lien" "$status" 0
matches "what is said of it" "$out" '^  3[0-9](\.[0-9])?M of its memory stay charged to vc0$'
at_least "bytes of lien" "$(last_move lien_bytes)" $((32 << 20))
at_least "bytes of lien that vcstat shows" "$(job shared lien_bytes)" $((32 << 20))
live_move shared
is "bytes of lien of a job that is back" "$(job shared lien_bytes)" 0
down --force
