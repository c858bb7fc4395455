#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-preload-errors - the errors that vcipc-preload(7) names besides the kernel's
. "${top_srcdir:=.}/tests/lib.sh"
requires_plain_build
requires python3 ipcmk
. "$top_srcdir/tests/lib-ipc.sh"
cat >"$work/vcrun.conf" <<END
exclusive = false
ipc-entries = 20
ipc-objects-per-user = 2
partition vc0 { cpus = "0" }
END
up --config="$work/vcrun.conf"
user=65534
# Where every user can read it.
export VCRUN_PRELOAD="$work/libvcipc-preload.so"
cp "$top_builddir/.libs/libvcipc-preload.so" "$VCRUN_PRELOAD"

is "a semaphore that is none" "$("$client" 'open posix-sem /foreign create persistent' | cut -d' ' -f1,2)" "ok created"
vcrun --ipc=map timeout 60 "$top_builddir/tests/ipc-calls" ours >"$work/ours" 2>&1 ||
	fail "exit status $?: $(tail -n 3 "$work/ours")"
cat >"$work/expected" <<'END'
--- ours
msgget(KEY, IPC_CREAT | 0622) = id
semget(KEY, 1, IPC_CREAT | 0644) = id
shmget(KEY + 1, 1, IPC_CREAT | 0600) = id
writer, uid 65533:
msgget(KEY, 0200) = id
msgsnd(queue, &message, 1, IPC_NOWAIT) = -1 EACCES
writer: exited 0
open_sem("/foreign", O_CREAT | O_EXCL) = -1 EEXIST
open_sem("/foreign", 0) = -1 EINVAL
sem_unlink("/foreign") = 0
mq_open("/ours", O_CREAT | O_RDWR, 0600, NULL) = id
mq_getattr(copy, &attr) = -1 EBADF
mq_send(copy, "x", 1, 0) = -1 EBADF
mq_receive(copy, buf, sizeof(buf), NULL) = -1 EBADF
mq_close(q) = 0
mq_unlink("/ours") = 0
shmctl(segment, SHM_LOCK, NULL) = 0
msgctl(queue, IPC_RMID, NULL) = 0
semctl(set, 0, IPC_RMID) = 0
shmctl(segment, IPC_RMID, NULL) = 0
END
sed -i 's/ *$//' "$work/ours"
diff -u "$work/expected" "$work/ours" || fail "other errors than those of vcipc-preload(7)"

# Full: of a user's objects, and of all.
as_user $user vcrun --ipc=map ipcmk --queue >/dev/null || fail "the user's first queue"
as_user $user vcrun --ipc=map ipcmk --semaphore 1 >/dev/null || fail "the user's second object"
try as_user $user vcrun --ipc=map ipcmk --shmem 1
matches "the user's third" "$out" 'No space left on device'
for i in $(seq 18); do
	printf 'open event n%d create persistent\n' "$i"
done | "$client" >/dev/null
try vcrun --ipc=map ipcmk --queue
matches "root's twenty-first" "$out" 'No space left on device'

down --force
try env VCRUN_STATE_DIR="$state" LD_PRELOAD="$VCRUN_PRELOAD" ipcmk --queue
matches "when no daemon runs" "$out" 'Transport endpoint is not connected'
