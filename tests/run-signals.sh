#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# run-signals - signals to vcrun reach the program; ignored ones stay ignored; a user cannot keep
# root's from his job by stopping who sends them
. "${top_srcdir:=.}/tests/lib.sh"
requires python3 setpriv
up

cat >"$work/tell" <<'END'
#!/bin/sh
for signal in TERM INT USR1 USR2 HUP QUIT ALRM; do
	trap "echo $signal; [ $signal != TERM ] || exit 9" $signal
done
echo ready
while :; do sleep 0.05; done
END
chmod 755 "$work/tell"

# A shell makes its background commands ignore SIGINT and SIGQUIT; python puts that right.
with_signals() {
	exec python3 -c '
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' "$@"
}
with_signals vcrun "$work/tell" >"$work/told" &
pid=$!
wait_for grep -q ready "$work/told"
for signal in INT USR1 USR2 HUP QUIT ALRM; do
	kill -$signal $pid
	wait_for grep -q "^$signal\$" "$work/told"
done
kill -TERM $pid
status=0
wait $pid || status=$?
is "exit status after SIGTERM" "$status" 9
is "what arrived" "$(sort -u "$work/told" | tr '\n' ' ')" "ALRM HUP INT QUIT TERM USR1 USR2 ready "

# Default action: the program dies of it, and vcrun says so.
with_signals vcrun --name=plain sleep 1000 &
pid=$!
wait_for job_sleeps plain sleep
kill -TERM $pid
status=0
wait $pid || status=$?
is "exit status of sleep after SIGTERM" "$status" 143

# nohup: the program ignores SIGHUP as its caller did.
nohup vcrun --name=deaf sleep 1000 >"$work/nohup" 2>&1 &
pid=$!
wait_for job_is deaf state running
kill -HUP $pid
sleep 0.3
job_is deaf state running || fail "a program under nohup died of SIGHUP"
kill -TERM $pid
wait $pid || :

# A vcrun that is killed leaves its program alone.
vcrun --name=orphan sleep 1000 &
pid=$!
wait_for job_is orphan state running
kill -KILL $pid
wait $pid || :
sleep 0.3
job_is orphan state running || fail "the program died with its vcrun"

# Signals are sent by a child of the shim that has become the user.
as_user 65534 vcrun --detach --name=owned sleep 1000 >/dev/null
vcinit=$(sed 's/.*) . \([0-9]*\) .*/\1/' "/proc/$(job owned pid)/stat")
shim=$(sed 's/.*) . \([0-9]*\) .*/\1/' "/proc/$vcinit/stat")
setpriv --reuid=65534 --regid=65534 --clear-groups \
	"$top_builddir/tests/parasite-attack" stop "$shim" 30 >"$work/stopper" 2>&1 &
stopper=$!
wait_for grep -q ready "$work/stopper"
for i in $(seq 100); do
	try timeout 10 vcctl kill --signal=CONT owned
	is "exit status of signal $i" "$status" 0
	! grep -q stopped "$work/stopper" || break
done
say "the sender was stopped at signal $i: $(grep -c stopped "$work/stopper") times"
try timeout 10 vcctl kill --signal=KILL owned
is "exit status of the kill ($out)" "$status" 0
kill $stopper
down --force
