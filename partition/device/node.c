// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * node.c - the nodes in /dev that lead to a device, from sysfs
 *
 * A directory in sysfs with a file "dev" is a device with a node. Below the named device are the
 * others that reach the same hardware, except those in another place (hardware.c). The directory
 * that a disk's "device" link leads to also has a character device for commands to the disk: sg and
 * bsg for a SCSI disk, ng for an NVMe namespace. The node of an NVMe controller itself is left out,
 * because other partitions may own its other namespaces; pci: includes it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "partition/device/priv.h"

#define DEPTH_MAX 24 /* directories below a PCI function: hubs behind hubs */

struct found {
	struct device_node *node;
	size_t max, n;
};

int device_node_order(const void *a, const void *b)
{
	const struct device_node *x = a, *y = b;

	if (x->block != y->block)
		return x->block - y->block;
	if (x->major != y->major)
		return x->major < y->major ? -1 : 1;
	return (x->minor > y->minor) - (x->minor < y->minor);
}

static bool node_is_block(int dir)
{
	char link[PATH_MAX];
	ssize_t len = readlinkat(dir, "subsystem", link, sizeof(link) - 1);
	const char *slash;

	link[len > 0 ? len : 0] = '\0';
	slash = strrchr(link, '/');
	return slash && !strcmp(slash, "/block");
}

/* Adds the node of the device in this directory, if it has one. */
static int node_add_node(int dir, struct found *found)
{
	struct device_node node = { .block = node_is_block(dir) };
	char text[32];

	if (file_read(dir, "dev", text, sizeof(text)) < 0 ||
	    sscanf(text, "%u:%u", &node.major, &node.minor) != 2)
		return 0;
	if (found->n == found->max)
		return -E2BIG;
	found->node[found->n++] = node;
	return 0;
}

static int node_add_below(int dir, int depth, struct found *found)
{
	_cleanup_closedir_ DIR *stream = file_open_dir(dir, ".");
	const struct dirent *entry;
	int r = node_add_node(dir, found);

	if (!stream)
		return r;
	while (r == 0 && depth > 0 && (entry = readdir(stream))) {
		_cleanup_close_ int below = -1;

		/* Links lead up, or to other devices. */
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		below = openat(dirfd(stream), entry->d_name,
			       O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0)
			r = node_add_below(below, depth - 1, found);
	}
	return r;
}

static int node_add_at(int dir, const char *path, int depth, struct found *found)
{
	_cleanup_close_ int at = openat(dir, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return at < 0 ? 0 : node_add_below(at, depth, found);
}

static int node_add_apart(int dir, void *ctx)
{
	return node_add_below(dir, DEPTH_MAX, ctx);
}

int device_node_find_below(int root, int dir, struct device_node *ret, size_t max, size_t *ret_n)
{
	struct found found = { .node = ret, .max = max };
	char place[HARDWARE_PATH];
	int r = node_add_below(dir, DEPTH_MAX, &found);

	if (r == 0 && hardware_place(root, dir, place, sizeof(place)) == 0)
		r = hardware_each_apart(root, place, node_add_apart, &found);
	*ret_n = found.n;
	return r;
}

int device_node_find_of_disk(int dir, const char *disk, struct device_node *ret, size_t max,
			     size_t *ret_n)
{
	struct found found = { .node = ret, .max = max };
	char generic[128];
	int r = node_add_below(dir, 1, &found);

	if (r == 0)
		r = node_add_at(dir, "device/scsi_generic", 1, &found);
	if (r == 0)
		r = node_add_at(dir, "device/bsg", 1, &found);
	if (r == 0 && !strncmp(disk, "nvme", 4)) {
		snprintf(generic, sizeof(generic), "device/ng%s", disk + 4);
		r = node_add_at(dir, generic, 0, &found);
	}
	*ret_n = found.n;
	return r;
}
