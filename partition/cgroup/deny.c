// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * deny.c - device nodes that a group's processes may not open
 *
 * A BPF program does it where there is a unified hierarchy, also beside v1's controllers. Where
 * bpf(2) does not work, v1's devices controller does it. That controller cannot list what it
 * denies, and takes denials back one by one, in every group below too. So the list is kept in an
 * attribute of the group. A change denies the new devices first and then allows the old ones.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "partition/cgroup/priv.h"
#include "partition/device/device.h"

#define ATTRIBUTE "trusted.vcrun.denied"
#define LINE_MAX 32 /* "b 4095:1048575 rwm", with a newline */
#define LIST_MAX (DEVICE_NODES_MAX * LINE_MAX)
#define NOTED_MAX (4 * LIST_MAX) /* crashes may have left several lists in it */

/* Returns NULL where BPF is used: cg_open() keeps only one of the two. */
static const struct cg_hier *cg_deny_v1_hier(const struct cg *cg)
{
	const struct cg_hier *hier = cg_hier_of(cg, CG_DEVICES);

	return hier && hier->version == 1 ? hier : NULL;
}

static const struct cg_hier *cg_deny_bpf_hier(const struct cg *cg)
{
	const struct cg_hier *hier = cg_tracking(cg);

	return hier->version == 2 && !cg_deny_v1_hier(cg) ? hier : NULL;
}

const char *cg_deny_means(const struct cg *cg)
{
	if (cg_deny_v1_hier(cg))
		return "the devices controller of cgroup v1";
	return cg_deny_bpf_hier(cg) && cg_bpf_usable() ? "BPF" : NULL;
}

static void cg_deny_format_nodes(const struct device_node *nodes, size_t n,
				 char ret[static LIST_MAX])
{
	size_t len = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < n && len < LIST_MAX; i++)
		len += (size_t)snprintf(ret + len, LIST_MAX - len, "%c %u:%u rwm\n",
					nodes[i].block ? 'b' : 'c', nodes[i].major, nodes[i].minor);
}

static int cg_deny_attribute_path(const struct cg_hier *hier, const char *group, char *ret,
				  size_t size)
{
	return snprintf(ret, size, "%s/%s", hier->mount, group) < (int)size ? 0 : -ENAMETOOLONG;
}

static void cg_deny_read_noted(const struct cg_hier *hier, const char *group,
			       char ret[static NOTED_MAX])
{
	char path[sizeof(hier->mount) + CG_GROUP_MAX];
	ssize_t len = -1;

	if (cg_deny_attribute_path(hier, group, path, sizeof(path)) == 0)
		len = getxattr(path, ATTRIBUTE, ret, NOTED_MAX - 1);
	ret[len > 0 ? len : 0] = '\0';
}

static int cg_deny_note(const struct cg_hier *hier, const char *group, const char *list)
{
	char path[sizeof(hier->mount) + CG_GROUP_MAX];
	int r = cg_deny_attribute_path(hier, group, path, sizeof(path));

	if (r == 0 && setxattr(path, ATTRIBUTE, list, strlen(list), 0) < 0)
		r = -errno;
	return r;
}

/* Takes the next line off a list. Returns false at its end. */
static bool cg_deny_next_line(const char **list, char ret[static LINE_MAX])
{
	size_t len = strcspn(*list, "\n");

	if (len == 0 || len >= LINE_MAX)
		return false;
	memcpy(ret, *list, len);
	ret[len] = '\0';
	*list += len + 1;
	return true;
}

static bool cg_deny_has_line(const char *list, const char *line)
{
	char other[LINE_MAX];

	while (cg_deny_next_line(&list, other)) {
		if (!strcmp(line, other))
			return true;
	}
	return false;
}

/* Allows a device in a group and, after it, in the groups below: a group cannot allow what the one
 * above denies. */
static int cg_deny_v1_allow(const struct cg_hier *hier, const char *group, const char *line)
{
	_cleanup_(cg_walk_done) struct cg_walk walk = { .dir = NULL };
	int r = cg_file_write(hier, group, "devices.allow", line);

	if (r < 0)
		return r;
	walk = cg_walk_begin(hier, group);
	while (cg_walk_next(&walk)) {
		r = cg_deny_v1_allow(hier, walk.group, line);
		/* A job may end at any moment, and its group with it. */
		if (r < 0 && r != -ENOENT && r != -ENODEV)
			return r;
	}
	return walk.r;
}

static int cg_deny_v1_deny(const struct cg_hier *hier, const char *group, const char *wanted)
{
	char noted[NOTED_MAX], both[NOTED_MAX], line[LINE_MAX];
	const char *list = wanted;
	int r;

	cg_deny_read_noted(hier, group, noted);
	if (!strcmp(noted, wanted))
		return 0;
	/* After a crash, the next caller reads here everything that may be denied. */
	if (snprintf(both, sizeof(both), "%s%s", noted, wanted) >= (int)sizeof(both))
		return -E2BIG;
	r = cg_deny_note(hier, group, both);
	while (r == 0 && cg_deny_next_line(&list, line))
		r = cg_file_write(hier, group, "devices.deny", line);
	list = noted;
	while (r == 0 && cg_deny_next_line(&list, line)) {
		if (!cg_deny_has_line(wanted, line))
			r = cg_deny_v1_allow(hier, group, line);
	}
	return r == 0 ? cg_deny_note(hier, group, wanted) : r;
}

int cg_deny_nodes(struct cg *cg, const char *path, const struct device_node *nodes, size_t n,
		  struct vc_err *err)
{
	const struct cg_hier *bpf = cg_deny_bpf_hier(cg), *v1 = cg_deny_v1_hier(cg);
	char group[CG_GROUP_MAX], list[LIST_MAX];
	int r = cg_group_check_path(path, err);

	if (r < 0)
		return r;
	if (!bpf && !v1)
		return n == 0 ? 0
			      : err_set(err, EOPNOTSUPP,
					"device nodes cannot be denied to the jobs of %s: this "
					"machine has neither BPF for cgroup v2 nor v1's devices "
					"controller",
					path);
	r = cg_group_of(bpf ? bpf : v1, path, group);
	if (r == 0 && bpf) {
		r = cg_bpf_deny(bpf, group, nodes, n);
	} else if (r == 0) {
		cg_deny_format_nodes(nodes, n, list);
		r = cg_deny_v1_deny(v1, group, list);
	}
	return r < 0 ? err_sys(err, -r, "cannot deny device nodes to the group \"%s\" by %s", path,
			       bpf ? "BPF" : "cgroup v1")
		     : 0;
}

bool cg_deny_has_nodes(struct cg *cg, const char *path, const struct device_node *nodes, size_t n)
{
	const struct cg_hier *bpf = cg_deny_bpf_hier(cg), *v1 = cg_deny_v1_hier(cg);
	char group[CG_GROUP_MAX], list[LIST_MAX], noted[NOTED_MAX];

	if (cg_group_find(bpf ? bpf : v1, path, group) < 0)
		return n == 0;
	if (bpf)
		return cg_bpf_denies(bpf, group, nodes, n);
	cg_deny_format_nodes(nodes, n, list);
	cg_deny_read_noted(v1, group, noted);
	return !strcmp(list, noted);
}
