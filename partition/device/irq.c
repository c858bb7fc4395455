// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * irq.c - the CPUs that interrupts go to
 *
 * Measured on 6.18: queues of virtio-net, config vectors and line interrupts can be routed. The
 * kernel itself spreads the request queues of NVMe and, with several of them, of virtio-blk; a
 * write fails with EIO. A routed interrupt moves lazily: one more may arrive at the old CPU.
 */
#include "partition/device/irq.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/statedir.h"
#include "common/trust.h"
#include "partition/device/device.h"

#define INTERRUPTS_MAX (4u << 20)

static int irq_note_origin(int root, int state, unsigned int irq)
{
	char path[64], note[32], cpus[IRQ_LIST_TEXT];
	ssize_t len;

	snprintf(note, sizeof(note), STATE_IRQS "/%u", irq);
	if (faccessat(state, note, F_OK, 0) == 0)
		return 0;
	snprintf(path, sizeof(path), "proc/irq/%u/smp_affinity_list", irq);
	len = file_read(root, path, cpus, sizeof(cpus));
	if (len < 0)
		return (int)len;
	if (mkdirat(state, STATE_IRQS, 0700) < 0 && errno != EEXIST)
		return -errno;
	return file_replace(state, note, cpus, (size_t)len, 0600);
}

int irq_route(int root, int state, unsigned int irq, const char *cpus, struct vc_err *err)
{
	char path[64];
	int r = irq_note_origin(root, state, irq);

	snprintf(path, sizeof(path), "proc/irq/%u/smp_affinity_list", irq);
	if (r == 0)
		r = file_write(root, path, cpus);
	if (r == -EIO || r == -EPERM)
		return err_set(err, EPERM,
			       "interrupt %u is unroutable: the kernel manages it, and sends it to "
			       "the CPU that it has chosen for the queue",
			       irq);
	return r < 0 ? err_sys(err, -r, "cannot send interrupt %u to CPUs %s", irq, cpus) : 0;
}

/* Sends an interrupt back to its former CPUs, if they are noted. */
static void irq_restore(int root, int state, unsigned int irq)
{
	_cleanup_free_ char *cpus = NULL;
	char path[64], note[32];

	snprintf(note, sizeof(note), STATE_IRQS "/%u", irq);
	if (trust_read_all(state, note, IRQ_LIST_TEXT, &cpus) < 0)
		return;
	snprintf(path, sizeof(path), "proc/irq/%u/smp_affinity_list", irq);
	file_write(root, path, cpus);
	unlinkat(state, note, 0);
}

void irq_restore_all(int root, int state)
{
	int fd = trust_openat(state, STATE_IRQS, O_RDONLY | O_DIRECTORY, 0);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char *end;
		unsigned long irq = strtoul(entry->d_name, &end, 10);

		if (!*end && entry->d_name[0] != '.')
			irq_restore(root, state, (unsigned int)irq);
	}
}

/* Reads the line "36:  count count ...  chip  name" of /proc/interrupts. */
static void irq_read_counts(int root, unsigned int irq, struct irq_state *ret)
{
	_cleanup_free_ char *text = NULL;
	char label[32];
	char *line, *end;

	if (file_read_all(root, "proc/interrupts", INTERRUPTS_MAX, &text) < 0)
		return;
	snprintf(label, sizeof(label), "%u:", irq);
	for (line = text; line; line = strchr(line, '\n')) {
		line += strspn(line, "\n ");
		if (!strncmp(line, label, strlen(label)))
			break;
	}
	if (!line)
		return;
	line += strlen(label);
	line[strcspn(line, "\n")] = '\0';
	while (ret->n_cpus < IRQ_CPUS_MAX) {
		uint64_t count = strtoull(line, &end, 10);

		if (end == line || (*end != ' ' && *end))
			break;
		ret->count[ret->n_cpus++] = count;
		line = end;
	}
	end = strrchr(line, ' ');
	snprintf(ret->name, sizeof(ret->name), "%s", end ? end + 1 : line);
}

int irq_read(int root, unsigned int irq, struct irq_state *ret)
{
	struct irq_state state = { .n_cpus = 0 };
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "proc/irq/%u/smp_affinity_list", irq);
	len = file_read(root, path, state.wanted, sizeof(state.wanted));
	if (len < 0)
		return (int)len;
	snprintf(path, sizeof(path), "proc/irq/%u/effective_affinity_list", irq);
	file_read(root, path, state.effective, sizeof(state.effective));
	irq_read_counts(root, irq, &state);
	*ret = state;
	return 0;
}

size_t irq_list(int root, const char *devices, unsigned int *ret, size_t max)
{
	char name[DEVICE_NAME_MAX];
	size_t total = 0, n;

	while (devices && total < max && device_next(&devices, name)) {
		if (device_irqs(root, name, ret + total, max - total, &n, NULL) == 0)
			total += n;
	}
	return total;
}

size_t irq_route_devices(int root, int state, const char *devices, const char *cpus)
{
	unsigned int irqs[DEVICE_IRQS_MAX];
	size_t routed = 0, n = irq_list(root, devices, irqs, DEVICE_IRQS_MAX);

	for (size_t i = 0; i < n; i++)
		routed += irq_route(root, state, irqs[i], cpus, NULL) == 0;
	return routed;
}

void irq_restore_devices(int root, int state, const char *devices)
{
	unsigned int irqs[DEVICE_IRQS_MAX];
	size_t n = irq_list(root, devices, irqs, DEVICE_IRQS_MAX);

	for (size_t i = 0; i < n; i++)
		irq_restore(root, state, irqs[i]);
}
