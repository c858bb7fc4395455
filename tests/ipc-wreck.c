// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-wreck.c - ends with many objects that need much work to be put in order
 *
 *	ipc-wreck N	opens N semaphore sets of the largest size. In each of them a holder of the
 *			guard seems to have died with the longest log, and somebody seems to sleep
 *			on each semaphore.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ipcmap/door/door.h"
#include "ipcmap/kind.h"
#include "ipcmap/object/semset.h"

static void fail(const char *what, int r)
{
	fprintf(stderr, "%s: %s\n", what, strerror(-r));
	exit(1);
}

static void wreck(struct semset *set)
{
	uint32_t n = 2 * set->nsems;

	for (uint32_t i = 0; i < n; i++)
		set->log[i] =
			(struct semset_redo){ .index = i % set->nsems, .value = 1, .epoch = 1 };
	for (uint32_t i = 0; i < set->nsems; i++)
		set->sems[i].waiters = 1;
	set->head->log_n = n;
	set->head->guard = FUTEX_OWNER_DIED;
}

static void open_wreck(void)
{
	struct door_open req = { .kind = IPC_KIND_SYSV_SEM,
				 .flags = DOOR_CREATE,
				 .mode = 0600,
				 .size = semset_size(SEMSET_NSEMS_MAX) };
	struct door_object object;
	struct semset set;
	int r = door_open(&req, &object);
	void *memory;

	if (r < 0)
		fail("open", r);
	memory = mmap(NULL, req.size, PROT_READ | PROT_WRITE, MAP_SHARED, object.fd, 0);
	if (memory == MAP_FAILED || semset_view(memory, req.size, false, &set) < 0)
		fail("map", -ENOMEM);
	wreck(&set);
	munmap(memory, req.size);
	close(object.fd);
}

int main(int argc, char **argv)
{
	int n = argc == 2 ? atoi(argv[1]) : 0;

	for (int i = 0; i < n; i++)
		open_wreck();
	return n > 0 ? 0 : 1;
}
