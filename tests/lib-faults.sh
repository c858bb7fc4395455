# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154 # shared with lib.sh, lib-move.sh and the tests
# lib-faults.sh - whatever breaks at whichever step of a move, the job runs on in one place
#
# A test sets $faults and sources this. Every step of a move times every fault,
# VCRUN_FAULT_ROUNDS times each. The fault strikes as the step begins, through
# $VCRUN_STEP_HOOK. Then the job must beat again, in one partition, with its PID; and in
# the end its vcrun must have its exit status, and nothing may be left of it. VCRUN_FAULTS and
# VCRUN_FAULT_STEPS choose some; the faults dump-criu and shim, which no job is promised to
# survive, are tried only when chosen. docs/FAULTS.md has the results.
. "$top_srcdir/tests/lib-move.sh"
requires python3

rounds=${VCRUN_FAULT_ROUNDS:-$test_rounds}
steps=${VCRUN_FAULT_STEPS:-check prepare dump verify commit reap restore resume}
faults=${VCRUN_FAULTS:-$faults}
home=$work/victim
mkdir "$home"

# Called by the shim: STEP JOB FROM TO DUMP-PID RESTORE-PID. What it is to do stands in
# $work/fault: STEP FAULT.
cat >"$work/hook" <<END
#!/bin/sh
[ -e "$work/fault" ] || exit 0
read -r step fault <"$work/fault"
[ "\$1" = "\$step" ] || exit 0
rm "$work/fault"
replace() {
	head -c 4096 /dev/zero >"$home/new"
	mv "$home/new" "$home/\$1"
}
case \$fault in
source-vcd) kill -KILL \$(cat "$work/vcd.\$3") ;;
target-vcd) kill -KILL \$(cat "$work/vcd.\$4") ;;
both-vcd) kill -KILL \$(cat "$work/vcd.\$3" "$work/vcd.\$4") ;;
dump-criu) [ "\$5" = 0 ] || kill -KILL "\$5" ;;
restore-criu) [ "\$6" = 0 ] || kill -KILL "\$6" ;;
shim) kill -KILL \$PPID ;;
client) kill -KILL \$(cat "$work/client") ;;
child) kill -KILL \$(cut -d' ' -f3 "$home/beat") ;;
memory) . "$work/lower" ;;
directory-removed) rmdir "$home/directory" ;;
*-removed) rm "$home/\${fault%-*}" ;;
*-cut) : >"$home/\${fault%-*}" ;;
*-replaced) replace "\${fault%-*}" ;;
esac
echo "\$step" >"$work/struck"
END
chmod 755 "$work/hook"
export VCRUN_STEP_HOOK="$work/hook"

# The directory of a partition's group that limits its memory, and the limit's name.
find_memory() {
	while read -r base; do
		for limit in memory.max memory.limit_in_bytes; do
			[ ! -e "$base/vc1/$limit" ] || echo "$base/vc1/$limit"
		done
	done <"$work/groups" | head -n 1
}

restart() {
	up
	memory=$(find_memory)
	unlimited=$(cat "$memory")
	# As small as the victim is, so that half of it fits.
	echo "echo 16M >'$memory'" >"$work/lower"
	note_daemons
}

# Of the victim; shims that wait for a job stand in groups of their own.
job_groups() { # [PARTITION]
	while read -r base; do
		find "$base" -type d -path "*/${1:-vc?}/job-$id"
	done <"$work/groups"
}

processes_in() { # PARTITION
	job_groups "$1" | while read -r group; do
		cat "$group/cgroup.procs"
	done | sort -u | wc -l
}

beats() {
	cut -d' ' -f1 "$home/beat" 2>/dev/null
}

beats_on() { # BEFORE
	now=$(beats)
	[ -n "$now" ] && [ "$now" != "$1" ]
}

# Half a minute: a parked job is tried again every two seconds.
waits_to_beat() {
	for _ in $(seq 1 300); do
		beats_on "$1" && return
		sleep 0.1
	done
	return 1
}

last_move() { # FIELD
	tail -n 1 "$state/moves.jsonl" | json "d.get('$1') or ''"
}

n_moves() {
	[ ! -e "$state/moves.jsonl" ] || wc -l <"$state/moves.jsonl"
}

answered() { # MOVES-BEFORE
	[ "$(n_moves)" != "$1" ]
}

nothing_left() {
	jobs_are 0 && [ -z "$(ls "$state/images")" ] && [ -z "$(ls "$state/jobs")" ] &&
		[ -z "$(job_groups)" ]
}

