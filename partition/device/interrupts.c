// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * interrupts.c - the interrupts of a device, from sysfs
 *
 * The device that signals is often above the named one: a virtio device or a SCSI target above a
 * disk or interface, and the PCI function with msi_irqs above that. Without MSI there is one
 * interrupt in "irq". So the search goes upwards to the first directory with interrupts. It ends at
 * a PCI function, because above that is a bridge. For other hardware (virtio-mmio, rtc, i8042,
 * legacy IDE) the name of the handler counts: it is that of a device upwards, or of its driver.
 */
#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "partition/device/priv.h"

#define TOP "sys/devices"

struct found {
	unsigned int *irq;
	size_t max, n;
};

static void interrupts_add_irq(int root, uint64_t irq, struct found *found)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/irq/%" PRIu64, irq);
	if (irq == 0 || irq > UINT_MAX || faccessat(root, path, F_OK, 0) < 0)
		return;
	for (size_t i = 0; i < found->n; i++) {
		if (found->irq[i] == irq)
			return;
	}
	if (found->n < found->max)
		found->irq[found->n++] = (unsigned int)irq;
}

/* Returns the number that the name is, or 0. */
static uint64_t interrupts_number_of(const char *name)
{
	char *end;
	unsigned long number = isdigit((unsigned char)name[0]) ? strtoul(name, &end, 10) : 0;

	return number && !*end ? number : 0;
}

/* Adds the interrupts of this directory's device. */
static void interrupts_add_own(int root, int dir, struct found *found)
{
	_cleanup_closedir_ DIR *msi = file_open_dir(dir, "msi_irqs");
	const struct dirent *entry;
	size_t before = found->n;
	uint64_t line, type;

	while (msi && (entry = readdir(msi)))
		interrupts_add_irq(root, interrupts_number_of(entry->d_name), found);
	/* A serial port of type 0 does not exist, and its number belongs to another device. */
	if (found->n == before && file_read_u64(dir, "irq", &line) == 0 &&
	    (file_read_u64(dir, "type", &type) < 0 || type != 0))
		interrupts_add_irq(root, line, found);
}

/* Returns whether it is a name like "0000:00:05.0". A serial port may be called "00:00:0.0". */
static bool interrupts_is_function(const char *name)
{
	unsigned int domain, bus, slot, function;

	return strcspn(name, ":") >= 4 && strlen(name) - strcspn(name, ":") == 8 &&
	       sscanf(name, "%x:%x:%x.%x", &domain, &bus, &slot, &function) == 4;
}

/* Adds the interrupts of a PCI function and, for a bridge, of the functions below it. */
static void interrupts_add_function(int root, int dir, int depth, struct found *found)
{
	_cleanup_closedir_ DIR *stream = file_open_dir(dir, ".");
	const struct dirent *entry;

	interrupts_add_own(root, dir, found);
	while (stream && depth > 0 && (entry = readdir(stream))) {
		_cleanup_close_ int below = -1;

		if (entry->d_type != DT_DIR || !interrupts_is_function(entry->d_name))
			continue;
		below = openat(dir, entry->d_name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0)
			interrupts_add_function(root, below, depth - 1, found);
	}
}

/* Removes the last component. Returns false at the last device. */
static bool interrupts_go_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || interrupts_is_function(slash + 1))
		return false;
	*slash = '\0';
	return strcmp(path, TOP) != 0;
}

static void interrupts_add_upwards(int root, const char *place, struct found *found)
{
	char path[HARDWARE_PATH];
	bool first = true;

	snprintf(path, sizeof(path), "%s", place);
	do {
		_cleanup_close_ int dir = openat(root, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (dir >= 0 && first && interrupts_is_function(strrchr(path, '/') + 1))
			interrupts_add_function(root, dir, 8, found);
		else if (dir >= 0)
			interrupts_add_own(root, dir, found);
		first = false;
	} while (found->n == 0 && interrupts_go_up(path));
}

/* Returns whether a handler has the name of a device at this place or above, or of its driver. */
static bool interrupts_serves(int root, const char *handler, const char *place)
{
	char path[HARDWARE_PATH];

	snprintf(path, sizeof(path), "%s", place);
	do {
		char file[HARDWARE_PATH + 16], driver[PATH_MAX];
		ssize_t len;

		snprintf(file, sizeof(file), "%s/uevent", path);
		if (faccessat(root, file, F_OK, 0) < 0) /* a class's directory is no device */
			continue;
		snprintf(file, sizeof(file), "%s/driver", path);
		len = readlinkat(root, file, driver, sizeof(driver) - 1);
		driver[len > 0 ? len : 0] = '\0';
		if (!strcmp(handler, strrchr(path, '/') + 1) ||
		    (strrchr(driver, '/') && !strcmp(handler, strrchr(driver, '/') + 1)))
			return true;
	} while (interrupts_go_up(path));
	return false;
}

static void interrupts_add_by_handler(int root, const char *place, struct found *found)
{
	_cleanup_closedir_ DIR *dir = file_open_dir(root, "sys/kernel/irq");
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char path[PATH_MAX], handlers[512];
		char *next = handlers, *handler;

		snprintf(path, sizeof(path), "%s/actions", entry->d_name);
		if (entry->d_name[0] == '.' ||
		    file_read(dirfd(dir), path, handlers, sizeof(handlers)) <= 0)
			continue;
		while ((handler = strsep(&next, ",")))
			if (*handler && interrupts_serves(root, handler, place))
				interrupts_add_irq(root, interrupts_number_of(entry->d_name),
						   found);
	}
}

static int interrupts_number_order(const void *a, const void *b)
{
	const unsigned int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void interrupts_of_device(int root, int dir, unsigned int *ret, size_t max, size_t *ret_n)
{
	struct found all = { .irq = ret, .max = max };
	struct hardware hardware;

	hardware_behind(root, dir, &hardware);
	for (size_t i = 0; i < hardware.n; i++) {
		struct found found = { .irq = ret + all.n, .max = max - all.n };

		interrupts_add_upwards(root, hardware.path[i], &found);
		if (found.n == 0)
			interrupts_add_by_handler(root, hardware.path[i], &found);
		all.n += found.n;
	}
	if (all.n > 1)
		qsort(ret, all.n, sizeof(*ret), interrupts_number_order);
	*ret_n = all.n;
}
