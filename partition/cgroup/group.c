// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * group.c - making, removing and listing our groups, the same in every hierarchy
 *
 * libcgroup (lib.c) makes and deletes the groups of "vcctl up" and "vcctl down". A job's group is
 * made with mkdirat(2), because libcgroup takes ten times as long as the system call.
 */
#include "partition/cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "partition/cgroup/priv.h"

#define REMOVE_WAIT_USEC 500000

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

static bool group_has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; (p = strstr(p, word)); p += len) {
		if ((p == list || p[-1] == ' ') && (p[len] == ' ' || !p[len]))
			return true;
	}
	return false;
}

/* v2: makes group pass those controllers on to its children that it has itself. */
static void cg_group_enable_children(const struct cg_hier *hier, const char *group)
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

/* Makes one group. Returns -ENOENT, without an error text, when its parent is missing. hot: without
 * libcgroup, which also cannot address a hierarchy without controllers. */
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
		return cg_cpus_v1_inherit(hier, group, err);
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

/* Makes all missing groups of a path, from the top. On v2 the groups above our base must pass the
 * controllers on, so these are visited too. */
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

/* The kernel would take exclusive CPUs back only when it frees the removed group. */
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

static int group_remove_below(const struct cg_hier *hier, const char *group)
{
	_cleanup_(cg_walk_done) struct cg_walk walk = cg_walk_begin(hier, group);

	while (cg_walk_next(&walk)) {
		int r = group_remove_below(hier, walk.group);

		if (r == 0 || r == -ENOENT)
			r = group_remove_one(hier, walk.group);
		if (r < 0)
			return r;
	}
	return walk.r;
}

static int group_remove(struct cg *cg, const struct cg_hier *hier, const char *group)
{
	const char *tail = group + strlen(hier->base);
	int r = group_remove_below(hier, group);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	if (!hier->bits || (*tail && strchr(tail + 1, '/')))
		return group_remove_one(hier, group);
	group_give_cpus_back(hier, group);
	return cg_lib_delete(cg, hier, group);
}

/* Returns -EBUSY, and removes nothing, when the group has processes. */
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

static int group_add_names(const struct cg_hier *hier, const char *group, struct names *names)
{
	_cleanup_(cg_walk_done) struct cg_walk walk = cg_walk_begin(hier, group);

	while (cg_walk_next(&walk)) {
		char **name = array_add(&names->name, &names->n);

		if (!name)
			return -ENOMEM;
		*name = strdup(walk.name);
		if (!*name)
			return -ENOMEM;
	}
	return walk.r;
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
			r = group_add_names(&cg->hier[i], group, &names);
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

bool cg_group_follow_path(const struct cg *cg, const char *from, const char *to, const char *path,
			  char *ret, size_t size)
{
	for (size_t i = 0; i < cg->n; i++) {
		char old[CG_GROUP_MAX], new[CG_GROUP_MAX];
		const char *at, *rest;
		int n;

		if (cg_group_of(&cg->hier[i], from, old) < 0 ||
		    cg_group_of(&cg->hier[i], to, new) < 0)
			continue;
		at = strstr(path, old);
		rest = at ? at + strlen(old) : "";
		if (!at || at == path || at[-1] != '/' || (*rest && *rest != '/'))
			continue;
		n = snprintf(ret, size, "%.*s%s%s", (int)(at - path), path, new, rest);
		return n > 0 && (size_t)n < size;
	}
	return false;
}

int cg_group_freezer(struct cg *cg, const char *path, char *ret, size_t size)
{
	const struct cg_hier *hier = cg_tracking(cg);
	char group[CG_GROUP_MAX];
	int r = hier->version == 2 ? cg_group_of(hier, path, group) : -ENOENT;

	ret[0] = '\0';
	if (r == 0 && !cg_file_exists(hier, group, "cgroup.freeze"))
		r = -ENOENT;
	if (r == 0 && snprintf(ret, size, "%s/%s", hier->mount, group) >= (int)size) {
		ret[0] = '\0';
		r = -ENAMETOOLONG;
	}
	return r;
}
