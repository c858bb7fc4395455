#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# live-faults - whatever is killed at whichever step of a live move, the job is whole in one partition
#
# VCRUN_FAULT_ROUNDS repeats each cell.
export VC_TEST_TIMEOUT="${VC_TEST_TIMEOUT:-1200}"
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-live.sh"
requires python3
rounds=${VCRUN_FAULT_ROUNDS:-1}

# Called by the shim: STEP JOB FROM TO DUMP-PID RESTORE-PID. $work/fault has STEP FAULT.
cat >"$work/hook" <<END
#!/bin/sh
[ -e "$work/fault" ] || exit 0
read -r step fault <"$work/fault"
[ "\$1" = "\$step" ] || exit 0
rm "$work/fault"
case \$fault in
source-vcd) kill -KILL \$(cat "$work/vcd.\$3") ;;
target-vcd) kill -KILL \$(cat "$work/vcd.\$4") ;;
client) kill -KILL \$(cat "$work/client") ;;
shim) kill -KILL \$PPID ;;
half)
	# One of its processes has changed its groups, and the shim is killed then.
	for base in \$(cat "$work/groups"); do
		[ ! -d "\$base/\$4/job-\$2" ] || cat "$work/child" >"\$base/\$4/job-\$2/cgroup.procs"
	done
	kill -KILL \$PPID
	;;
esac
END
chmod 755 "$work/hook"
export VCRUN_STEP_HOOK="$work/hook"
up

# A program with a child; both write without a pause.
cat >"$work/pair.py" <<'END'
import os, signal, sys

ending = []
child = os.fork()
if child:
    signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
name = os.path.join(sys.argv[1], "child" if child == 0 else "program")
open(name, "w").write(str(os.getpid()))
memory = bytearray(4 << 20)
while not ending:
    for at in range(0, len(memory), 4096):
        memory[at] = (memory[at] + 1) % 256
    if len(set(memory[::4096])) != 1:
        os._exit(1)
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
sys.exit(7)
END

in_one_place() {
	[ "$(processes_in vc0 "$id")" = 0 ] || [ "$(processes_in vc1 "$id")" = 0 ]
}

settled() {
	in_one_place && ! grep -q moving_to "$state/jobs/$id/job.json"
}

recorded_in() { # PARTITION
	grep -q "\"partition\":\"$1\"" "$state/jobs/$id/job.json" &&
		! grep -q moving_to "$state/jobs/$id/job.json"
}

# The program runs on without its shim; it has not been changed.
end_orphan() {
	wait_for settled
	[ "$(processes_in vc0 "$id")" = 0 ] && place=vc1 || place=vc0
	wait_for recorded_in "$place"
	kill -0 "$program" || fail "$fault at $step: the program has ended"
	kill -0 "$child" || fail "$fault at $step: the child has ended"
	kill -KILL "$program" "$child"
	wait "$vcrun" || :
	down --force
	up
	note_daemons
}

strike() {
	rm -f "$work/program" "$work/child"
	vcrun --on=vc0 --name=pair python3 "$work/pair.py" "$work" 2>"$work/err" &
	vcrun=$!
	wait_for test -s "$work/child"
	wait_for test -s "$work/program"
	program=$(cat "$work/program") child=$(cat "$work/child")
	wait_for job_is pair state running
	id=$(job pair id)
	echo "$step $fault" >"$work/fault"
	vcmove --quiet --engine=live --to=vc1 pair >"$work/move.out" 2>&1 &
	client=$!
	echo $client >"$work/client"
	wait $client 2>/dev/null || :
	[ ! -e "$work/fault" ] || fail "$fault at $step: the step was not reached: $(cat "$work/move.out")"
	case $fault in
	shim | half)
		end_orphan
		return
		;;
	esac
	wait_for in_one_place
	wait_for recorded_in vc1
	vcctl up >/dev/null 2>&1
	note_daemons
	wait_for job_is pair state running
	is "$fault at $step: the partition" "$(job pair partition)" vc1
	is "$fault at $step: its PID" "$(job pair pid)" "$program"
	kill -TERM "$program"
	status=0
	wait $vcrun || status=$?
	is "$fault at $step: exit status" $status 7
}

note_daemons
for fault in source-vcd target-vcd client shim half; do
	for step in check prepare attach follow; do
		case $fault,$step in
		# Before the record names the target nothing is moved.
		half,check | half,prepare | half,follow) continue ;;
		esac
		for _ in $(seq "$rounds"); do
			strike
		done
		say "$fault at $step: the job is whole in one partition"
	done
done

# No daemon runs when the shim is killed: the next one finishes the move. Another process has the
# shim's PID then.
rm -f "$work/program" "$work/child"
vcrun --on=vc0 --name=pair python3 "$work/pair.py" "$work" 2>"$work/err" &
vcrun=$!
wait_for test -s "$work/child"
wait_for test -s "$work/program"
program=$(cat "$work/program") child=$(cat "$work/child") step=attach fault=half
wait_for job_is pair state running
id=$(job pair id)
sed -i "s|^	kill -KILL \$PPID\$|	kill -KILL \$(cat $work/vcd.vc0 $work/vcd.vc1) \$PPID|" "$work/hook"
echo "attach half" >"$work/fault"
vcmove --quiet --engine=live --to=vc1 pair >/dev/null 2>&1 || :
sleep 0.5
at_least "processes in vc0, without a daemon" "$(processes_in vc0 "$id")" 1
at_least "processes in vc1, without a daemon" "$(processes_in vc1 "$id")" 1
sed -i "s/\"shim_pid\":[0-9]*/\"shim_pid\":$$/" "$state/jobs/$id/job.json"
vcctl up >/dev/null 2>&1
end_orphan
down --force
