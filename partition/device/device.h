/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * device.h - the devices of a partition: their interrupts, and their nodes in /dev
 *
 *	block:vda  net:eth1  pci:0000:00:04.0  irq:36  char:/dev/hwrng
 *
 * A device that a partition owns sends its interrupts to that partition's CPUs
 * (JP11085547 claim 3). They follow when the CPUs change, and go back to where they were
 * when the partition goes. Its nodes are for that partition's jobs, see deny.h. Each name
 * gives both, but for irq:, which is one interrupt and has no nodes. A list of
 * devices is their names, separated by blanks. In all of these root is the directory with
 * sys, proc and dev in it, "/" but in tests.
 */
#ifndef VC_PARTITION_DEVICE_H
#define VC_PARTITION_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

#define DEVICE_IRQS_MAX 2048 /* of all devices of a partition */
#define DEVICE_NODES_MAX 256
#define DEVICE_NAME_MAX 64

/* What mknod(2) makes a node of. */
struct device_node {
	bool block; /* else a character device */
	unsigned int major, minor;
};

/* For qsort(). */
int device_node_order(const void *a, const void *b);
/* Takes the next name off a list; false: there is none. A longer name is cut. */
int device_next(const char **list, char ret[static DEVICE_NAME_MAX]);
/* Whether a name stands in a list, which may be NULL. */
bool device_listed(const char *list, const char *name);

/*
 * The numbers of a device's interrupts, at most max, ascending; it may have none. Of a PCI
 * bridge also those of what is below it. -EINVAL: no name of a device; -ENODEV: there is none of
 * that name.
 */
int device_irqs(int root, const char *name, unsigned int *ret, size_t max, size_t *ret_n,
		struct vc_err *err);
/*
 * The nodes that lead to a device, none for irq:. Of a disk also those of what it is
 * divided into, and the generic one beside it (sg, bsg, ng); of a PCI function, and of the
 * one that an interface is made of, those of all that is made of it. -E2BIG: there are more than
 * max; else as device_irqs().
 */
int device_nodes(int root, const char *name, struct device_node *ret, size_t max, size_t *ret_n,
		 struct vc_err *err);
/* Whether a partition could own it: it is there, and has interrupts or nodes. */
int device_check(int root, const char *name, struct vc_err *err);

#endif
