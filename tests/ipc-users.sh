#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-users - another user's objects are out of reach in every way, but those that permit it
. "${top_srcdir:=.}/tests/lib.sh"
requires python3 setpriv
. "$top_srcdir/tests/lib-ipc.sh"
up
hers=65534 his=65533

start_client she vc0 $hers
start_client he vc1 $his
id=$(ask she 'open shm private create mode=600' | sed 's/.*id=\([0-9]*\).*/\1/')
matches "hers" "$id" '^[0-9]+$'
for request in 'open shm private' 'open shm private create' 'open shm private rdonly' "open shm id=$id" \
	'open shm private nocount' 'open event private' 'stat shm private' "stat shm id=$id" \
	'stat event private' 'unlink shm private' 'unlink mq private' "unlink shm id=$id" "chown $id $his $his 0666"; do
	is "his $request" "$(ask he "$request")" EACCES
done
is "what he sees" "$(ask he 'list 0')" "ok 0"
is "what she sees" "$(ask she 'list 0')" "ok 1"
is "what root sees" "$("$client" 'list 0')" "ok 1"
is "vcctl ipc list, his" "$(as_user $his vcctl ipc list --json | json "len(d['ipc'])")" 0
try as_user $his vcctl ipc rm private
is "exit status of his vcctl ipc rm" "$status" 1
# Nor by the file system.
file=$(find "$state/ipc/o" -type f)
is "the file" "$(stat -c '%u %a' "$file")" "$hers 600"
for what in "cat $file" "ls $state/ipc" "ls $state/ipc/o" "cat $state/ipc/table" ": >$state/ipc/o/mine" \
	": >$(dirname "$file")/mine" "rm $file"; do
	if as_user $his sh -c "$what" >/dev/null 2>&1; then
		fail "he can do: $what"
	fi
done
if as_user $hers sh -c "rm $file" 2>/dev/null; then
	fail "she can remove the file under the object"
fi

# Modes are those of files.
matches "root may" "$("$client" 'open shm private' 'close 0')" '^ok found'
is "she gives it away to read" "$(ask she "chown $id $hers $hers 0644")" ok
is "his read and write" "$(ask he 'open shm private')" EACCES
matches "his read" "$(ask he 'open shm private rdonly')" '^ok found'
ask she 'put 0 99' >/dev/null
is "what he reads" "$(ask he 'get 0')" "ok 99"
is "she lets his group" "$(ask she "chown $id $hers $his 0660")" ok
matches "his, by his group" "$(ask he 'open shm private')" '^ok found'
is "its file" "$(stat -c '%u %g %a' "$file")" "$hers $his 660"
is "she shuts out herself" "$(ask she "chown $id $hers $his 0060")" ok
is "hers, that she shut" "$(ask she 'open shm private')" EACCES
is "his unlink still" "$(ask he 'unlink shm private')" EACCES
is "given away" "$(ask she "chown $id $his $his 0600")" ok
is "no setuid bit" "$(ask he "chown $id $his $his 06777" && stat -c %a "$file")" "ok
777"
is "to nobody" "$(ask he "chown $id 4294967295 $his 0600")" EINVAL
matches "its creator is the same" "$(ask she "stat shm id=$id")" "uid=$his gid=$his cuid=$hers"
is "the creator may unlink" "$(ask she 'unlink shm private')" ok

# Supplementary groups count.
"$client" 'open shm team create persistent mode=060' >/dev/null
id=$("$client" 'open shm team nocount' | sed 's/.*id=\([0-9]*\).*/\1/')
"$client" "chown $id 0 4242 060" >/dev/null
team() { # GROUPS
	setpriv --reuid=$hers --regid=$hers "$1" "$client" 'open shm team'
}
is "one who is not in the group" "$(team --clear-groups)" EACCES
matches "one who is" "$(team --groups=4242)" '^ok found'
down --force
wait
