// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * vcstat-devices.c - shows which jobs may open the partitions' devices, and which CPUs got the
 * devices' interrupts within a second
 */
#include "cli/vcstat.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/client.h"
#include "cli/columns.h"
#include "cli/json.h"
#include "common/clock.h"

#define DEVICES_SEC 1

static const Vc__Irq *devices_find(const struct client_status *status, uint32_t number)
{
	for (size_t i = 0; i < status->n_devices; i++) {
		const Vc__Device *device = status->devices[i];

		for (size_t k = 0; k < device->n_irqs; k++)
			if (device->irqs[k]->number == number)
				return device->irqs[k];
	}
	return NULL;
}

/* The number of interrupts that arrived at a CPU between two samples. */
static uint64_t devices_arrived(const Vc__Irq *irq, const Vc__Irq *before, size_t cpu)
{
	if (!before || cpu >= before->n_counts || irq->counts[cpu] < before->counts[cpu])
		return 0;
	return irq->counts[cpu] - before->counts[cpu];
}

/* "1:250 3:1": the CPUs that got interrupts. */
static void devices_format(const Vc__Irq *irq, const Vc__Irq *before, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t cpu = 0; cpu < irq->n_counts && len < size; cpu++) {
		uint64_t n = devices_arrived(irq, before, cpu);

		if (n > 0)
			len += (size_t)snprintf(buf + len, size - len, "%s%zu:%" PRIu64,
						len ? " " : "", cpu, n);
	}
	if (!*buf)
		snprintf(buf, size, "-");
}

static const char *devices_state(const Vc__Irq *irq)
{
	return irq->routed ? "routed" : "unroutable: the kernel spreads it";
}

/* "a,b", or "-" for none. */
static void devices_join(char *const *words, size_t n, char *buf, size_t size)
{
	size_t len = 0;

	snprintf(buf, size, "-");
	for (size_t i = 0; i < n && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", i ? "," : "", words[i]);
}

static void devices_begin_row(struct columns *table, const Vc__Device *device)
{
	char sharers[256];

	devices_join(device->sharers, device->n_sharers, sharers, sizeof(sharers));
	columns_add(table, "%s", device->name);
	columns_add(table, "%s", *device->owner ? device->owner : "-");
	columns_add(table, "%s", sharers);
}

/* The line for the nodes. */
static void devices_add_nodes(struct columns *table, const Vc__Device *device)
{
	char nodes[256];

	devices_join(device->nodes, device->n_nodes, nodes, sizeof(nodes));
	devices_begin_row(table, device);
	columns_add(table, "-");
	columns_add(table, "%s", nodes);
	for (int i = 0; i < 3; i++)
		columns_add(table, "-");
	columns_add(table, "%s", device->denied ? "denied to others" : "open to others");
}

static void devices_table(const struct client_status *now, const struct client_status *before)
{
	struct columns *table = columns_new("DEVICE|OWNER|SHARED|>IRQ|NAME|CPUS|AT|ARRIVED|STATE");
	char arrived[256];

	for (size_t i = 0; i < now->n_devices; i++) {
		const Vc__Device *device = now->devices[i];

		if (device->n_nodes > 0)
			devices_add_nodes(table, device);
		for (size_t k = 0; k < device->n_irqs; k++) {
			const Vc__Irq *irq = device->irqs[k];

			devices_format(irq, devices_find(before, irq->number), arrived,
				       sizeof(arrived));
			devices_begin_row(table, device);
			columns_add(table, "%u", irq->number);
			columns_add(table, "%s", irq->name);
			columns_add(table, "%s", irq->wanted);
			columns_add(table, "%s", irq->effective);
			columns_add(table, "%s", arrived);
			columns_add(table, "%s", devices_state(irq));
		}
	}
	columns_print(table, stdout);
	columns_free(table);
}

static json_t *devices_irq_json(const Vc__Irq *irq, const Vc__Irq *before)
{
	json_t *arrived = json_array();

	for (size_t cpu = 0; cpu < irq->n_counts; cpu++)
		json_array_append_new(arrived,
				      json_integer((json_int_t)devices_arrived(irq, before, cpu)));
	return json_pack("{s:i, s:s, s:s, s:s, s:b, s:o}", "irq", (int)irq->number, "name",
			 irq->name, "cpus", irq->wanted, "effective", irq->effective, "routed",
			 irq->routed, "arrived", arrived);
}

static json_t *devices_strings(char *const *words, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(words[i]));
	return list;
}

static void devices_json(const struct client_status *now, const struct client_status *before)
{
	json_t *list = json_array();

	for (size_t i = 0; i < now->n_devices; i++) {
		const Vc__Device *device = now->devices[i];
		json_t *irqs = json_array();

		for (size_t k = 0; k < device->n_irqs; k++)
			json_array_append_new(
				irqs,
				devices_irq_json(device->irqs[k],
						 devices_find(before, device->irqs[k]->number)));
		json_array_append_new(
			list,
			json_pack("{s:s, s:o, s:o, s:o, s:b, s:o}", "device", device->name, "owner",
				  *device->owner ? json_string(device->owner) : json_null(),
				  "sharers", devices_strings(device->sharers, device->n_sharers),
				  "nodes", devices_strings(device->nodes, device->n_nodes),
				  "denied", device->denied, "irqs", irqs));
	}
	json_print(json_pack("{s:o}", "devices", list));
}

int vcstat_devices(const char *state_dir, bool json)
{
	Vc__Status wanted = VC__STATUS__INIT;
	struct client_status before = { 0 }, now = { 0 };
	struct vc_err err;
	int r;

	wanted.has_devices = wanted.devices = true;
	r = client_status(state_dir, &wanted, &before, &err);
	if (r == 0) {
		clock_sleep_usec(DEVICES_SEC * 1000000);
		r = client_status(state_dir, &wanted, &now, &err);
	}
	if (r < 0)
		fprintf(stderr, "vcstat: %s\n", err.text);
	else if (json)
		devices_json(&now, &before);
	else
		devices_table(&now, &before);
	client_status_done(&before);
	client_status_done(&now);
	return r < 0 || fflush(stdout) != 0;
}
