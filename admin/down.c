// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * down.c - ends the daemons and removes the partitions
 *
 * Works from what the kernel says (groups, locks, mounts), so that it also clears
 * up after daemons and shims that did not end in order.
 */
#include "cli/vcctl/vcctl.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/trust.h"
#include "partition/partition.h"

#define DOWN_TERM_USEC 3000000u
#define DOWN_KILL_USEC 10000000u
#define DOWN_DAEMON_USEC 5000000u
#define DOWN_POLL_USEC 5000
#define DOWN_SETTLE_USEC 300000u
#define DOWN_ENDING_USEC 3000000u
#define DOWN_BUSY_USEC 2000000u

DEFINE_CLEANUP(struct instance *, instance_freep, instance_free);
DEFINE_CLEANUP(struct cg *, cg_freep, cg_free);

/* A shim that waits for its job has a group, but no record. */
static bool down_is_job(const struct instance *in, unsigned int id)
{
	char path[64];

	snprintf(path, sizeof(path), "jobs/%u", id);
	return faccessat(in->dirfd, path, F_OK, 0) == 0;
}

/* What the job's shim has written down; NULL: nothing yet. */
static json_t *down_record(const struct instance *in, unsigned int id)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "jobs/%u/job.json", id);
	len = trust_read_all(in->dirfd, path, 65536, &text);
	return len > 0 ? json_loadb(text, (size_t)len, 0, NULL) : NULL;
}

/* A parked job has no process; its shim holds the images that it lives in. */
static bool down_shim_lives(const json_t *record, struct cg *cg)
{
	pid_t pid = (pid_t)json_integer_value(json_object_get(record, "shim_pid"));
	char group[64];

	return pid > 0 && cg_procs_group(cg, pid, group, sizeof(group)) == 0 &&
	       !strcmp(group, PARTITION_SHIMS_GROUP);
}

