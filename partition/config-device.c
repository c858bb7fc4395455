// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * config-device.c - the devices of partitions in vcrun.conf
 *
 * A device has one owner, since its interrupts can go to one partition only. That it is
 * not named twice is not enough: an interrupt, or a node in /dev, can be reached by several
 * names.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "partition/config-priv.h"
#include "partition/device.h"

int config_check_devices(cfg_t *cfg, cfg_opt_t *opt)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct vc_err err = { 0 };

	for (unsigned int i = 0; i < cfg_opt_size(opt); i++) {
		if (device_check(root, cfg_opt_getnstr(opt, i), &err) < 0)
			return fail(cfg, "%s", err.text);
	}
	config_note_line(cfg, opt->name);
	return 0;
}

static int fill_list(cfg_t *section, const char *option, char **list)
{
	for (unsigned int i = 0; i < cfg_size(section, option); i++) {
		char *longer;

		if (asprintf(&longer, "%s%s%s", *list ? *list : "", *list ? " " : "",
			     cfg_getnstr(section, option, i)) < 0)
			return -ENOMEM;
		free(*list);
		*list = longer;
	}
	return 0;
}

int config_fill_devices(cfg_t *section, struct partition_spec *spec)
{
	int r = fill_list(section, "devices", &spec->devices);

	return r == 0 ? fill_list(section, "share", &spec->shares) : r;
}

int config_check_shares(cfg_t *section, const struct partition_spec *spec)
{
	const char *list = spec->shares;
	char name[DEVICE_NAME_MAX];

	while (list && device_next(&list, name)) {
		if (device_listed(spec->devices, name))
			return config_fail_at(
				config_line_of(section, "share"),
				"partition \"%s\" owns device %s itself: share is for "
				"those that others own",
				spec->name, name);
	}
	return 0;
}

/* What two devices have in common, in words; "": nothing. */
static void find_common(int root, const char *a, const char *b, char *ret, size_t size)
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

int config_check_owners(cfg_t *section, const struct partition_spec *a,
			const struct partition_spec *b)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char name[DEVICE_NAME_MAX], other[DEVICE_NAME_MAX], common[64];
	const char *list = a->devices, *others;

	while (list && device_next(&list, name)) {
		for (others = b->devices; others && device_next(&others, other);) {
			if (!strcmp(name, other))
				return config_fail_at(
					config_line_of(section, "devices"),
					"device %s is owned by partitions \"%s\" and \"%s\": leave "
					"it to one of them; share = { \"%s\" } lets the other "
					"open it",
					name, b->name, a->name, name);
			find_common(root, name, other, common, sizeof(common));
			if (*common)
				return config_fail_at(
					config_line_of(section, "devices"),
					"device %s of partition \"%s\" and %s of \"%s\" have %s in "
					"common: leave both to one of them, and put the other's "
					"into its share",
					other, b->name, name, a->name, common);
		}
	}
	return 0;
}
