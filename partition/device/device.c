// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * device.c - finds a device by its name
 */
#include "partition/device/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/cleanup.h"
#include "common/file.h"

enum kind { KIND_BLOCK, KIND_NET, KIND_PCI, KIND_CHAR, KIND_IRQ };

static const struct {
	const char *prefix;
	const char *path; /* of its directory, without the name; NULL: it has none */
} kinds[] = {
	[KIND_BLOCK] = { "block:", "sys/block/" },
	[KIND_NET] = { "net:", "sys/class/net/" },
	[KIND_PCI] = { "pci:", "sys/bus/pci/devices/" },
	[KIND_CHAR] = { "char:", NULL },
	[KIND_IRQ] = { "irq:", NULL },
};

/* A device that exists. */
struct device {
	enum kind kind;
	const char *rest;        /* its name behind the kind */
	int dir;                 /* its directory in sysfs; -1: none */
	struct device_node node; /* char: */
	unsigned int irq;        /* irq: */
};

static void device_close(struct device *device)
{
	closep(&device->dir);
}

int device_next(const char **list, char ret[static DEVICE_NAME_MAX])
{
	const char *name = *list + strspn(*list, " ");
	size_t n = strcspn(name, " ");

	if (n == 0)
		return 0;
	snprintf(ret, DEVICE_NAME_MAX, "%.*s", (int)n, name);
	*list = name + n;
	return 1;
}

bool device_listed(const char *list, const char *name)
{
	char other[DEVICE_NAME_MAX];

	while (list && device_next(&list, other)) {
		if (!strcmp(name, other))
			return true;
	}
	return false;
}

static int device_check_number(int root, const char *text, unsigned int *ret)
{
	char path[64], *end;
	unsigned long irq = strtoul(text, &end, 10);

	if (!*text || *end || irq > 1u << 20)
		return -EINVAL;
	snprintf(path, sizeof(path), "proc/irq/%lu", irq);
	if (faccessat(root, path, F_OK, 0) < 0)
		return -ENODEV;
	*ret = (unsigned int)irq;
	return 0;
}

/* Opens a device by the path of its node, which may be a link. */
static int device_open_char(int root, const char *path, struct device *device)
{
	char sys[64];
	struct stat st;

	if (strncmp(path, "/dev/", 5) != 0 || strstr(path, "..") || !path[5])
		return -EINVAL;
	if (fstatat(root, path + 1, &st, 0) < 0)
		return -ENODEV;
	if (!S_ISCHR(st.st_mode))
		return -EINVAL;
	device->node =
		(struct device_node){ .major = major(st.st_rdev), .minor = minor(st.st_rdev) };
	snprintf(sys, sizeof(sys), "sys/dev/char/%u:%u", device->node.major, device->node.minor);
	device->dir = openat(root, sys, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return 0;
}

static int device_open_in_sysfs(int root, struct device *device)
{
	char path[128];

	if (!*device->rest || strchr(device->rest, '/') || device->rest[0] == '.')
		return -EINVAL;
	snprintf(path, sizeof(path), "%s%s", kinds[device->kind].path, device->rest);
	device->dir = openat(root, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return device->dir < 0 ? -ENODEV : 0;
}

static int device_open_named(int root, const char *name, struct device *device)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(kinds) && strncmp(name, kinds[i].prefix, strlen(kinds[i].prefix)))
		i++;
	/* Blanks separate the names of a list. */
	if (i == ARRAY_SIZE(kinds) || strlen(name) >= DEVICE_NAME_MAX || strpbrk(name, " \t\n"))
		return -EINVAL;
	*device = (struct device){ .kind = (enum kind)i,
				   .rest = name + strlen(kinds[i].prefix),
				   .dir = -1 };
	if (device->kind == KIND_IRQ)
		return device_check_number(root, device->rest, &device->irq);
	if (device->kind == KIND_CHAR)
		return device_open_char(root, device->rest, device);
	return device_open_in_sysfs(root, device);
}

/* Does the same with an error text. */
static int device_open(int root, const char *name, struct device *ret, struct vc_err *err)
{
	int r = device_open_named(root, name, ret);

	if (r == -EINVAL)
		return err_set(err, EINVAL,
			       "\"%s\" is no device: write block:vda, net:eth0, pci:0000:00:04.0, "
			       "irq:36 or char:/dev/hwrng",
			       name);
	return r < 0 ? err_set(err, ENODEV, "there is no device %s", name) : 0;
}

int device_irqs(int root, const char *name, unsigned int *ret, size_t max, size_t *ret_n,
		struct vc_err *err)
{
	_cleanup_(device_close) struct device device = { .dir = -1 };
	int r = device_open(root, name, &device, err);

	if (r < 0)
		return r;
	*ret_n = 0;
	if (device.kind == KIND_IRQ && max > 0)
		ret[(*ret_n)++] = device.irq;
	else if (device.dir >= 0)
		interrupts_of_device(root, device.dir, ret, max, ret_n);
	return 0;
}

/* Finds the nodes of everything that is made of the same hardware as the interface: clocks, RDMA.
 * An interface without hardware, as a macvtap, has its own. */
static int device_nodes_of_interface(int root, int dir, struct device_node *ret, size_t max,
				     size_t *ret_n)
{
	_cleanup_close_ int made_of = openat(dir, "device", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return device_node_find_below(root, made_of < 0 ? dir : made_of, ret, max, ret_n);
}

int device_nodes(int root, const char *name, struct device_node *ret, size_t max, size_t *ret_n,
		 struct vc_err *err)
{
	_cleanup_(device_close) struct device device = { .dir = -1 };
	int r = device_open(root, name, &device, err);

	if (r < 0)
		return r;
	*ret_n = 0;
	if (device.kind == KIND_CHAR && max > 0) {
		ret[(*ret_n)++] = device.node;
	} else if (device.kind == KIND_BLOCK) {
		r = device_node_find_of_disk(device.dir, device.rest, ret, max, ret_n);
	} else if (device.kind == KIND_PCI) {
		r = device_node_find_below(root, device.dir, ret, max, ret_n);
	} else if (device.kind == KIND_NET) {
		r = device_nodes_of_interface(root, device.dir, ret, max, ret_n);
	}
	return r < 0 ? err_set(err, E2BIG, "device %s has more than %zu nodes in /dev", name, max)
		     : 0;
}

int device_check(int root, const char *name, struct vc_err *err)
{
	struct device_node nodes[DEVICE_NODES_MAX];
	unsigned int irqs[DEVICE_IRQS_MAX];
	size_t n_irqs = 0, n_nodes = 0;
	int r = device_irqs(root, name, irqs, DEVICE_IRQS_MAX, &n_irqs, err);

	if (r == 0)
		r = device_nodes(root, name, nodes, DEVICE_NODES_MAX, &n_nodes, err);
	if (r == 0 && n_irqs == 0 && n_nodes == 0)
		r = err_set(err, ENODEV,
			    "device %s has neither interrupts nor nodes in /dev: there is nothing "
			    "to own",
			    name);
	return r;
}
