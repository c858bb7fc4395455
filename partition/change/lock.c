// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * lock.c - one change of partitions at a time, and which comes first
 *
 * The lock is flock(2)'s, so the kernel frees it when its holder dies. A process that waits for it
 * also takes a shared lock of another kind (F_OFD_SETLK) on the byte of its rank in the same file.
 * So a holder that waits, as for memory, can ask the kernel whether a process of a higher rank
 * waits, and give way. A process that gets the lock beside a waiting one of a higher rank gives it
 * back. A process that dies leaves nothing of this.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/statedir.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "common/proc.h"
#include "common/trust.h"
#include "partition/change/priv.h"
#include "partition/instance.h"

#define LOOK_USEC 5000
#define LOCKS_MAX (1u << 20)
#define HOLDER_LOOK_USEC 100000
#define STOPPED_USEC 2000000

/* A holder that was seen stopped. */
struct fence {
	pid_t pid; /* 0: none */
	uint64_t since_usec;
};

/* F_RDLCK announces that we wait; F_UNLCK ends it. */
static int lock_announce(int fd, int rank, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = rank, .l_len = 1 };

	return fcntl(fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

bool reshape_lock_must_yield(int fd, int rank)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = rank + 1 };

	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* Returns the PID of the holder from the kernel's list, a stopped one if a shared lock has several;
 * 0: not known. */
static pid_t lock_holder(int fd, bool *ret_stopped)
{
	_cleanup_free_ char *text = NULL;
	char wanted[64], *rest;
	pid_t found = 0;
	struct stat st;

	*ret_stopped = false;
	if (fstat(fd, &st) < 0 || file_read_all(AT_FDCWD, "/proc/locks", LOCKS_MAX, &text) < 0)
		return 0;
	/* The device number is needed too: other file systems have files with the same inode
	 * number. */
	snprintf(wanted, sizeof(wanted), " %02x:%02x:%ju ", major(st.st_dev), minor(st.st_dev),
		 (uintmax_t)st.st_ino);
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char state = 'S';
		int pid;

		if (!strstr(line, wanted) || sscanf(line, "%*s FLOCK %*s %*s %d", &pid) != 1 ||
		    pid <= 0)
			continue;
		found = pid;
		*ret_stopped = proc_look(pid, &state, NULL) == 0 && state == 'T';
		if (*ret_stopped)
			break;
	}
	return found;
}

/*
 * A process that is stopped with the lock would block all changes, and jobs may be waiting for the
 * rest of its change. It would continue its change when it wakes up, so it is killed. Its change is
 * undone or finished, as for any holder that died.
 */
static void lock_end_stopped(int fd, struct fence *fence)
{
	uint64_t now = clock_mono_usec();
	bool stopped;
	pid_t pid = lock_holder(fd, &stopped);
	_cleanup_close_ int held = -1;

	if (!stopped || pid != fence->pid) {
		*fence = (struct fence){ .pid = stopped ? pid : 0, .since_usec = now };
		return;
	}
	if (now - fence->since_usec < STOPPED_USEC)
		return;
	/* With the pidfd the PID cannot be reused, so check again whether it holds the lock. */
	held = pidfd_open(pid, 0);
	if (held < 0 || lock_holder(fd, &stopped) != pid || !stopped)
		return;
	log_warn("process %d was stopped while it had the lock of changes of partitions, and is "
		 "ended",
		 (int)pid);
	pidfd_send_signal(held, SIGKILL, NULL, 0);
	*fence = (struct fence){ .pid = 0 };
}

static int lock_say_busy(int fd, const struct reshape_claim *claim, uint64_t begun_usec,
			 struct vc_err *err)
{
	bool stopped;

	if (claim->cancel && *claim->cancel)
		return err_set(err, EINTR, "interrupted");
	return err_set(
		err, EBUSY,
		"another change of partitions was under way for all of %.1f s, made by process "
		"%d; try again, or give it more time by --deadline",
		(double)(clock_mono_usec() - begun_usec) / 1e6, (int)lock_holder(fd, &stopped));
}

static bool lock_is_over(const struct reshape_claim *claim)
{
	return (claim->cancel && *claim->cancel) ||
	       (claim->deadline_usec && clock_mono_usec() >= claim->deadline_usec);
}

/* Returns 0, 1 when another process has the lock or comes first, or -errno. */
static int lock_try(int fd, int rank)
{
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK || errno == EINTR ? 1 : -errno;
	if (!reshape_lock_must_yield(fd, rank))
		return 0;
	flock(fd, LOCK_UN);
	return 1;
}

static int lock_await(int fd, const struct reshape_claim *claim, struct vc_err *err)
{
	uint64_t begun = clock_mono_usec(), looked = begun;
	struct fence fence = { .pid = 0 };
	int r = lock_try(fd, claim->rank);

	if (r <= 0)
		return r;
	r = lock_announce(fd, claim->rank, F_RDLCK);
	if (r < 0)
		return r;
	while ((r = lock_try(fd, claim->rank)) > 0) {
		if (lock_is_over(claim))
			return lock_say_busy(fd, claim, begun, err);
		clock_sleep_usec(LOOK_USEC);
		if (clock_mono_usec() - looked < HOLDER_LOOK_USEC)
			continue;
		looked = clock_mono_usec();
		lock_end_stopped(fd, &fence);
	}
	lock_announce(fd, claim->rank, F_UNLCK);
	return r;
}

static int lock_open(const struct instance *in, struct vc_err *err)
{
	int fd = trust_openat(in->dirfd, STATE_RESHAPE_LOCK, O_RDWR | O_CREAT, 0600);

	return fd < 0 ? err_sys(err, -fd, "cannot open %s/" STATE_RESHAPE_LOCK, in->dir) : fd;
}

/* Call with the lock held. */
static int lock_begin(struct instance *in, struct cg *cg, struct vc_err *err)
{
	int r = instance_refresh(in, err);

	return r < 0 ? r : reshape_recover(in, cg, err);
}

int reshape_lock(struct instance *in, struct cg *cg, const struct reshape_claim *claim,
		 int *ret_lock, struct vc_err *err)
{
	_cleanup_close_ int fd = lock_open(in, err);
	int r;

	if (fd < 0)
		return fd;
	r = lock_await(fd, claim, err);
	if (r < 0 && r != -EBUSY && r != -EINTR)
		return err_sys(err, -r, "cannot lock %s/" STATE_RESHAPE_LOCK, in->dir);
	if (r == 0)
		r = lock_begin(in, cg, err);
	if (r < 0)
		return r;
	*ret_lock = steal_fd(&fd);
	return 0;
}

int reshape_lock_hold_off(const struct instance *in, int *ret_lock)
{
	_cleanup_close_ int fd = lock_open(in, NULL);

	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return -errno;
	if (faccessat(in->dirfd, STATE_RESHAPE_JOURNAL, F_OK, 0) == 0)
		return -EAGAIN;
	*ret_lock = steal_fd(&fd);
	return 0;
}

int reshape_lock_tidy(struct instance *in, struct cg *cg, struct vc_err *err)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (faccessat(in->dirfd, STATE_RESHAPE_JOURNAL, F_OK, 0) < 0)
		return 0;
	fd = lock_open(in, err);
	if (fd < 0)
		return fd;
	r = lock_try(fd, RESHAPE_RANK_BRIEF);
	if (r != 0)
		return r < 0 ? err_sys(err, -r, "cannot lock %s/" STATE_RESHAPE_LOCK, in->dir) : 0;
	r = lock_begin(in, cg, err);
	return r < 0 ? r : 0;
}
