// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * device.c - a device's interrupts, as sysfs tells them
 *
 * The device that signals is often not the one that is named: a disk's or interface's
 * "device" link leads to a virtio device or a SCSI target, and msi_irqs stands at the PCI
 * function above it. So the first directory upwards that has one is taken; without
 * MSI there is the function's one line interrupt in "irq".
 */
#include "partition/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/file.h"

#define LEVELS_MAX 6 /* upwards from the named device */

static const struct kind {
	const char *prefix;
	const char *before, *after; /* the rest of the name, in a path */
} kinds[] = {
	{ "block:", "sys/block/", "/device" },
	{ "net:", "sys/class/net/", "/device" },
	{ "pci:", "sys/bus/pci/devices/", "" },
};

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

static int number_order(const void *a, const void *b)
{
	const unsigned int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The files of a msi_irqs directory are the numbers. */
static int list_msi(int dirfd, unsigned int *ret, size_t max, size_t *ret_n)
{
	int fd = openat(dirfd, "msi_irqs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		closep(&fd);
		return -ENOENT;
	}
	*ret_n = 0;
	while ((entry = readdir(dir)) && *ret_n < max) {
		char *end;
		unsigned long irq = strtoul(entry->d_name, &end, 10);

		if (!*end && entry->d_name[0] != '.')
			ret[(*ret_n)++] = (unsigned int)irq;
	}
	qsort(ret, *ret_n, sizeof(*ret), number_order);
	return *ret_n ? 0 : -ENOENT;
}

static int find_irqs(int fd, unsigned int *ret, size_t max, size_t *ret_n)
{
	char up[3 * LEVELS_MAX + 1] = ".";

	for (int level = 0; level < LEVELS_MAX; level++) {
		_cleanup_close_ int dir = openat(fd, up, O_PATH | O_DIRECTORY | O_CLOEXEC);
		uint64_t line;

		if (dir < 0)
			return -ENODEV;
		if (list_msi(dir, ret, max, ret_n) == 0)
			return 0;
		if (file_read_u64(dir, "irq", &line) == 0 && line > 0) {
			ret[0] = (unsigned int)line;
			*ret_n = 1;
			return 0;
		}
		strcat(up, "/..");
	}
	return -ENODEV;
}

static int check_number(int root, const char *text, unsigned int *ret)
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

static int by_name(int root, const char *name, unsigned int *ret, size_t max, size_t *ret_n)
{
	if (!strncmp(name, "irq:", 4)) {
		*ret_n = 1;
		return check_number(root, name + 4, ret);
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t len = strlen(kinds[i].prefix);
		_cleanup_close_ int fd = -1;
		char path[128];

		if (strncmp(name, kinds[i].prefix, len) != 0)
			continue;
		if (!name[len] || strchr(name + len, '/') || name[len] == '.')
			return -EINVAL;
		snprintf(path, sizeof(path), "%s%s%s", kinds[i].before, name + len, kinds[i].after);
		fd = openat(root, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		return fd < 0 ? -ENODEV : find_irqs(fd, ret, max, ret_n);
	}
	return -EINVAL;
}

int device_irqs(int root, const char *name, unsigned int *ret, size_t max, size_t *ret_n,
		struct vc_err *err)
{
	int r = by_name(root, name, ret, max, ret_n);

	if (r == -EINVAL)
		return err_set(
			err, EINVAL,
			"\"%s\" is no device: write block:vda, net:eth0, pci:0000:00:04.0 or "
			"irq:36",
			name);
	if (r == -ENODEV)
		return err_set(err, ENODEV,
			       "there is no device %s, or it has no interrupts of its own", name);
	return r;
}
