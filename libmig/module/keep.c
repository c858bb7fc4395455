// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * keep.c - the kept objects of a tree, in the criu that restores it
 *
 * The mover has a duplicate of each object, and says its descriptor. When CRIU asks for an external
 * file, the restored process fetches the object from the mover by pidfd_getfd(2). CRIU takes files
 * for mappings only from inherited descriptors: it puts them into a socket that is connected to
 * itself, from which its processes fetch them. Programs in this socket could not be written while
 * criu runs, so the socket is emptied before the tree runs.
 *
 * CRIU need not dump sockets and pipes that are kept, and fails if it does not know their family,
 * option, mode or state. So its fstat(2) is replaced and says that they are regular files. They
 * have no path, and CRIU asks its modules for such files.
 */
#include "libmig/module/keep.h"

#include <errno.h>
#include <fcntl.h>
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

#include "common/cleanup.h"
#include "common/procdir.h"
#include "libmig/criu/hold-wire.h"
#include "libmig/module/end.h"
#include "libmig/module/lead.h"
#include "libmig/module/slot.h"

#ifndef PIPEFS_MAGIC
#define PIPEFS_MAGIC 0x50495045
#endif

#define STORE_NAME "/criu-fdstore-" /* in the abstract namespace, before a number */

/* A function of criu for its modules. */
extern int inherit_fd_add(int fd, char *key);

static pid_t keep_mover;
static struct keep_object *keep_objects;
static size_t keep_n;

/* criu closes all inherited descriptors in each of its processes, so the pidfd is opened here. */
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

/* Whether it is a pipe without a name. It does not matter that CRIU's own pipes are too. */
static bool keep_is_pipe(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC;
}

/* A packet socket may be mapped, and then CRIU must know the socket. */
static bool keep_is_mappable(int fd)
{
	socklen_t len = sizeof(int);
	int family;

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) == 0 && family == AF_PACKET;
}

/* Replaces fstat(2) in criu. */
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
	/* fstat on architectures that have only large files. */
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
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	const char *name;
	char byte;

	if (procdir_open(&dir, AT_FDCWD, "/proc/self/fd") < 0)
		return;
	while ((name = procdir_next(&dir)))
		/* recv(2) closes the descriptors of a message. */
		while (keep_is_store(atoi(name)) &&
		       recv(atoi(name), &byte, sizeof(byte), MSG_DONTWAIT) >= 0)
			;
}
