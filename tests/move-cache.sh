#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-cache - page cache is no memory in use: a partition full of it takes jobs, and is no fuller
# than another for policies; tmpfs is in use
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3 dd
case $(stat -f -c %T "$work") in
tmpfs | ramfs) skip "$work is in memory: files there are no page cache" ;;
esac

figure() { # PARTITION FIELD: in MiB
	vcstat --json | json "[p for p in d['partitions'] if p['name'] == '$1'][0]['$2'] >> 20"
}
figure_is() { # PARTITION FIELD OPERATOR NUMBER
	test "$(figure "$1" "$2")" "$3" "$4"
}
cat >"$work/big.py" <<'END'
import sys, time
b = bytearray(int(sys.argv[1]) << 20)
for i in range(0, len(b), 4096):
    b[i] = 1 + i // 4096 % 255
print("ready", flush=True)
for line in sys.stdin:
    good = all(b[i] == 1 + i // 4096 % 255 for i in range(0, len(b), 4096))
    print("well" if good else "changed", flush=True)
END

up
vcctl set vc0 --memory=256M >/dev/null || skip "no memory limits here"

# Clean pages, and pages that are still to be written.
for kind in clean dirty; do
	if [ $kind = clean ]; then
		vcrun --on=vc0 sh -c "dd if=/dev/zero of=$work/file bs=1M count=300 conv=fsync; cat $work/file" >/dev/null 2>&1
	else
		vcrun --on=vc0 sh -c "cat $work/file; dd if=/dev/zero of=$work/file.2 bs=1M count=200" >/dev/null 2>&1
	fi
	wait_for figure_is vc0 mem_charged_bytes -gt 180
	at_most "MiB in use in vc0, $kind" "$(figure vc0 mem_used_bytes)" 60
	for size in 40 150; do
		mkfifo "$work/ask"
		vcrun --on=vc1 --name=big python3 "$work/big.py" $size <"$work/ask" >"$work/big.out" 2>&1 &
		vcrun=$!
		exec 4>"$work/ask"
		wait_for grep -q ready "$work/big.out"
		try vcmove --to=vc0 big
		[ "$status" = 0 ] || fail "$size MiB into 256 MiB of $kind page cache: $out"
		wait_for figure_is vc0 mem_used_bytes -gt $((size - 10))
		echo look >&4
		wait_for grep -qE 'well|changed' "$work/big.out"
		is "its memory" "$(tail -n 1 "$work/big.out")" well
		exec 4>&-
		wait $vcrun || fail "a job that was moved into page cache ended with $?"
		rm "$work/ask"
		wait_for jobs_are 0
	done
done

# The policy that goes by memory sees no difference in cache, and one in memory.
vcrun --on=vc0 cat "$work/file" >/dev/null
wait_for figure_is vc0 mem_charged_bytes -gt 100
vcrun --detach --on=vc1 --name=holder python3 -c 'b = bytearray(b"1") * (80 << 20)
import time
time.sleep(1000)' >/dev/null
wait_for figure_is vc1 mem_used_bytes -gt 70
vcctl set vc1 --memory=256M >/dev/null
wait_for sh -c 'vcrun --policy=leastmem cat /proc/self/cgroup | grep -q /vc0/'
vcctl kill --signal=KILL holder
wait_for jobs_are 0

# What lies in a tmpfs cannot be reclaimed: there it is room that is missing.
mkdir "$work/tmpfs"
mount -t tmpfs -o size=300M none "$work/tmpfs"
trap 'umount "$work/tmpfs"' EXIT
if [ "$(awk 'END { print NR }' /proc/swaps)" -gt 1 ]; then
	say "there is swap: tmpfs can be reclaimed"
else
	vcrun --on=vc0 dd if=/dev/zero of="$work/tmpfs/file" bs=1M count=200 2>/dev/null
	wait_for figure_is vc0 mem_used_bytes -gt 190
	vcrun --detach --on=vc1 --name=big python3 -c 'b = bytearray(b"1") * (80 << 20)
import time
time.sleep(1000)' >/dev/null
	wait_for figure_is vc1 mem_used_bytes -gt 70
	try vcmove --to=vc0 big
	is "exit status of a move into what is full" "$status" 1
	matches "a move into what is full" "$out" 'MiB'
	job_is big state running || fail "the job does not run on"
fi
down --force
