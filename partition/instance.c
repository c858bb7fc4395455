// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * instance.c - one vcrun on this machine: its state directory and instance.json
 *
 * Root's daemons read instance.json, so every field is checked, and a torn or foreign file or one
 * of another version is refused. "vcctl down" reads only the fields that it needs to end an
 * instance. These are the same in every version.
 */
#include "partition/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/statedir.h"
#include "common/trust.h"
#include "partition/cgroup/cgroup.h"
#include "partition/region.h"
#include "partition/spec.h"

#define INSTANCE_VERSION 1
#define INSTANCE_MAX (4u << 20)

/* Returns the canonical path. Its last part need not exist. */
static int instance_canonical(const char *dir, char ret[static PATH_MAX])
{
	char copy[PATH_MAX], parent[PATH_MAX];
	const char *base;

	if (realpath(dir, ret))
		return 0;
	if (errno != ENOENT)
		return -errno;
	if (snprintf(copy, sizeof(copy), "%s", dir) >= (int)sizeof(copy))
		return -ENAMETOOLONG;
	snprintf(parent, sizeof(parent), "%s", copy);
	if (!realpath(dirname(parent), ret))
		return -errno;
	base = basename(copy);
	if (!strcmp(base, ".") || !strcmp(base, "..") || !strcmp(base, "/"))
		return -ENOENT;
	if (strlen(ret) + strlen(base) + 2 > PATH_MAX)
		return -ENAMETOOLONG;
	if (strcmp(ret, "/"))
		strcat(ret, "/");
	strcat(ret, base);
	return 0;
}

int instance_group_name(const char *dir, char *ret, size_t size)
{
	char path[PATH_MAX], usual[PATH_MAX];
	uint32_t hash = 2166136261u; /* FNV-1a */
	int n, r = instance_canonical(dir, path);

	if (r < 0)
		return r;
	if (instance_canonical(STATEDIR_DEFAULT, usual) == 0 && !strcmp(path, usual)) {
		n = snprintf(ret, size, "vcrun");
	} else {
		for (const char *p = path; *p; p++)
			hash = (hash ^ (unsigned char)*p) * 16777619u;
		n = snprintf(ret, size, "vcrun-%08" PRIx32, hash);
	}
	return n < (int)size ? 0 : -ENAMETOOLONG;
}

