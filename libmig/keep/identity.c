// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * identity.c - checks that a restored tree has the files that the old tree had
 *
 * The identities are read again from the restored processes: of descriptors by number, of mappings
 * by an address inside. Nearly all files were kept (keep.h), so this checks that CRIU used them.
 * Sockets, pipes and anonymous files are left out, because the ones that CRIU creates have another
 * identity.
 */
#include "libmig/keep/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/proc.h"
#include "common/procdir.h"

#define IDENTITY_MAPS_MAX (64u << 20)

enum identity_kind { IDENTITY_FD, IDENTITY_LINK, IDENTITY_MAPPING };

static const char *const identity_links[] = { "exe", "cwd", "root" };

struct identity_file {
	enum identity_kind kind;
	pid_t pid;
	uint64_t number; /* descriptor, index of the link, or start of the mapping */
	uint64_t dev, ino;
};

struct identity {
	struct identity_file *files;
	size_t n;
};

static int identity_add(struct identity *identity, const struct identity_file *file)
{
	struct identity_file *added = array_add(&identity->files, &identity->n);

	if (!added)
		return -ENOMEM;
	*added = *file;
	return 0;
}

/* Whether such files have a path, and this one still has a name. */
static bool identity_has_path(const struct stat *st)
{
	return st->st_nlink > 0 && (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) ||
				    S_ISCHR(st->st_mode) || S_ISFIFO(st->st_mode));
}

/* Files of a process in /proc have other inode numbers after the move. */
static bool identity_is_proc(const char *path)
{
	return !strncmp(path, "/proc/", 6);
}

static int identity_take_fds(struct identity *identity, pid_t pid)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	const char *fd;
	int r = 0;

	procdir_open(&dir, AT_FDCWD, "/proc/%d/fd", (int)pid);
	while (r == 0 && (fd = procdir_next(&dir))) {
		struct identity_file file = { .kind = IDENTITY_FD, .pid = pid };
		char target[8] = "";
		struct stat st;

		/* A link that begins with a slash is a path. stat(2) takes longer. */
		if (readlinkat(dir.fd, fd, target, sizeof(target)) <= 0 || target[0] != '/' ||
		    identity_is_proc(target) || fstatat(dir.fd, fd, &st, 0) < 0 ||
		    !identity_has_path(&st))
			continue;
		file.number = strtoul(fd, NULL, 10);
		file.dev = st.st_dev;
		file.ino = st.st_ino;
		r = identity_add(identity, &file);
	}
	return r;
}

static int identity_take_links(struct identity *identity, pid_t pid)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(identity_links); i++) {
		struct identity_file file = { .kind = IDENTITY_LINK, .pid = pid, .number = i };
		char path[64], target[8] = "";
		struct stat st;

		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, identity_links[i]);
		if (readlink(path, target, sizeof(target)) < 0 || identity_is_proc(target) ||
		    stat(path, &st) < 0 || st.st_nlink == 0)
			continue;
		file.dev = st.st_dev;
		file.ino = st.st_ino;
		r = identity_add(identity, &file);
	}
	return r;
}

/* One line of maps: "start-end perms offset major:minor inode path". */
static bool identity_parse_map(const char *line, uint64_t *ret_start, uint64_t *ret_end,
			       uint64_t *ret_dev, uint64_t *ret_ino)
{
	unsigned int maj, min;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %x:%x %" SCNu64, ret_start, ret_end, &maj,
		   &min, ret_ino) != 5)
		return false;
	*ret_dev = makedev(maj, min);
	return true;
}

static bool identity_ends_with(const char *line, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len >= n && !memcmp(line + len - n, end, n);
}

static char *identity_read_maps(pid_t pid)
{
	char *text = NULL;

	return proc_read_all(pid, "maps", IDENTITY_MAPS_MAX, &text) < 0 ? NULL : text;
}

static int identity_take_maps(struct identity *identity, pid_t pid)
{
	_cleanup_free_ char *text = identity_read_maps(pid);
	int r = 0;

	for (const char *line = text; r == 0 && line && *line;) {
		struct identity_file file = { .kind = IDENTITY_MAPPING, .pid = pid };
		size_t len = strcspn(line, "\n");
		uint64_t end;

		if (identity_parse_map(line, &file.number, &end, &file.dev, &file.ino) &&
		    file.ino != 0 && !identity_ends_with(line, len, " (deleted)"))
			r = identity_add(identity, &file);
		line += len + (line[len] == '\n');
	}
	return r;
}

