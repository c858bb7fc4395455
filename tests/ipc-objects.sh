#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-objects - objects are made, found, shared between partitions, and gone with their last opener
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
. "$top_srcdir/tests/lib-ipc.sh"
up

start_client a vc0
start_client b vc1
matches "a makes it" "$(ask a 'open event alpha create')" '^ok created id=[0-9]+ short=[0-9]+$'
is "openers" "$(openers alpha)" "vc0:1"
matches "b finds it" "$(ask b 'open event alpha create')" '^ok found '
is "openers" "$(openers alpha)" "vc0:1 vc1:1"
[ "$(handle alpha vc0)" != "$(handle alpha vc1)" ] || fail "both partitions have the same handle"
ask a 'put 0 4711' >/dev/null
is "what b reads" "$(ask b 'get 0')" "ok 4711"

# Errors, each its own.
is "what is not there" "$("$client" 'open event beta')" ENOENT
is "what is there, exclusively" "$("$client" 'open event alpha create excl')" EEXIST
is "of another kind" "$("$client" 'open mq alpha')" EPROTOTYPE
is "of another kind, to be made" "$("$client" 'open mq alpha create')" EPROTOTYPE
is "of no kind" "$("$client" 'open 99 alpha create')" EINVAL
is "without a name" "$("$client" 'open event ')" EINVAL
is "neither name nor id" "$("$client" 'open event -')" EINVAL
is "an id that is none" "$("$client" 'open event id=12345678901')" ENOENT
is "too large" "$("$client" 'open event big create size=18446744073709551615')" EINVAL
is "to be made, and not counted" "$("$client" 'open event x create nocount')" EINVAL
is "to be unlinked, and not there" "$("$client" 'unlink event beta')" ENOENT
longest=$(printf '%0255d' 0)
matches "a name of 255 bytes" "$("$client" "open event $longest create")" '^ok created'
is "a name of 256 bytes" "$("$client" "open event 0$longest create")" ENAMETOOLONG
is "a name of 256 bytes, asked for" "$("$client" "stat event 0$longest")" ENAMETOOLONG
is "a name of 256 bytes, unlinked" "$("$client" "unlink event 0$longest")" ENAMETOOLONG

# POSIX names are those of their own interfaces.
matches "a queue of that name" "$("$client" 'open posix-mq alpha create' 'open posix-sem alpha create')" '^ok created'

# Several opens of one process count as such, and so do closes.
ask a 'open event alpha' >/dev/null
is "openers after two opens" "$(openers alpha)" "vc0:2 vc1:1"
is "not counted" "$(ask a 'open event alpha nocount' | cut -d' ' -f1,2)" "ok found"
is "openers after one not counted" "$(openers alpha)" "vc0:2 vc1:1"
is "not counted, closed" "$(ask a 'close 2')" EBADF
is "first close" "$(ask a 'close 1')" ok
is "openers after a close" "$(openers alpha)" "vc0:1 vc1:1"
is "second close" "$(ask a 'close 0')" ok
is "openers after both" "$(openers alpha)" "vc1:1"
is "third close" "$(ask a 'close 0')" EBADF
is "b reads it still" "$(ask b 'get 0')" "ok 4711"
is "b closes" "$(ask b 'close 0')" ok
is "openers in the end" "$(openers alpha)" gone
nothing_left || fail "left: $(vcctl ipc list; find "$state/ipc/o")"

# Unlinked, it is there for those who have it, and its name is free.
id=$(ask a 'open shm seg create' | sed 's/.*id=\([0-9]*\).*/\1/')
ask a 'put 3 1' >/dev/null
is "unlink" "$(ask b 'unlink shm seg')" ok
is "unlinked, by name" "$(ask b 'open shm seg')" ENOENT
matches "unlinked, by id" "$(ask b "open shm id=$id")" '^ok found .* unlinked$'
is "unlinked twice" "$(ask b "unlink shm id=$id")" ENOENT
matches "another of that name" "$(ask b 'open shm seg create')" '^ok created'
is "its memory" "$(ask b 'get 2')" "ok 0"
is "the first one's" "$(ask b 'get 1')" "ok 1"

# Nameless ones, by id and by its short form.
short=$(ask a 'open sysv-shm - create' | sed 's/.*short=//')
matches "by its short id" "$(ask b "open sysv-shm id=$short")" '^ok found'
is "by its short id, as another kind" "$(ask b "open sysv-sem id=$short")" EPROTOTYPE

# Persistent ones stay, until they are unlinked.
"$client" 'open mq stays create persistent' >/dev/null
wait_for openers_are stays -
matches "it is" "$("$client" 'stat mq stays')" "^ok 'stays' .* openers=0 size=4096 persistent$"
stays "its openers" 1 "-" openers stays
is "unlink of it" "$("$client" 'unlink mq stays')" ok
is "then" "$(openers stays)" gone

is "leaving" "$(ask a leave)" ok
is "leaving" "$(ask b leave)" ok
# b has mappings still, which it never undid.
is "what b has mapped" "$(vcctl ipc list --json | json "sorted((o['kind'], o['inherited']) for o in d['ipc'])")" \
	"[('shm', True), ('shm', True), ('sysv-shm', True)]"
down --force
wait
