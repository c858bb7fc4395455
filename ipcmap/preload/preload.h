/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * preload.h - what the files of the interposer share
 *
 * libvcipc-preload.so stands in for the C library's mq_*, sem_open and its like, shm_open,
 * msg*, sem* and shm* in a program that knows nothing of vcrun. Each interposed function is
 * its C library's in name, arguments, result and errno (vcipc-preload(7) has the exceptions), and
 * what it works on is an object of the instance's table.
 *
 * Signals are blocked for as long as a function is inside (struct section), except when it
 * sleeps. So a handler may call what it likes, and nothing is ever left halfway by a longjmp().
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

/* For what the program's calls shall find here. */
#define INTERPOSE __attribute__((visibility("default")))

/* 0 or more as it is; -errno becomes -1 and errno. */
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

/* This process. It may be another than the one whose memory this is: a vfork's child, or one of
 * clone(2) with CLONE_VM, is a guest in preload_owner()'s. Inside a section. */
pid_t preload_pid(void);
pid_t preload_owner(void);
bool preload_is_guest(void);

/* A system call that makes a process, by syscall(2). */
long process_raw_fork(long nr, const long args[6]);

/* The process-wide lock over the tables here. Inside a section. */
void preload_lock(void);
void preload_unlock(void);

/* Who gets a new descriptor, gets the lowest number there is, as from open(2). */
int preload_lowest_fd(int fd);

/* Puts another descriptor of the same file in *fd's place, for reading only. 0 or -errno. */
int preload_reopen_readonly(int *fd);

/* The process' umask, which is not changed to learn it. */
mode_t preload_umask(void);

/* CAP_*, in force in this thread. */
bool preload_has_capability(int capability);

/* Called in a fork's child, the lock held; and in the parent, with the child's PID. */
void shm_forked(pid_t child);
void mq_forked(void);

/* Called when the process begins. */
void shm_touched_begin(void);

/* Called at the end of the process: carries out SEM_UNDO. */
void sem_exit(void);
void mq_exit(void);

/* --- takeover.c -------------------------------------------------------------------------- */

/* Leads the C library's functions to ours, wherever they are called from. 0 or -errno. */
int takeover_begin(void);

/* --- trap.c ------------------------------------------------------------------------------ */

/* With map,strict: has the kernel give back every IPC call. 0 or -errno. */
int trap_begin(void);

/* --- sleep.c ----------------------------------------------------------------------------- */

/*
 * Sleeps outside of the section while *word is value. 0: look again; -EINTR: a handler has run,
 * with SA_RESTART or without; -ETIMEDOUT. deadline_usec: as futex_wait()'s.
 */
int section_sleep(struct section *section, uint32_t *word, uint32_t value, uint64_t deadline_usec);

/* As section_sleep(), for ever, and a point where pthread_cancel() ends the thread. */
int section_sleep_cancel(struct section *section, uint32_t *word, uint32_t value);

/* The same with a deadline, and -EINTR only when a handler without SA_RESTART has run. */
int section_sleep_restart(struct section *section, uint32_t *word, uint32_t value,
			  uint64_t deadline_usec);

/* A time on clock as one on CLOCK_MONOTONIC. -EINVAL: not a time. */
int preload_deadline(clockid_t clock, const struct timespec *until, uint64_t *ret_usec);

/* --- memory.c ---------------------------------------------------------------------------- */

/* Whether the program's memory can be read, and written. 0 or -EFAULT; nothing is changed. */
int preload_check_read(const void *memory, size_t size);
int preload_check_write(void *memory, size_t size);

/* Copies what an argument points to, or what it is to get. 0 or -EFAULT. */
int preload_take(void *ret, const void *argument, size_t size);
int preload_give(void *argument, const void *from, size_t size);

/* --- limits.c ---------------------------------------------------------------------------- */

struct mq_attr;
struct msginfo;
struct seminfo;
struct shminfo;

/* What IPC_INFO says of the job's namespace. */
void limits_msg(struct msginfo *ret);
void limits_sem(struct seminfo *ret);
void limits_shm(struct shminfo *ret);

