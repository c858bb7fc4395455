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

/* The pace of the work for dead processes of some users. It is done in steps, so that no request
 * waits for all of it. */
struct ipc_pace {
	uint64_t used_usec;  /* in this step */
	uint64_t pause_usec; /* CLOCK_MONOTONIC of when the next one may begin */
};

struct ipc {
	struct daemon *daemon;
	struct table *table;
	int dirfd; /* STATE/ipc/o, where the objects' files are */
	struct event *tick;
	struct ipc_watch **watches; /* by table_opener::slot; NULL: not watched */
	size_t n_watches;
	int pidfd_max; /* pidfds of openers are below; higher descriptors are for connections */
	uint64_t seen_changes;           /* table_changes() at the last look at all openers */
	struct ipc_pace undo[IPC_PACES]; /* by uid */
	bool undo_more;                  /* some work waits for the next step */
};

/* ipc.c */
/* A job has come here by a move, or runs again after a move that failed. */
void ipc_job_came(struct daemon *daemon, uint32_t job);
/* Whether a process belongs to a job that is being moved. It asks again after the move. */
bool ipc_must_wait(struct daemon *daemon, pid_t pid);
/* With the table locked. */
/* Finds the partition, job and start time of the caller. Updates its entry, if it is an opener. */
int ipc_who(struct ipc *ipc, struct conn *conn, struct table_opener *ret, struct vc_err *err);
/* Watches an opener, so that its end is noticed. */
void ipc_watch(struct ipc *ipc, pid_t pid);
/* Counts a process out of everything, and removes objects that become idle. */
void ipc_drop(struct ipc *ipc, pid_t pid);
/* How many objects a user may make, and (times 4) open. */
uint32_t ipc_per_user(const struct ipc *ipc, uid_t uid);
/* Removes an object that is idle and not held. Otherwise does nothing. */
void ipc_sweep(struct ipc *ipc, uint64_t id);
/* The parent of a process; 0: the process has ended. */
pid_t ipc_parent(pid_t pid);
/* Whether a job is being moved, or parked. */
bool ipc_any_is_away(const struct ipc *ipc);
/* Whether an object has no openers and does not persist without them. */
bool ipc_is_idle(const struct table_object *object);

/* undo.c. With the table locked. */
/* Repairs the objects of an opener that has died (SEM_UNDO and similar), and counts it out. Returns
 * false if it must be called again: some objects are in use now (late: does not wait for them), or
 * the step is over. */
bool ipc_undo(struct ipc *ipc, const struct table_opener *who, bool late);
/* Whether ipc_undo() must wait for the next step. */
bool ipc_undo_pauses(struct ipc *ipc, const struct table_opener *who);
/* An object was unlinked: wakes the processes that sleep in it, where the removal ends the sleep.
 */
void ipc_undo_unlinked(struct ipc *ipc, uint64_t id);
/* Removes ended processes that no daemon knew from the list in a segment. */
void ipc_forget_gone(struct ipc *ipc, uint64_t id);
/* An object has another owner or mode: the processes that have it mapped will ask again. */
void ipc_owner_changed(struct ipc *ipc, uint64_t id);

/* region.c */
/* Makes the regions of this partition, or what is missing of them, and allocates their memory. */
int ipc_regions_make(struct ipc *ipc, struct vc_err *err);
/* The region of an object, or of a name; NULL: none. */
const struct region_spec *ipc_region_of(const struct ipc *ipc, const struct table_object *object);
const struct region_spec *ipc_region_named(const struct ipc *ipc, uint32_t kind, const void *name,
					   size_t len);
/* Replaces the owner and mode of a region's file by the configured ones. */
void ipc_region_stat(const struct table_object *object, struct stat *st);
/* Whether the region is given to the caller's partition. A caller without a job is in no partition;
 * root may use it. */
bool ipc_region_admits(const struct ipc *ipc, const struct region_spec *region,
		       const struct table_opener *who);

/* file.c */
/* Below STATE/ipc/o: "XX/ID". */
void ipc_file_path(uint64_t id, char ret[32]);
/* Makes an object's file with its first bytes. *ret_fd is open for reading and writing. */
int ipc_file_make(const struct ipc *ipc, const struct table_object *object, uint64_t size,
		  const ProtobufCBinaryData *init, int *ret_fd, struct stat *ret,
		  struct vc_err *err);
/* Opens an object's file. flags: O_RDWR, O_RDONLY or O_WRONLY. -EAGAIN: a process has a lease on
 * it: its owner or, for a moment, another daemon that looks whether it is held. */
int ipc_file_open(const struct ipc *ipc, uint64_t id, int flags, int *ret_fd, struct stat *ret);
int ipc_file_stat(const struct ipc *ipc, uint64_t id, struct stat *ret);
/* Gives the file the region's name. Replaces an older file of that name. */
int ipc_file_link(const struct ipc *ipc, uint64_t id, const char *region, struct vc_err *err);
int ipc_file_own(const struct ipc *ipc, uint64_t id, uid_t uid, gid_t gid, mode_t mode);
void ipc_file_remove(const struct ipc *ipc, uint64_t id);
/* Whether any other open file or mapping of the file exists. */
bool ipc_file_is_held(int fd);

#endif
