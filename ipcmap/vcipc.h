/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vcipc.h - IPC objects that are reached by name from every partition of a vcrun instance
 *
 *	#include <vcipc.h>                      cc ... $(pkg-config --cflags --libs libvcipc)
 *
 *	vcipc_event *ev = vcipc_event_open("ready", VCIPC_CREATE, 0660);
 *	if (!ev)
 *		err(1, "ready");
 *	vcipc_event_wait(ev);
 *
 * Names have 1 to VCIPC_NAME_MAX bytes, any but NUL; all kinds share one set of names. Who
 * may open an object is decided as for a file, by its owner, group and mode. An object goes
 * when nobody has it open any more, unless it was made VCIPC_PERSISTENT.
 *
 * Errors are as in the calls these stand beside, sem_wait(3) and mq_send(3): -1, or NULL
 * for a pointer, and errno, so that err(3) and perror(3) work. On failure nothing is
 * written to what was passed in.
 *
 * Deadlines are absolute times of CLOCK_MONOTONIC; vcipc_deadline() makes one. NULL: never.
 * An absolute time stays right over several calls and over a move, and that clock is not
 * set back. One that has passed, even a negative one, makes the call a try that fails with
 * ETIMEDOUT.
 *
 * No call fails with EINTR: signals are handled and the call goes on. The caller, or the
 * process at the other end, may be moved at any time, in any of these calls: nothing is
 * lost or doubled, and nothing of it shows.
 *
 * All calls are thread-safe, open and close included, except that a handle must not be
 * closed while another thread uses it. None is async-signal-safe except vcipc_event_post()
 * and vcipc_sem_post(). None is a cancellation point that can be relied upon. After fork()
 * the child may use its parent's handles, except that of vcipc_mq_fd().
 *
 * EUCLEAN, from any call: some process that shares the object has written rubbish to it.
 * Unlink it and make a new one.
 */
#ifndef VCIPC_H
#define VCIPC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define VCIPC_API __attribute__((visibility("default")))
#else
#define VCIPC_API
#endif

struct timespec; /* <time.h> may hide it */

#define VCIPC_NAME_MAX 255         /* bytes */
#define VCIPC_COUNT_MAX 67108863   /* posts that an event or a semaphore can hold: 2^26 - 1 */
#define VCIPC_PRIO_MAX 32767       /* the highest priority of a message; the lowest is 0 */
#define VCIPC_MAXMSG_MAX 1048576   /* messages that a queue can be made for */
#define VCIPC_MSGSIZE_MAX 16777216 /* bytes of the largest message a queue can be made for */

enum vcipc_flags {
	VCIPC_CREATE = 1 << 0,     /* make the object if there is none */
	VCIPC_EXCL = 1 << 1,       /* with CREATE: fail with EEXIST if there is one */
	VCIPC_PERSISTENT = 1 << 2, /* of a new object: stays until vcipc_unlink() */
	VCIPC_RDONLY = 1 << 3      /* shared memory only: open for reading */
};

/*
 * Opening, for all kinds: each vcipc_*_open() gives a handle, to be closed, or NULL.
 * mode: permission bits of a new object, less the umask, as of open(2).
 *
 *	EINVAL        name empty, unknown flags, an attribute out of range
 *	ENAMETOOLONG  name has more than VCIPC_NAME_MAX bytes
 *	ENOENT        there is none, and no VCIPC_CREATE; or its maker died before it was ready
 *	EEXIST        VCIPC_CREATE | VCIPC_EXCL, and there is one
 *	EPROTOTYPE    there is one of that name, of another kind
 *	EACCES        its owner, group and mode do not let the caller in
 *	ENOSPC        the instance's table, or the file system under it, is full
 *	EDQUOT        the caller's user has as many objects as it may have
 *	ENOTCONN      no daemon of the instance runs ($VCRUN_STATE_DIR, else the default one)
 *	EPERM         the caller is in another PID namespace than the daemon
 *	EAGAIN        the caller's user has too many requests to the daemon under way
 *	ENOMEM, EMFILE, ENFILE, EUCLEAN, EPROTO (a daemon of another version)
 *
 * Closing frees the handle. Returns 0, or -1 with EBUSY (mutex: held by the caller; the
 * handle stays), or ENOTCONN when no daemon runs, which finds out by itself later (the
 * handle is gone).
 */
