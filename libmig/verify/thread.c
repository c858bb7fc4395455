// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * thread.c - one thread: its ids, its rights, and what confines it
 *
 * A restored thread that is only less confined than before would be an attack too. So all values
 * must be equal.
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

#define THREAD_CAPS_WORDS 2 /* of 32 bits in CRIU's images */

static int thread_check_caps(struct verify *verify, pid_t tid, const char *what,
			     const uint32_t *words, size_t n, uint64_t kernel)
{
	const struct verify_item item = { .tid = tid, .what = what, .is_mask = true };

	/* CRIU before 4.2 has no ambient set, and restores none. */
	if (n != THREAD_CAPS_WORDS && n != 0)
		return verify_refuse(verify, tid, "its image has %zu words of %s", n, what);
	return verify_equal(verify, &item, n ? words[0] | (uint64_t)words[1] << 32 : 0, kernel);
}

static int thread_check_groups(struct verify *verify, const struct verify_kernel *kernel,
			       const Image__Creds *creds)
{
	struct verify_item item = { .tid = kernel->tid, .what = "number of groups" };
	int r = verify_equal(verify, &item, creds->n_groups, kernel->n_groups);

	/* Both lists have the kernel's order. */
	item.what = "group";
	for (size_t i = 0; r == 0 && i < kernel->n_groups; i++)
		r = verify_equal(verify, &item, creds->groups[i], kernel->groups[i]);
	return r;
}

/* Compares a label of the security module. The image has it without the mode of AppArmor ("name
 * (enforce)"). If the image has none, a restore does not change the label. */
static int thread_check_label(struct verify *verify, const struct verify_kernel *kernel,
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

/* Whether it is an ordinary user's thread without capabilities, and gets none by execve(2). */
static bool thread_is_plain(const struct verify_kernel *kernel)
{
	bool plain = !kernel->caps[CAPS_INH] && !kernel->caps[CAPS_PRM];

	for (size_t i = 0; i < ARRAY_SIZE(kernel->uid); i++)
		plain = plain && kernel->uid[i] != 0;
	return plain;
}

/*
 * No file shows a thread's securebits, and reading them from the kernel's memory takes longer than
 * all other checks. So for a thread without capabilities the mover's own bits are expected, which
 * the job began with: a change needs CAP_SETPCAP. Only SECBIT_KEEP_CAPS may differ, because every
 * thread may set it. It has no effect without capabilities, and execve(2) clears it.
 */
static int thread_check_securebits(struct verify *verify, const struct verify_kernel *kernel,
				   const Image__Creds *creds)
{
	const struct verify_item item = { .tid = kernel->tid,
					  .what = "securebits",
					  .is_mask = true };
	uint64_t keep = SECBIT_KEEP_CAPS, own = (uint64_t)prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
	const struct peek_task *task = NULL;
	int r = 0;

	if (!thread_is_plain(kernel) || (creds->secbits & ~keep) != (own & ~keep))
		r = verify_kernel_look(verify, kernel, &task);
	if (r < 0)
		return r;
	if (task)
		return verify_equal(verify, &item, creds->secbits, task->securebits);
	return verify_equal(verify, &item, creds->secbits & ~keep, own & ~keep);
}

static int thread_check_creds(struct verify *verify, const struct verify_kernel *kernel,
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
			       "pid %d has got capabilities 0x%" PRIx64
			       " since criu was started; move "
			       "the job again",
			       (int)kernel->tid, more);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(numbers); i++) {
		const struct verify_item item = { .tid = kernel->tid, .what = numbers[i].what };

		r = verify_equal(verify, &item, numbers[i].image, numbers[i].kernel);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(sets); i++)
		r = thread_check_caps(verify, kernel->tid, sets[i].what, sets[i].words, sets[i].n,
				      kernel->caps[sets[i].caps]);
	if (r == 0)
		r = thread_check_groups(verify, kernel, creds);
	if (r == 0)
		r = thread_check_securebits(verify, kernel, creds);
	if (r == 0)
		r = thread_check_label(verify, kernel, "current", creds->lsm_profile);
	if (r == 0)
		r = thread_check_label(verify, kernel, "sockcreate", creds->lsm_sockcreate);
	if (r == 0 && creds->has_gone_apparmor_data)
		r = verify_refuse(verify, kernel->tid, "its image has a policy of AppArmor");
	return r;
}

/* CRIU reads these by system calls and not through the parasite. */
static int thread_check_scheduling(struct verify *verify, const struct verify_kernel *kernel,
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
		return err_sys(verify->err, errno, "read the scheduling of pid %d",
			       (int)kernel->tid);
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

/* If all threads have the same filters, CRIU writes them only for the leader, which gives them to
 * the others in the restore. */
static int thread_check_seccomp(struct verify *verify, const struct verify_kernel *kernel,
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
			return thread_check_seccomp(verify, kernel, leader, leader);
	}
	r = verify_equal(verify, &item, mode, kernel->seccomp);
	if (r == 0 && mode != SECCOMP_MODE_FILTER && thread->has_seccomp_filter)
		return verify_refuse(verify, kernel->tid,
				     "its image has a seccomp filter without a mode");
	if (r < 0 || mode != SECCOMP_MODE_FILTER)
		return r;
	r = verify_filters_check(verify, kernel->tid, thread, &n, &shared);
	if (r == 0 && shared && thread != leader)
		return verify_refuse(verify, kernel->tid,
				     "its seccomp filters apply to all threads");
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
	r = thread_check_creds(verify, kernel, thread->creds);
	if (r == 0)
		r = thread_check_scheduling(verify, kernel, thread);
	if (r == 0)
		r = thread_check_seccomp(verify, kernel, thread, leader);
	return r;
}
