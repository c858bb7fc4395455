#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# regions - a region is its owner's memory whoever uses it, and only those that it is shared with have it
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-regions.sh"

# It is there and paid for before anybody comes; all in the owner's account.
charged "at first"
at_least "bytes that its owner is charged" "$(used_by a)" $size
is "as vcstat has it" "$(region frames "[r['owner'], r['share'], r['size_bytes'], r['charged_bytes'] >> 20, oct(r['mode'])]")" \
	"['a', ['b'], $size, 48, '0o660']"
matches "as a table" "$(vcstat regions)" '^frames +a +b +48'

# Jobs in both partitions have the same memory, by either interface.
start one a vcipc frames
start two b posix frames
is "as libvcipc has it" "$(cat "$work/one.out")" "open $size"
is "as shm_open() has it" "$(cat "$work/two.out")" "open $size"
before=$(used_by b)
is "what the sharer wrote" "$(ask two fill)" "$sum"
is "what the owner's job reads" "$(ask one look)" "$sum"
at_most "bytes that the sharer is charged for it" $(($(used_by b) - before)) $((4 << 20))
charged "when it has been used"
is "openers" "$(region frames "r['openers']")" "{'a': 1}"

# Whoever it is not shared with, be it root and the mode as it may; and the mode counts besides.
is "libvcipc in a partition that it is not given to" "$(once c vcipc frames)" "Permission denied"
is "shm_open() there" "$(once c posix frames)" "Permission denied"
is "shm_open() of one that is" "$(once c posix board)" "open 65536"
as_user 65533 env VCRUN_PRELOAD="$work/libvcipc-preload.so" vcrun --on=b --ipc=map python3 "$work/use.py" posix frames - </dev/null >"$work/user.out" 2>&1 || :
is "a user whom the mode keeps out" "$(cat "$work/user.out")" "Permission denied"
as_user 65533 env VCRUN_PRELOAD="$work/libvcipc-preload.so" vcrun --on=c --ipc=map python3 "$work/use.py" posix board - </dev/null >"$work/user.out" 2>&1 || :
is "a user whom the mode lets in" "$(cat "$work/user.out")" "open 65536"
file=$(find "$state/ipc/o" -samefile "$state/ipc/o/regions/board" ! -path '*/regions/*')
for path in "$state/ipc/o/regions/board" "$file"; do
	try as_user 65534 head -c 1 "$path"
	matches "$path by its path" "$out" 'Permission denied'
done
try vcctl ipc rm frames
is "exit status of removing it" "$status" 1
matches "removing it" "$out" "configuration's"

# Its owner cannot become smaller than it, nor go.
try vcctl set a --memory=48M
is "exit status of making its owner as small" "$status" 1
matches "making its owner as small" "$out" 'a: it owns regions of 48M in all, and would have 48M'
try vcctl remove a
is "exit status of removing its owner" "$status" 1
matches "removing its owner" "$out" 'it owns the region frames'
down --force
