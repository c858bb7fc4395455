// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mq.c - mq_open() to mq_unlink(), all but mq_notify()
 */
#include "ipcmap/preload/posix/mq.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipcmap/object/wait.h"
#include "ipcmap/preload/preload.h"
#include "ipcmap/preload/real.h"

static struct mq_opened *mqs_opened; /* preload_lock */

/* The same as bits, to be looked at without it. */
static uint64_t mq_bits[MQ_FDS / 64];

/* --- the open queues --------------------------------------------------------------------- */

static struct mq_opened *mq_find(mqd_t fd)
{
	struct mq_opened *opened = mqs_opened;

	while (opened && opened->fd != fd)
		opened = opened->next;
	return opened;
}

static void mq_mark(mqd_t fd, bool open)
{
	uint64_t bit = UINT64_C(1) << ((unsigned int)fd % 64);

	if ((unsigned int)fd >= MQ_FDS)
		return;
	if (open)
		__atomic_or_fetch(&mq_bits[fd / 64], bit, __ATOMIC_RELEASE);
	else
		__atomic_and_fetch(&mq_bits[fd / 64], ~bit, __ATOMIC_RELEASE);
}

bool mq_any(void)
{
	return __atomic_load_n(&mqs_opened, __ATOMIC_RELAXED) != NULL;
}

bool mq_is_queue(int fd)
{
	return mq_any() && (unsigned int)fd < MQ_FDS &&
	       __atomic_load_n(&mq_bits[fd / 64], __ATOMIC_ACQUIRE) >> (fd % 64) & 1;
}

void mq_each(void (*f)(struct mq_opened *opened))
{
	for (struct mq_opened *opened = mqs_opened; opened; opened = opened->next)
		f(opened);
}

/* In a child that uses what its parent opened: its daemon shall know of it, too. */
static void mq_count_child(struct mq_opened *opened)
{
	struct door_open req = { .kind = IPC_KIND_POSIX_MQ, .id = opened->id };
	struct door_object door;

	opened->pid = preload_pid();
	opened->handle = 0;
	if (door_open(&req, &door) == 0) {
		close(door.fd);
		opened->handle = door.handle;
	}
}

static void mq_put_locked(struct mq_opened *opened)
{
	if (--opened->uses > 0)
		return;
	munmap(opened->q.head, opened->size);
	if (opened->pid == preload_pid() && opened->handle)
		door_close(opened->handle);
	free(opened);
}

void mq_put(struct mq_opened *opened)
{
	preload_lock();
	mq_put_locked(opened);
	preload_unlock();
}

/* Takes it out of the list; its number may be another file's by now. Closing ends what mq_notify()
 * has begun. */
static void mq_drop(struct mq_opened *opened)
{
	struct mq_opened **at = &mqs_opened;

	mq_notify_close(opened);
	mq_bell_end(opened);
	mq_mark(opened->fd, false);
	while (*at != opened)
		at = &(*at)->next;
	*at = opened->next;
	mq_put_locked(opened);
}

/* close() says nothing here, and the number may be another file's since. */
static bool mq_is_open(const struct mq_opened *opened)
{
	struct stat file;

	return fstat(opened->fd, &file) == 0 && file.st_ino == opened->ino &&
	       file.st_dev == opened->dev;
}

static void mq_list(struct mq_opened *opened)
{
	opened->uses = 1;
	opened->next = mqs_opened;
	mqs_opened = opened;
	mq_mark(opened->fd, true);
}

int mq_get(mqd_t fd, struct mq_opened **ret)
{
	struct mq_opened *opened;

	preload_lock();
	opened = mq_find(fd);
	if (opened && !mq_is_open(opened)) {
		mq_drop(opened);
		opened = NULL;
	}
	if (!opened && !preload_is_guest() && (opened = mq_adopt(fd)))
		mq_list(opened);
	if (opened) {
		opened->uses++;
		if (opened->pid != preload_pid() && !preload_is_guest())
			mq_count_child(opened);
	}
	preload_unlock();
	*ret = opened;
	return opened ? 0 : -EBADF;
}

void mq_forked(void)
{
	mq_each(mq_notify_forked);
	mq_each(mq_bell_forked);
}

void mq_exit(void)
{
	mq_each(mq_notify_close);
}

/* --- open, close, unlink ----------------------------------------------------------------- */

/* 0, or what the kernel says of such a name. */
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

