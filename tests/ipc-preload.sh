#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-preload - IPC calls have the same results and errors mapped as they have from the kernel
. "${top_srcdir:=.}/tests/lib.sh"
requires_plain_build
up
calls=$top_builddir/tests/ipc-calls

for table in msg sem semundo shm mq notify named limits known errno-sysv errno-posix attach info ids child poll; do
	vcrun --ipc=private timeout 60 "$calls" $table >"$work/kernel" 2>&1 ||
		fail "$table, on the kernel's: exit status $?: $(tail -n 3 "$work/kernel")"
	vcrun --ipc=map timeout 60 "$calls" $table >"$work/mapped" 2>&1 ||
		fail "$table, mapped: exit status $?: $(tail -n 3 "$work/mapped")"
	cat "$work/mapped" >>"$work/rows"
	diff -u "$work/kernel" "$work/mapped" || fail "$table: the kernel's and ours differ"
	at_least "calls of $table" "$(grep -c . "$work/kernel")" 40
done

# With strict, system calls by the machine's instruction are mapped as well.
for table in raw child shm limits; do
	vcrun --ipc=private timeout 60 "$calls" $table >"$work/kernel" 2>&1
	vcrun --ipc=map,strict timeout 60 "$calls" $table >"$work/mapped" 2>&1 ||
		fail "$table, strict: exit status $?: $(tail -n 3 "$work/mapped")"
	diff -u "$work/kernel" "$work/mapped" || fail "$table: the kernel's and ours, strict, differ"
done

# What the programs before had open goes with them, within moments.
queues_are() {
	[ "$(vcctl ipc list --kind=sysv-msg --json | json "len(d['ipc'])")" = "$1" ]
}
wait_for queues_are 0

# The errors that the manual pages name, each given by a row. put, get and the like are calls of the tables.
while read -r calls errors; do
	for error in $errors; do
		grep -Eq "(^|[ (])($calls)\\(.* = -1 $error" "$work/rows" || fail "no row of $calls gives $error"
	done
done <<'END'
mq_open|make|make_queue EACCES EEXIST EFAULT EINVAL EMFILE ENAMETOOLONG ENOENT ENOSPC
mq_close EBADF
mq_unlink EACCES EINVAL ENAMETOOLONG ENOENT
mq_send|put EAGAIN EBADF EFAULT EINTR EINVAL EMSGSIZE
mq_timedsend EFAULT EINVAL ETIMEDOUT
mq_receive|get EAGAIN EBADF EFAULT EINTR EMSGSIZE
mq_timedreceive EBADF EFAULT EINTR EINVAL ETIMEDOUT
mq_getattr EBADF EFAULT
mq_setattr EBADF EFAULT EINVAL
mq_notify|notify EBADF EBUSY EINVAL
open_sem EACCES EEXIST EINVAL ENAMETOOLONG ENOENT
without_descriptors EMFILE
sem_close EINVAL
sem_unlink EACCES ENAMETOOLONG ENOENT
shm_open EACCES EEXIST EINVAL ENAMETOOLONG ENOENT
shm_unlink EACCES ENAMETOOLONG ENOENT
msgget|get EACCES EEXIST ENOENT ENOSPC
msgsnd|put EACCES EAGAIN EFAULT EIDRM EINTR EINVAL
msgrcv|get E2BIG EACCES EFAULT EIDRM EINTR EINVAL ENOMSG
msgctl EACCES EFAULT EINVAL EPERM
semget EACCES EEXIST EINVAL ENOENT ENOSPC
semop|op|op3 E2BIG EACCES EAGAIN EFAULT EFBIG EIDRM EINTR EINVAL ERANGE
semtimedop|timed EAGAIN EFAULT EINTR EINVAL
semctl EACCES EFAULT EINVAL EPERM ERANGE
shmget EACCES EEXIST EINVAL ENOENT ENOMEM ENOSPC EPERM
attach EACCES EINVAL
shmdt EINVAL
shmctl EACCES EFAULT EINVAL ENOMEM EPERM
END

# The objects are the instance's: made in one partition, used in another, gone when removed.
vcrun --ipc=map --on=vc0 ipcmk --queue >/dev/null
wait_for queues_are 1
try vcrun --ipc=neither true
is "exit status of --ipc=neither" "$status" 125
matches "--ipc=neither" "$out" 'map,strict or private'
is "preloaded" "$(LD_PRELOAD=libc.so.6 vcrun --ipc=map sh -c 'echo "${LD_PRELOAD%%:*} ${LD_PRELOAD##*/}"')" \
	"libc.so.6 libvcipc-preload.so"
is "state directory" "$(vcrun --ipc=map sh -c 'echo "$VCRUN_STATE_DIR"')" "$state"

# A vcrun in a mapped job starts an unmapped one, unless it is asked not to.
vcrun --ipc=map --on=vc0 vcrun ipcmk --queue >/dev/null
wait_for queues_are 1
vcrun --ipc=map --on=vc0 vcrun --ipc=map ipcmk --queue >/dev/null
wait_for queues_are 2
is "preloaded in the other job" "$(LD_PRELOAD=libc.so.6 vcrun --ipc=map vcrun sh -c 'echo "$LD_PRELOAD $VCRUN_IPC"')" "libc.so.6 "
