#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-parked - while a job is parked, what it has stays, and what nobody has goes
. "${top_srcdir:=.}/tests/lib.sh"
requires_plain_build
requires python3
. "$top_srcdir/tests/lib-ipc.sh"
. "$top_srcdir/tests/lib-move.sh"

breakable_criu
up

start_client a vc0
ask a 'open shm mine create' >/dev/null
ask a 'open shm inherited create' >/dev/null
ask a 'put 1 33' >/dev/null
child=$(ask a fork | sed 's/^ok pid=//')
ask a 'close 1' >/dev/null
"$client" 'open event other create persistent' >/dev/null
is "openers of what the child has" "$(openers inherited)" "-"
: >"$work/break"
try vcmove --to=vc1 a
is "exit status of the move" "$status" 1
wait_for job_is a state parked

# Somebody else's comes and goes, be it older or younger than the images.
"$client" 'open event young create' >/dev/null
wait_for openers_are young gone
"$client" 'unlink event other' >/dev/null
wait_for openers_are other gone
stays "openers of what it has, while it is parked" 2 "vc0:1" openers mine
is "openers of what its child has" "$(openers inherited)" "-"
try vcctl ipc check
is "exit status of a check meanwhile" "$status" 0
matches "a check meanwhile" "$out" 'openers +1 process, 1 of them in images'

rm "$work/broken"
wait_for job_is a state running
stays "openers of what its child has, after it" 1 "-" openers inherited
[ -d "/proc/$child" ] || fail "the child is gone"
is "what it had" "$(ask a 'open shm mine' | cut -d' ' -f1,2)" "ok found"
is "what its child has" "$(ask a 'open shm inherited' | cut -d' ' -f1,2)" "ok found"
is "its memory" "$(ask a 'get 3')" "ok 33"
down --force
wait
