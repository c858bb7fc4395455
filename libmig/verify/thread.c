// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * thread.c - one thread: who it is, what it may do, and how it is confined
 *
 * A restored thread that is only less confined than before is an attack too, so that all must be
 * equal, and not only no more.
 */
#include "libmig/verify/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "libmig/kernel/peek.h"

#define VERIFY_CAPS_WORDS 2 /* of 32 bits; CRIU writes and expects so many */

static int verify_caps(struct verify *verify, pid_t tid, const char *what, const uint32_t *words,
		       size_t n, uint64_t kernel)
{
	const struct verify_item item = { .tid = tid, .what = what, .is_mask = true };

	/* CRIU before 4.2 has no ambient set, and restores none. */
	if (n != VERIFY_CAPS_WORDS && n != 0)
		return verify_refuse(verify, tid, "its image has %zu words of %s", n, what);
	return verify_equal(verify, &item, n ? words[0] | (uint64_t)words[1] << 32 : 0, kernel);
}

static int verify_groups(struct verify *verify, const struct verify_kernel *kernel,
			 const Image__Creds *creds)
{
	struct verify_item item = { .tid = kernel->tid, .what = "number of groups" };
	int r = verify_equal(verify, &item, creds->n_groups, kernel->n_groups);

	/* The kernel has them sorted, and gives them to both in that order. */
	item.what = "group";
	for (size_t i = 0; r == 0 && i < kernel->n_groups; i++)
		r = verify_equal(verify, &item, creds->groups[i], kernel->groups[i]);
	return r;
}

/*
 * A label of the security module, as the image has it: without the end of the line, and AppArmor's
 * without its mode ("name (enforce)"). An image without one makes the restore leave the label
 * alone.
 */
static int verify_label(struct verify *verify, const struct verify_kernel *kernel,
			const char *attribute, const char *image)
{
	char path[96], label[4096] = "";
	char *mode;

	if (!image)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/attr/%s", (int)kernel->pid, (int)kernel->tid,
		 attribute);
	file_read(AT_FDCWD, path, label, sizeof(label));
	mode = strstr(label, " (");
	if (mode && label[strlen(label) - 1] == ')')
		*mode = '\0';
	if (strcmp(image, label))
		return verify_refuse(verify, kernel->tid,
				     "its image says label %.100s, the kernel says %.100s", image,
				     label);
	return 0;
}

/* Whether it is an ordinary user's and has no capabilities, nor ever gets any by execve(2). */
static bool verify_is_plain(const struct verify_kernel *kernel)
{
	bool plain = !kernel->caps[CAPS_INH] && !kernel->caps[CAPS_PRM];

	for (size_t i = 0; i < ARRAY_SIZE(kernel->uid); i++)
		plain = plain && kernel->uid[i] != 0;
	return plain;
}

/*
 * No file has a thread's securebits, and to look at them takes longer than all else here. So a
 * thread for which they mean nothing as it is may just have those that its job began with, which
 * are the mover's own: to have others takes CAP_SETPCAP. But SECBIT_KEEP_CAPS is anybody's to set;
 * it does nothing without capabilities, and execve(2) clears it.
 */
static int verify_securebits(struct verify *verify, const struct verify_kernel *kernel,
			     const Image__Creds *creds)
{
	const struct verify_item item = { .tid = kernel->tid,
					  .what = "securebits",
					  .is_mask = true };
	uint64_t keep = SECBIT_KEEP_CAPS, own = (uint64_t)prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
	const struct peek_task *task = NULL;
	int r = 0;

	if (!verify_is_plain(kernel) || (creds->secbits & ~keep) != (own & ~keep))
		r = verify_kernel_look(verify, kernel, &task);
	if (r < 0)
		return r;
	if (task)
		return verify_equal(verify, &item, creds->secbits, task->securebits);
	return verify_equal(verify, &item, creds->secbits & ~keep, own & ~keep);
}

