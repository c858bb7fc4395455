#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-faults - at whatever step of a move something breaks, the job lives on in one place
#
# The matrix of docs/FAULTS.md: each fault at the beginning of each step, as often as
# VCRUN_FAULT_ROUNDS says. The job counts, keeps 32 MiB that it can check, and has an
# exit status that its vcrun must get in the end.
export VC_TEST_TIMEOUT="${VC_TEST_TIMEOUT:-1500}"
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3

rounds=${VCRUN_FAULT_ROUNDS:-1}
steps=${VCRUN_FAULT_STEPS:-check prepare dump commit reap restore resume}
faults=${VCRUN_FAULTS:-source target both criu client memory file replace}

cat >"$work/job.py" <<'END'
import hashlib, os, sys, time
data = os.urandom(32 << 20)
want = hashlib.sha256(data).hexdigest()
out, kept = open(sys.argv[1], "a", buffering=1), open(sys.argv[2], "a", buffering=1)
n = 0
while not os.path.exists(sys.argv[3]):
    n += 1
    print(n, file=out)
    print(n, file=kept)
    time.sleep(0.01)
sys.exit(7 if hashlib.sha256(data).hexdigest() == want else 8)
END

# Breaks what $work/fault says, at the step that it says.
cat >"$work/hook" <<END
#!/bin/sh
read -r step fault <"$work/fault" || exit
[ "\$1" = "\$step" ] || exit
: >"$work/fault"
case \$fault in
source) kill -KILL \$(cat "$work/pid.\$3") ;;
target) kill -KILL \$(cat "$work/pid.\$4") ;;
both) kill -KILL \$(cat "$work"/pid.vc?) ;;
criu) [ "\$6" = 0 ] || kill -KILL "\$6" ;;
client) kill -KILL \$(cat "$work/client") ;;
memory) echo 4194304 >"\$(cat "$work/limit")" ;;
file) rm -f "$work/kept" ;;
replace) mv "$work/kept" "$work/away"; echo other >"$work/kept" ;;
esac
END
chmod 755 "$work/hook"
: >"$work/fault"
export VCRUN_STEP_HOOK="$work/hook"
up

# Where the target's memory limit stands, on either version of cgroups.
while read -r group; do
	for file in memory.limit_in_bytes memory.max; do
		[ ! -e "$group/vc1/$file" ] || echo "$group/vc1/$file" >"$work/limit"
	done
done <"$work/groups"

note_daemons() {
	for partition in vc0 vc1; do
		vcctl list --json | json "[p['daemon_pid'] for p in d['partitions'] \
			if p['name'] == '$partition'][0]" >"$work/pid.$partition"
	done
}

counts() { # THAN
	[ "$(wc -l <"$work/out")" -gt "$1" ]
}

one() { # STEP FAULT
	rm -f "$work/stop" "$work/kept" "$work/away"
	: >"$work/out"
	vcrun --on=vc0 --name=victim python3 "$work/job.py" "$work/out" "$work/kept" "$work/stop" &
	waiting=$!
	wait_for 20 job_is victim state running
	wait_for 20 counts 5
	pid=$(job victim pid)
	note_daemons
	echo "$1 $2" >"$work/fault"
	vcmove --to=vc1 --json victim >"$work/answer" 2>"$work/error" &
	client=$!
	echo $client >"$work/client"
	wait $client || :
	: >"$work/fault"
	[ "$2" != memory ] || echo -1 >"$(cat "$work/limit")" 2>/dev/null ||
		echo max >"$(cat "$work/limit")"
	vcctl up >"$work/up.out" 2>&1 || fail "$1 $2: vcctl up: $(cat "$work/up.out")"
	wait_for 40 job_is victim state running
	is "$1 $2: the job's pid" "$(job victim pid)" "$pid"
	is "$1 $2: jobs" "$(vcstat jobs --json | json "len(d['jobs'])")" 1
	wait_for 20 counts "$(wc -l <"$work/out")"
	outcome=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["result"])' \
		"$work/answer" 2>/dev/null || job victim partition)
	touch "$work/stop"
	status=0
	wait $waiting || status=$?
	is "$1 $2: exit status" "$status" 7
	# Each number once, in order: nothing lost, nothing doubled.
	seq 1 "$(wc -l <"$work/out")" | cmp -s - "$work/out" || fail "$1 $2: the count has a gap"
	wait_for 20 jobs_are 0
	[ -z "$(ls "$state/images")" ] || fail "$1 $2: images left: $(ls "$state/images")"
	echo "$outcome" >>"$work/outcomes.$1.$2"
}

for fault in $faults; do
	for step in $steps; do
		for _ in $(seq 1 "$rounds"); do
			one "$step" "$fault"
		done
		printf '%-8s %-8s %s\n' "$fault" "$step" \
			"$(sort "$work/outcomes.$step.$fault" | uniq -c | tr -s ' \n' ' ')"
	done
done
