/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - shared by the files of this folder only
 *
 *	device.c           names
 *	node.c             nodes in /dev
 *	interrupts.c       interrupts
 *	hardware.c         the hardware behind a device that sysfs has in another place
 *
 * dir is the device's open directory in sysfs. Places are below root, "sys/devices/...".
 */
#ifndef VC_PARTITION_DEVICE_PRIV_H
#define VC_PARTITION_DEVICE_PRIV_H

#include "partition/device/device.h"

#define HARDWARE_MAX 32
#define HARDWARE_PATH 512

struct hardware {
	char path[HARDWARE_MAX][HARDWARE_PATH];
	size_t n;
};

/* hardware.c */
int hardware_place(int root, int dir, char *ret, size_t size);
/* Finds the hardware behind a device; nothing for the kernel's own. */
void hardware_behind(int root, int dir, struct hardware *ret);
/* Calls visit for each device in devices/virtual that leads to hardware at place or below. Stops at
 * the first result that is not 0 and returns it. */
int hardware_each_apart(int root, const char *place, int (*visit)(int dir, void *ctx), void *ctx);

/* interrupts.c: the interrupts of a device, ascending; for a PCI bridge with those of the functions
 * below it. */
void interrupts_of_device(int root, int dir, unsigned int *ret, size_t max, size_t *ret_n);

/* node.c: the nodes that lead to a device. Return 0 or -E2BIG. */
int device_node_find_below(int root, int dir, struct device_node *ret, size_t max, size_t *ret_n);
int device_node_find_of_disk(int dir, const char *disk, struct device_node *ret, size_t max,
			     size_t *ret_n);

#endif