enum vcipc_kind { VCIPC_EVENT = 1, VCIPC_SEM = 2, VCIPC_MUTEX = 3, VCIPC_MQ = 4, VCIPC_SHM = 5 };

/* Removes a name; it is free at once, and the object goes when the last handle is closed.
 * EACCES: neither the owner's, the creator's nor root's call; ENOENT, EPROTOTYPE, EINVAL,
 * ENAMETOOLONG, ENOTCONN, EPERM, EAGAIN as above. */
VCIPC_API int vcipc_unlink(enum vcipc_kind kind, const char *name);

/* Now and so many microseconds, as a deadline. Returns deadline. */
VCIPC_API const struct timespec *vcipc_deadline(struct timespec *deadline, uint64_t usec);

/*
 * Event: each post lets one wait return, whichever comes first. A post that nobody waits for
 * is kept, up to VCIPC_COUNT_MAX of them. A broadcast lets all return that wait now, and is
 * not kept.
 */
typedef struct vcipc_event vcipc_event;

VCIPC_API vcipc_event *vcipc_event_open(const char *name, int flags, mode_t mode);
VCIPC_API int vcipc_event_close(vcipc_event *event);
VCIPC_API int vcipc_event_post(vcipc_event *event); /* EOVERFLOW: too many are kept */
VCIPC_API int vcipc_event_broadcast(vcipc_event *event);
VCIPC_API int vcipc_event_wait(vcipc_event *event);
VCIPC_API int vcipc_event_trywait(vcipc_event *event); /* EAGAIN: no post is kept */
VCIPC_API int vcipc_event_timedwait(vcipc_event *event,
				    const struct timespec *deadline); /* ETIMEDOUT */

/* Semaphore: a count, begun with value (0 to VCIPC_COUNT_MAX, of a new object only). */
typedef struct vcipc_sem vcipc_sem;

VCIPC_API vcipc_sem *vcipc_sem_open(const char *name, int flags, mode_t mode, unsigned int value);
VCIPC_API int vcipc_sem_close(vcipc_sem *sem);
VCIPC_API int vcipc_sem_post(vcipc_sem *sem); /* EOVERFLOW */
VCIPC_API int vcipc_sem_wait(vcipc_sem *sem);
VCIPC_API int vcipc_sem_trywait(vcipc_sem *sem); /* EAGAIN: the count is 0 */
VCIPC_API int vcipc_sem_timedwait(vcipc_sem *sem, const struct timespec *deadline); /* ETIMEDOUT */
VCIPC_API int vcipc_sem_getvalue(vcipc_sem *sem, unsigned int *value);

/*
 * Mutex, held by a thread, not recursive. When a holder dies, or execs, the next to lock it
 * gets it, and -1 with EOWNERDEAD: what it guards is to be put right, and then
 * vcipc_mutex_consistent() called. Unlocked without that, it is ENOTRECOVERABLE for
 * everybody for good. A move is no death: the mutex stays held.
 *
 * Lock: EDEADLK (the caller holds it), EOWNERDEAD, ENOTRECOVERABLE; trylock: EBUSY besides;
 * timedlock: ETIMEDOUT besides. Unlock: EPERM (the caller does not hold it).
 * Consistent: EINVAL (the caller does not hold it, or it needs no repair).
 */
typedef struct vcipc_mutex vcipc_mutex;

VCIPC_API vcipc_mutex *vcipc_mutex_open(const char *name, int flags, mode_t mode);
VCIPC_API int vcipc_mutex_close(vcipc_mutex *mutex);
VCIPC_API int vcipc_mutex_lock(vcipc_mutex *mutex);
VCIPC_API int vcipc_mutex_trylock(vcipc_mutex *mutex);
VCIPC_API int vcipc_mutex_timedlock(vcipc_mutex *mutex, const struct timespec *deadline);
VCIPC_API int vcipc_mutex_unlock(vcipc_mutex *mutex);
VCIPC_API int vcipc_mutex_consistent(vcipc_mutex *mutex);

