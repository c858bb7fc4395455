// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * lib.c - the only file that knows libcgroup
 *
 * libcgroup finds the controllers, makes and deletes the groups of "vcctl up" and "vcctl down", and
 * changes settings. The launch path does not use it: its start takes over a millisecond, and a
 * group 0.25 to 0.8 ms a hierarchy, where mkdir takes 0.03 (measured, 2.0.2). So it starts at the
 * first use, and a shim never starts it.
 *
 * Not used: cgroup_convert_cgroup(), which refuses memory settings; scopes; deletion with
 * migration, which would move a job's processes into its partition.
 */
#include "partition/cgroup/priv.h"

#include <errno.h>
#include <libcgroup.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include "common/cleanup.h"

/* By default libcgroup prints on stdout. */
static void lib_say_nothing(void *data, int level, const char *fmt, va_list ap)
{
}

static int lib_errno(int code)
{
	switch (code) {
	case ECGOTHER:
		return cgroup_get_last_errno() > 0 ? cgroup_get_last_errno() : EIO;
	case ECGROUPNOTEXIST:
	case ECGROUPVALUENOTEXIST:
		return ENOENT;
	case ECGROUPNOTOWNER:
	case ECGROUPNOTALLOWED:
		return EPERM;
	case ECGROUPSUBSYSNOTMOUNTED:
	case ECGROUPNOTMOUNTED:
		return EOPNOTSUPP;
	case ECGNONEMPTY:
		return EBUSY;
	default:
		return EIO;
	}
}

static int lib_start(struct cg *cg, struct vc_err *err)
{
	int r;

	if (cg->lib_ready)
		return 0;
	cgroup_set_logger(lib_say_nothing, CGROUP_LOG_ERROR, NULL);
	r = cgroup_init();
	if (r == ECGROUPNOTMOUNTED)
		return err_set(err, EOPNOTSUPP, "no cgroup hierarchy is mounted on this machine");
	if (r)
		return err_sys(err, lib_errno(r), "cannot start libcgroup (%s)",
			       cgroup_strerror(r));
	cg->lib_ready = true;
	return 0;
}

static int lib_mount_version(const char *mount)
{
	struct statfs fs;

	if (statfs(mount, &fs) < 0)
		return 0;
	return fs.f_type == CGROUP2_SUPER_MAGIC ? 2 : fs.f_type == CGROUP_SUPER_MAGIC ? 1 : 0;
}

/* Returns the hierarchy mounted there, a new one if needed; NULL: no room, or not a cgroup mount.
 */
static struct cg_hier *lib_hier_at(struct cg *cg, const char *mount)
{
	int version = lib_mount_version(mount);

	for (size_t i = 0; i < cg->n; i++) {
		if (!strcmp(cg->hier[i].mount, mount))
			return &cg->hier[i];
	}
	if (version == 0 || cg->n == ARRAY_SIZE(cg->hier) ||
	    strlen(mount) >= sizeof(cg->hier[0].mount))
		return NULL;
	cg->hier[cg->n] = (struct cg_hier){ .version = version, .fd = -1 };
	strcpy(cg->hier[cg->n].mount, mount);
	return &cg->hier[cg->n++];
}

/* libcgroup does not list a hierarchy without controllers. */
static void lib_find_unified(struct cg *cg)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent entry;
	char line[4096];

	if (!mounts)
		return;
	while (getmntent_r(mounts, &entry, line, sizeof(line))) {
		if (strcmp(entry.mnt_type, "cgroup2"))
			continue;
		lib_hier_at(cg, entry.mnt_dir);
		cg_show(cg, "freezer", entry.mnt_dir, 2);
		break;
	}
	endmntent(mounts);
}

bool cg_lib_mount_has_option(const struct cg_hier *hier, const char *option)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent entry;
	char line[4096];
	bool has = false;

	if (!mounts)
		return false;
	while (getmntent_r(mounts, &entry, line, sizeof(line))) {
		if (!strcmp(entry.mnt_dir, hier->mount))
			has = hasmntopt(&entry, option) != NULL;
	}
	endmntent(mounts);
	return has;
}

