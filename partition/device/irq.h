/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * irq.h - where interrupts arrive
 *
 * root is the directory with proc in it, "/" but in tests. state is the instance's
 * directory: "irqs/N" there keeps where interrupt N went before anybody routed it.
 */
#ifndef VC_PARTITION_IRQ_H
#define VC_PARTITION_IRQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define IRQ_CPUS_MAX 256 /* whose counts are told */
#define IRQ_LIST_TEXT 256

struct irq_state {
	char wanted[IRQ_LIST_TEXT];    /* CPUs that it may go to */
	char effective[IRQ_LIST_TEXT]; /* those that it goes to; the kernel often takes one */
	char name[64];                 /* as in /proc/interrupts */
	uint64_t count[IRQ_CPUS_MAX];  /* so far, by CPU */
	size_t n_cpus;
};

/*
 * Sends an interrupt to these CPUs, noting first where it went. -EPERM: unroutable, the
 * kernel manages it (it has chosen a CPU for the queue); -ENOENT: it is gone.
 */
int irq_route(int root, int state, unsigned int irq, const char *cpus, struct vc_err *err);
/* Puts an interrupt back where it was; nothing noted is success. */
void irq_restore(int root, int state, unsigned int irq);
void irq_restore_all(int root, int state);
int irq_read(int root, unsigned int irq, struct irq_state *ret);

/* The interrupts of a list of devices, which may be NULL, at most max. Returns how many. */
size_t irq_list(int root, const char *devices, unsigned int *ret, size_t max);
/* Routes them all; what cannot be routed is left, and irq_read()
 * shows it. Returns how many were routed. */
size_t irq_route_devices(int root, int state, const char *devices, const char *cpus);
void irq_restore_devices(int root, int state, const char *devices);

/*
 * Interrupts do not stay where they were sent: when the last of their CPUs goes offline the
 * kernel sends them elsewhere, and not back; a driver that is loaded anew or given more
 * queues has new ones; irqbalance moves them. A watch remembers what became of each, so
 * that one that is unroutable is tried again only when something about it has changed.
 */
struct irq_watch {
	char online[IRQ_LIST_TEXT]; /* CPUs, at the last look */
	char cpus[IRQ_LIST_TEXT];   /* the owner's, then */
	struct irq_seen *seen;      /* those that are not, or were not, where they belong */
	size_t n;
};

/* Sends those that are not where they belong there again. Returns how many went. An empty watch
 * is all zeroes. */
size_t irq_watch_look(int root, int state, const char *devices, const char *cpus,
		      struct irq_watch *watch);
void irq_watch_done(struct irq_watch *watch);

#endif
