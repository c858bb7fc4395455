// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * map.c - the mappings of a tree, and memory it shares with outsiders
 *
 * CRIU handles plain files and anonymous memory. Shared objects without a file (memfd, SysV,
 * anonymous) are noted, because their pages go into the images.
 *
 * A System V segment that a process outside the tree has attached too would silently become a copy.
 * If the tree has a segment, all processes of the system are checked for it.
 */
#include "libmig/inventory/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/file.h"
#include "common/proc.h"
#include "common/procdir.h"
#include "libmig/keep/keep.h"

#define MAPS_MAX (1 << 26)
/* CRIU 4.2.1 counts the pages of a mapping that parent and child may share in an int. It crashes
 * when it restores a larger one. */
#define MAP_HUGE_BYTES (UINT64_C(4096) << 31)

struct map_line {
	const char *range; /* "start-end", range_len characters */
	size_t range_len;
	uint64_t start, size, offset;
	bool shared, writable;
	unsigned int major, minor;
	uint64_t ino;
	const char *path; /* to the line's end, path_len characters */
	size_t path_len;
};

/* Reads "start-end perms offset maj:min ino   path". */
static bool map_parse(const char *line, size_t len, struct map_line *ret)
{
	const char *end = line + len, *at = memchr(line, ' ', len);
	char *next;

	if (!at || end - at < 20)
		return false;
	ret->range = line;
	ret->range_len = (size_t)(at - line);
	ret->start = strtoull(line, &next, 16);
	ret->size = strtoull(next + 1, NULL, 16) - ret->start;
	ret->writable = at[2] == 'w';
	ret->shared = at[4] == 's';
	ret->offset = strtoull(at + 6, &next, 16);
	ret->major = (unsigned int)strtoul(next, &next, 16);
	if (*next != ':')
		return false;
	ret->minor = (unsigned int)strtoul(next + 1, &next, 16);
	ret->ino = strtoull(next, &next, 10);
	while (next < end && *next == ' ')
		next++;
	ret->path = next;
	ret->path_len = (size_t)(end - next);
	return true;
}

static bool map_path_begins(const struct map_line *map, const char *text)
{
	size_t len = strlen(text);

	return map->path_len >= len && !memcmp(map->path, text, len);
}

static bool map_stat(const struct inventory_proc *proc, const struct map_line *map,
		     struct stat *ret)
{
	char path[96];

	snprintf(path, sizeof(path), "map_files/%.*s", (int)map->range_len, map->range);
	return fstatat(proc->dirfd, path, ret, 0) == 0;
}

static const struct inventory_end *map_find_memory(const struct inventory_scan *scan,
						   enum inventory_kind kind, uint64_t dev,
						   uint64_t ino)
{
	for (size_t i = 0; i < scan->n_ends; i++)
		if (scan->ends[i].kind == kind && scan->ends[i].ino == ino &&
		    scan->ends[i].dev == dev)
			return &scan->ends[i];
	return NULL;
}

int inventory_map_note_shared(struct inventory_scan *scan, enum inventory_kind kind, pid_t pid,
			      int fd, const struct stat *st)
{
	struct inventory_end *end;

	if (map_find_memory(scan, kind, st->st_dev, st->st_ino))
		return 0;
	end = array_add(&scan->ends, &scan->n_ends);
	if (!end)
		return inventory_out_of_memory(scan);
	*end = (struct inventory_end){
		.kind = kind, .pid = pid, .fd = fd, .dev = st->st_dev, .ino = st->st_ino
	};
	scan->inv->mem_bytes += (uint64_t)st->st_blocks * 512;
	return 0;
}

static int map_add_shared(struct inventory_scan *scan, const struct inventory_proc *proc,
			  const struct map_line *map, enum inventory_kind kind)
{
	struct stat st;

	return map_stat(proc, map, &st) ? inventory_map_note_shared(scan, kind, proc->pid, -1, &st)
					: 0;
}

