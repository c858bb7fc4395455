// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * rights.c - the capabilities that the criu of a job works with
 *
 * A second barrier behind verify.c. What is left is still much: CRIU must trace processes, become
 * their users and open their files. But it cannot load modules, reach devices past the kernel, make
 * device nodes, set the clock or boot, and no process comes out of it with a capability of these.
 */
#include "libmig/criu/rights.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/proc.h"
#include "common/procdir.h"

#define RIGHT(name) (UINT64_C(1) << CAP_##name)

static const uint64_t rights_carry =
	/* to look into processes, and to make them anew */
	RIGHT(SYS_PTRACE) | RIGHT(SYS_ADMIN) | RIGHT(CHECKPOINT_RESTORE) | RIGHT(KILL) |
	RIGHT(SYS_RESOURCE) | RIGHT(SYS_NICE) | RIGHT(IPC_LOCK) | RIGHT(SYS_CHROOT) |
	RIGHT(WAKE_ALARM) | RIGHT(AUDIT_CONTROL) | RIGHT(MAC_ADMIN) |
	/* to become their users */
	RIGHT(SETUID) | RIGHT(SETGID) | RIGHT(SETPCAP) |
	/* their files */
	RIGHT(DAC_OVERRIDE) | RIGHT(DAC_READ_SEARCH) | RIGHT(CHOWN) | RIGHT(FOWNER) |
	RIGHT(FSETID) | RIGHT(LEASE) | RIGHT(SYS_TTY_CONFIG) | RIGHT(IPC_OWNER) |
	/* their sockets */
	RIGHT(NET_ADMIN) | RIGHT(NET_RAW) | RIGHT(NET_BIND_SERVICE);

static uint64_t rights_of_thread(pid_t tid)
{
	_cleanup_free_ char *status = NULL;
	uint64_t inheritable = 0, permitted = 0;

	if (proc_status(tid, &status) < 0)
		return 0;
	proc_number(status, "CapInh", 16, &inheritable);
	proc_number(status, "CapPrm", 16, &permitted);
	return inheritable | permitted;
}

static uint64_t rights_of_process(pid_t pid)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	uint64_t caps = 0;
	pid_t tid;

	procdir_open(&dir, AT_FDCWD, "/proc/%d/task", (int)pid);
	while ((tid = procdir_next_pid(&dir)) > 0)
		caps |= rights_of_thread(tid);
	return caps;
}

uint64_t rights_for(uid_t uid, const pid_t *pids, size_t n_pids)
{
	uint64_t caps = rights_carry;

	for (size_t i = 0; uid != 0 && i < n_pids; i++)
		caps |= rights_of_process(pids[i]);
	return uid == 0 ? 0 : caps;
}
