// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * down.c - ends the daemons and removes the partitions
 *
 * It relies on what the kernel says (groups, locks, mounts), so it also works after daemons and
 * shims that were killed.
 */
#include "admin/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/statedir.h"
#include "partition/partition.h"

#define DOWN_TERM_USEC 3000000u
#define DOWN_KILL_USEC 10000000u
#define DOWN_POLL_USEC 5000
#define DOWN_SETTLE_USEC 300000u
#define DOWN_ENDING_USEC 3000000u
#define DOWN_BUSY_USEC 2000000u

/* The processes that have got SIGTERM. */
struct told {
	pid_t *pids;
	size_t n;
};

static void told_done(struct told *told)
{
	free(told->pids);
}

static bool told_has(const struct told *told, pid_t pid)
{
	for (size_t i = 0; i < told->n; i++)
		if (told->pids[i] == pid)
			return true;
	return false;
}

/* Sends SIGTERM to a process if it is still in the group: its PID may have been reused. */
static void down_signal_member(struct cg *cg, const char *group, pid_t pid)
{
	_cleanup_close_ int held = pidfd_open(pid, 0);
	size_t len = strlen(group);
	char now[256];

	if (held >= 0 && cg_procs_group(cg, pid, now, sizeof(now)) == 0 &&
	    !strncmp(now, group, len) && (now[len] == '\0' || now[len] == '/'))
		pidfd_send_signal(held, SIGTERM, NULL, 0);
}

/* Sends SIGTERM to the processes of a job that have not got it yet. */
static int down_tell_job(struct cg *cg, const struct found_job *job, struct told *told,
			 struct vc_err *err)
{
	_cleanup_free_ pid_t *pids = NULL;
	char group[64];
	pid_t *grown;
	size_t n = 0;

	partition_job_group(job->partition, job->id, group, sizeof(group));
	if (cg_procs_list(cg, group, &pids, &n, NULL) < 0 || n == 0)
		return 0;
	grown = realloc(told->pids, (told->n + n) * sizeof(*grown));
	if (!grown)
		return err_sys(err, ENOMEM, "jobs");
	told->pids = grown;
	for (size_t i = 0; i < n; i++) {
		if (told_has(told, pids[i]))
			continue;
		down_signal_member(cg, group, pids[i]);
		told->pids[told->n++] = pids[i];
	}
	return 0;
}