# What a job without a shim has come to.
see_orphans() {
	sleep 1
	status=0
	wait "$vcrun" || status=$?
	reason="vcrun's exit status is $status: $(cat "$work/out")"
	in0=$(processes_in vc0)
	in1=$(processes_in vc1)
	if [ "$in0$in1" = 00 ]; then
		outcome=dead
	elif was=$(beats) && sleep 0.3 && beats_on "$was"; then
		outcome="runs without a shim, $in0 processes in vc0, $in1 in vc1"
	else
		outcome="stands still, $in0 processes in vc0, $in1 in vc1"
	fi
	down --force
	restart
}

# One cell, once. $outcome: what became of the move; $trouble: what must not be.
strike() { # STEP FAULT
	trouble='' outcome=''
	rm -rf "$home" "$work/struck"
	mkdir "$home" "$home/directory"
	cp "$top_builddir/tests/fault-victim" "$home/program"
	(
		cd "$home/directory" || exit
		exec vcrun --on=vc0 --name=victim "$home/program" "$home" 32 >"$work/count" 2>"$work/out"
	) &
	vcrun=$!
	wait_for beats_on ''
	id=$(job victim id)
	program=$(cut -d' ' -f2 "$home/beat")
	moved=$(n_moves)
	echo "$1 $2" >"$work/fault"
	vcmove --quiet --to=vc1 victim >"$work/move.out" 2>&1 &
	client=$!
	echo "$client" >"$work/client"
	wait "$client" 2>/dev/null || :
	if [ "$2" = shim ]; then
		see_orphans
		return
	fi
	wait_for answered "$moved"
	outcome=$(last_move result)
	reason=$(last_move reason)
	rm -f "$work/fault"
	[ -e "$work/struck" ] || outcome="$outcome (the step was not reached)"
	if ! waits_to_beat "$(beats)"; then
		trouble="does not run"
		return
	fi
	[ "$outcome" != parked ] || outcome='parked, then ran'
	[ -z "$memory" ] || echo "$unlimited" >"$memory"
	vcctl up >/dev/null 2>&1
	note_daemons
	in0=$(processes_in vc0)
	in1=$(processes_in vc1)
	[ "$in0" = 0 ] || [ "$in1" = 0 ] || trouble="runs in both: $in0 and $in1 processes"
	case $outcome in
	moved*) [ "$in1" != 0 ] || trouble='moved, and is not there' ;;
	*) [ "$in0" != 0 ] || trouble='not moved, and is not there' ;;
	esac
	wait_for job_is victim state running
	is "the PID" "$(job victim pid)" "$program"
	is "the partition" "$(job victim partition)" "$([ "$in0" != 0 ] && echo vc0 || echo vc1)"
	kill -TERM "$program"
	status=0
	wait "$vcrun" || status=$?
	case $status,$2 in
	42,*) ;;
	40,child) outcome="$outcome, without the child" ;;
	*) trouble="vcrun's exit status is $status: $(cat "$work/out")" ;;
	esac
	# Each number once, in order: nothing is lost, nothing doubled.
	seq 1 "$(wc -l <"$work/count")" | cmp -s - "$work/count" || trouble='the count has a gap'
	wait_for nothing_left
}

restart
for fault in $faults; do
	for step in $steps; do
		for _ in $(seq 1 "$rounds"); do
			strike "$step" "$fault"
			printf '%s|%s|%s|%s|%s\n' "$step" "$fault" "$outcome" "$trouble" "${reason:-}" >>"$work/results"
			[ -z "$trouble" ] || {
				say "$fault at $step: $outcome: $trouble: ${reason:-}"
				down --force
				restart
			}
		done
	done
done

# The matrix: a row for each fault, a column for each step, what became of the move.
python3 - "$work/results" "$steps" <<'END'
import collections, sys
cells, reasons = collections.defaultdict(collections.Counter), {}
faults, steps = [], sys.argv[2].split()
for line in open(sys.argv[1]):
    step, fault, outcome, trouble, reason = line.rstrip("\n").split("|", 4)
    if fault not in faults:
        faults.append(fault)
    text = "LOST: " + trouble if trouble else outcome
    cells[fault, step][text] += 1
    reasons.setdefault((fault, step, text), reason)
print("| fault | " + " | ".join(steps) + " |")
print("|---" * (len(steps) + 1) + "|")
for fault in faults:
    print("| %s | %s |" % (fault, " | ".join(
        "; ".join("%s %d" % item for item in cells[fault, step].most_common()) for step in steps)))
print()
for (fault, step, text), reason in reasons.items():
    if reason:
        print("%s at %s: %s: %s" % (fault, step, text, reason))
END
if grep -v '^[^|]*|[^|]*|[^|]*||' "$work/results" >"$work/troubles"; then
	fail "$(wc -l <"$work/troubles") of $(wc -l <"$work/results") jobs were lost"
fi
say "$(wc -l <"$work/results") faults, every job ran on"
