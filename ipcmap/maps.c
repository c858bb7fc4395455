// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * maps.c - queries the kernel for mappings, or reads their text
 */
#include "ipcmap/maps.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

/* As in linux/fs.h from 6.11 on. */
struct maps_query {
	uint64_t size, flags, address;
	uint64_t start, end, vma_flags, page_size, offset, ino;
	uint32_t dev_major, dev_minor;
	uint32_t name_size, build_id_size;
	uint64_t name, build_id;
};

#define MAPS_QUERY _IOWR('f', 17, struct maps_query)
#define MAPS_SHARED 0x08u
#define MAPS_OR_NEXT 0x10u
#define MAPS_FILE 0x20u

int maps_open(pid_t pid, struct maps *ret)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	*ret = (struct maps){ .file = fopen(path, "re") };
	return ret->file ? 0 : -errno;
}

void maps_close(struct maps *maps)
{
	fclose(maps->file);
}

static int maps_query(const struct maps *maps, uintptr_t at, struct mapping *ret)
{
	struct maps_query query = { .size = sizeof(query),
				    .flags = MAPS_SHARED | MAPS_OR_NEXT | MAPS_FILE,
				    .address = at };

	if (ioctl(fileno(maps->file), MAPS_QUERY, &query) < 0)
		return -errno;
	*ret = (struct mapping){ .start = (uintptr_t)query.start,
				 .end = (uintptr_t)query.end,
				 .offset = query.offset,
				 .dev = makedev(query.dev_major, query.dev_minor),
				 .ino = (ino_t)query.ino };
	return 0;
}

static bool maps_parse(const char *line, struct mapping *ret)
{
	unsigned int major, minor;
	uint64_t ino;
	char shared;

	if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*c%*c%*c%c %" SCNx64 " %x:%x %" SCNu64,
		   &ret->start, &ret->end, &shared, &ret->offset, &major, &minor, &ino) != 7 ||
	    shared != 's' || ino == 0)
		return false;
	ret->dev = makedev(major, minor);
	ret->ino = (ino_t)ino;
	return true;
}

static int maps_read(struct maps *maps, uintptr_t at, struct mapping *ret)
{
	bool whole = true;
	char line[256];

	/* Only the beginning of a line is needed; the path may be longer than the buffer. */
	while (fgets(line, sizeof(line), maps->file)) {
		bool begins = whole;

		whole = strchr(line, '\n') != NULL;
		if (begins && maps_parse(line, ret) && ret->end > at)
			return 0;
	}
	return ferror(maps->file) ? -errno : -ENOENT;
}

int maps_next(struct maps *maps, uintptr_t at, struct mapping *ret)
{
	int r = maps->text ? -ENOTTY : maps_query(maps, at, ret);

	if (r != -ENOTTY)
		return r;
	maps->text = true;
	return maps_read(maps, at, ret);
}
