// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mq-open.c - mq_open() and mq_unlink()
 */
#include "ipcmap/preload/posix/mq.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipcmap/preload/preload.h"
#include "ipcmap/preload/real.h"

/* Returns 0, or the error of the kernel for such a name. */
static int mq_name(const char *name)
{
	if (name[0] != '/')
		return -EINVAL;
	if (name[1] == '\0')
		return -ENOENT;
	if (strlen(name + 1) > NAME_MAX)
		return -ENAMETOOLONG;
	return strchr(name + 1, '/') || !strcmp(name, "/.") || !strcmp(name, "/..") ? -EACCES : 0;
}

int mq_map(struct mq_opened *opened, const struct door_object *door)
{
	void *base = mmap(NULL, door->size, PROT_READ | PROT_WRITE, MAP_SHARED, door->fd, 0);
	int r;

	if (base == MAP_FAILED)
		return -errno;
	r = msgq_view(base, door->size, &opened->q);
	if (r == 0 && !opened->q.head->ready)
		r = -EINVAL;
	if (r < 0)
		munmap(base, door->size);
	opened->size = door->size;
	opened->id = door->id;
	opened->handle = door->handle;
	opened->pid = preload_pid();
	return r;
}

static int mq_open_there(const char *name, struct door_object *ret)
{
	struct door_open req = { .kind = IPC_KIND_POSIX_MQ,
				 .name = posix_name(name),
				 .flags = DOOR_OWNER };

	return posix_open(&req, 0, 0, ret);
}

static int mq_open_new(const char *name, int oflag, mode_t mode, const struct mq_attr *attr,
		       struct door_object *ret)
{
	struct msgq_head begin = { .ready = 1,
				   .max_messages = (uint32_t)attr->mq_maxmsg,
				   .message_bytes = (uint32_t)attr->mq_msgsize };
	struct door_limit limit;
	struct door_open req = { .kind = IPC_KIND_POSIX_MQ,
				 .name = posix_name(name),
				 .flags = DOOR_OWNER,
				 .size = msgq_size_posix(begin.max_messages, begin.message_bytes),
				 .limit = &limit,
				 .init = &begin,
				 .n_init = sizeof(begin) };
	int r;

	limits_mq(attr, &limit);
	r = posix_open(&req, oflag, mode, ret);
	return r == -EOVERFLOW ? -EMFILE : r;
}

/* Opens or makes the queue. If it cannot be made, it may exist. attr: of a new queue. */
static int mq_open_door(const char *name, int oflag, mode_t mode, const struct mq_attr *attr,
			struct door_object *ret)
{
	struct mq_attr given;
	int tried, r;

	if (!(oflag & O_CREAT))
		return mq_open_there(name, ret);
	tried = limits_try_mq(attr, &given);
	if (tried == 0)
		return mq_open_new(name, oflag, mode, &given, ret);
	if (tried == -EFAULT)
		return tried;
	r = mq_open_there(name, ret);
	if (r == 0 && oflag & O_EXCL) {
		close(ret->fd);
		door_close(ret->handle);
		return -EEXIST;
	}
	return r == -ENOENT ? tried : r;
}

/* The daemon gives the owner the queue whatever its mode is, so the mode is checked here. Other
 * users need permission to read and write. */
static int mq_may(const struct door_object *door, int oflag)
{
	static const unsigned int bits[] = { [O_RDONLY] = 4, [O_WRONLY] = 2, [O_RDWR] = 6 };
	uid_t euid = geteuid();

	if (door->created)
		return 0;
	if ((oflag & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	if (euid == 0 || euid != door->uid)
		return 0;
	return bits[oflag & O_ACCMODE] & ~(door->mode >> 6) ? -EACCES : 0;
}

static int mq_opened_new(const struct door_object *door, int oflag, struct mq_opened **ret)
{
	struct mq_opened *opened = calloc(1, sizeof(*opened));
	int r = opened ? mq_map(opened, door) : -ENOMEM;
	struct stat file;

	if (r == 0 && fstat(door->fd, &file) < 0)
		r = -errno;
	if (r < 0) {
		free(opened);
		return r;
	}
	opened->access = oflag & O_ACCMODE;
	opened->dev = file.st_dev;
	opened->ino = file.st_ino;
	opened->fd = preload_lowest_fd(door->fd);
	mq_note_access(opened->fd, opened->access);
	if (oflag & O_NONBLOCK)
		REAL(fcntl)(opened->fd, F_SETFL, O_RDWR | O_NONBLOCK);
	*ret = opened;
	return 0;
}

static int mq_open_name(const char *name, int oflag, mode_t mode, const struct mq_attr *attr)
{
	struct mq_opened *opened;
	struct door_object door;
	int r = mq_name(name);

	if (r < 0)
		return r;
	r = mq_open_door(name, oflag, mode, attr, &door);
	/* The kernel checks the flags first. */
	if (r == -EACCES && (oflag & O_ACCMODE) == O_ACCMODE)
		r = -EINVAL;
	if (r < 0)
		return r;
	r = mq_may(&door, oflag);
	if (r == 0)
		r = mq_opened_new(&door, oflag, &opened);
	if (r < 0) {
		close(door.fd);
		door_close(door.handle);
		return r;
	}
	r = opened->fd;
	mq_insert(opened);
	return r;
}

INTERPOSE mqd_t mq_open(const char *name, int oflag, ...)
{
	const struct mq_attr *attr = NULL;
	struct section section;
	mode_t mode = 0;
	va_list ap;
	int r;

	if (oflag & O_CREAT) {
		va_start(ap, oflag);
		mode = va_arg(ap, mode_t);
		attr = va_arg(ap, const struct mq_attr *);
		va_end(ap);
	}
	section_begin(&section);
	r = mq_open_name(name, oflag, mode, attr);
	section_end(&section);
	return preload_result(r);
}

/* Called by programs that are compiled with _FORTIFY_SOURCE. */
INTERPOSE mqd_t __mq_open_2(const char *name, int oflag);
INTERPOSE mqd_t __mq_open_2(const char *name, int oflag)
{
	return mq_open(name, oflag & ~O_CREAT);
}

INTERPOSE int mq_unlink(const char *name)
{
	struct section section;
	int r;

	section_begin(&section);
	r = mq_name(name);
	if (r == 0)
		r = door_unlink(IPC_KIND_POSIX_MQ, posix_name(name), 0);
	section_end(&section);
	return preload_result(r);
}
