/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - a device's directory in sysfs and what is found from there; for device*.c
 *
 *	device.c           names
 *	node.c             nodes in /dev
 *	interrupts.c       interrupts
 *	hardware.c         the hardware that a device is made of, where sysfs has it elsewhere
 *
 * dir is the device's open directory. Places are below root, "sys/devices/...".
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
/* What a device is made of; nothing, if it is the kernel's own. */
void hardware_behind(int root, int dir, struct hardware *ret);
/* Calls visit for each device that lies elsewhere, but is made of hardware at place or below.
 * Ends with its first answer that is not 0. */
int hardware_each_apart(int root, const char *place, int (*visit)(int dir, void *ctx), void *ctx);

/* interrupts.c: the interrupts of a device, ascending; with those of the PCI functions below it if
 * it is one. */
void interrupts_of_device(int root, int dir, unsigned int *ret, size_t max, size_t *ret_n);

/* node.c: the nodes that lead to a device; -E2BIG. */
int device_node_find_below(int root, int dir, struct device_node *ret, size_t max, size_t *ret_n);
int device_node_find_of_disk(int dir, const char *disk, struct device_node *ret, size_t max,
			     size_t *ret_n);

#endif
