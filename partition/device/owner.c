// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * owner.c - which partition owns a device
 */
#include "partition/device/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "partition/device/device.h"
#include "partition/spec.h"

static int owner_check_list(int root, const char *list, struct vc_err *err)
{
	char name[DEVICE_NAME_MAX];
	int r = 0;

	while (r == 0 && list && device_next(&list, name))
		r = device_check(root, name, err);
	return r;
}

int owner_check_devices(const struct partition_spec *spec, struct vc_err *err)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = owner_check_list(root, spec->devices, err);

	return r == 0 ? owner_check_list(root, spec->shares, err) : r;
}

int owner_check_shares(const struct partition_spec *spec, struct vc_err *err)
{
	const char *list = spec->shares;
	char name[DEVICE_NAME_MAX];

	while (list && device_next(&list, name)) {
		if (device_listed(spec->devices, name))
			return err_set(err, EINVAL,
				       "partition \"%s\" owns device %s itself: share is for those "
				       "that others own",
				       spec->name, name);
	}
	return 0;
}

/* Writes what two devices have in common; "": nothing. */
static void owner_find_common(int root, const char *a, const char *b, char *ret, size_t size)
{
	unsigned int irqs[2][DEVICE_IRQS_MAX];
	struct device_node nodes[2][DEVICE_NODES_MAX];
	size_t n_irqs[2] = { 0 }, n_nodes[2] = { 0 };
	const char *const names[] = { a, b };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		device_irqs(root, names[i], irqs[i], DEVICE_IRQS_MAX, &n_irqs[i], NULL);
		device_nodes(root, names[i], nodes[i], DEVICE_NODES_MAX, &n_nodes[i], NULL);
	}
	ret[0] = '\0';
	for (size_t i = 0; i < n_irqs[0]; i++)
		for (size_t k = 0; k < n_irqs[1]; k++)
			if (irqs[0][i] == irqs[1][k])
				snprintf(ret, size, "interrupt %u", irqs[0][i]);
	for (size_t i = 0; i < n_nodes[0]; i++)
		for (size_t k = 0; k < n_nodes[1]; k++)
			if (device_node_order(&nodes[0][i], &nodes[1][k]) == 0)
				snprintf(ret, size, "the node %u:%u", nodes[0][i].major,
					 nodes[0][i].minor);
}

int owner_check_pair(const struct partition_spec *a, const struct partition_spec *b,
		     struct vc_err *err)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char name[DEVICE_NAME_MAX], other[DEVICE_NAME_MAX], common[64];
	const char *list = a->devices, *others;

	while (list && device_next(&list, name)) {
		for (others = b->devices; others && device_next(&others, other);) {
			if (!strcmp(name, other))
				return err_set(
					err, EINVAL,
					"device %s is owned by partitions \"%s\" and \"%s\": "
					"leave it to one of them; the other may share it",
					name, b->name, a->name);
			owner_find_common(root, name, other, common, sizeof(common));
			if (*common)
				return err_set(
					err, EINVAL,
					"device %s of partition \"%s\" and %s of \"%s\" have "
					"%s in common: leave both to one of them, and let the "
					"other share them",
					other, b->name, name, a->name, common);
		}
	}
	return 0;
}
