// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * limits.c - System V's and POSIX's limits: those of the job's own namespace
 */
#include <fcntl.h>
#include <stdlib.h>

#include "common/file.h"
#include "ipcmap/preload/preload.h"

uint64_t preload_limit(const char *path, unsigned int n, uint64_t otherwise)
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
