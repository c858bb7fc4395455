// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * cgroup.c - making and removing our groups, the same in every hierarchy
 *
 * libcgroup (lib.c) finds, makes, sets and deletes what "vcctl up" and
 * "vcctl down" deal with. What happens at every launch or several times a second
 * (a job's group, entering, listing, reading) is plain file operations on the
 * hierarchies' descriptors, because the library costs ten times the system call.
 */
#include "partition/cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "partition/cgroup/priv.h"
#include "partition/cpulist.h"

#define REMOVE_WAIT_USEC 500000
#define INHERIT_TRIES 5

int cg_group_check_path(const char *path, struct vc_err *err)
{
	const char *p = path;

	if (strlen(path) > CG_TAIL_MAX - 64 || strpbrk(path, "\n|;"))
		return err_set(err, EINVAL, "\"%s\" cannot be a group: too long or a bad character",
			       path);
	while (*p) {
		size_t len = strcspn(p, "/");

		if (len == 0 || (len == 1 && p[0] == '.') || (len == 2 && !strncmp(p, "..", 2)) ||
		    (p[len] == '/' && !p[len + 1]))
			return err_set(err, EINVAL, "\"%s\" cannot be a group: a name in it is",
				       path);
		p += len + (p[len] == '/');
	}
	return 0;
}

int cg_group_of(const struct cg_hier *hier, const char *path, char ret[static CG_GROUP_MAX])
{
	int n = snprintf(ret, CG_GROUP_MAX, "%s%s%s", hier->base, *path ? "/" : "", path);

	return n < CG_GROUP_MAX ? 0 : -ENAMETOOLONG;
}

int cg_group_find(const struct cg_hier *hier, const char *path, char ret[static CG_GROUP_MAX])
{
	int r = cg_group_check_path(path, NULL);

	if (r < 0)
		return r;
	return hier ? cg_group_of(hier, path, ret) : -EOPNOTSUPP;
}

void cg_group_parent(const char *group, char ret[static CG_GROUP_MAX])
{
	const char *slash = strrchr(group, '/');

	snprintf(ret, CG_GROUP_MAX, "%.*s", slash ? (int)(slash - group) : 0, group);
}

int cg_file_open(const struct cg_hier *hier, const char *group, const char *file, int flags)
{
	char name[CG_GROUP_MAX + 64];
	int fd;

	if (snprintf(name, sizeof(name), "%s%s%s", group, *group ? "/" : "", file) >=
	    (int)sizeof(name))
		return -ENAMETOOLONG;
	fd = openat(hier->fd, name, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

ssize_t cg_file_read(const struct cg_hier *hier, const char *group, const char *file, char *buf,
		     size_t size)
{
	char name[CG_GROUP_MAX + 64];

	snprintf(name, sizeof(name), "%s%s%s", group, *group ? "/" : "", file);
	return file_read(hier->fd, name, buf, size);
}

int cg_file_read_u64(const struct cg_hier *hier, const char *group, const char *file, uint64_t *ret)
{
	char name[CG_GROUP_MAX + 64];

	snprintf(name, sizeof(name), "%s%s%s", group, *group ? "/" : "", file);
	return file_read_u64(hier->fd, name, ret);
}

int cg_file_write(const struct cg_hier *hier, const char *group, const char *file, const char *text)
{
	char name[CG_GROUP_MAX + 64];

	snprintf(name, sizeof(name), "%s%s%s", group, *group ? "/" : "", file);
	return file_write(hier->fd, name, text);
}

bool cg_file_exists(const struct cg_hier *hier, const char *group, const char *file)
{
	char name[CG_GROUP_MAX + 64];

	snprintf(name, sizeof(name), "%s%s%s", group, *group ? "/" : "", file);
	return faccessat(hier->fd, name, F_OK, 0) == 0;
}

int cg_group_each_child(const struct cg_hier *hier, const char *group, cg_child_fn *f, void *arg)
{
	_cleanup_close_ int fd =
		openat(hier->fd, *group ? group : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *entry;
	int r = 0;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	steal_fd(&fd);
	while (r == 0 && (entry = readdir(dir))) {
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			r = f(hier, group, entry->d_name, arg);
	}
	return r;
}

struct taken {
	struct cpulist cpus;
	const char *but; /* the name of the group that asks */
};

static int group_add_taken(const struct cg_hier *hier, const char *group, const char *name,
			   void *arg)
{
	struct taken *taken = arg;
	char child[CG_GROUP_MAX], text[CPULIST_TEXT];
	struct cpulist cpus;
	uint64_t exclusive;

	if (!strcmp(name, taken->but) || snprintf(child, sizeof(child), "%s%s%s", group,
						  *group ? "/" : "", name) >= (int)sizeof(child))
		return 0;
	if (cg_file_read_u64(hier, child, "cpuset.cpu_exclusive", &exclusive) == 0 && exclusive &&
	    cg_file_read(hier, child, "cpuset.cpus", text, sizeof(text)) >= 0 &&
	    cpulist_parse(text, &cpus) == 0)
		cpulist_join(&taken->cpus, &cpus);
	return 0;
}

static int group_inherit_once(const struct cg_hier *hier, const char *group, struct vc_err *err)
{
	char parent[CG_GROUP_MAX], cpus[CPULIST_TEXT], mems[CPULIST_TEXT];
	const char *slash = strrchr(group, '/');
	int r;

	if (cg_file_read(hier, group, "cpuset.cpus", cpus, sizeof(cpus)) > 0 &&
	    cg_file_read(hier, group, "cpuset.mems", mems, sizeof(mems)) > 0)
		return 0;
	cg_group_parent(group, parent);
	if (cg_file_read(hier, parent, "cpuset.cpus", cpus, sizeof(cpus)) < 0 ||
	    cg_file_read(hier, parent, "cpuset.mems", mems, sizeof(mems)) < 0)
		return err_set(err, ENOENT, "cannot read the CPUs of %s/%s", hier->mount, parent);
	r = cg_file_write(hier, group, "cpuset.mems", mems);
	if (r == 0)
		r = cg_file_write(hier, group, "cpuset.cpus", cpus);
	if (r == -EINVAL) {
		struct taken taken = { .but = slash ? slash + 1 : group };
		struct cpulist rest;

		cg_group_each_child(hier, parent, group_add_taken, &taken);
		if (cpulist_parse(cpus, &rest) < 0)
			return err_set(err, EINVAL, "cannot read the CPUs of %s/%s", hier->mount,
				       parent);
		cpulist_subtract(&rest, &taken.cpus);
		if (cpulist_count(&rest) > 0) {
			if (cpulist_format(&rest, cpus, sizeof(cpus)) == 0)
				r = cg_file_write(hier, group, "cpuset.cpus", cpus);
		} else {
			cg_cpus_v1_ask_instances(hier, parent);
			if (cg_file_write(hier, group, "cpuset.cpus", cpus) < 0)
				return err_set(err, EBUSY,
					       "no CPU is left for %s/%s: its neighbours have all "
					       "as their own",
					       hier->mount, group);
			r = 0;
		}
	}
	if (r < 0)
		return err_sys(err, -r, "cannot give %s/%s its parent's CPUs %s and nodes %s",
			       hier->mount, group, cpus, mems);
	/* v2 always moves a process's pages to the nodes of its new group. */
	cg_file_write(hier, group, "cpuset.memory_migrate", "1");
	return 0;
}

int cg_group_inherit(const struct cg_hier *hier, const char *group, struct vc_err *err)
{
	int r = -EACCES;

	/* The parent's may be changed between reading and writing them. */
	for (int try = 0; try < INHERIT_TRIES && r == -EACCES; try++)
		r = group_inherit_once(hier, group, err);
	return r;
}

static bool group_has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; (p = strstr(p, word)); p += len) {
		if ((p == list || p[-1] == ' ') && (p[len] == ' ' || !p[len]))
			return true;
	}
	return false;
}

void cg_group_enable_children(const struct cg_hier *hier, const char *group)
{
	char have[256], on[256];

	if (cg_file_read(hier, group, "cgroup.controllers", have, sizeof(have)) < 0 ||
	    cg_file_read(hier, group, "cgroup.subtree_control", on, sizeof(on)) < 0)
		return;
	for (size_t i = 0; i < CG_INDEX_N; i++) {
		const char *name = cg_controller_names[i];
		char order[32];

		if (!(hier->bits & (1u << i)) || !group_has_word(have, name) ||
		    group_has_word(on, name))
			continue;
		snprintf(order, sizeof(order), "+%s", name);
		cg_file_write(hier, group, "cgroup.subtree_control", order);
	}
}

/* One group whose parent exists. A job's group is made on the launch path, hence
 * without libcgroup, which also cannot address a hierarchy without controllers. */
static int group_make(struct cg *cg, const struct cg_hier *hier, const char *group, bool hot,
		      struct vc_err *err)
{
	char parent[CG_GROUP_MAX];
	int r;

	if (hier->version == 2 && hier->bits) {
		cg_group_parent(group, parent);
		cg_group_enable_children(hier, parent);
	}
	if (!hot && hier->bits) {
		r = cg_lib_make(cg, hier, group, err);
		if (r < 0)
			return r;
	} else if (mkdirat(hier->fd, group, 0755) < 0 && errno != EEXIST) {
		if (errno == ENOENT)
			return -ENOENT;
		return err_sys(err, errno, "cannot make the group %s/%s", hier->mount, group);
	}
	if (hier->version == 1 && (hier->bits & CG_CPUSET))
		return cg_group_inherit(hier, group, err);
	return 0;
}

int cg_group_make_hot(struct cg *cg, const struct cg_hier *hier, const char *group,
		      struct vc_err *err)
{
	int r = group_make(cg, hier, group, true, err);

	return r == -ENOENT
		       ? err_sys(err, ENOENT, "cannot make the group %s/%s", hier->mount, group)
		       : r;
}

/* All groups on the way, from the top: those above our base matter on v2, where
 * each must pass the controllers on. */
static int group_make_way(struct cg *cg, const struct cg_hier *hier, const char *group,
			  struct vc_err *err)
{
	for (const char *end = group; *end;) {
		char part[CG_GROUP_MAX];
		int r;

		end += strspn(end, "/");
		end += strcspn(end, "/");
		snprintf(part, sizeof(part), "%.*s", (int)(end - group), group);
		if (hier->version == 1 && end - group < (ptrdiff_t)strlen(hier->base))
			continue;
		r = group_make(cg, hier, part, false, err);
		if (r == -ENOENT)
			return err_sys(err, ENOENT, "cannot make the group %s/%s", hier->mount,
				       part);
		if (r < 0)
			return r;
	}
	return 0;
}

int cg_group_create(struct cg *cg, const char *path, struct vc_err *err)
{
	bool hot = strchr(path, '/') != NULL;
	bool fresh[CG_HIERS_MAX] = { false };
	char group[CG_GROUP_MAX];
	int r = cg_group_check_path(path, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < cg->n; i++) {
		const struct cg_hier *hier = &cg->hier[i];

		r = cg_group_of(hier, path, group);
		if (r < 0)
			break;
		fresh[i] = !cg_file_exists(hier, group, "cgroup.procs");
		r = hot ? group_make(cg, hier, group, true, err) : -ENOENT;
		if (r == -ENOENT)
			r = group_make_way(cg, hier, group, err);
		if (r < 0)
			break;
	}
	if (r == 0)
		return 0;
	for (size_t i = 0; i < cg->n; i++) {
		if (fresh[i] && cg_group_of(&cg->hier[i], path, group) == 0)
			unlinkat(cg->hier[i].fd, group, AT_REMOVEDIR);
	}
	return r;
}

bool cg_group_exists(struct cg *cg, const char *path)
{
	char group[CG_GROUP_MAX];

	for (size_t i = 0; i < cg->n; i++) {
		if (cg_group_check_path(path, NULL) < 0 ||
		    cg_group_of(&cg->hier[i], path, group) < 0 ||
		    !cg_file_exists(&cg->hier[i], group, "cgroup.procs"))
			return false;
	}
	return true;
}

/* CPUs of its own go back now, not when the kernel gets round to the dead group. */
static void group_give_cpus_back(const struct cg_hier *hier, const char *group)
{
	if (hier->version == 2 && (hier->bits & CG_CPUSET) && cg_cpus_v2_is_root(hier, group))
		cg_file_write(hier, group, "cpuset.cpus.partition", "member");
}

static int group_remove_one(const struct cg_hier *hier, const char *group)
{
	group_give_cpus_back(hier, group);
	return unlinkat(hier->fd, group, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

static int group_remove_child(const struct cg_hier *hier, const char *group, const char *name,
			      void *arg)
{
	char child[CG_GROUP_MAX];
	int r;

	if (snprintf(child, sizeof(child), "%s/%s", group, name) >= (int)sizeof(child))
		return -ENAMETOOLONG;
	r = cg_group_each_child(hier, child, group_remove_child, arg);
	if (r < 0 && r != -ENOENT)
		return r;
	return group_remove_one(hier, child);
}

static int group_remove(struct cg *cg, const struct cg_hier *hier, const char *group)
{
	const char *tail = group + strlen(hier->base);
	int r = cg_group_each_child(hier, group, group_remove_child, NULL);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	if (!hier->bits || (*tail && strchr(tail + 1, '/')))
		return group_remove_one(hier, group);
	group_give_cpus_back(hier, group);
	return cg_lib_delete(cg, hier, group);
}

/* -EBUSY when processes live there, before anything is removed. */
static int group_remove_everywhere(struct cg *cg, const char *path)
{
	char group[CG_GROUP_MAX];
	int first = 0;

	for (size_t i = 0; i < cg->n; i++) {
		size_t n = 0;
		_cleanup_free_ pid_t *pids = NULL;

		if (cg_group_of(&cg->hier[i], path, group) < 0)
			return -ENAMETOOLONG;
		if (cg_procs_of_hier(&cg->hier[i], group, &pids, &n) == 0 && n > 0)
			return -EBUSY;
	}
	for (size_t i = 0; i < cg->n; i++) {
		int r;

		cg_group_of(&cg->hier[i], path, group);
		r = group_remove(cg, &cg->hier[i], group);
		if (r < 0 && first == 0)
			first = r;
	}
	return first;
}

int cg_group_remove(struct cg *cg, const char *path, struct vc_err *err)
{
	uint64_t deadline = clock_mono_usec() + REMOVE_WAIT_USEC;
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;
	int r = cg_group_check_path(path, err);

	if (r < 0)
		return r;
	while ((r = group_remove_everywhere(cg, path)) == -EBUSY && clock_mono_usec() < deadline)
		clock_sleep_usec(2000);
	if (r == -EBUSY && cg_procs_list(cg, path, &pids, &n, NULL) == 0 && n > 0)
		return err_set(err, EBUSY, "%zu processes live in the group \"%s\" (pid %d)", n,
			       path, (int)pids[0]);
	if (r < 0)
		return err_sys(err, -r, "cannot remove the group \"%s\"", path);
	return 0;
}

struct names {
	char **name;
	size_t n;
};

static void group_names_free(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->name[i]);
	free(names->name);
}

static int group_add_name(const struct cg_hier *hier, const char *group, const char *name,
			  void *arg)
{
	struct names *names = arg;
	char **grown = reallocarray(names->name, names->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	names->name = grown;
	grown[names->n] = strdup(name);
	return grown[names->n++] ? 0 : -ENOMEM;
}

static int group_name_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int cg_group_children(struct cg *cg, const char *path, char ***ret_names, size_t *ret_n,
		      struct vc_err *err)
{
	_cleanup_(group_names_free) struct names names = { 0 };
	char group[CG_GROUP_MAX];
	size_t kept = 0;
	int r = cg_group_check_path(path, err);

	if (r < 0)
		return r;
	/* A crash may have left a group in some hierarchies only. */
	for (size_t i = 0; i < cg->n; i++) {
		r = cg_group_of(&cg->hier[i], path, group);
		if (r == 0)
			r = cg_group_each_child(&cg->hier[i], group, group_add_name, &names);
		if (r < 0 && r != -ENOENT)
			return err_sys(err, -r, "cannot list the group \"%s\"", path);
	}
	if (names.n > 1)
		qsort(names.name, names.n, sizeof(*names.name), group_name_order);
	for (size_t i = 0; i < names.n; i++) {
		if (kept > 0 && !strcmp(names.name[kept - 1], names.name[i]))
			free(names.name[i]);
		else
			names.name[kept++] = names.name[i];
	}
	*ret_names = steal_ptr(names.name);
	*ret_n = kept;
	names.n = 0;
	return 0;
}