int identity_take(const pid_t *pids, size_t n_pids, struct identity **ret, struct vc_err *err)
{
	_cleanup_(identity_freep) struct identity *identity = calloc(1, sizeof(*identity));
	int r = identity ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n_pids; i++) {
		r = identity_take_fds(identity, pids[i]);
		if (r == 0)
			r = identity_take_links(identity, pids[i]);
		if (r == 0)
			r = identity_take_maps(identity, pids[i]);
	}
	if (r < 0)
		return err_sys(err, -r, "note the job's files");
	*ret = steal_ptr(identity);
	return 0;
}

void identity_free(struct identity *identity)
{
	if (!identity)
		return;
	free(identity->files);
	free(identity);
}

/* A process that has ended has no program. */
static bool identity_is_dead(pid_t pid)
{
	char path[32], link[8];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return readlink(path, link, sizeof(link)) < 0 && (errno == ENOENT || errno == ESRCH);
}

/* Writes the error. link: the kernel's own link to the present file; "": none. Returns -errno. */
static int identity_differs(const struct identity_file *file, const char *what, const char *link,
			    struct vc_err *err)
{
	struct stat now, named;
	char path[PATH_MAX];
	ssize_t len;

	if (identity_is_dead(file->pid))
		return err_set(
			err, ENOMEM,
			"pid %d was killed during the restore; give the partition more memory if "
			"it has too little",
			(int)file->pid);
	if (*link && stat(link, &now) < 0)
		return err_set(err, ESTALE, "pid %d: %s cannot be checked after the restore: %s",
			       (int)file->pid, what, strerror(errno));
	len = *link ? readlink(link, path, sizeof(path) - 1) : -1;
	path[len < 0 ? 0 : len] = '\0';
	/* The path was changed if it leads to the present file. */
	if (len > 0 && stat(path, &named) == 0 && named.st_dev == now.st_dev &&
	    named.st_ino == now.st_ino && (now.st_dev != file->dev || now.st_ino != file->ino))
		return err_set(err, ESTALE,
			       "pid %d: %s is another file: its path %s was changed during the "
			       "move; restore "
			       "the path, or move the job again",
			       (int)file->pid, what, path);
	return err_set(err, ESTALE, "pid %d: %s is another file; move the job again",
		       (int)file->pid, what);
}

/* Whether it is a file of the same cgroup hierarchy, where only the kernel creates files: the move
 * has replaced it by the file of the new group. */
static bool identity_is_group_file(const char *path, const struct stat *st, uint64_t dev)
{
	struct statfs fs;

	return st->st_dev == dev && statfs(path, &fs) == 0 &&
	       (fs.f_type == CGROUP_SUPER_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC);
}

static int identity_check_path(const struct identity_file *file, struct vc_err *err)
{
	char path[64], what[64];
	struct stat st;

	if (file->kind == IDENTITY_FD) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%" PRIu64, (int)file->pid, file->number);
		snprintf(what, sizeof(what), "fd %" PRIu64, file->number);
	} else {
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)file->pid,
			 identity_links[file->number]);
		snprintf(what, sizeof(what), "its %s", identity_links[file->number]);
	}
	if (stat(path, &st) < 0)
		return identity_differs(file, what, path, err);
	if (st.st_dev == file->dev && st.st_ino == file->ino)
		return 0;
	return identity_is_group_file(path, &st, file->dev)
		       ? 0
		       : identity_differs(file, what, path, err);
}

/* Checks all mappings of one process, sorted by address. The kernel may have merged neighbours, so
 * an address inside a mapping counts. */
static int identity_check_maps(const struct identity_file *files, size_t n, struct vc_err *err)
{
	_cleanup_free_ char *text = identity_read_maps(files[0].pid);
	size_t i = 0;

	for (const char *line = text; line && *line && i < n;) {
		uint64_t start, end, dev, ino;
		size_t len = strcspn(line, "\n");

		if (identity_parse_map(line, &start, &end, &dev, &ino))
			for (; i < n && files[i].number >= start && files[i].number < end; i++)
				if (dev != files[i].dev || ino != files[i].ino)
					return identity_differs(&files[i], "a mapping", "", err);
		line += len + (line[len] == '\n');
	}
	return i < n ? identity_differs(&files[i], "a mapping", "", err) : 0;
}

int identity_check(const struct identity *identity, struct vc_err *err)
{
	for (size_t i = 0, n; i < identity->n; i += n) {
		const struct identity_file *file = &identity->files[i];
		int r;

		n = 1;
		while (file->kind == IDENTITY_MAPPING && i + n < identity->n &&
		       file[n].kind == IDENTITY_MAPPING && file[n].pid == file->pid)
			n++;
		r = file->kind == IDENTITY_MAPPING ? identity_check_maps(file, n, err)
						   : identity_check_path(file, err);
		if (r < 0)
			return r;
	}
	return 0;
}
