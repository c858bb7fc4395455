// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * maps.c - attributes of mappings
 *
 * Only smaps and numa_maps show them. To write these files the kernel looks at each page, which
 * takes about 0.1 s for each GiB. So they are read while the job runs. When the tree is frozen,
 * state_maps_check() only looks whether each mapping is still there. A mapping that is sealed or
 * gets a policy in between loses it. This is unlikely: programs do that when they start.
 */
#include "libmig/state/priv.h"

#include <asm/unistd.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/cleanup.h"
#include "common/proc.h"
#include "libmig/image/image.h"
#include "libmig/keep/keep.h"

/* Linux 6.10 */
#ifndef __NR_mseal
#define __NR_mseal 462
#endif

bool state_maps_parse(const char *line, struct state_map *ret)
{
	char offset[32], device[16], inode[32], path[128] = "";

	*ret = (struct state_map){ .start = 0 };
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %31s %15s %31s %127[^\n]", &ret->start,
		   &ret->end, ret->perms, offset, device, inode, path) < 6)
		return false;
	snprintf(ret->line, sizeof(ret->line), "%" PRIx64 "-%" PRIx64 " %s %s %s %s", ret->start,
		 ret->end, ret->perms, offset, device, inode);
	ret->memfd = ret->perms[3] == 's' && !strncmp(path, "/memfd:", 7);
	/* "[anon:NAME]" */
	sscanf(path, "[anon:%63[^]]]", ret->name);
	return true;
}

static void maps_parse_field(const char *line, struct state_map *map)
{
	sscanf(line, "Rss: %" SCNu64, &map->rss_kib);
	sscanf(line, "ProtectionKey: %lu", &map->key);
	if (strncmp(line, "VmFlags:", 8))
		return;
	map->sealed = strstr(line, " sl");
	map->may_write = strstr(line, " mw");
	map->locked = strstr(line, " lo");
	/* Kernels before 6.17 do not show MLOCK_ONFAULT. Memory that is locked as a whole and can
	 * be read has all its pages. */
	map->locked_on_fault =
		map->locked &&
		(strstr(line, " lf") ||
		 (map->perms[0] == 'r' && map->rss_kib * 1024 < map->end - map->start));
}

struct state_item *state_maps_add(const struct state_proc *proc, const char *what,
				  const struct state_map *map, long nr)
{
	struct state_item *item = state_add(proc, what, proc->pid);

	snprintf(item->map, sizeof(item->map), "%s", map->line);
	item->call.nr = nr;
	item->call.args[0] = map->start;
	item->call.args[1] = map->end - map->start;
	return item;
}

/* Whether mprotect(2) could still make it writable, because the mapping is older than the file's
 * seal. */
static bool maps_could_be_written(const struct state_proc *proc, const struct state_map *map)
{
	_cleanup_close_ int fd = -1;
	char path[96];

	if (!map->memfd || !map->may_write)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)proc->pid,
		 map->start, map->end);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && keep_map_is_sealed(fd);
}

static int maps_add_all(const struct state_proc *proc, const struct state_map *map)
{
	struct state_item *item;

	/* The kernel itself chooses a key for memory that can only be executed. */
	if (map->key != 0 && strncmp(map->perms, "--x", 3))
		return state_refuse(proc, "has memory with a protection key (pkey_mprotect), which "
					  "cannot be carried; end the process before the move");
	if (maps_could_be_written(proc, map))
		return state_refuse(proc, "has memory mapped that %s", KEEP_SEALED);
	if (map->locked_on_fault) {
		item = state_maps_add(proc, "MLOCK_ONFAULT", map, __NR_mlock2);
		item->call.args[2] = MLOCK_ONFAULT;
		item->unlock = true;
	}
	if (map->name[0]) {
		item = state_maps_add(proc, "the name of a mapping", map, __NR_prctl);
		memcpy(item->call.args,
		       (uint64_t[]){ PR_SET_VMA, PR_SET_VMA_ANON_NAME, map->start,
				     map->end - map->start, 0 },
		       5 * sizeof(uint64_t));
		item->call.pointers = 1 << 4;
		item->call.size = sizeof(map->name);
		memcpy(item->call.data, map->name, sizeof(map->name));
	}
	if (map->sealed) {
		item = state_maps_add(proc, "the seal of a mapping", map, __NR_mseal);
		item->must = true;
		item->turn = STATE_LATE;
	}
	return 0;
}

int state_maps_read(const struct state_proc *proc)
{
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_free_ char *line = NULL;
	struct state_map map = { .start = 0 }, next;
	size_t size = 0;
	char path[32];
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)proc->pid);
	file = fopen(path, "re");
	while (file && r == 0 && getline(&line, &size, file) > 0) {
		if (!state_maps_parse(line, &next)) {
			maps_parse_field(line, &map);
			continue;
		}
		r = maps_add_all(proc, &map);
		map = next;
	}
	return r == 0 ? maps_add_all(proc, &map) : r;
}

void state_maps_check(struct state *state)
{
	_cleanup_free_ char *maps = NULL;
	pid_t read = 0;
	size_t kept = 0;

	for (size_t i = 0; i < state->n; i++) {
		const struct state_item *item = &state->items[i];

		if (item->map[0] && item->pid != read) {

			free(steal_ptr(maps));
			proc_read_all(item->pid, "maps", STATE_MAPS_MAX, &maps);
			read = item->pid;
		}
		if (!item->map[0] || (maps && strstr(maps, item->map)))
			state->items[kept++] = *item;
	}
	state->n = kept;
}

void state_maps_adapt(const struct state *state, int dirfd)
{
	for (size_t i = 0; state && i < state->n; i++)
		if (state->items[i].unlock)
			image_locked_clear(dirfd, state->items[i].pid,
					   state->items[i].call.args[0]);
}
