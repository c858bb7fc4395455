#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# set-swap - where there is swap, a pageable partition shrinks into it, and a fixed one does not
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-shape.sh"
requires python3
[ "$(awk '/^SwapFree/ { print $2 }' /proc/meminfo)" -ge 131072 ] || skip "this machine has no 128 MiB of swap free"

cat >"$work/one.conf" <<'END'
exclusive = false
partition a {
	cpus = "0"
	memory = "192M"
	memory-mode = "fixed"
}
END
up --config="$work/one.conf"
holder a 80
try vcctl set a --memory=64M --deadline=0.3
is "exit status of shrinking fixed memory below what is in use" "$status" 1
matches "shrinking fixed memory" "$out" 'make the memory pageable'
is "limit" "$(limit_of a)" $((192 << 20))
# Switched and shrunk in one go, while the job runs.
vcctl set a --memory=64M --memory-mode=pageable --deadline=20 >"$work/out" || fail "set: $(cat "$work/out")"
is "limit" "$(limit_of a)" $((64 << 20))
at_most "bytes used" "$(used_by a)" $((64 << 20))
holder_is_well a
# Fixed again, with a job that stands still, so that it does not fetch its pages itself.
kill -STOP "$(cat "$work/holder-a.pid")"
vcctl set a --memory=192M --memory-mode=fixed >"$work/out" || fail "set: $(cat "$work/out")"
is "whether the kernel swaps it" "$(swaps a)" no
is_back() {
	[ "$(used_by a)" -ge $((80 << 20)) ]
}
wait_for is_back
# vcrun has stopped with it, and goes on with it.
kill -CONT "$(cat "$work/holder-a.child")"
holder_ends a
down --force
