// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * status-devices.c - the devices of all partitions, as the kernel has them now
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "daemon/daemon.h"
#include "daemon/request/status.h"
#include "partition/device/deny.h"
#include "partition/device/device.h"
#include "partition/device/irq.h"

/* The devices of one answer, of which some have been given already. */
struct status_devices {
	int root;                    /* "/" */
	bool denied[PARTITIONS_MAX]; /* what is to be denied to a partition is */
	size_t n_looked;             /* partitions of which that is known */
	char (*names)[DEVICE_NAME_MAX];
	size_t n, given;
};

static void irq_done(Vc__Irq *irq)
{
	free(irq->name);
	free(irq->wanted);
	free(irq->effective);
	free(irq->counts);
	free(irq);
}

static void strings_done(char **strings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(strings[i]);
	free(strings);
}

void status_devices_done(Vc__StatusReply *reply)
{
	for (size_t i = 0; i < reply->n_devices; i++) {
		Vc__Device *device = reply->devices[i];

		for (size_t k = 0; k < device->n_irqs; k++)
			irq_done(device->irqs[k]);
		free(device->irqs);
		strings_done(device->sharers, device->n_sharers);
		strings_done(device->nodes, device->n_nodes);
		free(device->name);
		free(device);
	}
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

static int add_irqs(const struct status_devices *look, const char *name, const char *cpus,
		    Vc__Device *device)
{
	unsigned int irqs[DEVICE_IRQS_MAX];
	size_t n = 0;

	/* It may have been unplugged: then it has none. */
	device_irqs(look->root, name, irqs, DEVICE_IRQS_MAX, &n, NULL);
	device->irqs = calloc(n + 1, sizeof(Vc__Irq *));
	if (!device->irqs)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		device->irqs[i] = irq_new(look->root, irqs[i], cpus);
		if (!device->irqs[i])
			return -ENOMEM;
		device->n_irqs = i + 1;
	}
	return 0;
}

static int add_nodes(const struct status_devices *look, const char *name, Vc__Device *device)
{
	struct device_node nodes[DEVICE_NODES_MAX];
	size_t n = 0;

	device_nodes(look->root, name, nodes, DEVICE_NODES_MAX, &n, NULL);
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

/* Who else may open it, and whether the others are kept from it. */
static int add_sharers(const struct status_devices *look, const struct config *config,
		       const char *name, Vc__Device *device)
{
	device->sharers = calloc(config->n_parts + 1, sizeof(char *));
	if (!device->sharers)
		return -ENOMEM;
	device->has_denied = device->denied = true;
	for (size_t i = 0; i < config->n_parts; i++) {
		const struct partition_spec *spec = &config->parts[i];

		if (device_listed(spec->shares, name)) {
			device->sharers[device->n_sharers] = strdup(spec->name);
			if (!device->sharers[device->n_sharers])
				return -ENOMEM;
			device->n_sharers++;
		} else if (!spec_is_free(spec) && !deny_spares(spec, name)) {
			device->denied &= look->denied[i];
		}
	}
	return 0;
}

/* owner NULL: none. On failure what there is of it is in the reply, to be freed with it. */
static int add_device(const struct status_devices *look, const struct config *config,
		      const struct partition_spec *owner, const char *name, Vc__StatusReply *reply)
{
	Vc__Device *device = malloc(sizeof(*device));
	int r;

	if (!device)
		return -ENOMEM;
	vc__device__init(device);
	reply->devices[reply->n_devices++] = device;
	device->owner = (char *)(owner ? owner->name : "");
	device->name = strdup(name);
	if (!device->name)
		return -ENOMEM;
	r = owner ? add_irqs(look, name, owner->cpus, device) : 0;
	if (r == 0)
		r = add_nodes(look, name, device);
	return r == 0 ? add_sharers(look, config, name, device) : r;
}

/* The names of a list that are not noted yet. */
static int note_names(struct status_devices *devices, const char *list)
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

int status_devices_new(struct daemon *daemon, struct status_devices **ret)
{
	const struct config *config = daemon->instance->config;
	struct status_devices *devices = calloc(1, sizeof(*devices));
	int r = devices ? 0 : -ENOMEM;

	if (devices)
		devices->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; r == 0 && i < config->n_parts; i++)
		r = note_names(devices, config->parts[i].devices);
	for (size_t i = 0; r == 0 && i < config->n_parts; i++)
		r = note_names(devices, config->parts[i].shares);
	if (r < 0)
		status_devices_free(devices);
	else
		*ret = devices;
	return r;
}

void status_devices_free(struct status_devices *devices)
{
	if (!devices)
		return;
	closep(&devices->root);
	free(devices->names);
	free(devices);
}

int status_devices_add(struct daemon *daemon, struct status_devices *devices,
		       Vc__StatusReply *reply)
{
	const struct config *config = daemon->instance->config;
	const struct partition_spec *owner = NULL;
	const char *name;
	int r;

	if (devices->given == devices->n)
		return 0;
	if (devices->n_looked < config->n_parts) {
		size_t i = devices->n_looked++;

		devices->denied[i] = deny_is_applied(daemon->cg, config, i);
		return 1;
	}
	name = devices->names[devices->given++];
	for (size_t i = 0; !owner && i < config->n_parts; i++)
		if (device_listed(config->parts[i].devices, name))
			owner = &config->parts[i];
	r = add_device(devices, config, owner, name, reply);
	return r < 0 ? r : 1;
}