/*
 * Message queue: highest priority first, first in first out within one. A process that is
 * killed while it sends or receives takes that message with it at most; all others stay.
 */
typedef struct vcipc_mq vcipc_mq;

struct vcipc_mq_attr {
	uint32_t maxmsg;  /* messages that it holds, 1 to VCIPC_MAXMSG_MAX */
	uint32_t msgsize; /* bytes of the longest, 1 to VCIPC_MSGSIZE_MAX */
	uint32_t curmsgs; /* messages in it now; of no meaning to vcipc_mq_open() */
};

/* attr is for a new object only; NULL: 64 messages of 1024 bytes. All its memory is taken
 * at once (ENOSPC): none of the other calls can fail for want of it. */
VCIPC_API vcipc_mq *vcipc_mq_open(const char *name, int flags, mode_t mode,
				  const struct vcipc_mq_attr *attr);
VCIPC_API int vcipc_mq_close(vcipc_mq *mq);
VCIPC_API int vcipc_mq_getattr(vcipc_mq *mq, struct vcipc_mq_attr *attr);

/* EMSGSIZE: size > msgsize; EINVAL: prio > VCIPC_PRIO_MAX; try: EAGAIN, it is full;
 * timed: ETIMEDOUT. */
VCIPC_API int vcipc_mq_send(vcipc_mq *mq, const void *msg, size_t size, unsigned int prio);
VCIPC_API int vcipc_mq_trysend(vcipc_mq *mq, const void *msg, size_t size, unsigned int prio);
VCIPC_API int vcipc_mq_timedsend(vcipc_mq *mq, const void *msg, size_t size, unsigned int prio,
				 const struct timespec *deadline);

/* The length of the message; prio may be NULL. EMSGSIZE: size < msgsize; try: EAGAIN, it is
 * empty; timed: ETIMEDOUT. */
VCIPC_API ssize_t vcipc_mq_receive(vcipc_mq *mq, void *msg, size_t size, unsigned int *prio);
VCIPC_API ssize_t vcipc_mq_tryreceive(vcipc_mq *mq, void *msg, size_t size, unsigned int *prio);
VCIPC_API ssize_t vcipc_mq_timedreceive(vcipc_mq *mq, void *msg, size_t size, unsigned int *prio,
					const struct timespec *deadline);

/*
 * A descriptor for poll(2) and its likes: readable (POLLIN) when a message has come. Then
 * receive with vcipc_mq_tryreceive() until that says EAGAIN, which makes the descriptor
 * quiet until the next message. Do nothing else with it; vcipc_mq_close() closes it. It is
 * an eventfd(2) of this process, fed by a thread: both are carried by a move. The same one
 * in each call. EMFILE, ENFILE, ENOMEM, EAGAIN (no thread could be made).
 */
VCIPC_API int vcipc_mq_fd(vcipc_mq *mq);

/*
 * Shared memory. A new object has size bytes, all zero (0: of no size yet). Mappings are as
 * long as the object is when they are made, and stay when the handle is closed. After
 * growing, map anew. After shrinking, what is beyond the end raises SIGBUS, in all
 * processes.
 */
typedef struct vcipc_shm vcipc_shm;

VCIPC_API vcipc_shm *vcipc_shm_open(const char *name, int flags, mode_t mode, uint64_t size);
VCIPC_API int vcipc_shm_close(vcipc_shm *shm);
VCIPC_API int vcipc_shm_size(vcipc_shm *shm, uint64_t *size);
/* Maps all of it, for reading, and for writing unless it was opened VCIPC_RDONLY. ENODATA: it is of
 * no size; ENOMEM. Unmap with vcipc_shm_unmap() and the same size. */
VCIPC_API int vcipc_shm_map(vcipc_shm *shm, void **addr, size_t *size);
VCIPC_API int vcipc_shm_unmap(void *addr, size_t size); /* EINVAL: that was not mapped */
/* New memory is zero and taken at once. ENOSPC; EBADF: opened VCIPC_RDONLY; EFBIG. */
VCIPC_API int vcipc_shm_resize(vcipc_shm *shm, uint64_t size);

#ifdef __cplusplus
}
#endif

#endif
