// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * external.c - what of a frozen tree the dump leaves alone
 *
 * The kernel's objects are kept (keep.h). CRIU does not know that, and looks for a way to
 * make each of them anew: it copies an unlinked file, or makes a new link to it in its
 * directory, and reads what is queued in a terminal. What it is told to be external it
 * takes as somebody else's business.
 *
 *	file[MOUNT:INODE]   a file that its path does not lead to
 *	tty[RDEV:DEV]       a terminal, but for the masters of ptys
 *
 * CRIU asks for the list when it has frozen the tree (its notification "query-ext-files").
 */
#include "libmig/criu/external.h"

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
#include "common/procdir.h"
#include "libmig/keep/reopen.h"

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

struct external_mount {
	uint64_t id;
	char *point;
	size_t len;
};

struct external_scan {
	struct external *list;
	struct external_mount *mounts; /* in the order in which they were mounted */
	size_t n_mounts;
};

/* The kernel writes blanks and backslashes of a path as \040, three octal digits. */
static size_t external_unescape(char *text)
{
	char *to = text;

	for (const char *at = text; *at; to++) {
		unsigned int code;

		if (*at == '\\' && sscanf(at + 1, "%3o", &code) == 1) {
			*to = (char)code;
			at += 4;
		} else {
			*to = *at++;
		}
	}
	*to = '\0';
	return (size_t)(to - text);
}

static int external_read_mounts(struct external_scan *scan)
{
	_cleanup_free_ char *text = NULL;

	if (file_read_all(AT_FDCWD, "/proc/self/mountinfo", MAPS_MAX, &text) < 0)
		return 0;
	for (const char *line = text; *line; line += *line == '\n') {
		struct external_mount *grown, mount = { .id = 0 };

		if (sscanf(line, "%" SCNu64 " %*u %*s %*s %ms", &mount.id, &mount.point) == 2) {
			mount.len = external_unescape(mount.point);
			/* The root's has no name but the slash that follows. */
			if (mount.len == 1)
				mount.len = 0;
			grown = reallocarray(scan->mounts, scan->n_mounts + 1, sizeof(*grown));
			if (!grown) {
				free(mount.point);
				return -ENOMEM;
			}
			scan->mounts = grown;
			scan->mounts[scan->n_mounts++] = mount;
		}
		line += strcspn(line, "\n");
	}
	return 0;
}

/*
 * Whether a path leads to another mount than the one that the file is on: another file system was
 * mounted over it, or its own was unmounted lazily. Nothing is looked up: what answers for the
 * file system may be a process of the tree, and frozen.
 */
static bool external_is_covered(const struct external_scan *scan, const struct statx *stx,
				const char *path, size_t len)
{
	const struct external_mount *found = NULL;

	for (size_t i = 0; i < scan->n_mounts; i++) {
		const struct external_mount *mount = &scan->mounts[i];

		if (mount->len <= len && !memcmp(mount->point, path, mount->len) &&
		    (mount->len == len || path[mount->len] == '/') &&
		    (!found || mount->len >= found->len))
			found = mount;
	}
	return found && (stx->stx_mask & STATX_MNT_ID) && found->id != stx->stx_mnt_id;
}

/* The file behind one of the kernel's links. */
static int external_add_file(struct external_scan *scan, int dirfd, const char *link)
{
	struct statx stx;
	char name[64];

	if (statx(dirfd, link, AT_STATX_DONT_SYNC, STATX_INO | STATX_MNT_ID, &stx) < 0)
		return 0;
	snprintf(name, sizeof(name), "file[%" PRIx64 ":%" PRIx64 "]", (uint64_t)stx.stx_mnt_id,
		 (uint64_t)stx.stx_ino);
	return external_add(scan->list, name);
}

static bool external_is_deleted(const char *path, size_t len)
{
	return len > strlen(DELETED) &&
	       !memcmp(path + len - strlen(DELETED), DELETED, strlen(DELETED));
}

/* Devices that are kept and that CRIU must not ask for the settings of a terminal. */
static bool external_is_no_terminal(unsigned int major)
{
	return major == MEM_MAJOR || major == MISC_MAJOR || major == INPUT_MAJOR;
}

/* A terminal, whichever its driver. A master alone is none to CRIU, and it makes what is known
 * to it nothing but a number: there may be many of these, and few that are external. */
