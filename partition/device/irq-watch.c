// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * irq-watch.c - keeps interrupts on the CPUs of their partition
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/file.h"
#include "partition/device/device.h"
#include "partition/device/irq.h"

struct irq_seen {
	unsigned int irq;
	char left[IRQ_LIST_TEXT]; /* the allowed CPUs after it was last sent */
};

void irq_watch_done(struct irq_watch *watch)
{
	free(watch->seen);
	*watch = (struct irq_watch){ .n = 0 };
}

/* When the CPUs change, unroutable interrupts are tried again. */
static void irq_watch_take_cpus(int root, const char *cpus, struct irq_watch *watch)
{
	char online[IRQ_LIST_TEXT] = "";

	file_read(root, "sys/devices/system/cpu/online", online, sizeof(online));
	if (!strcmp(online, watch->online) && !strcmp(cpus, watch->cpus))
		return;
	memcpy(watch->online, online, sizeof(online));
	snprintf(watch->cpus, sizeof(watch->cpus), "%s", cpus);
	watch->n = 0;
}

static struct irq_seen *irq_watch_find(struct irq_watch *watch, unsigned int irq)
{
	for (size_t i = 0; i < watch->n; i++) {
		if (watch->seen[i].irq == irq)
			return &watch->seen[i];
	}
	return NULL;
}

static void irq_watch_remember(struct irq_watch *watch, unsigned int irq, const char *left)
{
	struct irq_seen *seen = irq_watch_find(watch, irq);

	if (!seen) {
		seen = array_add(&watch->seen, &watch->n);
		if (!seen)
			return;
		seen->irq = irq;
	}
	snprintf(seen->left, sizeof(seen->left), "%s", left);
}

/* Returns true when it was on other CPUs and was sent back. */
static bool irq_watch_look_at(int root, int state, unsigned int irq, struct irq_watch *watch)
{
	const struct irq_seen *seen = irq_watch_find(watch, irq);
	char path[64], now[IRQ_LIST_TEXT];
	bool went;

	snprintf(path, sizeof(path), "proc/irq/%u/smp_affinity_list", irq);
	if (file_read(root, path, now, sizeof(now)) < 0 || !strcmp(now, watch->cpus) ||
	    (seen && !strcmp(seen->left, now)))
		return false;
	went = irq_route(root, state, irq, watch->cpus, NULL) == 0;
	if (file_read(root, path, now, sizeof(now)) >= 0)
		irq_watch_remember(watch, irq, now);
	return went;
}

size_t irq_watch_look(int root, int state, const char *devices, const char *cpus,
		      struct irq_watch *watch)
{
	unsigned int irqs[DEVICE_IRQS_MAX];
	size_t went = 0, n = irq_list(root, devices, irqs, DEVICE_IRQS_MAX);

	irq_watch_take_cpus(root, cpus, watch);
	for (size_t i = 0; i < n; i++)
		went += irq_watch_look_at(root, state, irqs[i], watch);
	return went;
}