static int map_check_huge(struct inventory_scan *scan, const struct inventory_proc *proc,
			  const struct map_line *map)
{
	for (size_t i = 0; i < scan->n_huge; i++)
		if (scan->huge[i].start == map->start && scan->huge[i].pid != proc->pid)
			return inventory_refuse(
				scan, proc,
				"and pid %d reserve %" PRIu64 " TiB at the same address, as "
				"sanitizers do, which CRIU cannot restore for parent and child; "
				"move the job when one of the two has ended",
				(int)scan->huge[i].pid, map->size >> 40);
	if (scan->n_huge < ARRAY_SIZE(scan->huge))
		scan->huge[scan->n_huge++] =
			(struct inventory_huge){ .pid = proc->pid, .start = map->start };
	return 0;
}

/* CRIU attaches a segment as a whole. So the mappings of a segment must follow each other without
 * gap. before: the mapping before this one; map: NULL behind the last one. */
static int map_check_segment(struct inventory_scan *scan, const struct inventory_proc *proc,
			     const struct map_line *before, const struct map_line *map)
{
	bool was = before->path && map_path_begins(before, "/SYSV");
	bool is = map && map_path_begins(map, "/SYSV");
	bool goes_on = was && is && map->ino == before->ino && map->offset > 0 &&
		       map->start == before->start + before->size &&
		       map->offset == before->offset + before->size;
	struct stat st;

	if ((is && !goes_on && map->offset > 0) ||
	    (was && !goes_on && map_stat(proc, before, &st) &&
	     before->offset + before->size < (uint64_t)st.st_size))
		return inventory_refuse(
			scan, proc,
			"has a System V segment of which a part is unmapped or "
			"moved (munmap, mremap), which cannot be carried; attach it as "
			"a whole");
	return 0;
}

/* A writable mapping that is older than the seal of its file cannot be created again. */
static int map_check_seal(struct inventory_scan *scan, const struct inventory_proc *proc,
			  const struct map_line *map)
{
	_cleanup_close_ int fd = -1;
	char path[96];

	if (!map->shared || !map->writable)
		return 0;
	snprintf(path, sizeof(path), "map_files/%.*s", (int)map->range_len, map->range);
	fd = openat(proc->dirfd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || !keep_map_is_sealed(fd))
		return 0;
	return inventory_refuse(scan, proc, "has memory mapped that %s", KEEP_SEALED);
}

static int map_scan(struct inventory_scan *scan, const struct inventory_proc *proc,
		    const struct map_line *map)
{
	struct stat st;

	if (map->path_len > INVENTORY_MAP_PATH_MAX)
		return inventory_reach_refuse_length(scan, proc, "a file that it has mapped",
						     INVENTORY_MAP_PATH_MAX);
	if (!map->shared && map->size >= MAP_HUGE_BYTES)
		return map_check_huge(scan, proc, map);
	if (map->path_len == 0 || map->path[0] == '[')
		return 0;
	if (map_path_begins(map, "anon_inode:"))
		return inventory_refuse(scan, proc,
					"has memory of a kernel object mapped (%.*s), which cannot "
					"be carried; unmap and close it for the move",
					(int)map->path_len, map->path);
	if (map_path_begins(map, "/secretmem"))
		return inventory_refuse(scan, proc,
					"has secret memory mapped (memfd_secret), which no other "
					"process can read; close and unmap it for the move");
	if (map_path_begins(map, "/memfd:") && map_check_seal(scan, proc, map) < 0)
		return -EOPNOTSUPP;
	if (map_path_begins(map, "/memfd:"))
		return map_add_shared(scan, proc, map, INVENTORY_MEMFD);
	if (map_path_begins(map, "/dev/zero"))
		return map_add_shared(scan, proc, map, INVENTORY_ANON_SHARED);
	if (map_path_begins(map, "/SYSV"))
		return map_add_shared(scan, proc, map, INVENTORY_SYSV);
	if (map_path_begins(map, "/dev/") && !map_path_begins(map, "/dev/shm/") &&
	    map_stat(proc, map, &st) && S_ISCHR(st.st_mode) && major(st.st_rdev) != 1)
		return inventory_refuse(scan, proc,
					"has the device %.*s mapped, which cannot be carried; "
					"unmap and close it for the move",
					(int)map->path_len, map->path);
	return 0;
}