static int external_add_device(struct external_scan *scan, const struct statx *stx)
{
	dev_t rdev = makedev(stx->stx_rdev_major, stx->stx_rdev_minor);
	char name[64];

	if (rdev == makedev(5, 2) || external_is_no_terminal(stx->stx_rdev_major))
		return 0;
	snprintf(name, sizeof(name), "tty[%" PRIx64 ":%" PRIx64 "]", (uint64_t)rdev,
		 (uint64_t)makedev(stx->stx_dev_major, stx->stx_dev_minor));
	return external_add(scan->list, name);
}

static int external_add_path(struct external_scan *scan, int dirfd, const char *link,
			     const char *path, size_t len)
{
	struct statx stx;

	/* Not to be asked of a file system that is served by a frozen process. */
	if (statx(dirfd, link, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO | STATX_MNT_ID, &stx) < 0)
		return 0;
	if (S_ISCHR(stx.stx_mode))
		return external_add_device(scan, &stx);
	/* A message queue has its name at the root of a file system of its own. And the kernel
	 * drops the names of a network's files when somebody looks for them. */
	if (external_is_deleted(path, len) || (len > 1 && !memchr(path + 1, '/', len - 1)) ||
	    external_is_covered(scan, &stx, path, len) || reopen_proc_is_net(path))
		return external_add_file(scan, dirfd, link);
	return 0;
}

static int external_scan_fds(struct external_scan *scan, int procfd)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	char link[PATH_MAX];
	const char *fd;
	int r = 0;

	if (procdir_open(&dir, procfd, "fd") < 0)
		return 0;
	while (r == 0 && (fd = procdir_next(&dir))) {
		ssize_t len = readlinkat(dir.fd, fd, link, sizeof(link) - 1);

		if (len <= 0)
			continue;
		link[len] = '\0';
		if (link[0] == '/')
			r = external_add_path(scan, dir.fd, fd, link, (size_t)len);
	}
	return r;
}

/* A line ends with the path; it begins with the range, which names the kernel's link. */
static int external_scan_map(struct external_scan *scan, int procfd, const char *line, size_t len)
{
	const char *path = memchr(line, '/', len);
	char link[64];

	if (!path || !external_is_deleted(line, len) || !strncmp(path, "/SYSV", 5) ||
	    !strncmp(path, "/dev/zero", 9) || !strncmp(path, "/[aio]", 6))
		return 0;
	snprintf(link, sizeof(link), "map_files/%.*s", (int)strcspn(line, " "), line);
	return external_add_file(scan, procfd, link);
}

static int external_scan_maps(struct external_scan *scan, int procfd)
{
	_cleanup_free_ char *text = NULL;
	int r = 0;

	if (file_read_all(procfd, "maps", MAPS_MAX, &text) < 0)
		return 0;
	for (const char *line = text; r == 0 && *line;) {
		size_t len = strcspn(line, "\n");

		r = external_scan_map(scan, procfd, line, len);
		line += len + (line[len] == '\n');
	}
	return r;
}

static int external_add_link(struct external_scan *scan, int procfd, const char *link,
			     const char *path, size_t len)
{
	struct statx stx;

	if (!external_is_deleted(path, len) &&
	    (statx(procfd, link, AT_STATX_DONT_SYNC, STATX_MNT_ID, &stx) < 0 ||
	     !external_is_covered(scan, &stx, path, len)))
		return 0;
	return external_add_file(scan, procfd, link);
}

static int external_scan_links(struct external_scan *scan, int procfd)
{
	static const char *const links[] = { "exe", "cwd", "root" };
	char path[PATH_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(links); i++) {
		ssize_t len = readlinkat(procfd, links[i], path, sizeof(path));

		if (len > 0)
			r = external_add_link(scan, procfd, links[i], path, (size_t)len);
	}
	return r;
}

static int external_scan_process(struct external_scan *scan, pid_t pid)
{
	_cleanup_close_ int procfd = -1;
	char path[32];
	int r;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	procfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (procfd < 0)
		return 0;
	r = external_scan_fds(scan, procfd);
	if (r == 0)
		r = external_scan_maps(scan, procfd);
	if (r == 0)
		r = external_scan_links(scan, procfd);
	return r;
}

int external_list(const pid_t *pids, size_t n, struct external *ret, struct vc_err *err)
{
	struct external_scan scan = { .list = ret };
	int r = external_read_mounts(&scan);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = external_scan_process(&scan, pids[i]);
	for (size_t i = 0; i < scan.n_mounts; i++)
		free(scan.mounts[i].point);
	free(scan.mounts);
	return r < 0 ? err_sys(err, -r, "look at the frozen job") : 0;
}

void external_done(struct external *external)
{
	for (size_t i = 0; i < external->n; i++)
		free(external->names[i]);
	free(external->names);
	*external = (struct external){ 0 };
}
