// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * posix-sem.c - sem_open(), sem_close(), sem_unlink()
 *
 * The object's memory holds a sem_t, which the C library's own sem_wait() and sem_post() work
 * on.
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
	uint32_t ready; /* the semaphore is initialised; futex */
	uint32_t reserved[15];
	sem_t sem;
};

/* A semaphore has one address in a process, however often it is opened. */
struct sem_opened {
	struct sem_opened *next;
	struct sem_file *file;
	uint64_t id, handle;
	pid_t pid; /* whose handle that is */
	unsigned int refs;
};

static struct sem_opened *sems_opened; /* preload_lock */

static int sem_name(const char *name, char ret[NAME_MAX + 1])
{
	size_t len;

	while (*name == '/')
		name++;
	len = strlen(name);
	if (len == 0 || strchr(name, '/'))
		return -EINVAL;
	/* The C library puts "sem." before it. */
	if (len + 4 > NAME_MAX)
		return -ENAMETOOLONG;
	ret[0] = '/';
	memcpy(ret + 1, name, len + 1);
	return 0;
}

static struct sem_opened *sem_find(uint64_t id)
{
	struct sem_opened *opened = sems_opened;

	while (opened && opened->id != id)
		opened = opened->next;
	return opened;
}

/* Maps what door opened; under the lock. */
static int sem_add(const struct door_object *door, unsigned int value, struct sem_opened **ret)
{
	struct sem_opened *opened = calloc(1, sizeof(*opened));
	void *file;

	if (!opened)
		return -ENOMEM;
	file = door->size < sizeof(struct sem_file)
		       ? MAP_FAILED
		       : mmap(NULL, sizeof(struct sem_file), PROT_READ | PROT_WRITE, MAP_SHARED,
			      door->fd, 0);
	if (file == MAP_FAILED) {
		free(opened);
		return door->size < sizeof(struct sem_file) ? -EINVAL : -errno;
	}
	*opened = (struct sem_opened){ .next = sems_opened,
				       .file = file,
				       .id = door->id,
				       .handle = door->handle,
				       .pid = preload_pid() };
	if (door->created) {
		sem_init(&opened->file->sem, 1, value);
		posix_ready(&opened->file->ready);
	}
	sems_opened = opened;
	*ret = opened;
	return 0;
}

static int sem_open_name(const char *name, int oflag, mode_t mode, unsigned int value, sem_t **ret)
{
	char path[NAME_MAX + 1];
	struct sem_opened *opened;
	struct door_object door;
	int r = sem_name(name, path);

	if (r < 0)
		return r;
	if (oflag & O_CREAT && value > SEM_VALUE_MAX)
		return -EINVAL;
	r = posix_open(IPC_KIND_POSIX_SEM, path, (oflag & (O_CREAT | O_EXCL)) | O_RDWR, mode,
		       sizeof(struct sem_file), NULL, offsetof(struct sem_file, ready), &door);
	if (r < 0)
		return r;
	preload_lock();
	opened = sem_find(door.id);
	if (opened)
		door_close(door.handle);
	else
		r = sem_add(&door, value, &opened);
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
	struct section section;
	char path[NAME_MAX + 1];
	int r;

	section_begin(&section);
	r = sem_name(name, path);
	if (r == 0)
		r = door_unlink(IPC_KIND_POSIX_SEM, path, 0);
	section_end(&section);
	return preload_result(r == -EINVAL ? -ENOENT : r);
}
