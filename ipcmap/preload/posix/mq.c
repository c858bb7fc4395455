// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mq.c - the message queues that this process has open, their attributes and their end
 */
#include "ipcmap/preload/posix/mq.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipcmap/preload/preload.h"
#include "ipcmap/preload/real.h"

static struct mq_opened *mqs_opened; /* preload_lock */

/* One bit for each descriptor, read without the lock. */
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

/* A child uses a queue that its parent opened: tells the child's daemon. */
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

/* Removes it from the list. Its number may already be that of another file. A close ends the
 * notification of mq_notify(). */
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

/* The program may have closed it unnoticed, and another file may have the number. */
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

void mq_insert(struct mq_opened *opened)
{
	struct mq_opened *stale;

	preload_lock();
	/* Closed by close(), not by mq_close(). */
	while ((stale = mq_find(opened->fd)))
		mq_drop(stale);
	mq_list(opened);
	preload_unlock();
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

/* --- close ------------------------------------------------------------------------------- */

/* The kernel's mq_close() closes any descriptor. */
INTERPOSE int mq_close(mqd_t fd)
{
	struct mq_opened *opened;
	struct section section;
	int r;

	section_begin(&section);
	preload_lock();
	opened = mq_find(fd);
	r = REAL(close)(fd) < 0 ? -errno : 0;
	/* A guest has closed its own descriptor, not the owner's. */
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

/* The same queue under another number, mapped and counted separately. */
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
	int r = attr ? memory_take(&given, attr, sizeof(given)) : 0;

	if (r == 0 && attr && given.mq_flags & ~O_NONBLOCK)
		r = -EINVAL;
	if (r == 0)
		r = mq_get(fd, &opened);
	if (r < 0)
		return r;
	r = mq_change(opened, attr ? &given : NULL, &old);
	mq_put(opened);
	return r == 0 && ret ? memory_give(ret, &old, sizeof(old)) : r;
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
