/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * device.h - the devices of a partition: their interrupts, and their nodes in /dev
 *
 *	block:vda  net:eth1  pci:0000:00:04.0  irq:36  char:/dev/hwrng
 *
 * A device sends its interrupts to the CPUs of the partition that owns it (JP11085547 claim 3).
 * They follow when the CPUs change, and go back to their former CPUs when the partition is removed.
 * Its nodes are for that partition's jobs, see deny.h. irq: is one interrupt and has no nodes. A
 * list of devices is their names, separated by blanks. root is the directory with sys, proc and
 * dev: "/", or a directory of a test.
 */
#ifndef VC_PARTITION_DEVICE_H
#define VC_PARTITION_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

#define DEVICE_IRQS_MAX 2048 /* of all devices of a partition */
#define DEVICE_NODES_MAX 256
#define DEVICE_NAME_MAX 64

/* The arguments of mknod(2) for a node. */
struct device_node {
	bool block; /* else a character device */
	unsigned int major, minor;
};

/* Compares for qsort(). */
int device_node_order(const void *a, const void *b);
/* Takes the next name from a list. Returns false at the end. A longer name is cut. */
int device_next(const char **list, char ret[static DEVICE_NAME_MAX]);
/* Returns whether a list, which may be NULL, has a name. */
bool device_listed(const char *list, const char *name);

/*
 * Lists the numbers of a device's interrupts, at most max, ascending; it may have none. A PCI
 * bridge includes the devices below it. Returns 0; -EINVAL: bad name; -ENODEV: there is no such
 * device.
 */
int device_irqs(int root, const char *name, unsigned int *ret, size_t max, size_t *ret_n,
		struct vc_err *err);
/*
 * Lists the nodes that lead to a device, none for irq:. A disk includes its parts and the generic
 * node beside it (sg, bsg, ng). A PCI function, and that of an interface, includes everything that
 * is made of it. Returns 0, -E2BIG when there are more than max, else as device_irqs().
 */
int device_nodes(int root, const char *name, struct device_node *ret, size_t max, size_t *ret_n,
		 struct vc_err *err);
/* Checks that a partition can own it: it exists, and has interrupts or nodes. */
int device_check(int root, const char *name, struct vc_err *err);

#endif
