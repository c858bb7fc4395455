// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * irqbalance.c - the daemon irqbalance, and which of our interrupts it may move
 */
#include "partition/device/irqbalance.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/procdir.h"

#define CMDLINE_MAX 65536

pid_t irqbalance_find(int root)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	pid_t pid;

	procdir_open(&dir, root, "proc");
	while ((pid = procdir_next_pid(&dir)) > 0) {
		char path[32], name[32];

		snprintf(path, sizeof(path), "%d/comm", (int)pid);
		if (file_read(dir.fd, path, name, sizeof(name)) > 0 && !strcmp(name, "irqbalance"))
			return pid;
	}
	return 0;
}

/* Returns the number of "--banirq=36", "-i36", or of the word after "--banirq", "-i"; NULL: none.
 */
static const char *irqbalance_banned_number(const char *word, const char *next)
{
	static const char *const options[] = { "--banirq", "-i" };

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const char *rest = word + strlen(options[i]);

		if (strncmp(word, options[i], strlen(options[i])) != 0)
			continue;
		if (!*rest)
			return next;
		return *rest == '=' ? rest + 1 : rest;
	}
	return NULL;
}

static bool irqbalance_is_banned(const char *cmdline, size_t len, unsigned int irq)
{
	for (const char *word = cmdline; word < cmdline + len; word += strlen(word) + 1) {
		const char *next = word + strlen(word) + 1;
		const char *number =
			irqbalance_banned_number(word, next < cmdline + len ? next : NULL);

		if (number && strtoul(number, NULL, 10) == irq)
			return true;
	}
	return false;
}

size_t irqbalance_left(int root, pid_t pid, unsigned int *irqs, size_t n)
{
	_cleanup_free_ char *cmdline = NULL;
	char path[64];
	ssize_t len;
	size_t left = 0;

	snprintf(path, sizeof(path), "proc/%d/cmdline", (int)pid);
	len = file_read_all(root, path, CMDLINE_MAX, &cmdline);
	for (size_t i = 0; i < n; i++) {
		if (len <= 0 || !irqbalance_is_banned(cmdline, (size_t)len, irqs[i]))
			irqs[left++] = irqs[i];
	}
	return left;
}
