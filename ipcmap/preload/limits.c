// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * limits.c - System V's and POSIX's limits: those of the job's own namespace
 *
 * Each is read once. A file of /proc that is open keeps a job from being moved at that moment.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "ipcmap/preload/preload.h"

#define LIMITS_KNOWN 16

struct limit {
	const char *path;
	unsigned int n;
	uint64_t value;
	bool known;
};

static uint64_t limit_read(const char *path, unsigned int n, uint64_t otherwise)
{
	char text[128], *at = text, *end;
	unsigned long long value = 0;

	if (file_read(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return otherwise;
	for (unsigned int i = 0; i <= n; i++, at = end) {
		value = strtoull(at, &end, 10);
		if (end == at)
			return otherwise;
	}
	return value;
}

uint64_t preload_limit(const char *path, unsigned int n, uint64_t otherwise)
{
	static struct limit limits[LIMITS_KNOWN]; /* preload_lock */
	struct limit *limit = limits;
	uint64_t value;

	preload_lock();
	while (limit < limits + LIMITS_KNOWN - 1 && limit->known &&
	       (limit->n != n || strcmp(limit->path, path)))
		limit++;
	if (!limit->known || limit->n != n || strcmp(limit->path, path))
		*limit = (struct limit){
			.path = path, .n = n, .value = limit_read(path, n, otherwise), .known = true
		};
	value = limit->value;
	preload_unlock();
	return value;
}
