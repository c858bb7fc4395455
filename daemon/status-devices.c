// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * status-devices.c - the devices of all partitions, as the kernel has them now
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "partition/deny.h"
#include "partition/device.h"
#include "partition/irq.h"

/* What is looked at for one answer. */
struct look {
	struct daemon *daemon;
	int root;
	bool denied[PARTITIONS_MAX]; /* what is to be denied to a partition is */
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

static int add_irqs(const struct look *look, const char *name, const char *cpus, Vc__Device *device)
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

static int add_nodes(const struct look *look, const char *name, Vc__Device *device)
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
static int add_sharers(const struct look *look, const char *name, Vc__Device *device)
{
	const struct config *config = look->daemon->instance->config;

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
static int add_device(const struct look *look, const struct partition_spec *owner, const char *name,
		      Vc__StatusReply *reply)
{
	Vc__Device **grown = reallocarray(reply->devices, reply->n_devices + 1, sizeof(*grown));
	Vc__Device *device;
	int r;

	if (!grown)
		return -ENOMEM;
	reply->devices = grown;
	device = malloc(sizeof(*device));
	if (!device)
		return -ENOMEM;
	vc__device__init(device);
	grown[reply->n_devices++] = device;
	device->owner = (char *)(owner ? owner->name : "");
	device->name = strdup(name);
	if (!device->name)
		return -ENOMEM;
	r = owner ? add_irqs(look, name, owner->cpus, device) : 0;
	if (r == 0)
		r = add_nodes(look, name, device);
	return r == 0 ? add_sharers(look, name, device) : r;
}

/* The devices of a list that the reply does not have yet. */
static int add_list(const struct look *look, const char *list, const struct partition_spec *owner,
		    Vc__StatusReply *reply)
{
	char name[DEVICE_NAME_MAX];

	while (list && device_next(&list, name)) {
		bool known = false;
		int r;

		for (size_t i = 0; i < reply->n_devices; i++)
			known |= !strcmp(reply->devices[i]->name, name);
		r = known ? 0 : add_device(look, owner, name, reply);
		if (r < 0)
			return r;
	}
	return 0;
}

int status_devices(struct daemon *daemon, Vc__StatusReply *reply)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct config *config = daemon->instance->config;
	struct look look = { .daemon = daemon, .root = root };
	int r = 0;

	for (size_t i = 0; i < config->n_parts; i++)
		look.denied[i] = deny_is_applied(daemon->cg, config, i);
	for (size_t i = 0; r == 0 && i < config->n_parts; i++)
		r = add_list(&look, config->parts[i].devices, &config->parts[i], reply);
	for (size_t i = 0; r == 0 && i < config->n_parts; i++)
		r = add_list(&look, config->parts[i].shares, NULL, reply);
	return r;
}
