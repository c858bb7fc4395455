/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * preload.h - shared by the files of the interposer
 *
 * libvcipc-preload.so replaces the C library's mq_*, sem_open and similar, shm_open, msg*, sem* and
 * shm* in a program that was not written for vcrun. Each interposed function has the name, the
 * arguments, the result and the errno of the C library's (vcipc-preload(7) lists the exceptions).
 * It works on an object of the instance's table.
 *
 * Signals are blocked inside a function (struct section), except while it sleeps. So a handler may
 * call any function, and a longjmp() never leaves a function half done.
 */
#ifndef VC_IPCMAP_PRELOAD_PRELOAD_H
#define VC_IPCMAP_PRELOAD_PRELOAD_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/types.h>
#include <time.h>

#include "ipcmap/door/door.h"

/* The program's calls find these functions. */
#define INTERPOSE __attribute__((visibility("default")))

/* Returns r if it is not negative. Otherwise sets errno to -r and returns -1. */
int preload_result(int r);

/* --- process.c --------------------------------------------------------------------------- */

struct section {
	uint64_t blocked; /* the thread's signal mask outside */
};

void section_begin(struct section *section);
void section_end(struct section *section);

/* As section_begin(), without getpid(), for a call that only reads mapped memory. A guest may be
 * taken for the owner, or the owner for its last guest, until section_again() is called. */
void section_begin_look(struct section *section);

/* Looks which process this is: signals were unblocked for a time inside, and handlers may have
 * forked; or the section began with section_begin_look(). */
void section_again(void);

/* The calling process and the owner of its memory. They differ for a guest: the child of vfork() or
 * of clone(2) with CLONE_VM. Inside a section. */
pid_t preload_pid(void);
pid_t preload_owner(void);
bool preload_is_guest(void);

/* A system call that makes a process, by syscall(2). */
long process_raw_fork(long nr, const long args[6]);

/* The process-wide lock over the tables here. Inside a section. */
void preload_lock(void);
void preload_unlock(void);

/* Moves a new descriptor to the lowest free number, which open(2) would have given. Returns the
 * number. */
int preload_lowest_fd(int fd);

/* Replaces *fd by a descriptor of the same file for reading only. 0 or -errno. */
int preload_reopen_readonly(int *fd);

/* Reads the process's umask without changing it. */
mode_t preload_umask(void);

/* Whether this thread has the capability CAP_* in effect. */
bool preload_has_capability(int capability);

/* Called in a fork's child with the lock held. shm_forked() is called in the parent too, with the
 * child's PID. */
void shm_forked(pid_t child);
void mq_forked(void);

/* Called when the process begins. */
void shm_touched_begin(void);

/* Called when the process ends: carries out SEM_UNDO. */
void sem_exit(void);
void mq_exit(void);

/* --- takeover.c -------------------------------------------------------------------------- */

/* Redirects the C library's functions to the interposed ones for every caller. 0 or -errno. */
int takeover_begin(void);

/* --- trap.c ------------------------------------------------------------------------------ */

/* With map,strict: makes the kernel return every IPC call to the interposer. 0 or -errno. */
int trap_begin(void);

/* --- sleep.c ----------------------------------------------------------------------------- */

/*
 * Leaves the section, sleeps while *word is value, and enters the section again. Returns 0: the
 * caller checks its condition again. -EINTR: a handler ran, with SA_RESTART or without. -ETIMEDOUT.
 * deadline_usec: as in futex_wait().
 */
int sleep_on(struct section *section, uint32_t *word, uint32_t value, uint64_t deadline_usec);

/* As sleep_on() without a deadline. It is a cancellation point. */
int sleep_on_cancel(struct section *section, uint32_t *word, uint32_t value);

/* As sleep_on(), but -EINTR only if a handler without SA_RESTART ran. */
int sleep_on_restart(struct section *section, uint32_t *word, uint32_t value,
		     uint64_t deadline_usec);

/* Converts a time of clock to CLOCK_MONOTONIC. -EINVAL: it is no valid time. */
int sleep_deadline(clockid_t clock, const struct timespec *until, uint64_t *ret_usec);

/* --- memory.c ---------------------------------------------------------------------------- */

/* Check that the program's memory can be read or written, and change nothing. 0 or -EFAULT. */
int memory_check_read(const void *memory, size_t size);
int memory_check_write(void *memory, size_t size);

/* Copy from and to the memory that an argument points to. 0 or -EFAULT. */
int memory_take(void *ret, const void *argument, size_t size);
int memory_give(void *argument, const void *from, size_t size);

/* --- limits.c ---------------------------------------------------------------------------- */

struct mq_attr;
struct msginfo;
struct seminfo;
struct shminfo;

/* The limits of the job's IPC namespace, as IPC_INFO reports them. */
void limits_msg(struct msginfo *ret);
void limits_sem(struct seminfo *ret);
void limits_shm(struct shminfo *ret);