/* Checks each file once, because the mappings of a file follow each other. */
static int map_reach(struct inventory_scan *scan, const struct inventory_proc *proc,
		     const struct map_line *map, const struct map_line *before)
{
	char path[PATH_MAX];
	struct stat st;

	if (map->path_len == 0 || map->path[0] != '/' ||
	    (map->ino == before->ino && map->major == before->major &&
	     map->minor == before->minor) ||
	    map_stat(proc, map, &st))
		return 0;
	snprintf(path, sizeof(path), "%.*s", (int)map->path_len, map->path);
	return inventory_reach_check(scan, proc, "a mapped file", path, errno);
}

int inventory_map_scan(struct inventory_scan *scan, const struct inventory_proc *proc)
{
	_cleanup_free_ char *text = NULL;
	ssize_t len = file_read_all(proc->dirfd, "maps", MAPS_MAX, &text);
	struct map_line before = { .path = NULL };

	if (len == -ENOMEM)
		return inventory_out_of_memory(scan);
	if (len < 0)
		return len == -EFBIG ? 0 : -ESRCH;
	for (const char *line = text, *end; *line; line = end + 1) {
		struct map_line map;
		int r;

		end = strchrnul(line, '\n');
		if (map_parse(line, (size_t)(end - line), &map)) {
			scan->inv->n_mappings++;
			r = map_scan(scan, proc, &map);
			if (r == 0)
				r = map_check_segment(scan, proc, &before, &map);
			if (r == 0)
				r = map_reach(scan, proc, &map, &before);
			if (r < 0)
				return r;
			before = map;
		}
		if (!*end)
			break;
	}
	return map_check_segment(scan, proc, &before, NULL);
}

static int map_refuse_shared(struct inventory_scan *scan, const struct inventory_end *end,
			     pid_t outsider)
{
	char name[PROC_NAME];

	proc_name(outsider, name);
	return inventory_refuse_end(scan, end,
				    "shares a System V segment with pid %d (%s) outside the job, "
				    "and would have a separate copy after a move; share a file "
				    "on a tmpfs instead",
				    outsider, name);
}

/* Refuses the tree if this process outside of it has a segment of the tree attached. */
static int map_check_outsider(struct inventory_scan *scan, pid_t pid)
{
	_cleanup_free_ char *text = NULL;
	const struct inventory_end *end;

	if (proc_read_all(pid, "maps", MAPS_MAX, &text) <= 0)
		return 0;
	for (const char *line = text, *stop; *line; line = stop + (*stop != '\0')) {
		struct map_line map;

		stop = strchrnul(line, '\n');
		if (!map_parse(line, (size_t)(stop - line), &map) ||
		    !map_path_begins(&map, "/SYSV"))
			continue;
		end = map_find_memory(scan, INVENTORY_SYSV, makedev(map.major, map.minor), map.ino);
		if (end)
			return map_refuse_shared(scan, end, pid);
	}
	return 0;
}

static bool map_in_ipc_of_root(const struct inventory_scan *scan, pid_t pid)
{
	char path[32], theirs[64], roots[64];
	ssize_t len, root_len;

	snprintf(path, sizeof(path), "/proc/%d/ns/ipc", pid);
	len = readlink(path, theirs, sizeof(theirs));
	snprintf(path, sizeof(path), "/proc/%d/ns/ipc", scan->root);
	root_len = readlink(path, roots, sizeof(roots));
	return len > 0 && len == root_len && !memcmp(theirs, roots, (size_t)len);
}

int inventory_map_resolve(struct inventory_scan *scan)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	const struct inventory_end *sysv = NULL;
	pid_t pid;
	int r = 0;

	for (size_t i = 0; i < scan->n_ends; i++)
		if (scan->ends[i].kind == INVENTORY_SYSV)
			sysv = &scan->ends[i];
	if (!sysv)
		return 0;
	if (map_in_ipc_of_root(scan, getpid()))
		return inventory_refuse_end(
			scan, sysv,
			"has a System V segment of the system's IPC namespace "
			"attached, which cannot be carried; start the job in an IPC "
			"namespace of its own");
	if (procdir_open(&dir, AT_FDCWD, "/proc") < 0)
		return err_sys(scan->err, errno, "/proc");
	while (r == 0 && (pid = procdir_next_pid(&dir)) > 0) {
		/* Segments of different namespaces can have the same numbers. */
		if (!inventory_has_pid(scan, pid) && map_in_ipc_of_root(scan, pid))
			r = map_check_outsider(scan, pid);
	}
	return r;
}
