#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-killed - a user kills his process in root's job at the moment when it has been restored, and
# may do no more than that: the job is not lost
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires setpriv pgrep
requires_plain_build
up

hits=0
for usec in 5000 9000 11000 13000; do
	# With a hundred processes there is time between the end of the restore and the first step.
	vcrun --detach --on=vc0 --name=job sh -c "setpriv --reuid=$nobody sleep 1000 &"'
		for i in $(seq 100); do sleep 1000 & done; wait; sleep 1000' >/dev/null
	shell=$(job job pid)
	wait_for sh -c "[ \$(pgrep -c -P $shell -x sleep) = 101 ]"
	users=$(pgrep -P "$shell" -u $nobody)
	setpriv --reuid=$nobody --regid=$nobody --clear-groups \
		"$top_builddir/tests/parasite-attack" kill "$users" $usec >"$work/killer" &
	killer=$!
	wait_for grep -q ready "$work/killer"
	# If it was killed before the end of the restore, all of the job is in its old place.
	try vcmove --quiet --policy=notparent job
	wait $killer
	hits=$((hits + $(grep -c killed "$work/killer" || :)))
	is "the job, $usec us after the restore" "$(job job state)" running
	at_least "its processes" "$(pgrep -c -P "$shell" -x sleep)" 100
	vcctl kill --signal=KILL job
	wait_for jobs_are 0
done
say "the process was killed in $hits of 4 moves"
[ "$hits" -gt 0 ] || skip "the process was never killed in time"
