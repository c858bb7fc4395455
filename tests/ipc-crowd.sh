#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-crowd - processes that have objects open do not use up the descriptors of their daemon
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-ipc.sh"
requires_plain_build
# shellcheck disable=SC3045 # dash and bash have it
ulimit -n 160
up
n=300
pids=

opened() {
	"$client" 'list posix-shm' | tail -n 1
}
for i in $(seq $n); do
	"$client" "open posix-shm crowd-$i create" pause >>"$work/answers" &
	pids="$pids $!"
done
await "open objects (answers: $(sort "$work/answers" | cut -c1-60 | grep -v "^ok" | uniq -c | head -n 5))" "ok $n" opened
for partition in vc0 vc1; do
	count=$(find "/proc/$(daemon $partition)/fd" -lname 'anon_inode:\[pidfd\]' | wc -l)
	say "$partition: $count of 160 descriptors are pidfds"
	at_most "pidfds of $partition" "$count" 80
	try timeout 20 vcrun --on=$partition true
	is "exit status of a program in $partition, $out" "$status" 0
done

# The end of each is noticed.
# shellcheck disable=SC2086 # many
kill -KILL $pids
wait
await "open objects after the end of all" "ok 0" opened
down
