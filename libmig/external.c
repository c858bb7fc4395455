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
 *	tty[RDEV:DEV]       a terminal; all masters together are one
 *
 * A terminal that controls a session of the tree is hung up when the session's leader dies, and
 * has to be made anew, its master with it. CRIU cannot tell masters apart here, so if there
 * is one such terminal, all of which the tree has the master are CRIU's.
 *
 * CRIU asks for the list when it has frozen the tree (its notification "query-ext-files").
 */
#include "libmig/external.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
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

struct external_tty {
	dev_t rdev, dev;
	unsigned int index; /* number in /dev/pts; UINT_MAX: none */
	bool master;
};

struct external_scan {
	struct external *list;
	const pid_t *pids;
	size_t n_pids;
	struct external_tty *ttys;
	size_t n_ttys;
};

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
static int external_add_file(struct external_scan *scan, int dirfd, const char *link)
{
	struct statx stx;
	char name[64];

	if (statx(dirfd, link, 0, STATX_INO | STATX_MNT_ID, &stx) < 0)
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

static int external_add_tty(struct external_scan *scan, int dirfd, const char *link)
{
	struct external_tty *grown, tty = { .index = UINT_MAX };
	char path[48], fdinfo[512];
	unsigned int maj, min;
	const char *field;
	struct stat st;

	if (fstatat(dirfd, link, &st, 0) < 0 || !S_ISCHR(st.st_mode))
		return 0;
	maj = major(st.st_rdev);
	min = minor(st.st_rdev);
	tty.master = maj == 5 && min == 2;
	if (maj >= 136 && maj <= 143)
		tty.index = (maj - 136) * 256 + min;
	else if (maj != 4 && maj != 5 && maj != 188)
		return 0;
	snprintf(path, sizeof(path), "../fdinfo/%s", link);
	if (tty.master && inventory_read(dirfd, path, fdinfo, sizeof(fdinfo)) >= 0) {
		field = inventory_field(fdinfo, "tty-index");
		tty.index = field ? (unsigned int)strtoul(field, NULL, 10) : UINT_MAX;
	}
	tty.rdev = st.st_rdev;
	tty.dev = st.st_dev;
	grown = reallocarray(scan->ttys, scan->n_ttys + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	scan->ttys = grown;
	scan->ttys[scan->n_ttys++] = tty;
	return 0;
}

static int external_add_path(struct external_scan *scan, int dirfd, const char *link,
			     const char *path, size_t len)
{
	/* A message queue has its name at the root of a file system of its own. */
	bool lost = external_is_deleted(path, len) || !memchr(path + 1, '/', len - 1);
	int r = lost ? external_add_file(scan, dirfd, link) : 0;

	return r == 0 && !strncmp(path, "/dev/", 5) ? external_add_tty(scan, dirfd, link) : r;
}

static int external_scan_fds(struct external_scan *scan, int procfd)
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
			r = external_add(scan->list, name);
		} else if (link[0] == '/') {
			r = external_add_path(scan, dir.fd, fd, link, (size_t)len);
		}
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

static int external_scan_links(struct external_scan *scan, int procfd)
{
	static const char *const links[] = { "exe", "cwd", "root" };
	char path[PATH_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(links); i++) {
		ssize_t len = readlinkat(procfd, links[i], path, sizeof(path));

		if (len > 0 && external_is_deleted(path, (size_t)len))
			r = external_add_file(scan, procfd, links[i]);
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

/* /dev/tty is whichever terminal the session has. */
static bool external_has_master(const struct external_scan *scan, const struct external_tty *tty)
{
	bool own = tty->rdev == makedev(5, 0);

	for (size_t i = 0; i < scan->n_ttys; i++)
		if (scan->ttys[i].master && (own || scan->ttys[i].index == tty->index))
			return true;
	return false;
}

/* Whether a session that is led from inside the tree has a terminal. */
static bool external_has_session(const struct external_scan *scan, pid_t pid)
{
	char path[32], stat[512];
	int session, terminal;
	const char *after;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (file_read(AT_FDCWD, path, stat, sizeof(stat)) < 0)
		return false;
	/* The name in parentheses may hold anything. */
	after = strrchr(stat, ')');
	if (!after || sscanf(after, ") %*c %*d %*d %d %d", &session, &terminal) != 2 ||
	    terminal == 0)
		return false;
	for (size_t i = 0; i < scan->n_pids; i++)
		if (scan->pids[i] == session)
			return true;
	return false;
}

static int external_add_ttys(struct external_scan *scan)
{
	bool any = false;
	int r = 0;

	for (size_t i = 0; !any && scan->n_ttys > 0 && i < scan->n_pids; i++)
		any = external_has_session(scan, scan->pids[i]);
	for (size_t i = 0; r == 0 && i < scan->n_ttys; i++) {
		const struct external_tty *tty = &scan->ttys[i];
		char name[64];

		if (any && (tty->master || external_has_master(scan, tty)))
			continue;
		snprintf(name, sizeof(name), "tty[%" PRIx64 ":%" PRIx64 "]", (uint64_t)tty->rdev,
			 (uint64_t)tty->dev);
		r = external_add(scan->list, name);
	}
	return r;
}

int external_list(const pid_t *pids, size_t n, struct external *ret, struct vc_err *err)
{
	struct external_scan scan = { .list = ret, .pids = pids, .n_pids = n };
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = external_scan_process(&scan, pids[i]);
	if (r == 0)
		r = external_add_ttys(&scan);
	free(scan.ttys);
	return r < 0 ? err_sys(err, -r, "look at the frozen job") : 0;
}

void external_done(struct external *external)
{
	for (size_t i = 0; i < external->n; i++)
		free(external->names[i]);
	free(external->names);
	*external = (struct external){ 0 };
}
