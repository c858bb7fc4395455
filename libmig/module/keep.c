// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * keep.c - the objects that a tree keeps, in the criu that restores it
 *
 * The mover has a duplicate of each object, and says under which number. A restored process
 * fetches it from there, by pidfd_getfd(2), when CRIU asks for an external file. What
 * is to be mapped CRIU takes only from descriptors that it inherited: it puts them into a socket
 * connected to itself, from which its processes fetch them. What is left in that one would keep
 * programs from being written as long as criu lives, so it is emptied before the tree runs.
 *
 * A dump of sockets and pipes that are kept is for nothing, and fails where CRIU does not know
 * a family, an option, a mode or a state. So its fstat(2) says that they are files; these
 * have no path, and such files it leaves to its modules.
 */
#include "libmig/module/keep.h"

#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "libmig/criu/hold-wire.h"
#include "libmig/module/end.h"
#include "libmig/module/lead.h"
#include "libmig/module/slot.h"

#ifndef PIPEFS_MAGIC
#define PIPEFS_MAGIC 0x50495045
#endif

#define STORE_NAME "/criu-fdstore-" /* in the abstract namespace, with a number behind it */

/* criu's own, which it exports to its modules. */
extern int inherit_fd_add(int fd, char *key);

static pid_t keep_mover;
static struct keep_object *keep_objects;
static size_t keep_n;

/* An inherited pidfd would be closed by criu, like all else, in each of its processes. */
static int keep_fetch(const struct keep_object *object)
{
	int pidfd = (int)syscall(SYS_pidfd_open, keep_mover, 0), fd;

	if (pidfd < 0)
		return -errno;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, object->fd, 0);
	if (fd < 0)
		fd = -errno;
	close(pidfd);
	return fd;
}

static int keep_compare(const void *a, const void *b)
{
	uint32_t x = ((const struct keep_object *)a)->id, y = ((const struct keep_object *)b)->id;

	return (x > y) - (x < y);
}

static int keep_add(const struct hold_keep *message)
{
	struct keep_object *grown;

	if (message->n > HOLD_KEEP_MAX)
		return -EPROTO;
	grown = reallocarray(keep_objects, keep_n + message->n, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	keep_objects = grown;
	memcpy(keep_objects + keep_n, message->objects, message->n * sizeof(*grown));
	keep_n += message->n;
	keep_mover = message->pid;
	return 0;
}

static int keep_inherit(const struct keep_object *object)
{
	int fd = keep_fetch(object);
	char key[32];

	if (fd < 0)
		return fd;
	snprintf(key, sizeof(key), "vcrun/%u", object->id);
	return inherit_fd_add(fd, key) < 0 ? -EIO : 0;
}

int module_keep_take(void)
{
	struct hold_keep message;
	ssize_t n;
	int r = 0;

	do {
		do
			n = recv(HOLD_FD, &message, sizeof(message), 0);
		while (n < 0 && errno == EINTR);
		if (n != sizeof(message) || message.op != HOLD_KEEP)
			return -EPROTO;
		if (message.n > 0)
			r = keep_add(&message);
		for (uint32_t i = 0; i < message.n_ended && i < HOLD_ENDED_MAX; i++)
			end_add(&message.ended[i]);
	} while (r == 0 && (message.n > 0 || message.n_ended > 0));
	if (r == 0 && keep_n > 0)
		qsort(keep_objects, keep_n, sizeof(*keep_objects), keep_compare);
	for (size_t i = 0; r == 0 && i < keep_n; i++) {
		const struct keep_object *object = &keep_objects[i];

		if (object->mapped)
			r = keep_inherit(object);
		if (r == 0 && object->leader)
			r = lead_add(object->leader, object->id);
	}
	return r;
}

/* Named pipes have one, and CRIU's own pipes are no matter. */
static bool keep_is_pipe(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC;
}

/* A packet socket's memory may be mapped, and CRIU looks for the socket then. */
static bool keep_is_mappable(int fd)
{
	socklen_t len = sizeof(int);
	int family;

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) == 0 && family == AF_PACKET;
}

/* In criu, in place of fstat(2). */
static int keep_fstat(int fd, struct stat *st)
{
	int r = fstat(fd, st);

	if (r == 0 && ((S_ISSOCK(st->st_mode) && !keep_is_mappable(fd)) ||
		       (S_ISFIFO(st->st_mode) && keep_is_pipe(fd))))
		st->st_mode = (st->st_mode & ~(mode_t)S_IFMT) | S_IFREG;
	return r;
}

int module_keep_hide(void)
{
	/* The second where files of any size are this architecture's only ones. */
	return slot_replace("fstat64", (slot_function *)keep_fstat) ||
			       slot_replace("fstat", (slot_function *)keep_fstat)
		       ? 0
		       : -EOPNOTSUPP;
}

int module_keep_dump(int fd, int id)
{
	(void)fd;
	(void)id;
	return 0;
}

int module_keep_restore(int id)
{
	struct keep_object wanted = { .id = (uint32_t)id };
	const struct keep_object *found = NULL;

	if (keep_n > 0)
		found = bsearch(&wanted, keep_objects, keep_n, sizeof(wanted), keep_compare);
	return found ? keep_fetch(found) : -ENOTSUP;
}

static bool keep_is_store(int fd)
{
	struct sockaddr_un name = { 0 };
	socklen_t len = sizeof(name);

	return getsockname(fd, (struct sockaddr *)&name, &len) == 0 && name.sun_family == AF_UNIX &&
	       !strncmp(name.sun_path + 1, STORE_NAME, strlen(STORE_NAME));
}

void module_keep_forget(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	char byte;

	while (dir && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		/* Without a place for descriptors a message's are closed. */
		while (keep_is_store(fd) && recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0)
			;
	}
	if (dir)
		closedir(dir);
}
