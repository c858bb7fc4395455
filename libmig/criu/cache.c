// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * cache.c - criu's cache of what the kernel can do
 *
 * CRIU writes it to /run only if that is a tmpfs. Without the cache criu finds out everything anew
 * for each request, and each move takes longer.
 */
#include "libmig/criu/criu.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"

#define CRIU_TMPFS_MAGIC 0x01021994
#define CRIU_CACHE "/run/criu.kdat"

/* In a child with its own mounts: lets criu write its cache, copies it out. */
static int criu_cache_child(const char *binary, int out)
{
	char data[65536];
	pid_t pid;
	ssize_t n;
	int fd;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") < 0)
		return errno;
	pid = fork();
	if (pid < 0)
		return errno;
	if (pid == 0) {
		fd = open("/dev/null", O_RDWR);
		dup2(fd, 1);
		dup2(fd, 2);
		/* Its verdict does not matter here: it fills its cache before it judges. */
		execl(binary, "criu", "check", (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	fd = open(CRIU_CACHE, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	while ((n = read(fd, data, sizeof(data))) > 0)
		if (write(out, data, (size_t)n) != n)
			return EIO;
	return n < 0 ? errno : 0;
}

/* Whether the cache stems from before the last boot: btime is in /proc/stat. */
static bool criu_cache_is_old(const struct stat *st)
{
	_cleanup_free_ char *stat = NULL;
	unsigned long long boot = 0;
	const char *line;

	if (file_read_all(AT_FDCWD, "/proc/stat", 1 << 20, &stat) < 0)
		return true;
	line = strstr(stat, "\nbtime ");
	return !line || sscanf(line, "\nbtime %llu", &boot) != 1 ||
	       (unsigned long long)st->st_mtime < boot;
}

int criu_make_cache(const char *binary, struct vc_err *err)
{
	_cleanup_close_ int out = -1;
	struct statfs fs;
	struct stat st;
	int status = 0;
	pid_t pid;

	if (statfs("/run", &fs) == 0 && fs.f_type == CRIU_TMPFS_MAGIC)
		return 0;
	if (stat(CRIU_CACHE, &st) == 0 && !criu_cache_is_old(&st))
		return 0;
	if (!binary)
		binary = criu_find();
	if (!binary)
		return err_set(err, ENOENT, "criu is not installed: run 'vcctl check'");
	out = open(CRIU_CACHE ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (out < 0)
		return err_sys(err, errno, "%s.new", CRIU_CACHE);
	pid = fork();
	if (pid == 0)
		_exit(criu_cache_child(binary, out) ? 1 : 0);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
		unlink(CRIU_CACHE ".new");
		return err_set(err, EIO, "criu's cache of kernel features could not be made");
	}
	if (rename(CRIU_CACHE ".new", CRIU_CACHE) < 0)
		return err_sys(err, errno, "%s", CRIU_CACHE);
	return 0;
}
