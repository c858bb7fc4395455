// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * robust.c - keeps robust mutexes from being marked owner-died by a move
 *
 * When a thread dies the kernel walks its robust list and marks every mutex on it
 * FUTEX_OWNER_DIED. After a dump the original is killed, yet the owner lives on in
 * its copy; where the mutex lies in memory shared with other jobs, the mark would
 * be seen. So between dump and kill the original's list head is made to point to
 * itself, an empty list. PI mutexes are the kernel's own and cannot be saved so.
 */
#include "libmig/robust.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/procdir.h"

static void robust_forget_thread(pid_t pid, pid_t tid)
{
	struct robust_list_head *head = NULL, empty;
	struct iovec local = { .iov_base = &empty, .iov_len = sizeof(empty) };
	struct iovec remote = { .iov_len = sizeof(empty) };
	size_t len = 0;

	if (syscall(SYS_get_robust_list, tid, &head, &len) < 0 || !head || len != sizeof(empty))
		return;
	remote.iov_base = head;
	if (process_vm_readv(pid, &local, 1, &remote, 1, 0) != (ssize_t)sizeof(empty))
		return;
	if (empty.list.next == &head->list && !empty.list_op_pending)
		return;
	empty.list.next = &head->list;
	empty.list_op_pending = NULL;
	process_vm_writev(pid, &local, 1, &remote, 1, 0);
}

void robust_forget(const pid_t *pids, size_t n_pids)
{
	for (size_t i = 0; i < n_pids; i++) {
		_cleanup_procdir_ struct procdir dir = { .fd = -1 };
		pid_t tid;

		procdir_open(&dir, AT_FDCWD, "/proc/%d/task", (int)pids[i]);
		while ((tid = procdir_next_pid(&dir)) > 0)
			robust_forget_thread(pids[i], tid);
	}
}
