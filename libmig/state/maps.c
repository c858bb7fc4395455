// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * maps.c - attributes of mappings
 *
 * Only smaps and numa_maps tell them, and to write these the kernel looks at each page: some
 * 0.1 s a GiB. So they are read while the job runs, and in the frozen tree it is only seen
 * whether the mapping is still there. A mapping that is sealed, or gets a policy, just then
 * comes without it; that is the time of a system call in a program that has just begun.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/mempolicy.h>
#include <linux/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "libmig/image/image.h"
#include "libmig/keep/keep.h"
#include "libmig/kernel/peek.h"
#include "libmig/kernel/sight.h"
#include "libmig/state/priv.h"

#define MAPS_MAX (1u << 30)

/* Younger than the headers of some of the systems that this is built on. */
#ifndef __NR_mseal
#define __NR_mseal 462
#endif

#define STATE_NR_HOME_NODE 450 /* on every architecture, since Linux 5.17 */

/* A mapping as one block of smaps has it. */
struct state_map {
	char line[STATE_MAP_LINE]; /* "START-END PERMS OFFSET DEVICE INODE" */
	char perms[8];
	char name[64]; /* of a named one without a file */
	uint64_t start, end, rss_kib;
	unsigned long key;
	bool sealed, locked, locked_on_fault;
	bool memfd, may_write;
};

static bool map_begin(const char *line, struct state_map *ret)
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

static void map_field(const char *line, struct state_map *map)
{
	sscanf(line, "Rss: %" SCNu64, &map->rss_kib);
	sscanf(line, "ProtectionKey: %lu", &map->key);
	if (strncmp(line, "VmFlags:", 8))
		return;
	map->sealed = strstr(line, " sl");
	map->may_write = strstr(line, " mw");
	map->locked = strstr(line, " lo");
	/* Kernels before 6.17 do not tell, but in what is locked otherwise, and can be read, all
	 * pages are there. */
	map->locked_on_fault =
		map->locked &&
		(strstr(line, " lf") ||
		 (map->perms[0] == 'r' && map->rss_kib * 1024 < map->end - map->start));
}

static struct state_item *map_add(const struct state_proc *proc, const char *what,
				  const struct state_map *map, long nr)
{
	struct state_item *item = state_add(proc->state, what, proc->pid, proc->pid);

	if (!item)
		return NULL;
	snprintf(item->map, sizeof(item->map), "%s", map->line);
	item->call.nr = nr;
	item->call.args[0] = map->start;
	item->call.args[1] = map->end - map->start;
	return item;
}

/* mprotect(2) could still make it writable: the mapping is older than the file's seal. */
static bool map_could_be_written(const struct state_proc *proc, const struct state_map *map)
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

static int map_add_all(const struct state_proc *proc, const struct state_map *map)
{
	struct state_item *item;

	/* Memory that can only be executed has a key too, which the kernel chooses. */
	if (map->key != 0 && strncmp(map->perms, "--x", 3))
		return state_refuse(proc, "has memory with a protection key (pkey_mprotect), which "
					  "cannot be carried; end it before the job is moved");
	if (map_could_be_written(proc, map))
		return state_refuse(proc, "has memory mapped that %s", KEEP_SEALED);
	if (map->locked_on_fault) {
		item = map_add(proc, "MLOCK_ONFAULT", map, __NR_mlock2);
		if (!item)
			return -proc->state->err->code;
		item->call.args[2] = MLOCK_ONFAULT;
		item->unlock = true;
	}
	if (map->name[0]) {
		item = map_add(proc, "the name of a mapping", map, __NR_prctl);
		if (!item)
			return -proc->state->err->code;
		memcpy(item->call.args,
		       (uint64_t[]){ PR_SET_VMA, PR_SET_VMA_ANON_NAME, map->start,
				     map->end - map->start, 0 },
		       5 * sizeof(uint64_t));
		item->call.pointers = 1 << 4;
		item->call.size = sizeof(map->name);
		memcpy(item->call.data, map->name, sizeof(map->name));
	}
	if (map->sealed) {
		item = map_add(proc, "the seal of a mapping", map, __NR_mseal);
		if (!item)
			return -proc->state->err->code;
		item->must = true;
		item->turn = STATE_LATE;
	}
	return 0;
}

static int state_read_smaps(const struct state_proc *proc)
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
		if (!map_begin(line, &next)) {
			map_field(line, &map);
			continue;
		}
		r = map_add_all(proc, &map);
		map = next;
	}
	return r == 0 ? map_add_all(proc, &map) : r;
}

/* "bind=static:0-1" */
static bool policy_parse(const char *text, struct state_policy *ret)
{
	static const struct {
		const char *name;
		int mode;
	} modes[] = {
		{ "prefer (many)", MPOL_PREFERRED_MANY },
		{ "prefer", MPOL_PREFERRED },
		{ "bind", MPOL_BIND },
		{ "interleave", MPOL_INTERLEAVE },
		{ "local", MPOL_LOCAL },
		{ "weighted interleave", 6 },
	};
	size_t len = 0;

	*ret = (struct state_policy){ .mode = MPOL_DEFAULT };
	for (size_t i = 0; len == 0 && i < ARRAY_SIZE(modes); i++) {
		len = strlen(modes[i].name);
		if (strncmp(text, modes[i].name, len))
			len = 0;
		else
			ret->mode = modes[i].mode;
	}
	if (len == 0)
		return false;
	text += len;
	if (*text == '=' && !strncmp(text + 1, "static", 6))
		ret->mode |= MPOL_F_STATIC_NODES;
	else if (*text == '=' && !strncmp(text + 1, "relative", 8))
		ret->mode |= MPOL_F_RELATIVE_NODES;
	text += strcspn(text, ": \n");
	if (*text == ':')
		state_memory_parse_nodes(text + 1, &ret->nodes);
	return true;
}

