// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * handle.c - opens an object: a daemon opens it, then it is mapped and initialised once
 *
 * The daemon creates a new object as zero bytes. Its creator writes the initial state under the
 * lock of the first page, and then LAYOUT_READY; other processes wait for that. A creator that has
 * died is not detected by its PID, because it may be on a move. After READY_WAIT_SEC, a process
 * that may create the object initialises it, and a process that only opens it gets ENOENT.
 */
#include "ipcmap/handle.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/proc.h"
#include "ipcmap/door/door.h"
#include "ipcmap/futex.h"
#include "ipcmap/vcipc.h"

#define READY_WAIT_SEC 1

_Static_assert((int)VCIPC_EVENT == (int)IPC_KIND_EVENT && (int)VCIPC_SEM == (int)IPC_KIND_SEM &&
		       (int)VCIPC_MUTEX == (int)IPC_KIND_MUTEX &&
		       (int)VCIPC_MQ == (int)IPC_KIND_MQ && (int)VCIPC_SHM == (int)IPC_KIND_SHM,
	       "one numbering of kinds");
_Static_assert(VCIPC_NAME_MAX == DOOR_NAME_MAX, "one length of names");
_Static_assert(VCIPC_COUNT_MAX == COUNT_MAX, "one largest count");

static uint32_t handles; /* open in this process */

size_t handle_page_size(void)
{
	static size_t size;
	size_t known = __atomic_load_n(&size, __ATOMIC_RELAXED);

	if (known == 0) {
		known = (size_t)sysconf(_SC_PAGESIZE);
		__atomic_store_n(&size, known, __ATOMIC_RELAXED);
	}
	return known;
}

static void handle_after_fork(void)
{
	lock_after_fork();
	/* If this fails, the child's first door_close() returns the error. Its mappings keep the
	 * objects until then. */
	if (__atomic_load_n(&handles, __ATOMIC_RELAXED) > 0)
		door_fork();
}

static void handle_prepare_forks(void)
{
	pthread_atfork(NULL, NULL, handle_after_fork);
}

/* To read the umask with umask(2) would change it for all threads. */
static mode_t handle_umask(void)
{
	unsigned int mask = 022;

	proc_scan(0, "Umask", "%o", &mask);
	return (mode_t)mask;
}

static bool handle_flags_are_sound(int flags)
{
	int known = VCIPC_CREATE | VCIPC_EXCL | VCIPC_PERSISTENT | VCIPC_RDONLY;

	/* At least the head of a new object is written. */
	return !(flags & ~known) &&
	       (flags & (VCIPC_CREATE | VCIPC_RDONLY)) != (VCIPC_CREATE | VCIPC_RDONLY);
}

static int handle_ask(struct handle *handle, const struct handle_request *request,
		      bool *ret_created)
{
	struct door_open ask = { .kind = request->kind, .name = request->name };
	struct door_object object;
	int r;

	if (!request->name || !handle_flags_are_sound(request->flags))
		return -EINVAL;
	ask.flags = (request->flags & VCIPC_EXCL ? DOOR_EXCL : 0) |
		    (request->flags & VCIPC_PERSISTENT ? DOOR_PERSISTENT : 0) |
		    (request->flags & VCIPC_RDONLY ? DOOR_RDONLY : 0);
	if (request->flags & VCIPC_CREATE) {
		ask.flags |= DOOR_CREATE;
		ask.mode = request->mode & 0777 & ~handle_umask();
		ask.size = request->controls * handle_page_size() + request->size;
	}
	r = door_open(&ask, &object);
	if (r < 0)
		return r;
	handle->fd = object.fd;
	handle->door = object.handle;
	handle->id = object.id;
	handle->region = object.kind == IPC_KIND_REGION;
	*ret_created = object.created;
	return 0;
}

/* Maps a control page with a private page behind it for the lock's link. */
static int handle_map_page(struct handle *handle, unsigned int i, bool writable)
{
	size_t size = handle_page_size();
	int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
	unsigned char *page =
		mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return -ENOMEM;
	if (mmap(page, size, protection, MAP_SHARED | MAP_FIXED, handle->fd, (off_t)(i * size)) ==
	    MAP_FAILED) {
		munmap(page, 2 * size);
		return -ENOMEM;
	}
	handle->pages[i] = page;
	return 0;
}

