// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * dumpable.c - whether a process's own user may trace it and read its memory
 *
 * No file says so (prctl(2), PR_SET_DUMPABLE), but the kernel acts by it:
 *
 * - The files in /proc/PID are root's when it is not dumpable, and its own otherwise.
 * - Where its own is root, one without CAP_SYS_PTRACE may look into a process of its own user only
 *   when that is dumpable. The mover has no other user, so it needs but put the capability aside
 *   for one system call.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "libmig/verify/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"

/* As in the kernel: 0 nobody, 1 its user, 2 root alone (sysctl fs.suid_dumpable). */
#define DUMPABLE_USER 1
#define DUMPABLE_ROOT 2

static bool verify_may_look_into(pid_t pid)
{
	return syscall(SYS_kcmp, pid, pid, KCMP_VM, 0, 0) == 0;
}

/* 1, 0, or -errno. */
static int verify_ask_without_ptrace(pid_t pid)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct had[2], has[2];
	bool may;

	if (syscall(SYS_capget, &header, had) < 0)
		return -errno;
	has[0] = had[0];
	has[1] = had[1];
	has[0].effective &= ~(1u << CAP_SYS_PTRACE);
	if (syscall(SYS_capset, &header, has) < 0)
		return -errno;
	may = verify_may_look_into(pid);
	/* What is permitted can be made effective again at any time. */
	if (syscall(SYS_capset, &header, had) < 0)
		return -errno;
	return may;
}

static bool verify_all_are(const uint32_t ids[4], uint32_t id)
{
	return ids[0] == id && ids[1] == id && ids[2] == id;
}

/* Whether its own user may look into it: 1, 0, or -errno. */
static int verify_is_users(const struct verify_kernel *kernel)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)kernel->pid);
	if (stat(path, &st) < 0)
		return -errno;
	if (kernel->uid[1] != 0)
		return st.st_uid == kernel->uid[1];
	if (kernel->gid[1] != 0)
		return st.st_gid == kernel->gid[1];
	if (verify_all_are(kernel->uid, getuid()) && verify_all_are(kernel->gid, getgid()))
		return verify_ask_without_ptrace(kernel->pid);
	/* It became root by itself, and the kernel made it nobody's to look into. */
	return 0;
}

/* CRIU restores 2 where the restored process has it by itself, and makes it 0 otherwise. */
int verify_dumpable(struct verify *verify, const struct verify_kernel *kernel,
		    const Image__Memory *image)
{
	int users = verify_is_users(kernel), value = image->dumpable;
	uint64_t suid_dumpable = 0;

	if (users < 0)
		return err_sys(verify->err, -users, "who may look into pid %d", (int)kernel->pid);
	file_read_u64(AT_FDCWD, "/proc/sys/fs/suid_dumpable", &suid_dumpable);
	if (image->has_dumpable &&
	    (users ? value == DUMPABLE_USER
		   : value == 0 || (value == DUMPABLE_ROOT && suid_dumpable == DUMPABLE_ROOT)))
		return 0;
	return verify_refuse(
		verify, kernel->pid, "its image says dumpable %d, to the kernel it is %s", value,
		users ? "its user's to look into" : "nobody's to look into but root's");
}