int cg_lib_discover(struct cg *cg, struct vc_err *err)
{
	struct cgroup_mount_point info;
	void *handle = NULL;
	int r = lib_start(cg, err);

	if (r < 0)
		return r;
	for (r = cgroup_get_controller_begin(&handle, &info); r == 0;
	     r = cgroup_get_controller_next(&handle, &info)) {
		for (size_t i = 0; i < CG_INDEX_N; i++) {
			struct cg_hier *hier;

			if (strcmp(info.name, cg_controller_names[i]))
				continue;
			hier = lib_hier_at(cg, info.path);
			if (hier)
				hier->bits |= 1u << i;
		}
		cg_show(cg, info.name, info.path, lib_mount_version(info.path));
	}
	cgroup_get_controller_end(&handle);
	if (r != ECGEOF)
		return err_sys(err, lib_errno(r), "cannot list the cgroup controllers");
	lib_find_unified(cg);
	return 0;
}

/* Makes libcgroup's description of a group, with one controller to address its hierarchy. Returns 0
 * or -errno. The caller frees *ret. */
static int lib_group(struct cg *cg, const struct cg_hier *hier, const char *group,
		     struct cgroup **ret, struct cgroup_controller **ret_controller,
		     struct vc_err *err)
{
	int r = lib_start(cg, err);

	if (r < 0)
		return r;
	*ret = cgroup_new_cgroup(group);
	*ret_controller = NULL;
	for (size_t i = 0; *ret && !*ret_controller && i < CG_INDEX_N; i++)
		if (hier->bits & (1u << i))
			*ret_controller = cgroup_add_controller(*ret, cg_controller_names[i]);
	if (*ret_controller)
		return 0;
	cgroup_free(ret);
	return err_sys(err, ENOMEM, "cannot describe the group %s", group);
}

int cg_lib_make(struct cg *cg, const struct cg_hier *hier, const char *group, struct vc_err *err)
{
	struct cgroup_controller *controller;
	struct cgroup *cgroup;
	int r = lib_group(cg, hier, group, &cgroup, &controller, err);

	if (r < 0)
		return r;
	r = cgroup_create_cgroup(cgroup, 1);
	cgroup_free(&cgroup);
	if (r && !cg_file_exists(hier, group, "cgroup.procs"))
		return err_sys(err, lib_errno(r), "cannot make the group %s/%s", hier->mount,
			       group);
	return 0;
}

int cg_lib_set(struct cg *cg, const struct cg_hier *hier, const char *group, const char *file,
	       const char *value, struct vc_err *err)
{
	struct cgroup_controller *controller;
	struct cgroup *cgroup;
	int r = lib_group(cg, hier, group, &cgroup, &controller, err);

	if (r < 0)
		return r;
	r = cgroup_add_value_string(controller, file, value);
	if (r == 0)
		r = cgroup_modify_cgroup(cgroup);
	cgroup_free(&cgroup);
	if (r)
		return err_sys(err, lib_errno(r), "cannot set %s of %s/%s to %s", file, hier->mount,
			       group, value);
	return 0;
}

int cg_lib_delete(struct cg *cg, const struct cg_hier *hier, const char *group)
{
	struct cgroup_controller *controller;
	struct cgroup *cgroup;
	int r = lib_group(cg, hier, group, &cgroup, &controller, NULL);

	if (r < 0)
		return r;
	r = cgroup_delete_cgroup_ext(cgroup, CGFLAG_DELETE_EMPTY_ONLY);
	cgroup_free(&cgroup);
	/* Version 2.0.2 returns ENOENT after a deletion that worked (v2, several controllers). */
	if (r && cg_file_exists(hier, group, "cgroup.procs"))
		return -lib_errno(r);
	return 0;
}
