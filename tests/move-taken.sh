#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-taken - another process takes a PID of the job while it stands still: it is named with its
# user wherever one asks, and the job runs again when it is gone
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3 setpriv

# Takes the PID, which is free by now, by going through the counter.
cat >"$work/hook" <<END
#!/bin/sh
[ "\$1" = restore ] && [ -e "$work/take" ] || exit 0
rm "$work/take"
for _ in \$(seq 200); do
	echo \$((\$(cat "$work/wanted") - 1)) >/proc/sys/kernel/ns_last_pid
	setpriv --reuid=$nobody --clear-groups sleep 100 >/dev/null 2>&1 &
	if [ \$! = "\$(cat "$work/wanted")" ]; then
		echo \$! >"$work/taken"
		exit 0
	fi
	kill \$!
done
END
chmod 755 "$work/hook"
export VCRUN_STEP_HOOK="$work/hook"
up
vcrun --on=vc0 --name=robbed sleep 1000 &
vcrun=$!
wait_for job_is robbed state running
pid=$(job robbed pid)
echo "$pid" >"$work/wanted"
: >"$work/take"
try vcmove --to=vc1 robbed
[ -e "$work/taken" ] || skip "PID $pid could not be taken: this machine starts too many processes"
taken="pid $pid, which the job must have again, is taken by another process .sleep, uid $nobody"
is "exit status" "$status" 1
matches "the answer" "$out" "$taken"
matches "the answer" "$out" 'is parked'
job_is robbed state parked || fail "the job is $(job robbed state)"
wait_for sh -c "vcstat jobs --json | grep -q 'which the job must have again'"
matches "the reason in vcstat" "$(job robbed reason)" "$taken"
try vcmove --to=vc1 robbed
matches "another move" "$out" "$taken"
! printf '%s' "$out" | grep -q 'will run again' || fail "a promise: $out"
stays "state" 5 parked job robbed state
at_most "lines in the log" "$(grep -c 'stays parked' "$state/vc0/vcd.log")" 3

kill "$(cat "$work/taken")"
wait_for job_is robbed state running
is "its pid" "$(job robbed pid)" "$pid"
is "no reason any more" "$(job robbed reason)" None
move robbed
kill -TERM $vcrun
ended=0
wait $vcrun || ended=$?
is "exit status of vcrun" $ended 143
wait_for jobs_are 0
down