int handle_allocate(int fd, uint64_t offset, uint64_t size)
{
	int r;

	/* A signal or a move interrupts it. */
	do
		r = fallocate(fd, 0, (off_t)offset, (off_t)size);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

/* Gives the file of a new object its size and its memory. */
static int handle_make_room(struct handle *handle, const struct handle_request *request)
{
	off_t size = (off_t)(request->controls * handle_page_size() + request->size);

	if (ftruncate(handle->fd, size) < 0)
		return -errno;
	return handle_allocate(handle->fd, 0, (uint64_t)size);
}

static bool handle_is_ready(const struct handle *handle)
{
	return __atomic_load_n(&handle_head(handle)->init, __ATOMIC_ACQUIRE) != LAYOUT_NEW;
}

/* Runs under the lock. */
static int handle_initialise(struct handle *handle, const struct handle_request *request,
			     bool created)
{
	struct layout_head *head = handle_head(handle);
	int r;

	if (handle_is_ready(handle))
		return created && (request->flags & VCIPC_EXCL) ? -EEXIST : 0;
	r = handle_make_room(handle, request);
	if (r == 0 && request->init)
		r = request->init(handle, request);
	if (r < 0)
		return r;
	head->magic = LAYOUT_MAGIC;
	head->version = LAYOUT_VERSION;
	head->kind = (uint16_t)request->kind;
	__atomic_store_n(&head->init, LAYOUT_READY, __ATOMIC_RELEASE);
	futex_wake(&head->init, INT_MAX);
	return 0;
}

/* Waits until another process has initialised the object. 0 or -ETIMEDOUT. */
static int handle_wait_ready(const struct handle *handle, const struct timespec *deadline)
{
	while (!handle_is_ready(handle)) {
		int r = futex_sleep(&handle_head(handle)->init, LAYOUT_NEW, deadline);

		if (r < 0)
			return r;
	}
	return 0;
}

static int handle_make_ready(struct handle *handle, const struct handle_request *request,
			     bool created)
{
	struct timespec deadline;
	struct lock lock;
	int r;

	vcipc_deadline(&deadline, READY_WAIT_SEC * 1000000);
	if (!created && handle_wait_ready(handle, &deadline) == 0)
		return 0;
	if (!(request->flags & VCIPC_CREATE))
		return -ENOENT;
	r = lock_init(&lock, handle->pages[0], handle_page_size());
	if (r < 0)
		return r;
	vcipc_deadline(&deadline, READY_WAIT_SEC * 1000000);
	r = lock_take(&lock, &deadline);
	if (r < 0 && r != -EOWNERDEAD)
		return r == -ETIMEDOUT ? -ENOENT : r;
	r = handle_initialise(handle, request, created);
	lock_drop(&lock);
	return r;
}

static int handle_check(struct handle *handle, const struct handle_request *request)
{
	const struct layout_head *head = handle_head(handle);
	struct stat st;

	if (fstat(handle->fd, &st) < 0)
		return -errno;
	handle->size = (uint64_t)st.st_size;
	if (head->magic != LAYOUT_MAGIC || head->version != LAYOUT_VERSION ||
	    head->kind != request->kind || head->init != LAYOUT_READY ||
	    handle->size < request->controls * handle_page_size())
		return -EUCLEAN;
	return 0;
}

static int handle_map(struct handle *handle, const struct handle_request *request, bool created)
{
	bool writable = !(request->flags & VCIPC_RDONLY);
	struct stat st;
	int r = 0;

	if (fstat(handle->fd, &st) < 0)
		return -errno;
	/* Access beyond the end would raise SIGBUS. */
	if (st.st_size < (off_t)(request->controls * handle_page_size()))
		return -EUCLEAN;
	for (unsigned int i = 0; r == 0 && i < request->controls; i++)
		r = handle_map_page(handle, i, writable);
	if (r == 0)
		r = handle_make_ready(handle, request, created);
	return r == 0 ? handle_check(handle, request) : r;
}

int handle_open(struct handle *handle, const struct handle_request *request)
{
	static pthread_once_t forks = PTHREAD_ONCE_INIT;
	bool created = false;
	int r;

	*handle = (struct handle){ .fd = -1 };
	pthread_once(&forks, handle_prepare_forks);
	r = handle_ask(handle, request, &created);
	if (r < 0)
		return r;
	__atomic_fetch_add(&handles, 1, __ATOMIC_RELAXED);
	r = handle->region ? 0 : handle_map(handle, request, created);
	if (r == 0)
		return 0;
	/* Remove an object that was not initialised, unless another process just did it. */
	if (created && r != -EEXIST)
		door_unlink(0, NULL, handle->id);
	handle_close(handle);
	return r;
}

void handle_forget_fd(struct handle *handle)
{
	if (handle->fd >= 0)
		close(handle->fd);
	handle->fd = -1;
}

int handle_close(struct handle *handle)
{
	int r;

	for (unsigned int i = 0; i < HANDLE_CONTROLS_MAX; i++)
		if (handle->pages[i])
			munmap(handle->pages[i], 2 * handle_page_size());
	handle_forget_fd(handle);
	r = door_close(handle->door);
	__atomic_fetch_sub(&handles, 1, __ATOMIC_RELAXED);
	/* A forked child that was not counted in need not be counted out. */
	return r == -EBADF ? 0 : r;
}

int vcipc_unlink(enum vcipc_kind kind, const char *name)
{
	if (!name || kind < VCIPC_EVENT || kind > VCIPC_SHM)
		return handle_result(-EINVAL);
	return handle_result(door_unlink((uint32_t)kind, name, 0));
}

const struct timespec *vcipc_deadline(struct timespec *deadline, uint64_t usec)
{
	clock_gettime(CLOCK_MONOTONIC, deadline);
	deadline->tv_sec += (time_t)(usec / 1000000);
	deadline->tv_nsec += (long)(usec % 1000000) * 1000;
	if (deadline->tv_nsec >= 1000000000) {
		deadline->tv_sec++;
		deadline->tv_nsec -= 1000000000;
	}
	return deadline;
}
