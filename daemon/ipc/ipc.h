/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ipc.h - the daemon's part in IPC objects, seen by its own files
 *
 *	request.c       requests: open, close, unlink ... (ipcmap/door/door.h)
 *	list.c          requests: stat, list
 *	ipc.c           the table, the openers of this partition, what is idle
 *	file.c          the objects' files
 *	region.c        regions
 *	undo.c          what a dead opener left in their memory
 */
#ifndef VC_DAEMON_IPC_H
#define VC_DAEMON_IPC_H

#include <stdbool.h>
#include <sys/stat.h>

#include "daemon/daemon.h"
#include "ipcmap/table/table.h"
#include "wire/wire.h"

struct conn;
struct ipc_watch;
struct region_spec;

#define IPC_PACES 16

/* Work for the dead processes of some users, which is done in steps: nobody waits for all of it. */
struct ipc_pace {
	uint64_t used_usec;  /* of this step */
	uint64_t pause_usec; /* CLOCK_MONOTONIC of when the next one may begin */
};

struct ipc {
	struct daemon *daemon;
	struct table *table;
	int dirfd; /* STATE/ipc/o, where the objects' files are */
	struct event *tick;
	struct ipc_watch **watches; /* by table_opener::slot; NULL: not watched */
	size_t n_watches;
	int pidfd_max;         /* pidfds of openers are below: the others are for connections */
	uint64_t seen_changes; /* table_changes() when all openers were looked at */
	struct ipc_pace undo[IPC_PACES]; /* by uid */
	bool undo_more;                  /* some waits for the next step */
};

/* ipc.c */
/* A job has come here by a move, or runs again after a move that failed. */
void ipc_job_came(struct daemon *daemon, uint32_t job);
/* Whether a process belongs to a job that is being moved. It asks again after the move. */
bool ipc_must_wait(struct daemon *daemon, pid_t pid);
/* With the table locked. */
/* Who the caller is, for the table: partition, job, start. Its opener, if it has one, is
 * brought up to date. */
int ipc_who(struct ipc *ipc, struct conn *conn, struct table_opener *ret, struct vc_err *err);
/* The opener has something open now: its end will be noticed. */
void ipc_watch(struct ipc *ipc, pid_t pid);
/* Counts a process out of everything, and removes what is idle with that. */
void ipc_drop(struct ipc *ipc, pid_t pid);
/* How many objects a user may have made (or, times 4, opened). */
uint32_t ipc_per_user(const struct ipc *ipc, uid_t uid);
/* Removes an object that nothing holds any more; leaves every other as it is. */
void ipc_sweep(struct ipc *ipc, uint64_t id);
/* The process that began this one, or that it was given to; 0: it has ended. */
pid_t ipc_parent(pid_t pid);
/* Whether a job is being moved, or parked. */
bool ipc_any_is_away(const struct ipc *ipc);
/* Whether it is only kept because somebody has its memory still. */
bool ipc_is_idle(const struct table_object *object);

/* undo.c. With the table locked. */
/* A process has died that is an opener still: SEM_UNDO and the like; then it is counted out. False:
 * to be called again, as some of its objects are in use this moment (late: they are not waited
 * for), or this step is over. */
bool ipc_undo(struct ipc *ipc, const struct table_opener *who, bool late);
/* Whether ipc_undo() is to wait for the next step. */
bool ipc_undo_pauses(struct ipc *ipc, const struct table_opener *who);
/* An object has been unlinked: who sleeps in it is told, where that ends the sleep. */
void ipc_undo_unlinked(struct ipc *ipc, uint64_t id);
/* A segment notes which processes have it attached. Removes the processes that have ended and that
 * no daemon knew. */
void ipc_forget_gone(struct ipc *ipc, uint64_t id);
/* An object has another owner or mode: those who have it mapped ask again what they may. */
void ipc_owner_changed(struct ipc *ipc, uint64_t id);

/* region.c */
/* Makes those that this partition owns, or what is missing of them; allocates their memory. */
int ipc_regions_make(struct ipc *ipc, struct vc_err *err);
/* The region that an object is, or that would be meant by a name; NULL: none. */
const struct region_spec *ipc_region_of(const struct ipc *ipc, const struct table_object *object);
const struct region_spec *ipc_region_named(const struct ipc *ipc, uint32_t kind, const void *name,
					   size_t len);
/* Of a region's file: its owner and mode as configured, in place of the file's own. */
void ipc_region_stat(const struct table_object *object, struct stat *st);
/* Whether it is given to the caller's partition. Who is in no job is in none: root may. */
bool ipc_region_admits(const struct ipc *ipc, const struct region_spec *region,
		       const struct table_opener *who);

/* file.c */
/* Below STATE/ipc/o: "XX/ID". */
void ipc_file_path(uint64_t id, char ret[32]);
/* Makes an object's file with its first bytes. *ret_fd is open for reading and writing. */
int ipc_file_make(const struct ipc *ipc, const struct table_object *object, uint64_t size,
		  const ProtobufCBinaryData *init, int *ret_fd, struct stat *ret,
		  struct vc_err *err);
/* The file and what it is; flags: O_RDWR or O_RDONLY. -EAGAIN: somebody has a
 * lease on it, its owner or, for a moment, another daemon that looks whether it is held. */
int ipc_file_open(const struct ipc *ipc, uint64_t id, int flags, int *ret_fd, struct stat *ret);
int ipc_file_stat(const struct ipc *ipc, uint64_t id, struct stat *ret);
/* The region's name for its file; one that is there already is replaced. */
int ipc_file_link(const struct ipc *ipc, uint64_t id, const char *region, struct vc_err *err);
int ipc_file_own(const struct ipc *ipc, uint64_t id, uid_t uid, gid_t gid, mode_t mode);
void ipc_file_remove(const struct ipc *ipc, uint64_t id);
/* Whether anybody but fd's description has the file open or mapped. */
bool ipc_file_is_held(int fd);

#endif
