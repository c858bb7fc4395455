// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * serve.c - file systems that the tree serves itself (FUSE)
 *
 * A frozen server does not answer. If the frozen tree had a file of its own file system open, CRIU
 * and the mover would wait for ever. So a tree with a connection to FUSE is searched for files of
 * that file system, without requests to the server.
 */
#include "libmig/inventory/priv.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/proc.h"

#define SERVE_MAX (1 << 22)

void inventory_serve_note(struct inventory_scan *scan, const struct inventory_proc *proc, int fd)
{
	char path[32], text[512];
	const char *field;

	snprintf(path, sizeof(path), "fdinfo/%d", fd);
	if (inventory_read(proc->dirfd, path, text, sizeof(text)) < 0 ||
	    scan->n_served == ARRAY_SIZE(scan->served))
		return;
	/* Linux 6.11. Without it the server may serve any FUSE file system. */
	field = proc_field(text, "fuse_connection");
	scan->served[scan->n_served++] = (struct inventory_served){
		.pid = proc->pid, .minor = field ? (unsigned int)strtoul(field, NULL, 10) : 0
	};
}

/* Whether the mount table has a FUSE file system with that device number. */
static bool serve_is_fuse(unsigned int maj, unsigned int min)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL;

	if (file_read_all(AT_FDCWD, "/proc/self/mountinfo", SERVE_MAX, &text) < 0)
		return false;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *type = strstr(line, " - ");
		unsigned int a, b;

		if (sscanf(line, "%*u %*u %u:%u", &a, &b) == 2 && a == maj && b == min && type &&
		    !strncmp(type + 3, "fuse", 4))
			return true;
	}
	return false;
}

static const struct inventory_served *serve_find(const struct inventory_scan *scan,
						 const struct statx *stx)
{
	for (size_t i = 0; i < scan->n_served; i++) {
		const struct inventory_served *served = &scan->served[i];

		if (served->minor ? stx->stx_dev_major == 0 && stx->stx_dev_minor == served->minor
				  : serve_is_fuse(stx->stx_dev_major, stx->stx_dev_minor))
			return served;
	}
	return NULL;
}

static int serve_check(struct inventory_scan *scan, const struct inventory_proc *proc,
		       const char *link)
{
	const struct inventory_served *served;
	char path[PATH_MAX];
	struct statx stx;
	ssize_t len;

	if (statx(proc->dirfd, link, AT_STATX_DONT_SYNC, STATX_TYPE, &stx) < 0)
		return 0;
	served = serve_find(scan, &stx);
	if (!served)
		return 0;
	len = readlinkat(proc->dirfd, link, path, sizeof(path) - 1);
	path[len < 0 ? 0 : len] = '\0';
	return inventory_refuse(
		scan, proc,
		"uses %s on a FUSE file system that pid %d of the same job serves, and "
		"which does not answer while the job is frozen; close it for the move, or "
		"run the server outside the job",
		path, (int)served->pid);
}

static int serve_check_all(struct inventory_scan *scan, const struct inventory_proc *proc,
			   const char *directory)
{
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *entry;
	char path[320];
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)proc->pid, directory);
	dir = opendir(path);
	while (r == 0 && dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		r = serve_check(scan, proc, path);
	}
	return r;
}

int inventory_serve_check(struct inventory_scan *scan)
{
	static const char *const links[] = { "cwd", "root", "exe" };
	int r = 0;

	for (size_t i = 0; r == 0 && scan->n_served > 0 && i < scan->inv->n_pids; i++) {
		struct inventory_proc proc = { .pid = scan->inv->pids[i] };
		_cleanup_close_ int dirfd = -1;
		char path[32];

		snprintf(path, sizeof(path), "/proc/%d", (int)proc.pid);
		dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		proc.dirfd = dirfd;
		if (dirfd < 0)
			continue;
		proc_name(proc.pid, proc.name);
		for (size_t k = 0; r == 0 && k < ARRAY_SIZE(links); k++)
			r = serve_check(scan, &proc, links[k]);
		if (r == 0)
			r = serve_check_all(scan, &proc, "fd");
		if (r == 0)
			r = serve_check_all(scan, &proc, "map_files");
	}
	return r;
}
