#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-kills - clients and daemons are killed at random; the table stays sound, nothing is left
#
# VCRUN_KILLS: how many clients, default 600; daemons are killed for as long as that
# takes. VCRUN_SEED: to have the same random numbers again.
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
. "$top_srcdir/tests/lib-ipc.sh"
kills=${VCRUN_KILLS:-$((600 * test_rounds))} seed=${VCRUN_SEED:-$$}
say "VCRUN_SEED=$seed"
export LD_LIBRARY_PATH="$top_builddir/.libs"
killer=$top_builddir/tests/ipc-kills
[ ! -x "$top_builddir/tests/.libs/ipc-kills" ] || killer=$top_builddir/tests/.libs/ipc-kills
[ -x "$killer" ] || skip "tests/ipc-kills is not built"
up

# Daemons are down half of the time, so that openers may be behind.
checks=0
check_meanwhile() {
	try vcctl ipc check
	checks=$((checks + 1))
	if printf '%s\n' "$out" | grep -Eq '^fail +(table|files)'; then
		fail "check $checks: $out"
	fi
}

# While there is a job, "vcctl up" takes over what is there and clears nothing.
vcrun --detach --name=resident sleep 1000 >/dev/null
for n in 0 1; do
	vcrun --on=vc$n "$killer" clients $((kills / 2)) $((seed + n)) >"$work/clients$n" 2>&1 &
	eval "clients$n=$!"
done
wait_for grep -q begun "$work/clients0"
wait_for grep -q begun "$work/clients1"
"$killer" daemons $((seed + 2)) "$state/vc0" "$state/vc1" >"$work/daemons" 2>&1 &
daemons=$!
# shellcheck disable=SC2154 # set by eval
while kill -0 "$clients0" 2>/dev/null || kill -0 "$clients1" 2>/dev/null; do
	check_meanwhile
	sleep 0.5
done
kill -TERM $daemons || :
for which in clients0 clients1 daemons; do
	status=0
	eval "wait \$$which" || status=$?
	say "$(cat "$work/$which")"
	is "exit status of $which" "$status" 0
done

vcctl up >/dev/null
wait_for job_is resident state running
vcctl kill resident
"$killer" unlink
wait_for nothing_left
try vcctl ipc check
say "$out"
is "exit status of a check after $checks checks" "$status" 0
matches "the table in the end" "$out" '^ok +table +0 of '
matches "the files in the end" "$out" '^ok +files +0 files'
matches "the openers in the end" "$out" '^ok +openers +0 processes'
down
