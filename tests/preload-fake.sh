#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# preload-fake - the interposer alone, without daemons: the kernel's results and errors
#
# As ipc-preload.sh, over a door that makes files in a directory. SEM_UNDO of processes that
# were killed is a daemon's to do, and is not looked at here.
set -eu
# The interposer comes before a sanitizer's library, and a SIGSEGV is part of a table.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0:handle_segv=0:detect_leaks=0"
top_builddir=${top_builddir:-build}
[ "$(id -u)" -eq 0 ] || { echo "skipped: needs root: other users"; exit 77; }
work=$(mktemp -d /tmp/vcrun-test.XXXXXX)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -m 1777 "$work/door"
library=$(cd "$top_builddir" && pwd)/.libs/preload-fake.so

for table in msg sem shm mq notify named errno-sysv errno-posix attach info; do
	unshare --ipc timeout 60 "$top_builddir/tests/ipc-calls" $table >"$work/kernel" 2>&1
	VC_DOOR_FAKE="$work/door" LD_PRELOAD="$library" timeout 60 \
		"$top_builddir/tests/ipc-calls" $table >"$work/mapped" 2>&1
	diff -u "$work/kernel" "$work/mapped" || { echo "failed: $table"; exit 1; }
done
