// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * device.c - the devices of all partitions, from the kernel
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "daemon/daemon.h"
#include "daemon/snapshot/snapshot.h"
#include "partition/device/deny.h"
#include "partition/device/device.h"
#include "partition/device/irq.h"
#include "wire/wire.h"

struct snapshot_devices {
	int root;                    /* "/" */
	bool denied[PARTITIONS_MAX]; /* what must be denied to a partition is denied */
	size_t n_looked;             /* of these are known */
	char (*names)[DEVICE_NAME_MAX];
	size_t n;
};

static void irq_done(Vc__Irq *irq)
{
	free(irq->name);
	free(irq->wanted);
	free(irq->effective);
	free(irq->counts);
	free(irq);
}

static void snapshot_device_done(struct snapshot_item *item)
{
	Vc__Device *device = &item->device;

	for (size_t i = 0; i < device->n_irqs; i++)
		irq_done(device->irqs[i]);
	for (size_t i = 0; i < device->n_nodes; i++)
		free(device->nodes[i]);
	free(device->irqs);
	free(device->nodes);
	free(device->sharers);
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
	WIRE_SET(irq, routed, !strcmp(state.wanted, cpus));
	irq->counts = calloc(state.n_cpus + 1, sizeof(*irq->counts));
	if (!irq->name || !irq->wanted || !irq->effective || !irq->counts) {
		irq_done(irq);
		return NULL;
	}
	memcpy(irq->counts, state.count, state.n_cpus * sizeof(*irq->counts));
	irq->n_counts = state.n_cpus;
	return irq;
}

static int add_irqs(const struct snapshot_devices *devices, const char *name, const char *cpus,
		    Vc__Device *device)
{
	unsigned int irqs[DEVICE_IRQS_MAX];
	size_t n = 0;

	/* An unplugged device has none. */
	device_irqs(devices->root, name, irqs, DEVICE_IRQS_MAX, &n, NULL);
	device->irqs = calloc(n + 1, sizeof(Vc__Irq *));
	if (!device->irqs)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		device->irqs[i] = irq_new(devices->root, irqs[i], cpus);
		if (!device->irqs[i])
			return -ENOMEM;
		device->n_irqs = i + 1;
	}
	return 0;
}

static int add_nodes(const struct snapshot_devices *devices, const char *name, Vc__Device *device)
{
	struct device_node nodes[DEVICE_NODES_MAX];
	size_t n = 0;

	device_nodes(devices->root, name, nodes, DEVICE_NODES_MAX, &n, NULL);
	device->nodes = calloc(n + 1, sizeof(char *));
	if (!device->nodes)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (asprintf(&device->nodes[i], "%c %u:%u", nodes[i].block ? 'b' : 'c',
			     nodes[i].major, nodes[i].minor) < 0)
			return -ENOMEM;
		device->n_nodes = i + 1;
	}
	return 0;
}

/* The partitions that may open it too, and whether it is denied to the others. */
static int add_sharers(const struct snapshot_devices *devices, const struct config *config,
		       const char *name, Vc__Device *device)
{
	device->sharers = calloc(config->n_parts + 1, sizeof(char *));
	if (!device->sharers)
		return -ENOMEM;
	WIRE_SET(device, denied, true);
	for (size_t i = 0; i < config->n_parts; i++) {
		const struct partition_spec *spec = &config->parts[i];

		if (device_listed(spec->shares, name)) {
			device->sharers[device->n_sharers++] = (char *)spec->name;
		} else if (!spec_is_free(spec) && !deny_spares(spec, name)) {
			device->denied &= devices->denied[i];
		}
	}
	return 0;
}

/* Adds those names of a list that are new. */
static int add_names(struct snapshot_devices *devices, const char *list)
{
	char name[DEVICE_NAME_MAX];

	while (list && device_next(&list, name)) {
		char(*grown)[DEVICE_NAME_MAX];
		bool known = false;

		for (size_t i = 0; i < devices->n; i++)
			known |= !strcmp(devices->names[i], name);
		if (known)
			continue;
		grown = reallocarray(devices->names, devices->n + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		devices->names = grown;
		memcpy(grown[devices->n++], name, sizeof(name));
	}
	return 0;
}

void snapshot_devices_free(struct snapshot_devices *devices)
{
	if (!devices)
		return;
	closep(&devices->root);
	free(devices->names);
	free(devices);
}

static int devices_new(const struct config *config, struct snapshot_devices **ret)
{
	struct snapshot_devices *devices = calloc(1, sizeof(*devices));
	int r = devices ? 0 : -ENOMEM;

	if (devices)
		devices->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; r == 0 && i < config->n_parts; i++)
		r = add_names(devices, config->parts[i].devices);
	for (size_t i = 0; r == 0 && i < config->n_parts; i++)
		r = add_names(devices, config->parts[i].shares);
	if (r < 0)
		snapshot_devices_free(devices);
	else
		*ret = devices;
	return r;
}

static int snapshot_device_next(struct snapshot *snapshot, struct snapshot_item *item)
{
	const struct config *config = snapshot->daemon->instance->config;
	struct snapshot_devices *devices = snapshot->devices;

	if (!devices) {
		item->kind = SNAPSHOT_NONE;
		return devices_new(config, &snapshot->devices) < 0 ? -ENOMEM : 1;
	}
	if (snapshot->cursor == devices->n)
		return 0;
	if (devices->n_looked < config->n_parts) {
		size_t i = devices->n_looked++;

		devices->denied[i] = deny_is_applied(snapshot->daemon->cg, config, i);
		item->kind = SNAPSHOT_NONE;
		return 1;
	}
	item->cursor = snapshot->cursor++;
	return 1;
}

static int snapshot_device_fill(struct snapshot *snapshot, struct snapshot_item *item)
{
	const struct config *config = snapshot->daemon->instance->config;
	const struct snapshot_devices *devices = snapshot->devices;
	char *name = devices->names[item->cursor];
	const struct partition_spec *owner = NULL;
	Vc__Device *device = &item->device;
	int r;

	for (size_t i = 0; !owner && i < config->n_parts; i++)
		if (device_listed(config->parts[i].devices, name))
			owner = &config->parts[i];
	vc__device__init(device);
	device->owner = owner ? (char *)owner->name : (char *)"";
	device->name = name;
	r = owner ? add_irqs(devices, name, owner->cpus, device) : 0;
	if (r == 0)
		r = add_nodes(devices, name, device);
	return r == 0 ? add_sharers(devices, config, name, device) : r;
}

const struct snapshot_source snapshot_device_source = {
	.next = snapshot_device_next,
	.fill = snapshot_device_fill,
	.done = snapshot_device_done,
};
