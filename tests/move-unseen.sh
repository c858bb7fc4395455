#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-unseen - where the kernel's own data cannot be read, sandboxes are guessed and waits go on all the same
#
# The kernel's description of its types is hidden, in a mount namespace of the test's own.
if [ -z "${VC_TEST_UNSEEN:-}" ]; then
	VC_TEST_UNSEEN=1 exec unshare --mount sh "$0" "$@"
fi
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires perl
btf=/sys/kernel/btf/vmlinux
[ ! -e $btf ] || mount --bind /dev/null $btf || skip "$btf cannot be hidden"

try vcctl check
matches "vcctl check" "$out" '^warn +waits '
up

vcrun --on=vc0 --name=wait perl -e 'my $r = sleep 1000; print "slept $r\n"; sleep 1000' >"$work/out" &
vcrun --on=vc0 --name=bound setpriv --no-new-privs sleep 1000 &
wait_for job_sleeps wait perl
wait_for job_sleeps bound sleep
move wait
move wait
is "what a sleeper said" "$(cat "$work/out")" ''

if vcctl check | grep -q '^warn *landlock'; then
	try vcmove --to=vc1 bound
	is "moving a job with no_new_privs: exit status" "$status" 1
	matches "moving a job with no_new_privs" "$out" 'no_new_privs and may be in a Landlock sandbox'
fi
vcctl kill wait
vcctl kill bound
wait || :
down
