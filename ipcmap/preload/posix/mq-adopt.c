// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mq-adopt.c - a queue's descriptor that this process has not opened
 *
 * The descriptor was passed through a socket or kept over execve(2). The offset of its open file
 * says that it belongs to a queue and how it was opened: nothing else uses this offset. The
 * file's name says which queue it is. The daemon is asked for that queue, since another user could
 * pass any file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipcmap/preload/posix/mq.h"
#include "ipcmap/preload/preload.h"
#include "ipcmap/preload/real.h"

#define MQ_OFFSET 0x766d7100 /* and 0 to 2: O_RDONLY, O_WRONLY, O_RDWR */

void mq_note_access(mqd_t fd, int access)
{
	lseek(fd, MQ_OFFSET + access, SEEK_SET);
}

static int mq_noted_access(mqd_t fd)
{
	off_t at = lseek(fd, 0, SEEK_CUR) - MQ_OFFSET;

	return at >= O_RDONLY && at <= O_RDWR ? (int)at : -EBADF;
}

/* The object's id, which is its file's name. 0: none. */
static uint64_t mq_file_id(mqd_t fd)
{
	char link[64], path[4096], *name, *end;
	uint64_t id;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return 0;
	path[n] = '\0';
	name = strrchr(path, '/');
	if (!name)
		return 0;
	id = strtoull(name + 1, &end, 16);
	/* " (deleted)", after an unlink. */
	return *end && *end != ' ' ? 0 : id;
}

/* Opens the object again. *ret_file: its file. */
static int mq_open_same(mqd_t fd, struct door_object *ret, struct stat *ret_file)
{
	struct door_open req = { .kind = IPC_KIND_POSIX_MQ, .id = mq_file_id(fd) };
	struct stat file;
	int r = req.id && fstat(fd, &file) == 0 ? door_open(&req, ret) : -EBADF;

	if (r < 0)
		return r;
	if (fstat(ret->fd, ret_file) == 0 && ret_file->st_ino == file.st_ino &&
	    ret_file->st_dev == file.st_dev)
		return 0;
	close(ret->fd);
	door_close(ret->handle);
	return -EBADF;
}

struct mq_opened *mq_adopt(mqd_t fd)
{
	int access = mq_noted_access(fd);
	struct mq_opened *opened = NULL;
	struct door_object door;
	struct stat file;

	if (access < 0 || mq_open_same(fd, &door, &file) < 0)
		return NULL;
	opened = calloc(1, sizeof(*opened));
	if (opened && mq_map(opened, &door) < 0) {
		free(opened);
		opened = NULL;
	}
	close(door.fd);
	if (!opened) {
		door_close(door.handle);
		return NULL;
	}
	opened->fd = fd;
	opened->dev = file.st_dev;
	opened->ino = file.st_ino;
	opened->access = access;
	return opened;
}
