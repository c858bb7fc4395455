// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * external.c - what of a frozen tree the dump leaves alone
 *
 * The kernel's objects are kept (keep.h). CRIU does not know that, and looks for a way to
 * make each of them anew: it refuses a unix socket whose peer is outside the tree, copies an
 * unlinked file, or makes a new link to it in its directory. What it is told to be external it
 * takes as somebody else's business.
 *
 *	unix[INODE]         a socket
 *	file[MOUNT:INODE]   a file that its path does not lead to
 *	tty[RDEV:DEV]       a terminal, but for the masters of ptys
 *
 * CRIU asks for the list when it has frozen the tree (its notification "query-ext-files").
 */
#include "libmig/external.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/major.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "libmig/inventory-priv.h"

#define DELETED " (deleted)"
#define MAPS_MAX (1 << 26)

static int external_add(struct external *list, const char *name)
{
	if (list->n == list->size) {
		size_t size = list->size ? list->size * 2 : 64;
		char **grown = realloc(list->names, size * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->names = grown;
		list->size = size;
	}
	list->names[list->n] = strdup(name);
	return list->names[list->n] ? (int)(list->n++, 0) : -ENOMEM;
}

/* The file behind one of the kernel's links. */
static int external_add_file(struct external *list, int dirfd, const char *link)
{
	struct statx stx;
	char name[64];

	if (statx(dirfd, link, 0, STATX_INO | STATX_MNT_ID, &stx) < 0)
		return 0;
	snprintf(name, sizeof(name), "file[%" PRIx64 ":%" PRIx64 "]", (uint64_t)stx.stx_mnt_id,
		 (uint64_t)stx.stx_ino);
	return external_add(list, name);
}

static bool external_is_deleted(const char *path, size_t len)
{
	return len > strlen(DELETED) &&
	       !memcmp(path + len - strlen(DELETED), DELETED, strlen(DELETED));
}

/* A terminal, whichever its driver. A master alone is none to CRIU, and it makes what is known
 * to it nothing but a number: there may be many of these, and few that are external. */
static int external_add_device(struct external *list, const struct stat *st)
{
	char name[64];

	if (st->st_rdev == makedev(5, 2))
		return 0;
	snprintf(name, sizeof(name), "tty[%" PRIx64 ":%" PRIx64 "]", (uint64_t)st->st_rdev,
		 (uint64_t)st->st_dev);
	return external_add(list, name);
}

static int external_add_path(struct external *list, int dirfd, const char *link, const char *path,
			     size_t len)
{
	struct stat st;

	if (fstatat(dirfd, link, &st, 0) < 0)
		return 0;
	if (S_ISCHR(st.st_mode))
		return major(st.st_rdev) == MEM_MAJOR ? 0 : external_add_device(list, &st);
	/* A message queue has its name at the root of a file system of its own. */
	if (external_is_deleted(path, len) || !memchr(path + 1, '/', len - 1))
		return external_add_file(list, dirfd, link);
	return 0;
}

static int external_scan_fds(struct external *list, int procfd)
{
	_cleanup_(inventory_dir_close) struct inventory_dir dir;
	char link[PATH_MAX];
	const char *fd;
	int r = 0;

	dir.fd = -1;
	if (inventory_dir_open(&dir, procfd, "fd") < 0)
		return 0;
	while (r == 0 && (fd = inventory_dir_next(&dir))) {
		ssize_t len = readlinkat(dir.fd, fd, link, sizeof(link) - 1);
		unsigned long long ino;
		char name[32];

		if (len <= 0)
			continue;
		link[len] = '\0';
		if (sscanf(link, "socket:[%llu]", &ino) == 1) {
			snprintf(name, sizeof(name), "unix[%llu]", ino);
			r = external_add(list, name);
		} else if (link[0] == '/') {
			r = external_add_path(list, dir.fd, fd, link, (size_t)len);
		}
	}
	return r;
}

/* A line ends with the path; it begins with the range, which names the kernel's link. */
static int external_scan_map(struct external *list, int procfd, const char *line, size_t len)
{
	const char *path = memchr(line, '/', len);
	char link[64];

	if (!path || !external_is_deleted(line, len) || !strncmp(path, "/SYSV", 5) ||
	    !strncmp(path, "/dev/zero", 9) || !strncmp(path, "/[aio]", 6))
		return 0;
	snprintf(link, sizeof(link), "map_files/%.*s", (int)strcspn(line, " "), line);
	return external_add_file(list, procfd, link);
}

static int external_scan_maps(struct external *list, int procfd)
{
	_cleanup_free_ char *text = NULL;
	int r = 0;

	if (file_read_all(procfd, "maps", MAPS_MAX, &text) < 0)
		return 0;
	for (const char *line = text; r == 0 && *line;) {
		size_t len = strcspn(line, "\n");

		r = external_scan_map(list, procfd, line, len);
		line += len + (line[len] == '\n');
	}
	return r;
}

static int external_scan_links(struct external *list, int procfd)
{
	static const char *const links[] = { "exe", "cwd", "root" };
	char path[PATH_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(links); i++) {
		ssize_t len = readlinkat(procfd, links[i], path, sizeof(path));

		if (len > 0 && external_is_deleted(path, (size_t)len))
			r = external_add_file(list, procfd, links[i]);
	}
	return r;
}

static int external_scan_process(struct external *list, pid_t pid)
{
	_cleanup_close_ int procfd = -1;
	char path[32];
	int r;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	procfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (procfd < 0)
		return 0;
	r = external_scan_fds(list, procfd);
	if (r == 0)
		r = external_scan_maps(list, procfd);
	if (r == 0)
		r = external_scan_links(list, procfd);
	return r;
}

int external_list(const pid_t *pids, size_t n, struct external *ret, struct vc_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = external_scan_process(ret, pids[i]);
	return r < 0 ? err_sys(err, -r, "look at the frozen job") : 0;
}

void external_done(struct external *external)
{
	for (size_t i = 0; i < external->n; i++)
		free(external->names[i]);
	free(external->names);
	*external = (struct external){ 0 };
}
