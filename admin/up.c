// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * up.c - makes the partitions and starts their daemons
 *
 * An up that fails leaves the state that it found. It can find:
 * - nothing: it makes the instance;
 * - an instance with a running daemon: it starts the daemons that have died, and reads no
 *   configuration;
 * - an instance whose daemons all died, with jobs: it starts the daemons, which take the jobs over;
 * - the same without jobs: it removes the remains, and makes the instance.
 */
#include "admin/priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/file.h"
#include "common/statedir.h"
#include "common/trust.h"
#include "libmig/criu/criu.h"
#include "partition/change/failure.h"
#include "partition/change/lease.h"
#include "partition/change/reshape.h"
#include "partition/partition.h"
#include "partition/topology.h"
#include "policy/board.h"

/* There until all is up. */
#define UP_TMPFS_MAGIC 0x01021994

/* Whether a name in the state directory is vcrun's own. */
static bool up_is_ours(int dirfd, const char *name)
{
#define X(path, mode, writer, content) path,
	static const char *const paths[] = { STATE_PATHS(X) };
#undef X
	char log[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		size_t len = strlen(paths[i]);

		if (!strncmp(name, paths[i], len) &&
		    (!name[len] || !strcmp(name + len, ".new") || !strcmp(name + len, ".1")))
			return true;
	}
	snprintf(log, sizeof(log), STATE_LOG, name);
	return faccessat(dirfd, log, F_OK, 0) == 0;
}

/* down, and an up that fails, remove the directory with everything in it. So it must contain
 * nothing but what an interrupted up left. */
static int up_check_empty(const char *dir, struct vc_err *err)
{
	_cleanup_closedir_ DIR *stream = opendir(dir);
	const struct dirent *entry;

	if (!stream)
		return err_sys(err, errno, "state directory %s", dir);
	while ((entry = readdir(stream))) {
		_cleanup_close_ int fd = -1;

		if (!strcmp(entry->d_name, ".."))
			continue;
		if (strcmp(entry->d_name, ".") != 0 && !up_is_ours(dirfd(stream), entry->d_name))
			return err_set(err, ENOTEMPTY,
				       "state directory %s has something else in it (%s), which "
				       "'vcctl down' would remove; choose another",
				       dir, entry->d_name);
		/* The directory may have belonged to another user before. */
		fd = trust_openat(dirfd(stream), entry->d_name, O_RDONLY, 0);
		if (fd < 0)
			return err_sys(err, -fd,
				       "state directory %s: its %s is not root's alone to write; "
				       "remove it, or choose another directory",
				       dir, entry->d_name);
	}
	return 0;
}

/* Whether an up that was killed has mounted a tmpfs there. */
static bool up_is_own_mount(const char *dir)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	bool own = false;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0) {
		const char *type = strstr(line, " - ");
		char where[PATH_MAX];

		if (type && sscanf(line, "%*d %*d %*s %*s %4095s", where) == 1 &&
		    !strcmp(where, dir))
			own = !strncmp(type, " - tmpfs vcrun ", strlen(" - tmpfs vcrun "));
	}
	return own;
}