static int down_kill_jobs(struct cg *cg, const struct found_job *jobs, size_t n, struct vc_err *err)
{
	for (size_t i = 0; i < n; i++) {
		char group[64];
		int r = 0;

		partition_job_group(jobs[i].partition, jobs[i].id, group, sizeof(group));
		if (cg_group_exists(cg, group))
			r = cg_procs_kill(cg, group, DOWN_KILL_USEC, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Sends SIGTERM to all jobs, waits, and then kills the rest. Jobs that were being started when the
 * daemons ended appear during the wait. */
static int down_end_jobs(const struct instance *in, struct cg *cg, struct vc_err *err)
{
	uint64_t deadline = clock_mono_usec() + DOWN_TERM_USEC;
	_cleanup_(told_done) struct told told = { 0 };

	for (;;) {
		_cleanup_free_ struct found_job *jobs = NULL;
		size_t n = 0;
		int r = jobs_find(in, cg, &jobs, &n, err);

		if (r < 0 || n == 0)
			return r;
		if (clock_mono_usec() > deadline)
			return down_kill_jobs(cg, jobs, n, err);
		for (size_t i = 0; r == 0 && i < n; i++)
			r = down_tell_job(cg, &jobs[i], &told, err);
		if (r < 0)
			return r;
		clock_sleep_usec(DOWN_POLL_USEC);
	}
}

/* Waits for the shims: during a move a job has no processes for a moment, but its shim lives as
 * long as the job. */
static void down_await_shims(const struct instance *in, uint64_t timeout_usec)
{
	uint64_t deadline = clock_mono_usec() + timeout_usec;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" STATE_JOBS, in->dir);
	while (clock_mono_usec() < deadline) {
		_cleanup_closedir_ DIR *dir = opendir(path);
		const struct dirent *entry;
		size_t n = 0;

		while (dir && (entry = readdir(dir)))
			n += entry->d_name[0] != '.';
		if (n == 0)
			return;
		clock_sleep_usec(DOWN_POLL_USEC);
	}
}

/* A process that is just ending can keep the mount busy for a moment. */
static int down_umount(const char *path, int flags)
{
	uint64_t deadline = clock_mono_usec() + DOWN_BUSY_USEC;

	while (umount2(path, UMOUNT_NOFOLLOW | flags) < 0) {
		if (errno != EBUSY || clock_mono_usec() > deadline)
			return -errno;
		clock_sleep_usec(DOWN_POLL_USEC);
	}
	return 0;
}

/* An interrupted up can have mounted twice. */
int down_unmount(const struct instance *in, const char *name, int flags, struct vc_err *err)
{
	struct stat above, st;
	char path[PATH_MAX];
	int r = 0;

	snprintf(path, sizeof(path), "%s/%s", in->dir, name);
	while (r == 0 && stat(in->dir, &above) == 0 && lstat(path, &st) == 0 &&
	       st.st_dev != above.st_dev)
		r = down_umount(path, flags);
	return r < 0 ? err_sys(err, -r, "unmount %s", path) : 0;
}

/* Whether the directory is a mount of the administrator, which stays. */
static bool down_is_mount(const char *dir)
{
	char above[PATH_MAX + 4];
	struct stat st, parent;

	snprintf(above, sizeof(above), "%s/..", dir);
	return stat(dir, &st) == 0 && stat(above, &parent) == 0 && st.st_dev != parent.st_dev;
}

int down_clear(struct instance *in, struct cg *cg, struct vc_err *err)
{
	int r = in->config ? daemons_end_all(in, err) : 0;

	if (r == 0 && cg && cg_group_exists(cg, ""))
		r = cg_procs_kill(cg, "", DOWN_KILL_USEC, err);
	if (r == 0 && cg)
		r = cg_group_remove(cg, "", err);
	if (r < 0)
		return r;
	if (in->dirfd >= 0)
		partition_unroute(NULL, in->dirfd);
	r = down_unmount(in, STATE_IMAGES, 0, err);
	if (r == 0)
		r = ipc_dir_clear(in, err);
	if (r < 0)
		return r;
	if (in->dirfd >= 0) {
		close(in->dirfd);
		in->dirfd = -1;
	}
	if (!in->own_mount) {
		r = in->found || down_is_mount(in->dir) ? file_empty_tree(AT_FDCWD, in->dir)
							: file_remove_tree(AT_FDCWD, in->dir);
		return r < 0 ? err_sys(err, -r, "remove %s", in->dir) : 0;
	}
	r = down_umount(in->dir, 0);
	if (r < 0)
		return err_sys(err, -r, "unmount %s", in->dir);
	if (!in->found)
		rmdir(in->dir);
	return 0;
}

/* Finds the jobs, and waits for those that are about to end: vcrun returns a moment before the last
 * process of its job has ended, and "vcrun ...; vcctl down" must work. A job whose program has
 * ended gets more time, because on a busy machine this moment is long. */
static int down_jobs(const struct instance *in, struct cg *cg, bool patient, struct found_job **ret,
		     size_t *ret_n, struct vc_err *err)
{
	uint64_t began = clock_mono_usec();

	for (;;) {
		uint64_t patience = patient ? DOWN_ENDING_USEC : 0;
		int r = jobs_find(in, cg, ret, ret_n, err);

		if (r < 0 || *ret_n == 0)
			return r;
		for (size_t i = 0; patient && i < *ret_n; i++)
			if (!(*ret)[i].ending)
				patience = DOWN_SETTLE_USEC;
		if (clock_mono_usec() - began >= patience)
			return 0;
		free(steal_ptr(*ret));
		clock_sleep_usec(DOWN_POLL_USEC);
	}
}

int admin_down(const struct admin *admin, bool force, struct vc_err *err)
{
	_cleanup_(instance_freep) struct instance *in = NULL;
	_cleanup_(cg_freep) struct cg *cg = NULL;
	_cleanup_free_ struct found_job *jobs = NULL;
	size_t n_jobs = 0;
	int r = instance_open_remains(admin->state_dir, &in, err);

	if (r == 0)
		r = cg_open(NULL, in->cgroup_base, &cg, err);
	if (r == 0)
		r = down_jobs(in, cg, !force, &jobs, &n_jobs, err);
	if (r < 0)
		return r;
	if (n_jobs > 0 && !force)
		return err_set(
			err, EBUSY,
			"%zu job%s still run%s ('vcstat jobs' lists them); wait for the end, or "
			"end them with 'vcctl down --force'",
			n_jobs, n_jobs == 1 ? "" : "s", n_jobs == 1 ? "s" : "");
	if (n_jobs > 0) {
		say(admin, "ending %zu job%s", n_jobs, n_jobs == 1 ? "" : "s");
		/* No new job starts after this. */
		r = daemons_end_all(in, err);
		if (r == 0)
			r = down_end_jobs(in, cg, err);
		if (r < 0)
			return r;
		down_await_shims(in, DOWN_TERM_USEC);
	}
	return down_clear(in, cg, err);
}