static bool down_has_program(const json_t *record, const pid_t *pids, size_t n)
{
	pid_t pid = (pid_t)json_integer_value(json_object_get(record, "pid"));

	for (size_t i = 0; i < n; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

static int down_add_jobs(const struct instance *in, struct cg *cg, const char *partition,
			 struct vcctl_job **jobs, size_t *n_jobs, struct vc_err *err)
{
	char **names = NULL;
	size_t n = 0;
	int r;

	if (!*partition || !cg_group_exists(cg, partition))
		return 0;
	r = cg_group_children(cg, partition, &names, &n, err);
	for (size_t i = 0; i < n; i++) {
		char path[256], parsed[PARTITION_NAME_MAX];
		json_auto_t *record = NULL;
		struct vcctl_job *grown;
		pid_t *pids = NULL;
		size_t n_pids = 0;
		unsigned int id = 0;
		bool found = false;

		snprintf(path, sizeof(path), "%s/%s", partition, names[i]);
		if (r == 0 && partition_parse_group(path, parsed, sizeof(parsed), &id) == 0 &&
		    down_is_job(in, id) && cg_procs_list(cg, path, &pids, &n_pids, NULL) == 0) {
			record = down_record(in, id);
			found = n_pids > 0 || down_shim_lives(record, cg);
		}
		if (found) {
			grown = realloc(*jobs, (*n_jobs + 1) * sizeof(*grown));
			if (grown) {
				*jobs = grown;
				snprintf(grown[*n_jobs].partition, sizeof(grown->partition), "%s",
					 parsed);
				grown[*n_jobs].ending = !down_has_program(record, pids, n_pids);
				grown[(*n_jobs)++].id = id;
			} else {
				r = err_sys(err, ENOMEM, "jobs");
			}
		}
		free(pids);
		free(names[i]);
	}
	free(names);
	return r;
}

int vcctl_jobs(const struct instance *in, struct cg *cg, struct vcctl_job **ret, size_t *ret_n,
	       struct vc_err *err)
{
	_cleanup_free_ struct vcctl_job *jobs = NULL;
	size_t n = 0;

	for (size_t i = 0; i < in->config->n_parts; i++) {
		int r = down_add_jobs(in, cg, in->config->parts[i].name, &jobs, &n, err);

		if (r < 0)
			return r;
	}
	*ret = steal_ptr(jobs);
	*ret_n = n;
	return 0;
}

/* Processes that have been told to end. */
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

/* The PID may be another process's since it was read. */
static void down_signal_member(struct cg *cg, const char *group, pid_t pid)
{
	_cleanup_close_ int held = pidfd_open(pid, 0);
	size_t len = strlen(group);
	char now[256];

	if (held >= 0 && cg_procs_group(cg, pid, now, sizeof(now)) == 0 &&
	    !strncmp(now, group, len) && (now[len] == '\0' || now[len] == '/'))
		pidfd_send_signal(held, SIGTERM, NULL, 0);
}

/* SIGTERM to those of a job's processes that have not had it yet. */
static int down_tell_job(struct cg *cg, const struct vcctl_job *job, struct told *told,
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

static int down_kill_jobs(struct cg *cg, const struct vcctl_job *jobs, size_t n, struct vc_err *err)
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

/* SIGTERM to all, to those too that were only being started when the daemons ended; some
 * time to act on it; then SIGKILL. */
static int down_end_jobs(const struct instance *in, struct cg *cg, struct vc_err *err)
{
	uint64_t deadline = clock_mono_usec() + DOWN_TERM_USEC;
	_cleanup_(told_done) struct told told = { 0 };

	for (;;) {
		_cleanup_free_ struct vcctl_job *jobs = NULL;
		size_t n = 0;
		int r = vcctl_jobs(in, cg, &jobs, &n, err);

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

/* A job that is being moved lives in images only for a moment, without a
 * process to be found; its shim ends with its job, so wait for the shims. */
static void down_await_shims(const struct instance *in, uint64_t timeout_usec)
{
	uint64_t deadline = clock_mono_usec() + timeout_usec;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/jobs", in->dir);
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

/* Once held, a PID is not given to another process; so ask again whose it is before use. */
static void down_signal_daemon(const struct instance *in, const char *partition, pid_t pid,
			       int signal)
{
	_cleanup_close_ int held = pid > 0 ? pidfd_open(pid, 0) : -1;

	if (held < 0 || instance_daemon_pid(in, partition) != pid)
		return;
	pidfd_send_signal(held, signal, NULL, 0);
	/* One that somebody has stopped is to end as well. */
	pidfd_send_signal(held, SIGCONT, NULL, 0);
}

int vcctl_end_daemon(const struct instance *in, const char *partition, struct vc_err *err)
{
	uint64_t deadline = clock_mono_usec() + DOWN_DAEMON_USEC;
	pid_t pid = instance_daemon_pid(in, partition);

	down_signal_daemon(in, partition, pid, SIGTERM);
	while ((pid = instance_daemon_pid(in, partition)) > 0) {
		if (clock_mono_usec() > deadline + DOWN_DAEMON_USEC)
			return err_set(err, ETIMEDOUT, "the daemon of %s (pid %d) does not end",
				       partition, (int)pid);
		if (clock_mono_usec() > deadline)
			down_signal_daemon(in, partition, pid, SIGKILL);
		clock_sleep_usec(DOWN_POLL_USEC);
	}
	return 0;
}

static int down_end_daemons(const struct instance *in, struct vc_err *err)
{
	for (size_t i = 0; i < in->config->n_parts; i++) {
		const char *partition = in->config->parts[i].name;

		down_signal_daemon(in, partition, instance_daemon_pid(in, partition), SIGTERM);
	}
	for (size_t i = 0; i < in->config->n_parts; i++) {
		int r = vcctl_end_daemon(in, in->config->parts[i].name, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* What has just ended may have something open in it for a moment still. */
static int down_unmount(const char *path, int flags)
{
	uint64_t deadline = clock_mono_usec() + DOWN_BUSY_USEC;

	while (umount2(path, UMOUNT_NOFOLLOW | flags) < 0) {
		if (errno != EBUSY || clock_mono_usec() > deadline)
			return -errno;
		clock_sleep_usec(DOWN_POLL_USEC);
	}
	return 0;
}

/* An up that was killed may have mounted twice. */
int vcctl_unmount(const struct instance *in, const char *name, int flags, struct vc_err *err)
{
	struct stat above, st;
	char path[PATH_MAX];
	int r = 0;

	snprintf(path, sizeof(path), "%s/%s", in->dir, name);
	while (r == 0 && stat(in->dir, &above) == 0 && lstat(path, &st) == 0 &&
	       st.st_dev != above.st_dev)
		r = down_unmount(path, flags);
	return r < 0 ? err_sys(err, -r, "unmount %s", path) : 0;
}

/* A tmpfs of the administrator's, which cannot be removed and need not be. */
static bool down_is_mount(const char *dir)
{
	char above[PATH_MAX + 4];
	struct stat st, parent;

	snprintf(above, sizeof(above), "%s/..", dir);
	return stat(dir, &st) == 0 && stat(above, &parent) == 0 && st.st_dev != parent.st_dev;
}

int vcctl_clear(struct instance *in, struct cg *cg, struct vc_err *err)
{
	int r = in->config ? down_end_daemons(in, err) : 0;

	if (r == 0 && cg && cg_group_exists(cg, ""))
		r = cg_procs_kill(cg, "", DOWN_KILL_USEC, err);
	if (r == 0 && cg)
		r = cg_group_remove(cg, "", err);
	if (r < 0)
		return r;
	if (in->dirfd >= 0)
		partition_unroute(NULL, in->dirfd);
	r = vcctl_unmount(in, "images", 0, err);
	if (r == 0)
		r = vcctl_clear_ipc(in, err);
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
	r = down_unmount(in->dir, 0);
	if (r < 0)
		return err_sys(err, -r, "unmount %s", in->dir);
	if (!in->found)
		rmdir(in->dir);
	return 0;
}

/* A vcrun returns a moment before the last of its job is gone, and "vcrun ...; vcctl
 * down" is no mistake. So jobs that end soon are none: those whose program has ended already
 * are given longer, since on a busy machine that moment is long. */
static int down_jobs(const struct instance *in, struct cg *cg, bool patient, struct vcctl_job **ret,
		     size_t *ret_n, struct vc_err *err)
{
	uint64_t began = clock_mono_usec();

	for (;;) {
		uint64_t patience = patient ? DOWN_ENDING_USEC : 0;
		int r = vcctl_jobs(in, cg, ret, ret_n, err);

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

static int down_run(const struct vcctl *opts, struct vc_err *err)
{
	_cleanup_(instance_freep) struct instance *in = NULL;
	_cleanup_(cg_freep) struct cg *cg = NULL;
	_cleanup_free_ struct vcctl_job *jobs = NULL;
	size_t n_jobs = 0;
	int r = instance_open_remains(opts->state_dir, &in, err);

	if (r == 0)
		r = cg_open(NULL, in->cgroup_base, &cg, err);
	if (r == 0)
		r = down_jobs(in, cg, !opts->force, &jobs, &n_jobs, err);
	if (r < 0)
		return r;
	if (n_jobs > 0 && !opts->force)
		return err_set(
			err, EBUSY,
			"%zu job%s still run%s ('vcstat jobs' lists them); wait for the end, or "
			"end them with 'vcctl down --force'",
			n_jobs, n_jobs == 1 ? "" : "s", n_jobs == 1 ? "s" : "");
	if (n_jobs > 0) {
		printf("ending %zu job%s\n", n_jobs, n_jobs == 1 ? "" : "s");
		fflush(stdout);
		/* The daemons first: no new job after this. */
		r = down_end_daemons(in, err);
		if (r == 0)
			r = down_end_jobs(in, cg, err);
		if (r < 0)
			return r;
		down_await_shims(in, DOWN_TERM_USEC);
	}
	return vcctl_clear(in, cg, err);
}

int vcctl_down(const struct vcctl *opts)
{
	struct vc_err err = { 0 };

	if (down_run(opts, &err) < 0) {
		fprintf(stderr, "vcctl: %s\n", err.text);
		return 1;
	}
	return 0;
}