static json_t *instance_optional_string(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *instance_to_json(const struct instance *in)
{
	const struct config *config = in->config;
	json_t *parts = json_array(), *regions = json_array();

	for (size_t i = 0; i < config->n_parts; i++) {
		if (json_array_append_new(parts, spec_to_json(&config->parts[i])) < 0) {
			json_decref(parts);
			json_decref(regions);
			return NULL;
		}
	}
	for (size_t i = 0; i < config->n_regions; i++)
		json_array_append_new(regions, region_to_json(&config->regions[i]));
	return json_pack("{s:i, s:s, s:b, s:s, s:s, s:o, s:o, s:i, s:i, s:i, s:i, s:I, s:I, s:s, "
			 "s:b, s:b, s:o, "
			 "s:o}",
			 "version", INSTANCE_VERSION, "cgroup-base", in->cgroup_base, "own-mount",
			 in->own_mount, "policy", config->policy, "engine", config->engine, "criu",
			 instance_optional_string(config->criu), "policy-path",
			 instance_optional_string(config->policy_path), "sample-interval-msec",
			 (int)config->sample_interval_msec, "max-jobs-per-user",
			 (int)config->max_jobs_per_user, "ipc-entries", (int)config->ipc_entries,
			 "ipc-objects-per-user", (int)config->ipc_objects_per_user,
			 "move-max-stop-usec", (json_int_t)config->move_max_stop_usec,
			 "images-per-user-bytes",
			 /* -1: no limit */
			 (json_int_t)config->images_per_user_bytes, "balance",
			 config_balance_name(config->balance), "exclusive", config->exclusive,
			 "overcommit", config->overcommit, "partitions", parts, "regions", regions);
}

/* Which instance.json it is: it is always replaced whole. False: the one that was read. */
static bool instance_file_differs(const struct instance *in, ino_t *ret_ino,
				  struct timespec *ret_at)
{
	struct stat st = { .st_ino = 0 };

	if (fstatat(in->dirfd, STATE_INSTANCE, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	*ret_ino = st.st_ino;
	*ret_at = st.st_mtim;
	return st.st_ino != in->read_ino || st.st_mtim.tv_sec != in->read_at.tv_sec ||
	       st.st_mtim.tv_nsec != in->read_at.tv_nsec;
}

int instance_save(const struct instance *in, struct vc_err *err)
{
	json_auto_t *root = instance_to_json(in);
	_cleanup_free_ char *text = root ? json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
	int r;

	if (!text)
		return err_sys(err, ENOMEM, "cannot write %s/" STATE_INSTANCE, in->dir);
	r = file_replace(in->dirfd, STATE_INSTANCE, text, strlen(text), 0644);
	return r < 0 ? err_sys(err, -r, "cannot write %s/" STATE_INSTANCE, in->dir) : 0;
}

static int instance_copy_optional(json_t *value, char **ret)
{
	if (json_is_null(value))
		return 0;
	if (!json_is_string(value))
		return -EINVAL;
	*ret = strdup(json_string_value(value));
	return *ret ? 0 : -ENOMEM;
}

static int instance_regions_from_json(json_t *list, struct config *config, json_error_t *why)
{
	size_t n = json_array_size(list);
	int r = 0;

	config->regions = calloc(n ? n : 1, sizeof(*config->regions));
	if (!config->regions)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++) {
		config->n_regions = i + 1;
		r = region_from_json(json_array_get(list, i), &config->regions[i], why);
	}
	return r;
}

/* Fields that an older vcrun did not write get their default. */
static int instance_settings_from_json(json_t *root, struct config *config, json_error_t *why)
{
	int version, sample, max_jobs, exclusive, overcommit = false;
	json_int_t max_stop = 0, images = 0;
	int ipc_entries = CONFIG_DEFAULT_IPC_ENTRIES, ipc_per_user = CONFIG_DEFAULT_IPC_PER_USER;
	const char *policy, *engine = CONFIG_DEFAULT_ENGINE,
			    *balance = config_balance_name(BALANCE_OFF);
	json_t *criu, *policy_path;
	int r;

	if (json_unpack_ex(root, why, 0,
			   "{s:i, s:s, s?s, s:o, s:o, s:i, s:i, s?i, s?i, s?I, s?I, s?s, s:b, s?b}",
			   "version", &version, "policy", &policy, "engine", &engine, "criu", &criu,
			   "policy-path", &policy_path, "sample-interval-msec", &sample,
			   "max-jobs-per-user", &max_jobs, "ipc-entries", &ipc_entries,
			   "ipc-objects-per-user", &ipc_per_user, "move-max-stop-usec", &max_stop,
			   "images-per-user-bytes", &images, "balance", &balance, "exclusive",
			   &exclusive, "overcommit", &overcommit) < 0)
		return -EINVAL;
	if (version != INSTANCE_VERSION || sample <= 0 || max_jobs <= 0 || ipc_entries <= 0 ||
	    ipc_per_user <= 0 || max_stop < 0 || images < -1 ||
	    config_parse_balance(balance, &config->balance) < 0) {
		snprintf(why->text, sizeof(why->text), "version %d, or a number out of range",
			 version);
		return -EINVAL;
	}
	config->policy = strdup(policy);
	config->engine = strdup(engine);
	config->sample_interval_msec = (unsigned int)sample;
	config->max_jobs_per_user = (unsigned int)max_jobs;
	config->ipc_entries = (unsigned int)ipc_entries;
	config->ipc_objects_per_user = (unsigned int)ipc_per_user;
	config->move_max_stop_usec = (uint64_t)max_stop;
	config->images_per_user_bytes = (uint64_t)images;
	config->exclusive = exclusive;
	config->overcommit = overcommit;
	if (!config->policy || !config->engine)
		return -ENOMEM;
	r = instance_copy_optional(criu, &config->criu);
	return r == 0 ? instance_copy_optional(policy_path, &config->policy_path) : r;
}

static int instance_name_from_json(json_t *root, struct partition_spec *ret, json_error_t *why)
{
	const char *name;

	if (json_unpack_ex(root, why, 0, "{s:s}", "name", &name) < 0 ||
	    snprintf(ret->name, sizeof(ret->name), "%s", name) >= (int)sizeof(ret->name))
		return -EINVAL;
	return 0;
}

/* Reads what is on the machine: groups, a mount, partitions. */
static int instance_parts_from_json(json_t *root, struct instance *in,
				    int (*parse)(json_t *root, struct partition_spec *ret,
						 json_error_t *why),
				    json_error_t *why)
{
	struct config *config = in->config;
	const char *base;
	json_t *parts;
	int own_mount, r = 0;
	size_t n;

	if (json_unpack_ex(root, why, 0, "{s:s, s:b, s:o}", "cgroup-base", &base, "own-mount",
			   &own_mount, "partitions", &parts) < 0)
		return -EINVAL;
	n = json_array_size(parts);
	if (!json_is_array(parts) || n > PARTITIONS_MAX)
		return -EINVAL;
	in->cgroup_base = strdup(base);
	in->own_mount = own_mount;
	config->parts = calloc(n ? n : 1, sizeof(*config->parts));
	if (!in->cgroup_base || !config->parts)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++) {
		config->n_parts = i + 1;
		r = parse(json_array_get(parts, i), &config->parts[i], why);
	}
	return r;
}

static int instance_from_json(json_t *root, struct instance *in, json_error_t *why)
{
	int r = instance_settings_from_json(root, in->config, why);

	if (r == 0)
		r = instance_parts_from_json(root, in, spec_from_json, why);
	return r == 0 ? instance_regions_from_json(json_object_get(root, "regions"), in->config,
						   why)
		      : r;
}

static int instance_remains_from_json(json_t *root, struct instance *in, json_error_t *why)
{
	return instance_parts_from_json(root, in, instance_name_from_json, why);
}

static int instance_refuse(int r, const char *dir, struct vc_err *err)
{
	err_add(err, "state directory %s", dir);
	return r;
}

/* remedy says what to do about a damaged file. */
static int instance_open_with(const char *dir,
			      int (*parse)(json_t *root, struct instance *in, json_error_t *why),
			      const char *remedy, struct instance **ret, struct vc_err *err)
{
	_cleanup_(instance_freep) struct instance *in = calloc(1, sizeof(*in));
	json_auto_t *root = NULL;
	_cleanup_free_ char *text = NULL;
	json_error_t why = { .text = "a field of the wrong kind" };
	char real[PATH_MAX];
	ssize_t len;
	int r;

	if (!in)
		return err_sys(err, ENOMEM, "cannot open %s", dir);
	in->dirfd = trust_open(dir, O_PATH | O_DIRECTORY, real, err);
	if (in->dirfd < 0 && in->dirfd != -ENOENT)
		return instance_refuse(in->dirfd, dir, err);
	if (in->dirfd >= 0)
		instance_file_differs(in, &in->read_ino, &in->read_at);
	len = in->dirfd < 0 ? -ENOENT
			    : trust_read_all(in->dirfd, STATE_INSTANCE, INSTANCE_MAX, &text);
	if (len == -ENOENT)
		return err_set(err, ENOENT,
			       "vcrun is not up (no %s/" STATE_INSTANCE "): run 'vcctl up'", dir);
	if (len < 0)
		return trust_fail((int)len, real, STATE_INSTANCE, err);
	in->dir = strdup(real);
	in->config = calloc(1, sizeof(*in->config));
	if (!in->dir || !in->config)
		return err_sys(err, ENOMEM, "cannot open %s", dir);
	root = json_loadb(text, (size_t)len, JSON_REJECT_DUPLICATES, &why);
	r = root ? parse(root, in, &why) : -EINVAL;
	if (r == -EINVAL)
		return err_set(err, EINVAL, "%s/" STATE_INSTANCE " is damaged (%s): %s", dir,
			       why.text, remedy);
	if (r < 0)
		return err_sys(err, -r, "cannot read %s/" STATE_INSTANCE, dir);
	*ret = steal_ptr(in);
	return 0;
}

int instance_open(const char *dir, struct instance **ret, struct vc_err *err)
{
	return instance_open_with(dir, instance_from_json, "run 'vcctl down' and 'vcctl up'", ret,
				  err);
}

int instance_open_remains(const char *dir, struct instance **ret, struct vc_err *err)
{
	return instance_open_with(
		dir, instance_remains_from_json,
		"end its daemons and jobs, remove its groups (vcctl(8) says where they "
		"are), and unmount what is mounted there",
		ret, err);
}

int instance_refresh(struct instance *in, struct vc_err *err)
{
	_cleanup_(instance_freep) struct instance *fresh = NULL;
	struct partition_spec *parts = in->config->parts;
	size_t n_parts = in->config->n_parts;
	struct timespec at;
	ino_t ino;
	int r;

	if (!instance_file_differs(in, &ino, &at))
		return 0;
	r = instance_open(in->dir, &fresh, err);
	if (r < 0)
		return r;
	in->read_ino = fresh->read_ino;
	in->read_at = fresh->read_at;
	in->config->parts = fresh->config->parts;
	in->config->n_parts = fresh->config->n_parts;
	fresh->config->parts = parts;
	fresh->config->n_parts = n_parts;
	return 1;
}

void instance_free(struct instance *in)
{
	if (!in)
		return;
	closep(&in->dirfd);
	free(in->dir);
	free(in->cgroup_base);
	config_free(in->config);
	free(in);
}

int instance_find(const struct instance *in, const char *name)
{
	return config_find(in->config, name);
}

/* Returns the PID that listens at the partition's socket, for callers that cannot read the lock. */
static pid_t instance_listener_pid(const struct instance *in, const char *partition)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval patience = { .tv_sec = 1 };
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (fd < 0 || snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s/vcd.sock", in->dir,
			       partition) >= (int)sizeof(addr.sun_path))
		return 0;
	/* The queue of a busy daemon can be full for a moment. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return 0;
	return cred.pid;
}

pid_t instance_daemon_pid(const struct instance *in, const char *partition)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	_cleanup_close_ int fd = -1;
	char path[PARTITION_NAME_MAX + 16];

	if (!*partition || snprintf(path, sizeof(path), STATE_LOCK, partition) >= (int)sizeof(path))
		return 0;
	fd = trust_openat(in->dirfd, path, O_RDONLY, 0);
	if (fd == -EACCES)
		return instance_listener_pid(in, partition);
	if (fd < 0 || fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid > 0 ? lock.l_pid : 0;
}
