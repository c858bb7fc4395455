// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sem.c - sem_open(), sem_close(), sem_unlink()
 *
 * The object's memory is a sem_t, so sem_wait() and sem_post() are the C library's.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "ipcmap/preload/preload.h"

struct sem_file {
	uint32_t ready; /* 1: it was made here */
	uint32_t reserved[15];
	sem_t sem;
};

/* A semaphore has one address in a process, however often it is opened. */
struct sem_opened {
	struct sem_opened *next;
	struct sem_file *file;
	uint64_t id, handle;
	pid_t pid; /* the process that has the handle */
	unsigned int refs;
};

static struct sem_opened *sems_opened; /* preload_lock */

static int sem_name(const char *name, char ret[NAME_MAX + 2])
{
	if (posix_take_name(name, ret) < 0)
		return -EINVAL;
	/* The C library puts "sem." before it. */
	return strlen(ret + 1) + 4 > NAME_MAX ? -ENAMETOOLONG : 0;
}

static struct sem_opened *sem_find(uint64_t id)
{
	struct sem_opened *opened = sems_opened;

	while (opened && opened->id != id)
		opened = opened->next;
	return opened;
}

static int sem_map(const struct door_object *door, struct sem_file **ret)
{
	struct sem_file *file;

	if (door->size < sizeof(*file))
		return -EINVAL;
	file = mmap(NULL, sizeof(*file), PROT_READ | PROT_WRITE, MAP_SHARED, door->fd, 0);
	if (file == MAP_FAILED)
		return -errno;
	if (!file->ready) {
		munmap(file, sizeof(*file));
		return -EINVAL;
	}
	*ret = file;
	return 0;
}

/* Maps the opened object. With the lock held. */
static int sem_add(const struct door_object *door, struct sem_opened **ret)
{
	struct sem_opened *opened = calloc(1, sizeof(*opened));
	struct sem_file *file = NULL;
	int r;

	if (!opened)
		return -ENOMEM;
	r = sem_map(door, &file);
	if (r < 0) {
		free(opened);
		return r;
	}
	*opened = (struct sem_opened){ .next = sems_opened,
				       .file = file,
				       .id = door->id,
				       .handle = door->handle,
				       .pid = preload_pid() };
	sems_opened = opened;
	*ret = opened;
	return 0;
}

static int sem_open_name(const char *name, int oflag, mode_t mode, unsigned int value, sem_t **ret)
{
	char path[NAME_MAX + 2];
	struct sem_file begin = { .ready = 1 };
	struct door_open req = { .kind = IPC_KIND_POSIX_SEM,
				 .name = path,
				 .size = sizeof(begin),
				 .init = &begin,
				 .n_init = sizeof(begin) };
	struct sem_opened *opened;
	struct door_object door;
	int r = sem_name(name, path);

	if (r < 0)
		return r;
	/* An invalid value does not matter if the semaphore exists. */
	if (oflag & O_CREAT && value > SEM_VALUE_MAX && oflag & O_EXCL)
		return -EINVAL;
	sem_init(&begin.sem, 1, value);
	r = posix_open(&req, value > SEM_VALUE_MAX ? 0 : oflag, mode, &door);
	if (r == -ENOENT && oflag & O_CREAT)
		r = -EINVAL;
	if (r < 0)
		return r;
	preload_lock();
	opened = sem_find(door.id);
	if (opened)
		door_close(door.handle);
	else
		r = sem_add(&door, &opened);
	if (r == 0) {
		opened->refs++;
		*ret = &opened->file->sem;
	}
	preload_unlock();
	close(door.fd);
	if (r < 0)
		door_close(door.handle);
	return r;
}

INTERPOSE sem_t *sem_open(const char *name, int oflag, ...)
{
	struct section section;
	unsigned int value = 0;
	sem_t *sem = SEM_FAILED;
	mode_t mode = 0;
	va_list ap;
	int r;

	if (oflag & O_CREAT) {
		va_start(ap, oflag);
		mode = va_arg(ap, mode_t);
		value = va_arg(ap, unsigned int);
		va_end(ap);
	}
	section_begin(&section);
	r = sem_open_name(name, oflag, mode, value, &sem);
	section_end(&section);
	return preload_result(r) < 0 ? SEM_FAILED : sem;
}

static int sem_close_opened(const sem_t *sem)
{
	struct sem_opened **at = &sems_opened, *opened;

	while (*at && &(*at)->file->sem != sem)
		at = &(*at)->next;
	opened = *at;
	if (!opened)
		return -EINVAL;
	if (--opened->refs > 0)
		return 0;
	*at = opened->next;
	munmap(opened->file, sizeof(*opened->file));
	if (opened->pid == preload_pid())
		door_close(opened->handle);
	free(opened);
	return 0;
}

INTERPOSE int sem_close(sem_t *sem)
{
	struct section section;
	int r;

	section_begin(&section);
	preload_lock();
	r = sem_close_opened(sem);
	preload_unlock();
	section_end(&section);
	return preload_result(r);
}

INTERPOSE int sem_unlink(const char *name)
{
	return posix_unlink(IPC_KIND_POSIX_SEM, name, sem_name);
}
