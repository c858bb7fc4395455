/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * irqbalance.h - the daemon irqbalance, and which of our interrupts it may move
 *
 * Our daemons send back the interrupts that it moves, within a second, so both would continue
 * forever. So vcctl warns about it and says how to keep it off. We do not configure it: "settings
 * ban irqs" on its socket replaces all earlier bans of the administrator, takes a line of only a
 * few hundred bytes, and is lost when it starts again.
 */
#ifndef VC_PARTITION_IRQBALANCE_H
#define VC_PARTITION_IRQBALANCE_H

#include <stddef.h>
#include <sys/types.h>

/* Returns the PID of a running one; 0: none. root is the directory with proc. */
pid_t irqbalance_find(int root);
/* Keeps in irqs those that its command line does not ban, in their order. Returns their number. */
size_t irqbalance_left(int root, pid_t pid, unsigned int *irqs, size_t n);

#endif