static void mq_insert(struct mq_opened *opened)
{
	struct mq_opened *stale;

	preload_lock();
	/* Closed by close(), not by mq_close(). */
	while ((stale = mq_find(opened->fd)))
		mq_drop(stale);
	mq_list(opened);
	preload_unlock();
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

/* Opens or makes it. One that cannot be made may be there already. attr: a new one's. */
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

/* An owner is given it whatever the mode is, and so is asked here; others must be allowed to read
 * and write. */
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
	/* The kernel looks at the flags first. */
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

/* What a program calls that is compiled with _FORTIFY_SOURCE. */
INTERPOSE mqd_t __mq_open_2(const char *name, int oflag);
INTERPOSE mqd_t __mq_open_2(const char *name, int oflag)
{
	return mq_open(name, oflag & ~O_CREAT);
}

/* The kernel's closes any descriptor. */
INTERPOSE int mq_close(mqd_t fd)
{
	struct mq_opened *opened;
	struct section section;
	int r;

	section_begin(&section);
	preload_lock();
	opened = mq_find(fd);
	r = REAL(close)(fd) < 0 ? -errno : 0;
	/* A guest has closed its own descriptor, and not the owner's. */
	if (opened && !preload_is_guest())
		mq_drop(opened);
	preload_unlock();
	section_end(&section);
	return preload_result(r);
}

void mq_closed(mqd_t fd)
{
	struct mq_opened *opened;
	struct section section;

	section_begin(&section);
	preload_lock();
	opened = mq_find(fd);
	if (opened && !preload_is_guest())
		mq_drop(opened);
	preload_unlock();
	section_end(&section);
}

/* --- copies ------------------------------------------------------------------------------ */

/* The same queue by another number, mapped and counted for itself. */
static struct mq_opened *mq_copy(const struct mq_opened *opened, mqd_t fd)
{
	struct mq_opened *copy = calloc(1, sizeof(*copy));
	void *base;

	if (!copy)
		return NULL;
	*copy = (struct mq_opened){ .fd = fd,
				    .dev = opened->dev,
				    .ino = opened->ino,
				    .access = opened->access,
				    .size = opened->size,
				    .id = opened->id };
	base = mmap(NULL, copy->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED || msgq_view(base, copy->size, &copy->q) < 0) {
		if (base != MAP_FAILED)
			munmap(base, copy->size);
		free(copy);
		return NULL;
	}
	mq_count_child(copy);
	return copy;
}

void mq_copied(mqd_t fd, mqd_t number)
{
	struct mq_opened *opened, *copy = NULL;
	struct section section;

	section_begin(&section);
	if (mq_get(fd, &opened) == 0) {
		copy = preload_is_guest() ? NULL : mq_copy(opened, number);
		mq_put(opened);
	}
	if (copy)
		mq_insert(copy);
	section_end(&section);
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

int mq_flags(mqd_t fd, int flags)
{
	struct mq_opened *opened;
	struct section section;

	section_begin(&section);
	if (mq_get(fd, &opened) == 0) {
		flags = (flags & O_NONBLOCK) | opened->access;
		mq_put(opened);
	}
	section_end(&section);
	return flags;
}

/* --- attributes -------------------------------------------------------------------------- */

static int mq_change(const struct mq_opened *opened, const struct mq_attr *attr,
		     struct mq_attr *old)
{
	int flags = REAL(fcntl)(opened->fd, F_GETFL);

	if (flags < 0)
		return -EBADF;
	*old = (struct mq_attr){ .mq_flags = flags & O_NONBLOCK,
				 .mq_maxmsg = opened->q.head->max_messages,
				 .mq_msgsize = opened->q.head->message_bytes,
				 .mq_curmsgs = opened->q.head->n };
	if (attr)
		REAL(fcntl)(opened->fd, F_SETFL, (flags & ~O_NONBLOCK) | (int)attr->mq_flags);
	return 0;
}

static int mq_attributes(mqd_t fd, const struct mq_attr *attr, struct mq_attr *ret)
{
	struct mq_attr given, old;
	struct mq_opened *opened;
	int r = attr ? preload_take(&given, attr, sizeof(given)) : 0;

	if (r == 0 && attr && given.mq_flags & ~O_NONBLOCK)
		r = -EINVAL;
	if (r == 0)
		r = mq_get(fd, &opened);
	if (r < 0)
		return r;
	r = mq_change(opened, attr ? &given : NULL, &old);
	mq_put(opened);
	return r == 0 && ret ? preload_give(ret, &old, sizeof(old)) : r;
}

static int mq_attributes_result(mqd_t fd, const struct mq_attr *attr, struct mq_attr *ret)
{
	struct section section;
	int r;

	section_begin(&section);
	r = mq_attributes(fd, attr, ret);
	section_end(&section);
	return preload_result(r);
}

INTERPOSE int mq_getattr(mqd_t fd, struct mq_attr *attr)
{
	return mq_attributes_result(fd, NULL, attr);
}

INTERPOSE int mq_setattr(mqd_t fd, const struct mq_attr *restrict attr,
			 struct mq_attr *restrict old)
{
	return mq_attributes_result(fd, attr, old);
}

/* --- send and receive -------------------------------------------------------------------- */

/* Sleeps where a call had to stop. 0: try again; -EAGAIN, -EINTR, -ETIMEDOUT. */
static int mq_sleep(struct section *section, struct mq_opened *opened, struct msgq_block_on *block,
		    uint64_t deadline_usec)
{
	int flags = REAL(fcntl)(opened->fd, F_GETFL), r;

	if (flags < 0 || flags & O_NONBLOCK)
		r = flags < 0 ? -EBADF : -EAGAIN;
	else
		r = section_sleep_restart(section, block->word, block->value, deadline_usec);
	msgq_unblock(&opened->q, block);
	return r;
}

/* The open queue, if it was opened for that. */
static int mq_get_for(mqd_t fd, int access, struct mq_opened **ret)
{
	int r = mq_get(fd, ret);

	if (r == 0 && ((*ret)->access != O_RDWR && (*ret)->access != access)) {
		mq_put(*ret);
		r = -EBADF;
	}
	return r;
}

static int mq_send_message(struct section *section, mqd_t fd, const struct msgq_message *message,
			   uint64_t deadline_usec)
{
	struct msgq_block_on block;
	struct mq_opened *opened;
	int r;

	if (message->type >= MQ_PRIO_MAX)
		return -EINVAL;
	r = mq_get_for(fd, O_WRONLY, &opened);
	if (r < 0)
		return r;
	if (message->size > opened->q.head->message_bytes)
		r = -EMSGSIZE;
	if (r == 0)
		r = preload_check_read(message->data, message->size);
	while (r == 0 && (r = msgq_send(&opened->q, message, true, (uint32_t)preload_pid(),
					&block)) == -EINPROGRESS)
		r = mq_sleep(section, opened, &block, deadline_usec);
	if (r == 0)
		mq_notify_sent(opened);
	mq_put(opened);
	return r;
}

/* until NULL: for ever. */
static int mq_deadline(const struct timespec *until, uint64_t *ret_usec)
{
	struct timespec taken;
	int r = until ? preload_take(&taken, until, sizeof(taken)) : 0;

	*ret_usec = WAIT_FOREVER;
	return r == 0 && until ? preload_deadline(CLOCK_REALTIME, &taken, ret_usec) : r;
}

static int mq_send_until(mqd_t fd, const char *data, size_t size, unsigned int priority,
			 const struct timespec *until)
{
	struct msgq_message message = { .type = priority, .data = (void *)data, .size = size };
	uint64_t deadline_usec;
	struct section section;
	int r;

	section_begin(&section);
	r = mq_deadline(until, &deadline_usec);
	if (r == 0)
		r = mq_send_message(&section, fd, &message, deadline_usec);
	section_end(&section);
	return r;
}

INTERPOSE int mq_timedsend(mqd_t fd, const char *data, size_t size, unsigned int priority,
			   const struct timespec *until)
{
	return preload_result(mq_send_until(fd, data, size, priority, until));
}

INTERPOSE int mq_send(mqd_t fd, const char *data, size_t size, unsigned int priority)
{
	return preload_result(mq_send_until(fd, data, size, priority, NULL));
}

static int mq_receive_message(struct section *section, mqd_t fd, struct msgq_message *message,
			      uint64_t deadline_usec)
{
	struct msgq_block_on block;
	struct mq_opened *opened;
	int r = mq_get_for(fd, O_RDONLY, &opened);

	if (r < 0)
		return r;
	if (message->size < opened->q.head->message_bytes)
		r = -EMSGSIZE;
	while (r == 0 && (r = msgq_receive(&opened->q, message, 0, 0, (uint32_t)preload_pid(), true,
					   &block)) == -EINPROGRESS)
		r = mq_sleep(section, opened, &block, deadline_usec);
	mq_put(opened);
	return r;
}

static ssize_t mq_receive_until(mqd_t fd, char *data, size_t size, unsigned int *ret_priority,
				const struct timespec *until)
{
	struct msgq_message message = { .data = data, .size = size, .check = preload_check_write };
	uint64_t deadline_usec;
	unsigned int priority;
	struct section section;
	int r;

	section_begin(&section);
	r = mq_deadline(until, &deadline_usec);
	if (r == 0)
		r = mq_receive_message(&section, fd, &message, deadline_usec);
	priority = (unsigned int)message.type;
	/* The message is lost, as in the kernel. */
	if (r == 0 && ret_priority)
		r = preload_give(ret_priority, &priority, sizeof(priority));
	section_end(&section);
	if (r < 0)
		return preload_result(r);
	return (ssize_t)message.size;
}

INTERPOSE ssize_t mq_timedreceive(mqd_t fd, char *restrict data, size_t size,
				  unsigned int *restrict ret_priority,
				  const struct timespec *restrict until)
{
	return mq_receive_until(fd, data, size, ret_priority, until);
}

INTERPOSE ssize_t mq_receive(mqd_t fd, char *data, size_t size, unsigned int *ret_priority)
{
	return mq_receive_until(fd, data, size, ret_priority, NULL);
}
