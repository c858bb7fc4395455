// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * trust.c - opens files that only root can have put in place
 *
 * A path is walked part by part, each opened relative to the one before with O_NOFOLLOW. Symbolic
 * links are read and walked here, because the kernel would follow one that a user has made.
 */
#include "common/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "common/cleanup.h"
#include "common/file.h"

#define TRUST_LINKS_MAX 40
#define TRUST_FUSE_MAGIC 0x65735546

struct trust_walk {
	int fd;              /* the directory reached, O_PATH */
	dev_t dev;           /* its file system */
	char real[PATH_MAX]; /* its canonical path; "" is the root directory */
	char rest[PATH_MAX]; /* the remaining parts */
	unsigned int links;
};

/* POSIX ACLs that give others write access show in the group's write bit. */
static bool trust_mode(const struct stat *st, bool above)
{
	if (S_ISLNK(st->st_mode))
		return true;
	return !(st->st_mode & (S_IWGRP | S_IWOTH)) ||
	       (above && S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX));
}

static bool trust_owner(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/* above: it is a directory on the way to the file. */
static int trust_check(int fd, const struct stat *st, dev_t parent, bool above, const char *name,
		       struct vc_err *err)
{
	struct statfs fs;

	if (!trust_owner(st))
		return err_set(err, EPERM,
			       "%s belongs to uid %u, not to root, so it is not trusted: use "
			       "another path, or chown it after a look at its contents",
			       name, (unsigned int)st->st_uid);
	if (!trust_mode(st, above))
		return err_set(err, EPERM,
			       "%s can be written by others than root, so it is not trusted: use "
			       "another path, or chmod go-w it after a look at its contents",
			       name);
	if (st->st_dev != parent && !S_ISLNK(st->st_mode) &&
	    (fstatfs(fd, &fs) < 0 || fs.f_type == TRUST_FUSE_MAGIC))
		return err_set(err, EPERM,
			       "%s is a FUSE file system, so its owners and modes are not "
			       "trusted: use another path",
			       name);
	return 0;
}

static int trust_to_root(struct trust_walk *walk, struct vc_err *err)
{
	struct stat st;

	closep(&walk->fd);
	walk->real[0] = '\0';
	walk->fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (walk->fd < 0 || fstat(walk->fd, &st) < 0)
		return err_sys(err, errno, "/");
	walk->dev = st.st_dev;
	return trust_check(walk->fd, &st, st.st_dev, true, "/", err);
}

/* Puts text in front of the remaining parts. */
static int trust_push(struct trust_walk *walk, const char *text)
{
	char all[2 * PATH_MAX];
	int n = snprintf(all, sizeof(all), "%s/%s", text, walk->rest);

	if (n >= (int)sizeof(walk->rest))
		return -ENAMETOOLONG;
	memcpy(walk->rest, all, (size_t)n + 1);
	return 0;
}

static int trust_begin(struct trust_walk *walk, const char *path, struct vc_err *err)
{
	char here[PATH_MAX] = "";

	*walk = (struct trust_walk){ .fd = -1 };
	if (path[0] != '/' && !getcwd(here, sizeof(here)))
		return err_sys(err, errno, "the current directory");
	if (trust_push(walk, path) < 0 || (here[0] && trust_push(walk, here) < 0))
		return err_sys(err, ENAMETOOLONG, "%s", path);
	return trust_to_root(walk, err);
}

/* Takes the next part out of rest; "" when there is none. *ret_last says that it is the last. */
static void trust_next(struct trust_walk *walk, char ret_name[static NAME_MAX + 2], bool *ret_last)
{
	char *begin = walk->rest + strspn(walk->rest, "/");
	size_t len = strcspn(begin, "/"), after;

	/* A path that is too long stays too long, and fails to open. */
	snprintf(ret_name, NAME_MAX + 2, "%.*s", (int)(len > NAME_MAX ? NAME_MAX + 1 : len), begin);
	begin += len;
	after = strspn(begin, "/");
	*ret_last = begin[after] == '\0';
	memmove(walk->rest, begin + after, strlen(begin + after) + 1);
}

static int trust_up(struct trust_walk *walk, struct vc_err *err)
{
	char *slash = strrchr(walk->real, '/');
	struct stat st;
	int up;

	if (!slash)
		return 0;
	up = openat(walk->fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (up < 0 || fstat(up, &st) < 0) {
		closep(&up);
		return err_sys(err, errno, "%s/..", walk->real);
	}
	close(walk->fd);
	walk->fd = up;
	walk->dev = st.st_dev;
	*slash = '\0';
	return 0;
}

static int trust_follow(struct trust_walk *walk, int link, const char *name, struct vc_err *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);

	if (n < 0)
		return err_sys(err, errno, "%s", name);
	target[n] = '\0';
	if (++walk->links > TRUST_LINKS_MAX)
		return err_sys(err, ELOOP, "%s", name);
	if (trust_push(walk, target) < 0)
		return err_sys(err, ENAMETOOLONG, "%s", name);
	return target[0] == '/' ? trust_to_root(walk, err) : 0;
}

/* Walks one part. make is the mode of the directory if the last part is missing; 0: fail. */
static int trust_step(struct trust_walk *walk, const char *part, bool last, mode_t make,
		      struct vc_err *err)
{
	_cleanup_close_ int fd = openat(walk->fd, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	size_t len = strlen(walk->real);
	char name[2 * PATH_MAX];
	struct stat st;
	int r;

	snprintf(name, sizeof(name), "%s/%s", walk->real, part);
	if (fd < 0 && errno == ENOENT && last && make) {
		if (mkdirat(walk->fd, part, make) < 0 && errno != EEXIST)
			return err_sys(err, errno, "%s", name);
		fd = openat(walk->fd, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "%s", name);
	r = trust_check(fd, &st, walk->dev, !last, name, err);
	if (r < 0)
		return r;
	if (S_ISLNK(st.st_mode))
		return trust_follow(walk, fd, name, err);
	if (!last && !S_ISDIR(st.st_mode))
		return err_sys(err, ENOTDIR, "%s", name);
	if (strlen(name) >= sizeof(walk->real))
		return err_sys(err, ENAMETOOLONG, "%s", name);
	memcpy(walk->real + len, name + len, strlen(name) - len + 1);
	close(walk->fd);
	walk->fd = steal_fd(&fd);
	walk->dev = st.st_dev;
	return 0;
}

/* The target of a link in the last place is checked like a last part. "." and ".." are not made,
 * and the resulting directory is checked again. */
static int trust_walk(struct trust_walk *walk, mode_t make, struct vc_err *err)
{
	char part[NAME_MAX + 2];
	struct stat st;
	bool last;
	int r = 0;

	for (trust_next(walk, part, &last); r == 0 && part[0]; trust_next(walk, part, &last)) {
		if (!strcmp(part, ".."))
			r = trust_up(walk, err);
		else if (strcmp(part, ".") != 0)
			r = trust_step(walk, part, last, make, err);
	}
	if (r < 0)
		return r;
	if (fstat(walk->fd, &st) < 0)
		return err_sys(err, errno, "%s", walk->real);
	return trust_check(walk->fd, &st, st.st_dev, false, walk->real[0] ? walk->real : "/", err);
}

static void trust_real(const struct trust_walk *walk, char *ret_real)
{
	if (ret_real)
		snprintf(ret_real, PATH_MAX, "%s", walk->real[0] ? walk->real : "/");
}

static void trust_done(struct trust_walk *walk)
{
	closep(&walk->fd);
}

int trust_open(const char *path, int flags, char *ret_real, struct vc_err *err)
{
	_cleanup_(trust_done) struct trust_walk walk;
	char again[32];
	struct stat st;
	int fd, r = trust_begin(&walk, path, err);

	if (r == 0)
		r = trust_walk(&walk, 0, err);
	if (r < 0)
		return r;
	/* Opening a device or a FIFO can have an effect, or block. */
	if (fstat(walk.fd, &st) < 0 || (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)))
		return err_set(err, EPERM, "%s is no regular file", path);
	snprintf(again, sizeof(again), "/proc/self/fd/%d", walk.fd);
	if ((flags & (O_PATH | O_DIRECTORY)) == (O_PATH | O_DIRECTORY) && S_ISDIR(st.st_mode))
		fd = steal_fd(&walk.fd);
	else
		fd = open(again, flags | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "%s", path);
	trust_real(&walk, ret_real);
	return fd;
}

int trust_make_dir(const char *path, mode_t mode, char *ret_real, struct vc_err *err)
{
	_cleanup_(trust_done) struct trust_walk walk;
	struct stat st;
	int r = trust_begin(&walk, path, err);

	if (r == 0)
		r = trust_walk(&walk, mode, err);
	if (r < 0)
		return r;
	if (fstat(walk.fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_sys(err, ENOTDIR, "%s", path);
	trust_real(&walk, ret_real);
	return steal_fd(&walk.fd);
}

static int trust_fd(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	return trust_owner(&st) && trust_mode(&st, false) ? 0 : -EPERM;
}

int trust_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	_cleanup_close_ int dir = -1, fd = -1;
	const char *slash;
	int r;

	while ((slash = strchr(path, '/'))) {
		char part[NAME_MAX + 1];
		int next;

		if (slash - path > NAME_MAX)
			return -ENAMETOOLONG;
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		next = openat(dir >= 0 ? dir : dirfd, part,
			      O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		closep(&dir);
		dir = next;
		r = dir < 0 ? -errno : trust_fd(dir);
		if (r < 0)
			return r;
		path = slash + 1;
	}
	/* A FIFO must not block its reader. */
	fd = openat(dir >= 0 ? dir : dirfd, path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		    mode);
	r = fd < 0 ? -errno : trust_fd(fd);
	return r < 0 ? r : steal_fd(&fd);
}

int trust_fail(int r, const char *dir, const char *path, struct vc_err *err)
{
	if (r != -EPERM && r != -ELOOP)
		return err_sys(err, -r, "cannot open %s/%s", dir, path);
	err_set(err, EPERM, "%s/%s is not trusted: somebody other than root could have written it",
		dir, path);
	return r;
}

ssize_t trust_read_all(int dirfd, const char *path, size_t max, char **ret)
{
	_cleanup_close_ int fd = trust_openat(dirfd, path, O_RDONLY, 0);

	return fd < 0 ? fd : file_read_all_fd(fd, max, ret);
}

/* A full disk may have cut the last line; then the new text begins on a line of its own. */
static bool trust_is_torn(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char last;

	return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

int trust_append(int dirfd, const char *path, const char *line, mode_t mode)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	char old[PATH_MAX];
	struct stat st;
	int len;

	if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_size + (off_t)strlen(line) > (off_t)TRUST_APPEND_MAX &&
	    snprintf(old, sizeof(old), "%s.1", path) < (int)sizeof(old))
		renameat(dirfd, path, dirfd, old);
	fd = trust_openat(dirfd, path, O_RDWR | O_APPEND | O_CREAT, mode);
	if (fd < 0)
		return fd;
	len = asprintf(&text, "%s%s\n", trust_is_torn(fd) ? "\n" : "", line);
	if (len < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return write(fd, text, (size_t)len) < 0 ? -errno : 0;
}
