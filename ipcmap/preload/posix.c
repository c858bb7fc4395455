// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * posix.c - opening POSIX objects by name, and their first moments
 *
 * Who makes a queue or semaphore sets its attributes or value before others may see it; the name
 * is there before that. So others wait for a word in the object; a creator that was killed
 * in between leaves an object that never was.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "ipcmap/preload/preload.h"
#include "ipcmap/wait.h"

#define READY_PATIENCE_USEC 1000000

static bool posix_wait_ready(int fd, uint64_t at)
{
	uint64_t deadline = clock_mono_usec() + READY_PATIENCE_USEC;
	void *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	uint32_t *word = (uint32_t *)((char *)page + at);
	bool ready;

	if (page == MAP_FAILED)
		return false;
	while (!__atomic_load_n(word, __ATOMIC_ACQUIRE) && clock_mono_usec() < deadline)
		wait_on(word, 0, deadline);
	ready = __atomic_load_n(word, __ATOMIC_ACQUIRE) != 0;
	munmap(page, 4096);
	return ready;
}

void posix_ready(uint32_t *word)
{
	__atomic_store_n(word, 1, __ATOMIC_RELEASE);
	wait_wake(word, INT32_MAX);
}

int posix_open(uint32_t kind, const char *name, int oflag, mode_t mode, uint64_t size,
	       const struct door_limit *limit, uint64_t ready, struct door_object *ret)
{
	struct door_open req = { .kind = kind, .name = name, .size = size, .limit = limit };
	int r;

	if (oflag & O_CREAT) {
		req.flags = DOOR_CREATE | DOOR_PERSISTENT | (oflag & O_EXCL ? DOOR_EXCL : 0);
		req.mode = mode & ~preload_umask() & 0777;
	} else if ((oflag & O_ACCMODE) == O_RDONLY && ready == UINT64_MAX) {
		req.flags = DOOR_RDONLY;
	}
	for (;;) {
		r = door_open(&req, ret);
		if (r < 0)
			return r == -EDQUOT ? -ENOSPC : r;
		if (ret->created || ready == UINT64_MAX || posix_wait_ready(ret->fd, ready))
			return 0;
		r = door_unlink(kind, NULL, ret->id);
		close(ret->fd);
		door_close(ret->handle);
		if (r < 0 && r != -ENOENT)
			return r;
	}
}
