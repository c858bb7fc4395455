// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hardware.c - the hardware behind a device
 *
 * In sysfs, a disk, an interface or a character device is below its hardware. Devices that serve
 * several pieces of hardware, or are the kernel's own, are in devices/virtual instead. One table
 * has those that still lead to hardware. It works both ways: from a node to the hardware, whose
 * interrupts are the node's, and from a PCI function to the nodes that lead to it.
 *
 *	/dev/hwrng        the generators that the current one's name can mean
 *	/dev/hvc*         the virtio console, if there is only one
 *	/dev/vfio/N       the functions in IOMMU group N
 *	/dev/nvme*, ng*   for a disk with several paths: its subsystem's controllers
 */
#include "partition/device/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"

#define VIRTUAL "sys/devices/virtual/"

static ssize_t hardware_path_of(int fd, char ret[static PATH_MAX])
{
	char link[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, ret, PATH_MAX - 1);
	if (len < 0)
		return -errno;
	ret[len] = '\0';
	return len;
}

int hardware_place(int root, int dir, char *ret, size_t size)
{
	char above[PATH_MAX], path[PATH_MAX];
	ssize_t len = hardware_path_of(root, above);

	if (len < 0 || hardware_path_of(dir, path) < 0)
		return -ENOENT;
	if (len == 1) /* root is "/" */
		len = 0;
	if (strncmp(path, above, (size_t)len) != 0 || path[len] != '/' ||
	    snprintf(ret, size, "%s", path + len + 1) >= (int)size)
		return -ENOENT;
	return 0;
}

static void hardware_add(int root, const char *path, struct hardware *ret)
{
	_cleanup_close_ int dir = openat(root, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char place[HARDWARE_PATH];

	if (dir < 0 || ret->n == HARDWARE_MAX ||
	    hardware_place(root, dir, place, sizeof(place)) < 0 ||
	    strncmp(place, "sys/devices/", 12) != 0 || !strncmp(place, VIRTUAL, strlen(VIRTUAL)))
		return;
	strcpy(ret->path[ret->n++], place);
}

/* Adds the targets of the links in a directory whose names begin like this. */
static void hardware_add_links(int root, const char *path, const char *prefix, struct hardware *ret)
{
	_cleanup_closedir_ DIR *dir = file_open_dir(root, path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char link[HARDWARE_PATH];

		if (entry->d_type == DT_LNK && !strncmp(entry->d_name, prefix, strlen(prefix)) &&
		    snprintf(link, sizeof(link), "%s/%s", path, entry->d_name) < (int)sizeof(link))
			hardware_add(root, link, ret);
	}
}

/* Adds the device of that name, and those that a driver of that name serves, on each bus. */
static void hardware_add_named(int root, const char *name, struct hardware *ret)
{
	_cleanup_closedir_ DIR *dir = file_open_dir(root, "sys/bus");
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char path[HARDWARE_PATH];

		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(path, sizeof(path), "sys/bus/%s/drivers/%s", entry->d_name, name) <
		    (int)sizeof(path))
			hardware_add_links(root, path, "", ret);
		if (snprintf(path, sizeof(path), "sys/bus/%s/devices/%s", entry->d_name, name) <
		    (int)sizeof(path))
			hardware_add(root, path, ret);
	}
}

/* The current generator has the name of its device, or of its driver with a number behind it
 * ("virtio_rng.0"). Nothing shows which of the driver's devices has that number. */
static void hardware_behind_hwrng(int root, const char *name, struct hardware *ret)
{
	char current[128], path[HARDWARE_PATH];
	char *dot;

	snprintf(path, sizeof(path), VIRTUAL "misc/%.64s/rng_current", name);
	if (file_read(root, path, current, sizeof(current)) <= 0 || strchr(current, '/'))
		return;
	hardware_add_named(root, current, ret);
	dot = strrchr(current, '.');
	if (dot && ret->n == 0) {
		*dot = '\0';
		hardware_add_named(root, current, ret);
	}
}

static void hardware_behind_console(int root, const char *name, struct hardware *ret)
{
	(void)name;
	hardware_add_named(root, "virtio_console", ret);
	if (ret->n > 1)
		ret->n = 0;
}

static void hardware_behind_vfio(int root, const char *name, struct hardware *ret)
{
	char path[HARDWARE_PATH];

	snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%.64s/devices", name);
	hardware_add_links(root, path, "", ret);
}

static void hardware_behind_nvme(int root, const char *name, struct hardware *ret)
{
	char path[HARDWARE_PATH];

	snprintf(path, sizeof(path), VIRTUAL "nvme-subsystem/%.64s", name);
	hardware_add_links(root, path, "nvme", ret);
}

static const struct {
	const char *class;
	const char *prefix; /* of the names in the class */
	void (*behind)(int root, const char *name, struct hardware *ret);
} apart[] = {
	{ "misc", "hw_random", hardware_behind_hwrng },
	{ "tty", "hvc", hardware_behind_console },
	{ "vfio", "", hardware_behind_vfio },
	{ "nvme-subsystem", "nvme-subsys", hardware_behind_nvme },
};

/* place is "CLASS/NAME" or below, in devices/virtual. */
static void hardware_behind_virtual(int root, const char *place, struct hardware *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(apart); i++) {
		size_t len = strlen(apart[i].class);
		char name[64];

		if (strncmp(place, apart[i].class, len) != 0 || place[len] != '/')
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(place + len + 1, "/"),
			 place + len + 1);
		if (!strncmp(name, apart[i].prefix, strlen(apart[i].prefix)))
			apart[i].behind(root, name, ret);
	}
}

void hardware_behind(int root, int dir, struct hardware *ret)
{
	char place[HARDWARE_PATH];

	ret->n = 0;
	if (hardware_place(root, dir, place, sizeof(place)) < 0)
		return;
	if (!strncmp(place, VIRTUAL, strlen(VIRTUAL)))
		hardware_behind_virtual(root, place + strlen(VIRTUAL), ret);
	else
		hardware_add(root, place, ret);
}

static bool hardware_leads_to(int root, int dir, const char *place)
{
	struct hardware hardware;
	size_t len = strlen(place);

	hardware_behind(root, dir, &hardware);
	for (size_t i = 0; i < hardware.n; i++) {
		const char *path = hardware.path[i];

		if (!strncmp(path, place, len) && (!path[len] || path[len] == '/'))
			return true;
	}
	return false;
}

int hardware_each_apart(int root, const char *place, int (*visit)(int dir, void *ctx), void *ctx)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(apart); i++) {
		_cleanup_closedir_ DIR *class = NULL;
		const struct dirent *entry;
		char path[64];

		snprintf(path, sizeof(path), VIRTUAL "%s", apart[i].class);
		class = file_open_dir(root, path);
		while (r == 0 && class && (entry = readdir(class))) {
			_cleanup_close_ int dir = -1;

			if (entry->d_name[0] == '.' || entry->d_type != DT_DIR ||
			    strncmp(entry->d_name, apart[i].prefix, strlen(apart[i].prefix)) != 0)
				continue;
			dir = openat(dirfd(class), entry->d_name,
				     O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (dir >= 0 && hardware_leads_to(root, dir, place))
				r = visit(dir, ctx);
		}
	}
	return r;
}