/* Mounts a tmpfs unless the directory is on one. Fills dirfd and own_mount. */
static int up_mount_dir(struct instance *in, int fd, struct vc_err *err)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return err_sys(err, errno, "state directory %s", in->dir);
	in->own_mount = up_is_own_mount(in->dir);
	if (fs.f_type != UP_TMPFS_MAGIC) {
		if (mount("vcrun", in->dir, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
			return err_sys(err, errno, "mount a tmpfs at %s", in->dir);
		in->own_mount = true;
	}
	in->dirfd = trust_open(in->dir, O_PATH | O_DIRECTORY, NULL, err);
	if (in->dirfd < 0 && fs.f_type != UP_TMPFS_MAGIC)
		umount2(in->dir, UMOUNT_NOFOLLOW);
	return in->dirfd < 0 ? in->dirfd : 0;
}

/* Makes the state directory if it is missing; only root can write to it, and it is on a tmpfs. On
 * failure nothing changes. Fills dir, dirfd, found and own_mount. */
static int up_make_dir(const char *dir, struct instance *in, struct vc_err *err)
{
	_cleanup_close_ int fd = trust_open(dir, O_PATH | O_DIRECTORY, NULL, NULL);
	char real[PATH_MAX];
	int r;

	in->found = fd >= 0;
	closep(&fd);
	fd = trust_make_dir(dir, 0755, real, err);
	if (fd < 0)
		return err_add(err, "state directory %s", dir);
	in->dir = strdup(real);
	r = in->dir ? up_check_empty(real, err) : err_sys(err, ENOMEM, "up");
	if (r == 0)
		r = up_mount_dir(in, fd, err);
	if (r < 0 && !in->found)
		rmdir(real);
	return r;
}

/* Images are written and read once, mostly in large pieces, which suits huge pages. With "always",
 * each small image file would get 2 MiB to clear, which adds 4 ms to the downtime of a small job.
 */
static int up_mount_images(const char *dir, struct vc_err *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/images", dir);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(err, errno, "%s", path);
	if (mount("vcrun-images", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "mode=0700,huge=within_size,size=100%") < 0 &&
	    mount("vcrun-images", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "mode=0700,size=100%") < 0)
		return err_sys(err, errno, "mount a tmpfs at %s", path);
	return 0;
}

static int up_split(const struct admin *admin, size_t split, struct config *config,
		    struct vc_err *err)
{
	struct topology_part *parts;
	const char *along;
	size_t n;
	int r = topology_split(split, &parts, &n, &along, err);

	if (r < 0)
		return r;
	config->parts = calloc(n, sizeof(*config->parts));
	if (!config->parts) {
		topology_free(parts, n);
		return err_sys(err, ENOMEM, "partitions");
	}
	for (size_t i = 0; i < n; i++) {
		struct partition_spec *spec = &config->parts[i];

		snprintf(spec->name, sizeof(spec->name), "vc%zu", i);
		spec->cpus = steal_ptr(parts[i].cpus);
		spec->mems = steal_ptr(parts[i].mems);
		spec->memory_bytes = CG_NO_LIMIT;
		spec->exclusive = config->exclusive;
	}
	config->n_parts = n;
	topology_free(parts, n);
	say(admin, "%zu partition%s along %s lines", n, n == 1 ? "" : "s", along);
	return 0;
}

static int up_config(const struct admin *admin, const char *path, size_t split, struct config **ret,
		     struct vc_err *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	int r;

	if (!path && !split && access(VC_SYSCONFDIR "/vcrun.conf", F_OK) == 0)
		path = VC_SYSCONFDIR "/vcrun.conf";
	r = config_read(path, &config, err);
	if (r == 0 && config->n_parts == 0)
		r = up_split(admin, split, config, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(config);
	return 0;
}

/* Makes an instance in an empty state directory. */
static int up_fill(const struct admin *admin, struct instance *in, struct cg **ret_cg,
		   struct vc_err *err)
{
	char name[64];
	size_t started;
	int r = instance_group_name(in->dir, name, sizeof(name));

	if (r < 0)
		return err_sys(err, -r, "state directory %s", in->dir);
	r = cg_open(name, NULL, ret_cg, err);
	if (r < 0)
		return r;
	in->cgroup_base = strdup(cg_base(*ret_cg));
	if (!in->cgroup_base)
		return err_sys(err, ENOMEM, "instance");
	/* The first step: if this up is killed, the next up or down finds its remains by this file.
	 */
	r = instance_save(in, err);
	if (r == 0 && (r = file_replace(in->dirfd, STATE_COMING_UP, "", 0, 0600)) < 0)
		r = err_sys(err, -r, "%s/" STATE_COMING_UP, in->dir);
	if (r == 0 && mkdirat(in->dirfd, STATE_JOBS, 0755) < 0 && errno != EEXIST)
		r = err_sys(err, errno, "%s/" STATE_JOBS, in->dir);
	if (r == 0)
		r = up_mount_images(in->dir, err);
	if (r == 0)
		r = ipc_dir_make(in, err);
	if (r == 0)
		r = cg_group_create(*ret_cg, PARTITION_SHIMS_GROUP, err);
	if (r == 0)
		r = board_create(in->dirfd, (uint32_t)in->config->n_parts + ADMIN_SPARE_SLOTS, err);
	if (r == 0)
		r = plan_json_write(in, in->config->plan, err);
	if (r == 0)
		r = daemons_start(admin, in, &started, err);
	if (r == 0 && cancel_wanted())
		r = err_set(err, EINTR, "interrupted");
	if (r == 0)
		unlinkat(in->dirfd, STATE_COMING_UP, 0);
	return r;
}

static void up_warn_irqbalance(const struct admin *admin, const struct instance *in)
{
	char found[256], remedy[1024];
	pid_t pid;

	if (admin_irqbalance(in, &pid, found, sizeof(found), remedy, sizeof(remedy)))
		say_warning(admin, "%s; %s", found, remedy);
}

static int up_fresh(const struct admin *admin, const char *config, size_t split, struct vc_err *err)
{
	_cleanup_(instance_freep) struct instance *in = calloc(1, sizeof(*in));
	_cleanup_(cg_freep) struct cg *cg = NULL;
	struct vc_err why;
	int r;

	if (!in)
		return err_sys(err, ENOMEM, "instance");
	in->dirfd = -1;
	r = up_config(admin, config, split, &in->config, err);
	if (r == 0)
		r = up_make_dir(admin->state_dir, in, err);
	if (r < 0)
		return r;
	r = up_fill(admin, in, &cg, err);
	if (r < 0) {
		if (down_clear(in, cg, &why) < 0)
			say_warning(admin, "not everything could be undone: %s", why.text);
		return r;
	}
	admin->show_partitions(in);
	say_obtained(admin, cg, in->config->parts, in->config->n_parts);
	up_warn_irqbalance(admin, in);
	return 0;
}

/* Whether an up was killed, perhaps after it had started some daemons. */
static bool up_is_half(const struct instance *in)
{
	return faccessat(in->dirfd, STATE_COMING_UP, F_OK, 0) == 0;
}

/* Handles an existing instance. Returns 1 if its remains were removed and a new one is needed. */
static int up_again(const struct admin *admin, struct instance *in, const char *config,
		    size_t split, struct vc_err *err)
{
	_cleanup_(cg_freep) struct cg *cg = NULL;
	_cleanup_free_ struct found_job *jobs = NULL;
	size_t n_jobs, alive = 0, started;
	int r = cg_open(NULL, in->cgroup_base, &cg, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < in->config->n_parts; i++)
		alive += instance_daemon_pid(in, in->config->parts[i].name) != 0;
	if (alive > 0 && !up_is_half(in) && split)
		return err_set(
			err, EBUSY,
			"vcrun is up already, with %zu partitions; run 'vcctl down' first, or "
			"'vcctl up' without options, which starts daemons that have died",
			in->config->n_parts);
	r = jobs_find(in, cg, &jobs, &n_jobs, err);
	if (r < 0)
		return r;
	if ((alive == 0 || up_is_half(in)) && n_jobs == 0) {
		say(admin, "removing the remains of a crash");
		r = down_clear(in, cg, err);
		return r < 0 ? r : 1;
	}
	if ((alive == 0 || up_is_half(in)) && split)
		return err_set(
			err, EBUSY,
			"%zu jobs of the last run live on; 'vcctl up' without options takes them "
			"over, 'vcctl down --force' ends them",
			n_jobs);
	r = daemons_start(admin, in, &started, err);
	if (r < 0)
		return r;
	unlinkat(in->dirfd, STATE_COMING_UP, 0);
	if (started)
		say(admin, "%zu daemon%s started again", started, started == 1 ? "" : "s");
	else
		say(admin, "vcrun is up already");
	if (config)
		say(admin,
		    "%s is not read while vcrun is up: it takes effect after 'vcctl down' and "
		    "'vcctl up'",
		    config);
	admin->show_partitions(in);
	up_warn_irqbalance(admin, in);
	return 0;
}

int admin_up(const struct admin *admin, const char *config, size_t split, struct vc_err *err)
{
	_cleanup_(instance_freep) struct instance *in = NULL;
	struct vc_err why;
	int r = instance_open(admin->state_dir, &in, err);

	if (r == 0)
		r = up_again(admin, in, config, split, err);
	if (r == 1 || r == -ENOENT)
		r = up_fresh(admin, config, split, err);
	if (r == 0 && criu_make_cache(NULL, &why) < 0)
		say_warning(admin, "%s (moves work, but slower)", why.text);
	return r;
}
