#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# run-numbers - jobs are numbered in the order of their starts, over all partitions, and their
# groups are named by that number
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
up
expected=1
for on in vc0 vc0 vc0 vc0 vc0 vc0 vc1 vc0 vc1 vc1 vc1 vc1 vc1 vc1 vc0; do
	is "the number of start $expected" "$(vcrun --detach --on=$on sleep 1000)" $expected
	pid=$(vcstat jobs --json | json "[j['pid'] for j in d['jobs'] if j['id'] == $expected][0]")
	! grep -v -E "/$on/job-$expected\$" "/proc/$pid/cgroup" | grep vcrun ||
		fail "job $expected is in other groups too: $(cat "/proc/$pid/cgroup")"
	grep -q "/$on/job-$expected\$" "/proc/$pid/cgroup" || fail "job $expected is in no group of its own"
	expected=$((expected + 1))
done
# A start that fails takes a number as well, and one that is moved keeps its own.
vcrun --detach no-such-program 2>/dev/null && fail "it was started"
is "the number after one that failed" "$(vcrun --detach --on=vc1 --name=last sleep 1000)" $((expected + 1))
vcmove --quiet --to=vc0 last || fail "it was not moved"
is "the number of a moved job" "$(job last id)" $((expected + 1))
# A burst is beyond what is started ahead.
for _ in $(seq 30); do vcrun --detach --on=vc0 sleep 1000 & done >"$work/numbers"
wait
is "numbers of a burst" "$(sort -n "$work/numbers" | tr '\n' ' ')" \
	"$(seq $((expected + 2)) $((expected + 31)) | tr '\n' ' ')"
down --force