/* Whether the kernel would make such a segment if the user had no other one. 0 or -errno. */
int limits_try_shm(size_t size, int flags);

/* The same for a POSIX queue. attr NULL: with default attributes. *ret: the attributes that it
 * would have. */
int limits_try_mq(const struct mq_attr *attr, struct mq_attr *ret);

/* The share of a queue with these attributes, and the limits of the user. */
void limits_mq(const struct mq_attr *attr, struct door_limit *ret);

/* --- list.c ------------------------------------------------------------------------------ */

/*
 * The objects of a kind by index, as *_INFO and *_STAT number them: from 0, without gaps, as of the
 * last list_count(). list_count() counts again and returns the number, or -errno.
 * list_nth() returns the id of one; -EINVAL: there is no object with this index.
 */
int list_count(uint32_t kind);
int list_nth(uint32_t kind, int index, uint64_t *ret_id);

/* --- posix.c ----------------------------------------------------------------------------- */

/* Turns the name of a semaphore or of shared memory into "/x". The C library accepts any number of
 * leading slashes, also none. Returns 0 or -errno. */
int posix_take_name(const char *name, char ret[NAME_MAX + 2]);
/* The name under which the table stores the POSIX object "/x". */
const char *posix_name(const char *name);

/* Opens a POSIX object with the oflag and mode of its open(). The caller fills the rest of req: the
 * access that it needs and the first bytes of a new object. */
int posix_open(struct door_open *req, int oflag, mode_t mode, struct door_object *ret);

/* sem_unlink() and shm_unlink(). take: turns the program's name into the stored one; 0 or -errno.
 */
int posix_unlink(uint32_t kind, const char *name,
		 int (*take)(const char *name, char ret[NAME_MAX + 2]));

/* --- the names and permissions of System V's objects: sysv.c ----------------------------- */

struct sysv_get {
	uint32_t kind;
	key_t key;
	int flags;
	uint64_t size;                  /* bytes of a new object; 0: do not make one */
	uint64_t least;                 /* an existing object must have at least as many */
	const struct door_limit *limit; /* of a new object */
	int absent; /* the error if size is 0 and the object does not exist; 0: -EINVAL */
};

/*
 * msgget(), semget(), shmget(): makes or finds the object of a key. ret->fd is open for writing, or
 * for reading if the caller may only read, or -1 if the caller may do neither and flags asks for no
 * permission.
 */
int sysv_open_key(const struct sysv_get *get, struct door_object *ret);
void sysv_close(const struct door_object *object);

/* Opens an object by its System V identifier. write: read permission is not enough. -EINVAL: it
 * does not exist. */
int sysv_open_id(uint32_t kind, int id, bool write, struct door_object *ret);

/* As the kernel's ipcperms(): whether the caller has the permissions in flags, which are those of a
 * mode, of any class. 0 or -EACCES. */
int sysv_may(const struct ipc_perm *perm, int flags);

void sysv_perm(const struct door_object *object, struct ipc_perm *ret);

/* Begins the section of a *ctl() call. */
void sysv_begin(struct section *section, int command);

/* The part of IPC_STAT that is the same for all kinds. ret_stat gets the rest and the head. any:
 * the caller needs no read permission. */
int sysv_stat(uint32_t kind, uint64_t id, bool any, struct ipc_perm *ret,
	      struct door_stat *ret_stat);

/* A member of the head in *stat. */
#define SYSV_HEAD(stat, type, member)                                                              \
	__extension__({                                                                            \
		__typeof__(((type *)0)->member) value;                                             \
		_Static_assert(offsetof(type, member) + sizeof(value) <= DOOR_HEAD_BYTES,          \
			       "what is shown is sent");                                           \
		memcpy(&value, (stat)->head + offsetof(type, member), sizeof(value));              \
		value;                                                                             \
	})

/* As sysv_stat(), by index, for MSG_STAT and similar. */
int sysv_stat_nth(uint32_t kind, int index, bool any, struct ipc_perm *ret,
		  struct door_stat *ret_stat);

/* When an object was changed last. changed: from its head; 0: not since it was made. The result is
 * not later than time(2), whose clock can be a tick behind the clock of the creation time. */
time_t sysv_changed(int64_t changed, const struct door_stat *stat);

/* Whether the caller may use IPC_SET and IPC_RMID. -EPERM: no. -EINVAL: the object does not exist.
 */
int sysv_owns(uint32_t kind, int id);

/* Does IPC_SET. -EPERM: the caller is not the owner. */
int sysv_set(uint64_t id, const struct ipc_perm *perm);

/* Does IPC_RMID. leave: the process loses its handles of the object. */
int sysv_remove(uint32_t kind, uint64_t id, bool leave);

#endif
