/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * irq.h - the CPUs that interrupts go to
 *
 * root is the directory with proc: "/", or a directory of a test. state is the instance's
 * directory; "irqs/N" in it has the CPUs of interrupt N before it was routed.
 */
#ifndef VC_PARTITION_IRQ_H
#define VC_PARTITION_IRQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define IRQ_CPUS_MAX 256 /* that are counted */
#define IRQ_LIST_TEXT 256

struct irq_state {
	char wanted[IRQ_LIST_TEXT];    /* allowed CPUs */
	char effective[IRQ_LIST_TEXT]; /* CPUs in use; the kernel often takes one */
	char name[64];                 /* as in /proc/interrupts */
	uint64_t count[IRQ_CPUS_MAX];  /* by CPU */
	size_t n_cpus;
};

/*
 * Sends an interrupt to these CPUs, after noting its former ones. Returns 0; -EPERM: the kernel
 * manages it (it has chosen a CPU for the queue); -ENOENT: it is gone.
 */
int irq_route(int root, int state, unsigned int irq, const char *cpus, struct vc_err *err);
void irq_restore_all(int root, int state);
int irq_read(int root, unsigned int irq, struct irq_state *ret);

/* Lists the interrupts of a list of devices, which may be NULL, at most max. Returns their number.
 */
size_t irq_list(int root, const char *devices, unsigned int *ret, size_t max);
/* Routes them all. An unroutable one is left, and irq_read() shows it. Returns how many were
 * routed. */
size_t irq_route_devices(int root, int state, const char *devices, const char *cpus);
void irq_restore_devices(int root, int state, const char *devices);

/*
 * Interrupts leave their CPUs: when the last of these goes offline, the kernel sends them
 * elsewhere, and not back; a driver that is loaded again or gets more queues has new ones;
 * irqbalance moves them. A watch remembers the result for each, so that an unroutable one is tried
 * again only after a change.
 */
struct irq_watch {
	char online[IRQ_LIST_TEXT]; /* CPUs at the last check */
	char cpus[IRQ_LIST_TEXT];   /* the owner's at that time */
	struct irq_seen *seen;      /* interrupts that are, or were, on other CPUs */
	size_t n;
};

/* Sends interrupts that are on other CPUs back. Returns their number. An empty watch is all zeroes.
 */
size_t irq_watch_look(int root, int state, const char *devices, const char *cpus,
		      struct irq_watch *watch);
void irq_watch_done(struct irq_watch *watch);

#endif
