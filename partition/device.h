/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * device.h - the devices of a partition, and their interrupts
 *
 *	block:vda  net:eth1  pci:0000:00:04.0  irq:36
 *
 * A device that a partition owns sends its interrupts to that partition's CPUs
 * (JP11085547 claim 3). They follow when the CPUs change, and go back to where they were
 * when the partition goes. A list of devices is their names, separated by blanks.
 */
#ifndef VC_PARTITION_DEVICE_H
#define VC_PARTITION_DEVICE_H

#include <stddef.h>

#include "common/err.h"

#define DEVICE_IRQS_MAX 256
#define DEVICE_NAME_MAX 64

/* Takes the next name off a list; false: there is none. A longer name is cut. */
int device_next(const char **list, char ret[static DEVICE_NAME_MAX]);

/*
 * The numbers of a device's interrupts, at most max, ascending. root is the directory
 * with sys and proc in it, "/" but in tests. -EINVAL: no name of a device; -ENODEV:
 * there is none of that name, or it has no interrupts of its own.
 */
int device_irqs(int root, const char *name, unsigned int *ret, size_t max, size_t *ret_n,
		struct vc_err *err);

#endif
