/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * irqbalance.h - the daemon that spreads interrupts, and which of ours it would move
 *
 * Our daemons send back what it moves, within a second, so both would go on for ever: it is
 * told of, with what keeps it off. We do not give it orders ourselves: "settings ban irqs" on its
 * socket forgets all that it was forbidden before, by the administrator or by somebody else,
 * takes no more than a line of a few hundred bytes, and is itself forgotten when it
 * starts again.
 */
#ifndef VC_PARTITION_IRQBALANCE_H
#define VC_PARTITION_IRQBALANCE_H

#include <stddef.h>
#include <sys/types.h>

/* One that runs; 0: none. root is the directory with proc in it. */
pid_t irqbalance_find(int root);
/* Which of n interrupts its command line does not forbid it, in the order that they have.
 * Returns how many it has left in irqs. */
size_t irqbalance_left(int root, pid_t pid, unsigned int *irqs, size_t n);

#endif
