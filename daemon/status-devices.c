// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * status-devices.c - the devices of all partitions, as /proc has their interrupts now
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "partition/device.h"
#include "partition/irq.h"

static void irq_done(Vc__Irq *irq)
{
	free(irq->name);
	free(irq->wanted);
	free(irq->effective);
	free(irq->counts);
	free(irq);
}

void status_devices_done(Vc__StatusReply *reply)
{
	for (size_t i = 0; i < reply->n_devices; i++) {
		Vc__Device *device = reply->devices[i];

		for (size_t k = 0; k < device->n_irqs; k++)
			irq_done(device->irqs[k]);
		free(device->irqs);
		free(device->name);
		free(device);
	}
	free(reply->devices);
}

static Vc__Irq *irq_new(int root, unsigned int number, const char *cpus)
{
	struct irq_state state = { .n_cpus = 0 };
	Vc__Irq *irq = malloc(sizeof(*irq));

	if (!irq)
		return NULL;
	vc__irq__init(irq);
	irq_read(root, number, &state);
	irq->number = number;
	irq->name = strdup(state.name);
	irq->wanted = strdup(state.wanted);
	irq->effective = strdup(state.effective);
	irq->has_routed = true;
	irq->routed = !strcmp(state.wanted, cpus);
	irq->counts = calloc(state.n_cpus + 1, sizeof(*irq->counts));
	if (!irq->name || !irq->wanted || !irq->effective || !irq->counts) {
		irq_done(irq);
		return NULL;
	}
	memcpy(irq->counts, state.count, state.n_cpus * sizeof(*irq->counts));
	irq->n_counts = state.n_cpus;
	return irq;
}

/* On failure what there is of it is in the reply, to be freed with it. */
static int add_device(int root, const struct partition_spec *spec, const char *name,
		      Vc__StatusReply *reply)
{
	Vc__Device **grown = reallocarray(reply->devices, reply->n_devices + 1, sizeof(*grown));
	unsigned int irqs[DEVICE_IRQS_MAX];
	Vc__Device *device;
	size_t n = 0;

	if (!grown)
		return -ENOMEM;
	reply->devices = grown;
	device = malloc(sizeof(*device));
	if (!device)
		return -ENOMEM;
	vc__device__init(device);
	grown[reply->n_devices++] = device;
	/* It may have been unplugged: then it has none. */
	device_irqs(root, name, irqs, DEVICE_IRQS_MAX, &n, NULL);
	device->owner = (char *)spec->name;
	device->name = strdup(name);
	device->irqs = calloc(n + 1, sizeof(Vc__Irq *));
	if (!device->name || !device->irqs)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		device->irqs[i] = irq_new(root, irqs[i], spec->cpus);
		if (!device->irqs[i])
			return -ENOMEM;
		device->n_irqs = i + 1;
	}
	return 0;
}

int status_devices(struct daemon *daemon, Vc__StatusReply *reply)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct config *config = daemon->instance->config;

	for (size_t i = 0; i < config->n_parts; i++) {
		const char *list = config->parts[i].devices;
		char name[DEVICE_NAME_MAX];

		while (list && device_next(&list, name)) {
			int r = add_device(root, &config->parts[i], name, reply);

			if (r < 0)
				return r;
		}
	}
	return 0;
}