/* Whether the kernel would make such a segment, if it had no other: 0 or -errno. */
int limits_try_shm(size_t size, int flags);

/* The same of a queue; attr NULL: by default. *ret: what it would have. */
int limits_try_mq(const struct mq_attr *attr, struct mq_attr *ret);

/* What a queue with such attributes counts, and all of the user's may. */
void limits_mq(const struct mq_attr *attr, struct door_limit *ret);

/* --- list.c ------------------------------------------------------------------------------ */

/*
 * The objects of a kind, as *_INFO and *_STAT number them: from 0, without gaps, as they were
 * when they were counted last. preload_count() counts anew: how many, or -errno.
 * preload_nth() gives the id of one; -EINVAL: there is none of that number.
 */
int preload_count(uint32_t kind);
int preload_nth(uint32_t kind, int index, uint64_t *ret_id);

/* --- posix.c ----------------------------------------------------------------------------- */

/* How the name "/x" of a POSIX object is stored. */
const char *posix_name(const char *name);

/* Opens a POSIX object with the oflag and mode of its open(). req says the rest: what of it is
 * asked for, by flags, and how a new one begins. */
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
	uint64_t size;                  /* bytes of a new one; 0: none can be made */
	uint64_t least;                 /* one that exists must have as many */
	const struct door_limit *limit; /* of a new one */
	int absent;                     /* size 0, and there is none to be found: -EINVAL if 0 */
};

/*
 * msgget(), semget(), shmget(): makes or finds the object of a key. ret->fd is open for writing, or
 * for reading if no more is permitted, or -1 if not even that is, and flags asks for nothing.
 */
int sysv_open_key(const struct sysv_get *get, struct door_object *ret);
void sysv_close(const struct door_object *object);

/* An object by its System V identifier; write: reading will not do. -EINVAL: there is none. */
int sysv_open_id(uint32_t kind, int id, bool write, struct door_object *ret);

/* The kernel's ipcperms(): whether the caller has the permissions that flags asks for, as in a
 * mode and for any class. 0 or -EACCES. */
int sysv_may(const struct ipc_perm *perm, int flags);

void sysv_perm(const struct door_object *object, struct ipc_perm *ret);

/* Begins the section of a *ctl() call. */
void sysv_begin(struct section *section, int command);

/* IPC_STAT's part that all kinds have; all of it in ret_stat, with the head. any: the caller need
 * not be allowed to read it. */
int sysv_stat(uint32_t kind, uint64_t id, bool any, struct ipc_perm *ret,
	      struct door_stat *ret_stat);

/* A member of the head that door_stat_any() gave. */
#define SYSV_HEAD(stat, type, member)                                                              \
	__extension__({                                                                            \
		__typeof__(((type *)0)->member) value;                                             \
		_Static_assert(offsetof(type, member) + sizeof(value) <= DOOR_HEAD_BYTES,          \
			       "what is shown is sent");                                           \
		memcpy(&value, (stat)->head + offsetof(type, member), sizeof(value));              \
		value;                                                                             \
	})

/* MSG_STAT's and the like's: of one that is still there. */
int sysv_stat_nth(uint32_t kind, int index, bool any, struct ipc_perm *ret,
		  struct door_stat *ret_stat);

/* When an object was changed last, changed: by its own head, 0: not since it was made. Not later
 * than time(2), whose clock is a tick behind the one that notes when an object is made. */
time_t sysv_changed(int64_t changed, const struct door_stat *stat);

/* Whether the caller may do what IPC_SET and IPC_RMID do. -EPERM: no; -EINVAL: there is none. */
int sysv_owns(uint32_t kind, int id);

/* IPC_SET's. -EPERM: not the caller's. */
int sysv_set(uint64_t id, const struct ipc_perm *perm);

/* IPC_RMID's. leave: the process has no handle of it after that. */
int sysv_remove(uint32_t kind, uint64_t id, bool leave);

#endif
