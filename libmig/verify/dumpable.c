// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * dumpable.c - whether a process's own user may trace it and read its memory
 *
 * No file shows this attribute (prctl(2), PR_SET_DUMPABLE), but the kernel acts by it:
 *
 * - The files in /proc/PID belong to root if the process is not dumpable, and to its user
 * otherwise.
 * - For a process of root: without CAP_SYS_PTRACE another process of root may look into it only if
 * it is dumpable. The mover is root, so it drops the capability for one system call.
 */
#include "libmig/verify/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/file.h"

/* As in the kernel: 0 nobody, 1 the user, 2 only root (sysctl fs.suid_dumpable). */
#define DUMPABLE_USER 1
#define DUMPABLE_ROOT 2

static bool dumpable_may_look(pid_t pid)
{
	return syscall(SYS_kcmp, pid, pid, KCMP_VM, 0, 0) == 0;
}

/* Returns 1, 0, or -errno. */
static int dumpable_ask_without_ptrace(pid_t pid)
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
	may = dumpable_may_look(pid);
	/* A permitted capability can become effective again. */
	if (syscall(SYS_capset, &header, had) < 0)
		return -errno;
	return may;
}

static bool dumpable_all_are(const uint32_t ids[4], uint32_t id)
{
	return ids[0] == id && ids[1] == id && ids[2] == id;
}

/* Returns whether its own user may look into it: 1, 0, or -errno. */
static int dumpable_is_users(const struct verify_kernel *kernel)
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
	if (dumpable_all_are(kernel->uid, getuid()) && dumpable_all_are(kernel->gid, getgid()))
		return dumpable_ask_without_ptrace(kernel->pid);
	/* It became root by itself, and the kernel made it not dumpable. */
	return 0;
}

/* CRIU restores 2 if the restored process has it already, and 0 otherwise. */
int verify_dumpable(struct verify *verify, const struct verify_kernel *kernel,
		    const Image__Memory *image)
{
	int users = dumpable_is_users(kernel), value = image->dumpable;
	uint64_t suid_dumpable = 0;

	if (users < 0)
		return err_sys(verify->err, -users, "find out whether pid %d is dumpable",
			       (int)kernel->pid);
	file_read_u64(AT_FDCWD, "/proc/sys/fs/suid_dumpable", &suid_dumpable);
	if (image->has_dumpable &&
	    (users ? value == DUMPABLE_USER
		   : value == 0 || (value == DUMPABLE_ROOT && suid_dumpable == DUMPABLE_ROOT)))
		return 0;
	return verify_refuse(verify, kernel->pid,
			     "its image says dumpable %d, but the kernel lets %s look into it",
			     value, users ? "its user" : "only root");
}
