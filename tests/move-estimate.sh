#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-estimate - what a move is expected to take is said before, and can be limited
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3
cat >"$work/one.conf" <<'END'
move-max-stop = "1ms"
partition vc0 { cpus = "0" exclusive = false }
partition vc1 { cpus = "1" exclusive = false }
END
up --config="$work/one.conf"

start() { # NAME MEBIBYTES
	vcrun -d --on=vc0 --name="$1" python3 -c '
import sys, time
memory = bytes([1]) * (int(sys.argv[1]) << 20)
print("ready", flush=True)
while True: time.sleep(0.1)' "$2" >"$work/$1.out"
	wait_for grep -q ready "$work/$1.out"
}

start small 1
start large 256

# It says what it would take, and moves nothing.
matches "estimate" "$(vcmove --max-stop=0 --estimate small)" \
	'^from vc0 to vc1: job [0-9]+ would stand still for about [0-9]+ ms: .*M of memory, 1 process'
is "result" "$(vcmove --max-stop=0 --estimate --json small | json "(d['result'], d['downtime_usec'])")" \
	"('estimated', 0)"
is "moves of it" "$(job small moves) in $(job small partition), $(job small state)" "0 in vc0, running"
at_most "lines on record" "$(cat "$state/moves.jsonl" 2>/dev/null | wc -l)" 0

# The limit of the configuration, and of the command, which comes first.
try vcmove small
is "over the configured limit: exit status" "$status" 1
matches "reason" "$out" 'would stand still for about [0-9]+ ms \([0-9]+ MiB of memory, 1 process\), longer than the 1 ms allowed'
is "result" "$(vcstat moves --json | json "(d['moves'][-1]['result'], d['moves'][-1]['downtime_usec'])")" \
	"('refused', 0)"
try vcmove --max-stop=2ms large
matches "over the limit given" "$out" 'longer than the 2 ms allowed'
try vcmove --max-stop=2ms --estimate large
is "an estimate over the limit: exit status" "$status" 1
vcmove --quiet --max-stop=10s small
vcmove --quiet --max-stop=0 small
is "moves" "$(job small moves)" 2
for wrong in '' 1x -1s; do
	try vcmove --max-stop="$wrong" small
	is "--max-stop=$wrong: exit status" "$status" 2
done

# What past moves took counts: eight times as long as the model says is the most.
is "a move on record" "$(tail -n 1 "$state/moves.jsonl" | json "d['estimate']['model_usec'] > 0")" True
: >"$state/moves.jsonl"
before=$(vcmove --max-stop=0 --estimate --json large | json "d['estimate']['stop_usec']")
for _ in 1 2 3 4 5; do
	echo '{"result": "moved", "downtime_usec": 8000000, "estimate": {"model_usec": 1000000}}'
done >>"$state/moves.jsonl"
echo '{"result": "moved", "downtime_usec": 1, "estimate": {"model_usec": 1000000}}' >>"$state/moves.jsonl"
echo '{"result": "refused", "downtime_usec": 0, "estimate": {"model_usec": 9000000}}' >>"$state/moves.jsonl"
after=$(vcmove --max-stop=0 --estimate --json large | json "d['estimate']['stop_usec']")
at_least "learnt: from $before" "$after" $((before * 7))
at_most "learnt: from $before" "$after" $((before * 9))

# Over a second it is said before the move, also where nobody watches.
vcmove --max-stop=0 large >"$work/moved" 2>"$work/said"
matches "said before" "$(cat "$work/said")" \
	'^vcmove: job [0-9]+ will stand still for about [1-9][0-9]* s: 2[0-9][0-9].*M of memory, 1 process'
grep -q 'will stand still for about' "$state"/vc?/vcd.log || fail "the daemon's log does not have it"
vcmove --max-stop=0 small >"$work/moved" 2>"$work/said"
is "said of a short one" "$(cat "$work/said")" ""
down --force
