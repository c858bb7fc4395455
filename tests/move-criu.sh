#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-criu - the criu of a user's job is beyond his reach, and can do no more than it must
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3 setpriv setcap
requires_plain_build

# Called by the shim: STEP JOB FROM TO DUMP-PID RESTORE-PID. At verify the dump is done; the restore
# may load its modules a little after it has begun.
cat >"$work/hook" <<END
#!/bin/sh
if [ "\$1" = restore ]; then
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		grep CapPrm "/proc/\$6/status" >"$work/seen.restore"
		[ "\$(cat "$work/seen.restore")" = "\$(grep CapPrm "$work/seen" | head -n 1)" ] && break
		sleep 0.05
	done
fi
[ "\$1" = verify ] || exit 0
for pid in "\$5" "\$6"; do
	grep -E '^(Uid|CapPrm|CapBnd):' /proc/\$pid/status
	for signal in STOP KILL; do
		setpriv --reuid=$nobody --regid=$nobody --clear-groups kill -\$signal \$pid 2>/dev/null &&
			echo "signal \$signal went to criu"
	done
done >"$work/seen"
END
chmod 755 "$work/hook"
export VCRUN_STEP_HOOK="$work/hook"
up

has() { # LINE FILE CAPABILITY
	[ $((0x$(sed -n "s/^$1:[[:space:]]*//p" "$2" | head -n 1) >> $3 & 1)) = 1 ]
}
mknod=27 syslog=34 rawio=17 ptrace=19

as $nobody vcrun --detach --on=vc0 --name=plain sleep 1000 >/dev/null
move plain $nobody
is "real and other uids of criu, and signals that reached it" \
	"$(grep -v Cap "$work/seen" | sort -u | tr -s '[:space:]' ' ')" "Uid: 0 0 0 0 "
for what in $mknod $syslog $rawio; do
	! has CapPrm "$work/seen" "$what" || fail "criu of a user's job has capability $what"
	has CapBnd "$work/seen" "$what" || fail "capability $what is not in criu's bounding set"
done
has CapPrm "$work/seen" $ptrace || fail "criu has not even capability $ptrace"
is "capabilities of the criu that restores" "$(cat "$work/seen.restore")" \
	"$(grep CapPrm "$work/seen" | head -n 1)"
is "bounding set of the job after the move" "$(grep CapBnd "/proc/$(job plain pid)/status")" \
	"$(grep CapBnd /proc/self/status)"
vcctl kill plain

# A program with a capability that criu would not have by itself keeps it.
cp "$(command -v sleep)" "$work/sleep"
setcap cap_syslog=ep "$work/sleep" 2>/dev/null || skip "no file capabilities in $work"
as $nobody vcrun --detach --on=vc0 --name=capable "$work/sleep" 1000 >/dev/null
pid=$(job capable pid)
before=$(grep Cap "/proc/$pid/status")
has CapPrm "/proc/$pid/status" $syslog || skip "file capabilities are not honoured in $work"
move capable $nobody
is "capabilities after the move" "$(grep Cap "/proc/$pid/status")" "$before"
has CapPrm "$work/seen" $syslog || fail "criu has not the capability of the job"
! has CapPrm "$work/seen" $mknod || fail "criu has a capability that the job has not"
vcctl kill capable

vcrun --detach --on=vc0 --name=roots sleep 1000 >/dev/null
move roots
has CapPrm "$work/seen" $mknod || fail "criu of root's job has not capability $mknod"
vcctl kill roots
