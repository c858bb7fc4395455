// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * irqbalance.c - whether irqbalance works against the partitions
 */
#include "admin/admin.h"

#include <fcntl.h>
#include <stdio.h>

#include "common/cleanup.h"
#include "partition/device/device.h"
#include "partition/device/irq.h"
#include "partition/device/irqbalance.h"

bool admin_irqbalance(const struct instance *in, pid_t *ret_pid, char *ret_found, size_t found_size,
		      char *ret_remedy, size_t remedy_size)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	pid_t pid = irqbalance_find(root);
	unsigned int irqs[DEVICE_IRQS_MAX];
	size_t n = 0, left, len;

	*ret_pid = pid;
	for (size_t i = 0; i < in->config->n_parts; i++)
		n += irq_list(root, in->config->parts[i].devices, irqs + n, DEVICE_IRQS_MAX - n);
	left = pid ? irqbalance_left(root, pid, irqs, n) : 0;
	if (left == 0)
		return false;
	snprintf(ret_found, found_size,
		 "irqbalance runs (pid %d), and moves interrupts of partitions' devices, which are "
		 "sent back each time",
		 (int)pid);
	len = (size_t)snprintf(ret_remedy, remedy_size,
			       "end it (systemctl disable --now irqbalance), or add to its options "
			       "(IRQBALANCE_ARGS in /etc/default/irqbalance)");
	for (size_t i = 0; i < left && len < remedy_size; i++)
		len += (size_t)snprintf(ret_remedy + len, remedy_size - len, " --banirq=%u",
					irqs[i]);
	return true;
}
