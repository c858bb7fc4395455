// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * deny.c - the device nodes that a partition's jobs must not open
 *
 * The list has device numbers, not names, because one node may have many names. A partition that
 * has one device may be denied another device that shares a node with it (pci: and block:). Then
 * the node is allowed.
 */
#include "partition/device/deny.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "partition/cgroup/cgroup.h"
#include "partition/config/config.h"
#include "partition/device/device.h"

struct nodes {
	struct device_node *node;
	size_t max, n;
};

bool deny_spares(const struct partition_spec *spec, const char *device)
{
	return device_listed(spec->devices, device) || device_listed(spec->shares, device);
}

static bool deny_has_node(const struct nodes *nodes, const struct device_node *node)
{
	for (size_t i = 0; i < nodes->n; i++) {
		if (device_node_order(&nodes->node[i], node) == 0)
			return true;
	}
	return false;
}

/* Adds the nodes of a list of devices, except those in but. */
static int deny_add_nodes(int root, const char *list, const struct nodes *but, struct nodes *nodes)
{
	struct device_node found[DEVICE_NODES_MAX];
	char name[DEVICE_NAME_MAX];
	size_t n;

	while (list && device_next(&list, name)) {
		if (device_nodes(root, name, found, DEVICE_NODES_MAX, &n, NULL) < 0)
			continue;
		for (size_t i = 0; i < n; i++) {
			if ((but && deny_has_node(but, &found[i])) ||
			    deny_has_node(nodes, &found[i]))
				continue;
			if (nodes->n == nodes->max)
				return -E2BIG;
			nodes->node[nodes->n++] = found[i];
		}
	}
	return 0;
}

int deny_list(int root, const struct config *config, size_t index, struct device_node *ret,
	      size_t max, size_t *ret_n)
{
	const struct partition_spec *own = &config->parts[index];
	struct device_node spared[DEVICE_NODES_MAX];
	struct nodes but = { .node = spared, .max = DEVICE_NODES_MAX };
	struct nodes nodes = { .node = ret, .max = max };
	int r = deny_add_nodes(root, own->devices, NULL, &but);

	if (r == 0)
		r = deny_add_nodes(root, own->shares, NULL, &but);
	for (size_t i = 0; r == 0 && i < config->n_parts; i++) {
		if (i == index)
			continue;
		r = deny_add_nodes(root, config->parts[i].devices, &but, &nodes);
		if (r == 0)
			r = deny_add_nodes(root, config->parts[i].shares, &but, &nodes);
	}
	if (r < 0)
		return r;
	if (nodes.n > 1)
		qsort(ret, nodes.n, sizeof(*ret), device_node_order);
	*ret_n = nodes.n;
	return 0;
}

static int deny_list_here(const struct config *config, size_t index,
			  struct device_node ret[static DEVICE_NODES_MAX], size_t *ret_n)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return root < 0 ? -errno : deny_list(root, config, index, ret, DEVICE_NODES_MAX, ret_n);
}

int deny_apply(struct cg *cg, const struct config *config, size_t index, struct vc_err *err)
{
	struct device_node nodes[DEVICE_NODES_MAX];
	size_t n;
	int r = deny_list_here(config, index, nodes, &n);

	if (r < 0)
		return err_sys(err, -r, "cannot list the device nodes to be denied to partition %s",
			       config->parts[index].name);
	return cg_deny_nodes(cg, config->parts[index].name, nodes, n, err);
}

void deny_apply_all(struct cg *cg, const struct config *config)
{
	for (size_t i = 0; i < config->n_parts; i++) {
		if (!spec_is_free(&config->parts[i]))
			deny_apply(cg, config, i, NULL);
	}
}

bool deny_is_applied(struct cg *cg, const struct config *config, size_t index)
{
	struct device_node nodes[DEVICE_NODES_MAX];
	size_t n;

	return !spec_is_free(&config->parts[index]) &&
	       deny_list_here(config, index, nodes, &n) == 0 &&
	       cg_deny_has_nodes(cg, config->parts[index].name, nodes, n);
}