/* "START bind:0 anon=1 …": the start with a "-" behind it, and the policy. */
static bool policy_of_line(const char *line, char ret_start[32], char ret[64])
{
	size_t len = strcspn(line, " \n"), policy;

	if (len > 30 || line[len] != ' ')
		return false;
	snprintf(ret_start, 32, "%.*s-", (int)len, line);
	line += len + 1;
	/* Two of them have a space in their names. */
	policy = !strncmp(line, "prefer (", 8) ? 7 : !strncmp(line, "weighted ", 9) ? 9 : 0;
	policy += strcspn(line + policy + (policy > 0), " \n") + (policy > 0);
	snprintf(ret, 64, "%.*s", (int)policy, line);
	return true;
}

/* A mapping without a policy shows the main thread's: what most of them show is that one
 * (Boyer and Moore's vote). */
static void policy_usual(const char *text, char ret[64])
{
	size_t votes = 0;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		char start[32], own[64];

		line += *line == '\n';
		if (!policy_of_line(line, start, own))
			continue;
		if (votes == 0)
			memcpy(ret, own, sizeof(own));
		votes += strcmp(ret, own) ? (size_t)-1 : 1;
	}
	if (votes == 0)
		strcpy(ret, "default");
}

/* Of a process, once one of its mappings may have one. */
struct state_homes {
	struct peek_home *list;
	size_t n;
	bool looked;
};

static bool policy_has_home(int mode)
{
	mode &= ~MPOL_MODE_FLAGS;
	return mode == MPOL_BIND || mode == MPOL_PREFERRED_MANY;
}

static void homes_look(const struct state_proc *proc, struct state_homes *homes)
{
	if (!homes->looked && sight_get()->peek)
		peek_homes(proc->pid, &homes->list, &homes->n, NULL);
	homes->looked = true;
}

/* The node is the only one in the data, which is for us alone. */
static int home_adapt(const struct state_item *item, struct inject_call *call)
{
	int r = state_memory_adapt(item, call);
	struct state_policy home;

	memcpy(&home, call->data, sizeof(home));
	call->size = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(home.nodes.bits); i++) {
		if (home.nodes.bits[i] == 0)
			continue;
		call->args[2] = i * 64 + (size_t)__builtin_ctzll(home.nodes.bits[i]);
		return 0;
	}
	return r < 0 ? r : -ENODEV;
}

/* Which of the policy's nodes is to be the first one (set_mempolicy_home_node(2)). */
static int state_add_home(const struct state_proc *proc, const struct state_map *map, int mode,
			  const struct state_nodes *allowed, const struct state_homes *homes)
{
	for (size_t i = 0; i < homes->n; i++) {
		struct state_policy home = { .mode = mode };
		struct state_item *item;
		int node = homes->list[i].node;

		if (homes->list[i].start != map->start || node < 0 || node >= STATE_NODES_MAX)
			continue;
		home.nodes.bits[node / 64] = 1ull << node % 64;
		item = map_add(proc, "the home node of a mapping", map, STATE_NR_HOME_NODE);
		if (!item)
			return -proc->state->err->code;
		state_memory_fill(home, allowed, item);
		item->adapt = home_adapt;
	}
	return 0;
}

static int state_read_policies(const struct state_proc *proc)
{
	_cleanup_free_ char *text = NULL, *maps = NULL;
	struct state_nodes allowed;
	struct state_homes homes = { .n = 0 };
	char path[32], usual[64];
	char *save = NULL;
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/numa_maps", (int)proc->pid);
	if (file_read_all(AT_FDCWD, path, MAPS_MAX, &text) < 0 ||
	    state_memory_read_nodes(proc->pid, &allowed) < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)proc->pid);
	if (file_read_all(AT_FDCWD, path, MAPS_MAX, &maps) < 0)
		return 0;
	policy_usual(text, usual);
	for (char *line = strtok_r(text, "\n", &save); r == 0 && line;
	     line = strtok_r(NULL, "\n", &save)) {
		char start[32], own[64];
		struct state_policy policy;
		struct state_item *item;
		struct state_map map;
		const char *at;

		if (!policy_of_line(line, start, own) || !strcmp(own, usual) ||
		    !policy_parse(own, &policy))
			continue;
		at = strstr(maps, start);
		if (!at || !map_begin(at, &map))
			continue;
		item = map_add(proc, "a mapping's memory policy", &map, __NR_mbind);
		if (!item) {
			r = -proc->state->err->code;
			break;
		}
		item->call.args[2] = (uint32_t)policy.mode;
		if (state_memory_fill(policy, &allowed, item)) {
			item->call.args[3] = offsetof(struct state_policy, nodes);
			item->call.args[4] = STATE_NODES_MAX + 1;
			item->call.pointers = 1 << 3;
		}
		if (policy_has_home(policy.mode)) {
			homes_look(proc, &homes);
			r = state_add_home(proc, &map, policy.mode, &allowed, &homes);
		}
	}
	free(homes.list);
	return r;
}

int state_maps_read(const struct state_proc *proc)
{
	int r = state_read_smaps(proc);

	return r < 0 ? r : state_read_policies(proc);
}

/* Without the mapping the item has nothing to say. */
void state_maps_check(struct state *state)
{
	_cleanup_free_ char *maps = NULL;
	pid_t read = 0;
	size_t kept = 0;

	for (size_t i = 0; i < state->n; i++) {
		const struct state_item *item = &state->items[i];

		if (item->map[0] && item->pid != read) {
			char path[32];

			free(steal_ptr(maps));
			snprintf(path, sizeof(path), "/proc/%d/maps", (int)item->pid);
			file_read_all(AT_FDCWD, path, MAPS_MAX, &maps);
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