static int verify_creds(struct verify *verify, const struct verify_kernel *kernel,
			const Image__Creds *creds)
{
	const struct {
		const char *what;
		uint64_t image, kernel;
	} numbers[] = {
		{ "uid", creds->uid, kernel->uid[0] },
		{ "effective uid", creds->euid, kernel->uid[1] },
		{ "saved uid", creds->suid, kernel->uid[2] },
		{ "file system uid", creds->fsuid, kernel->uid[3] },
		{ "gid", creds->gid, kernel->gid[0] },
		{ "effective gid", creds->egid, kernel->gid[1] },
		{ "saved gid", creds->sgid, kernel->gid[2] },
		{ "file system gid", creds->fsgid, kernel->gid[3] },
		{ "no_new_privs", creds->has_no_new_privs ? creds->no_new_privs : 0,
		  kernel->no_new_privs },
	};
	const struct {
		const char *what;
		const uint32_t *words;
		size_t n;
		enum verify_caps caps;
	} sets[] = {
		{ "inheritable capabilities", creds->cap_inh, creds->n_cap_inh, CAPS_INH },
		{ "permitted capabilities", creds->cap_prm, creds->n_cap_prm, CAPS_PRM },
		{ "effective capabilities", creds->cap_eff, creds->n_cap_eff, CAPS_EFF },
		{ "bounding capabilities", creds->cap_bnd, creds->n_cap_bnd, CAPS_BND },
		{ "ambient capabilities", creds->cap_amb, creds->n_cap_amb, CAPS_AMB },
	};
	uint64_t more = verify->caps
				? (kernel->caps[CAPS_PRM] | kernel->caps[CAPS_INH]) & ~verify->caps
				: 0;
	int r = 0;

	if (more)
		return err_set(verify->err, EAGAIN,
			       "pid %d has got capabilities 0x%" PRIx64 " since criu was started",
			       (int)kernel->tid, more);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(numbers); i++) {
		const struct verify_item item = { .tid = kernel->tid, .what = numbers[i].what };

		r = verify_equal(verify, &item, numbers[i].image, numbers[i].kernel);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(sets); i++)
		r = verify_caps(verify, kernel->tid, sets[i].what, sets[i].words, sets[i].n,
				kernel->caps[sets[i].caps]);
	if (r == 0)
		r = verify_groups(verify, kernel, creds);
	if (r == 0)
		r = verify_securebits(verify, kernel, creds);
	if (r == 0)
		r = verify_label(verify, kernel, "current", creds->lsm_profile);
	if (r == 0)
		r = verify_label(verify, kernel, "sockcreate", creds->lsm_sockcreate);
	if (r == 0 && creds->has_gone_apparmor_data)
		r = verify_refuse(verify, kernel->tid, "its image has a policy of AppArmor");
	return r;
}

/* CRIU does not ask the parasite for these, but the system calls that are used here. */
static int verify_scheduling(struct verify *verify, const struct verify_kernel *kernel,
			     const Image__Thread *thread)
{
	struct verify_item item = { .tid = kernel->tid, .from_outside = true };
	long policy = syscall(SYS_sched_getscheduler, kernel->tid);
	struct sched_param param = { .sched_priority = 0 };
	int nice, r;

	errno = 0;
	nice = getpriority(PRIO_PROCESS, (id_t)kernel->tid);
	if (policy < 0 || (nice == -1 && errno) ||
	    syscall(SYS_sched_getparam, kernel->tid, &param) < 0)
		return err_sys(verify->err, errno, "how pid %d is scheduled", (int)kernel->tid);
	item.what = "scheduling policy";
	r = verify_equal(verify, &item, thread->has_sched_policy ? thread->sched_policy : 0,
			 (uint64_t)policy);
	item.what = "scheduling priority";
	if (r == 0)
		r = verify_equal(verify, &item, thread->has_sched_prio ? thread->sched_prio : 0,
				 (uint64_t)param.sched_priority);
	item.what = "niceness";
	if (r == 0)
		r = verify_equal(verify, &item,
				 (uint64_t)(thread->has_sched_nice ? thread->sched_nice : 0),
				 (uint64_t)nice);
	return r;
}

/*
 * Where all threads have the same filters, CRIU writes them with the leader alone, which gives
 * them to the others when it is restored.
 */
static int verify_seccomp(struct verify *verify, const struct verify_kernel *kernel,
			  const Image__Thread *thread, const Image__Thread *leader)
{
	struct verify_item item = { .tid = kernel->tid, .what = "seccomp mode" };
	uint32_t mode = thread->has_seccomp_mode ? thread->seccomp_mode : SECCOMP_MODE_DISABLED;
	bool shared = false, inherits = false;
	size_t n;
	int r;

	if (thread != leader && mode == SECCOMP_MODE_DISABLED && leader->has_seccomp_mode &&
	    leader->seccomp_mode == SECCOMP_MODE_FILTER) {
		r = verify_filters_check(verify, kernel->tid, leader, &n, &inherits);
		if (r < 0)
			return r;
		if (inherits && !thread->has_seccomp_filter)
			return verify_seccomp(verify, kernel, leader, leader);
	}
	r = verify_equal(verify, &item, mode, kernel->seccomp);
	if (r == 0 && mode != SECCOMP_MODE_FILTER && thread->has_seccomp_filter)
		return verify_refuse(verify, kernel->tid, "its image has a filter without a mode");
	if (r < 0 || mode != SECCOMP_MODE_FILTER)
		return r;
	r = verify_filters_check(verify, kernel->tid, thread, &n, &shared);
	if (r == 0 && shared && thread != leader)
		return verify_refuse(verify, kernel->tid, "its filters go to all threads");
	item.what = "number of seccomp filters";
	if (r == 0 && kernel->has_filters)
		r = verify_equal(verify, &item, n, kernel->n_filters);
	return r;
}

int verify_thread(struct verify *verify, const struct verify_kernel *kernel,
		  const Image__Thread *thread, const Image__Thread *leader)
{
	int r;

	if (!thread->creds)
		return verify_refuse(verify, kernel->tid, "its image has no credentials");
	r = verify_creds(verify, kernel, thread->creds);
	if (r == 0)
		r = verify_scheduling(verify, kernel, thread);
	if (r == 0)
		r = verify_seccomp(verify, kernel, thread, leader);
	return r;
}
