/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * door.h - one request about IPC objects to a daemon of this instance
 *
 * What libvcipc and the interposer know of vcd. An object is opened, closed and unlinked
 * here; all else happens in its memory, without a daemon.
 *
 * Each call is one short connection, and nothing stays open in the program, unless it calls
 * door_keep(). Any daemon of the instance serves; the one of the caller's own
 * partition is asked first, and when it does not run, the others. A daemon that is killed
 * in the middle of a request is no error: the request is put again, to the same effect as
 * once. Every call is thread-safe and keeps no lock, so it may be made after a fork() too;
 * none is async-signal-safe.
 *
 * The instance is the one of $VCRUN_STATE_DIR, or else the default one. Errors of every call,
 * besides those that it names:
 *
 *	-ENOTCONN  no daemon of the instance runs
 *	-EPERM     the caller is in another PID namespace than vcd
 *	-EAGAIN    for seconds the caller's user has had too many connections to the daemon
 *	           open, or its job has been on the move
 *	-ENOMEM, -EMFILE, -ENFILE, -EPROTO (the daemon is not of this version)
 */
#ifndef VC_IPCMAP_DOOR_H
#define VC_IPCMAP_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipcmap/kind.h"

#define DOOR_NAME_MAX 255 /* bytes of a name, without NUL */
#define DOOR_HEAD_BYTES 192
#define DOOR_INIT_MAX 1024

enum door_flags {
	DOOR_CREATE = 1 << 0,     /* make the object if there is none */
	DOOR_EXCL = 1 << 1,       /* with CREATE: -EEXIST if there is one */
	DOOR_RDONLY = 1 << 2,     /* read permission is enough; ret->fd is O_RDONLY */
	DOOR_PERSISTENT = 1 << 3, /* of a new object: stays without openers, until unlinked */
	DOOR_NOCOUNT = 1 << 4,    /* the caller is not counted as an opener, handle is 0; with
				   * CREATE only if it is to be PERSISTENT */
	DOOR_WRONLY = 1 << 5,     /* write permission is enough; ret->fd is O_WRONLY */
	DOOR_OWNER = 1 << 6,      /* owner and creator need no permission: they could give it to
				   * themselves. The caller looks at the mode itself */
};

/* How much of a new object's kind the caller's user may have with it. Kinds that count:
 * posix-mq, sysv-msg, sysv-sem, sysv-shm (ipcmap/table/table.h, user_share()). */
struct door_limit {
	uint64_t objects; /* all together */
	uint64_t units;   /* what this one counts for, in whatever the kind is measured by */
	uint64_t units_in_all;
};

struct door_open {
	uint32_t kind;    /* enum ipc_kind; 0 with an id: whichever it is */
	const char *name; /* 1 to DOOR_NAME_MAX bytes; NULL: nameless (IPC_PRIVATE), or by id */
	uint64_t id;      /* with name NULL and id not 0: this object */
	uint32_t flags;   /* enum door_flags */
	uint32_t mode;    /* 07777 of a new object; the caller applies its umask itself */
	uint64_t size;    /* bytes of a new object's file, all zero but: */
	const void *init; /* its first bytes, there before anybody else finds the object; */
	size_t n_init;    /* DOOR_INIT_MAX at most, and no more than size */
	const struct door_limit *limit; /* NULL: none but those of the configuration */
};

struct door_object {
	int fd; /* of the object's file, O_RDWR or O_RDONLY, CLOEXEC; the caller closes it */
	uint64_t handle; /* what door_close() takes; valid in this process, across its moves, and
			  * after door_fork() in its child */
	uint64_t id;     /* never given to another object; see door_short_id() */
	uint64_t size;   /* bytes of the file now */
	uint32_t kind;
	uint32_t uid, gid, mode;      /* mode: 07777 */
	uint32_t cuid, cgid;          /* creator */
	uint64_t created_usec;        /* CLOCK_REALTIME */
	char name[DOOR_NAME_MAX + 1]; /* "" when nameless; what it was, when unlinked */
	bool created;  /* by this call: all bytes are zero but those of init, or what others who
			* have found it since have made of it */
	bool unlinked; /* reached by id, its name is gone already */
};

/*
 * Opens an object, or makes it. A process that opens one object several times is counted as
 * often. When it ends, it is counted out of everything.
 *
 *	-EINVAL        kind unknown, name empty, flags that exclude each other, size > INT64_MAX
 *	-ENAMETOOLONG  name has more than DOOR_NAME_MAX bytes
 *	-ENOENT        there is none, and no CREATE; no such id
 *	-EEXIST        CREATE and EXCL, and there is one
 *	-EPROTOTYPE    there is one of that name or id, of another kind
 *	-EACCES        its owner, group and mode do not let the caller read and write it (RDONLY:
 *	               read it); nothing else is told of it
 *	-ENOSPC        the table is full, or the file system is; or limit->objects is reached
 *	-EOVERFLOW     limit->units_in_all is
 *	-EBUSY         its owner holds a lease on its file (fcntl(2), F_SETLEASE)
 *	-EDQUOT        the caller's user has as many objects, or opens of them, as it may have
 *
 * On failure ret is untouched. 0 or -errno.
 */
int door_open(const struct door_open *req, struct door_object *ret);

/*
 * Counts the caller out once. The last opener's close removes the object, unless it is
 * persistent or a child that was forked still has its memory mapped. Unmap and close the
 * descriptor first. -EBADF: the caller has not opened that.
 */
int door_close(uint64_t handle);

/* The caller has nothing open any more, as after an exec: counts it out of everything. */
int door_leave(void);

/*
 * In a fork's child: counts it in wherever its parent is counted, as often. Handles are the
 * parent's. To be called by pthread_atfork(). A child that does not call it, or whose parent
 * has ended meanwhile, keeps its objects alive all the same, by its mappings and descriptors
 * alone; its door_close() is then -EBADF. -EDQUOT as door_open().
 */
int door_fork(void);

/*
 * The name is gone at once, and free for a new object; the object stays until its openers
 * are gone. By kind and name, or with name NULL by id (kind 0: any). May do so: root, the
 * owner, the creator.
 * -EINVAL, -ENAMETOOLONG, -ENOENT, -EPROTOTYPE as above; -EACCES: not the caller's.
 */
int door_unlink(uint32_t kind, const char *name, uint64_t id);

/* The same by id, and the caller is counted out of it, however often it is counted: in place of its
 * door_close() calls. */
int door_remove(uint32_t kind, uint64_t id);

struct door_stat {
	uint64_t id;
	uint32_t kind;
	char name[DOOR_NAME_MAX + 1]; /* "" when nameless; what it was, when unlinked */
	uint32_t uid, gid;            /* owner */
	uint32_t cuid, cgid;          /* creator */
	uint32_t mode;                /* 07777 */
	uint32_t openers;             /* processes counted in, in all partitions, each as often as
				       * it has the object open */
	uint64_t created_usec;        /* CLOCK_REALTIME */
	uint64_t size;                /* bytes of the file */
	bool persistent, unlinked;

	/* Of door_stat_any() and door_list_any(). */
	uint64_t used_bytes;                 /* of size, what is in memory */
	unsigned char head[DOOR_HEAD_BYTES]; /* the file's first bytes; if it has less: zero */
};

/* By kind and name, or with name NULL by id (kind 0: any). Needs read permission (-EACCES).
 * -EINVAL, -ENAMETOOLONG, -ENOENT, -EPROTOTYPE as above. */
int door_stat(uint32_t kind, const char *name, uint64_t id, struct door_stat *ret);

/* The same of System V's kinds, for which no permission is needed, as for /proc/sysvipc. */
int door_stat_any(uint32_t kind, const char *name, uint64_t id, struct door_stat *ret);

/*
 * IPC_SET: owner and mode (07777) as given. May do so: root, the owner, the creator; as with
 * msgctl(2), to any uid and gid. -ENOENT, -EACCES, -EINVAL (an id of (uint32_t)-1).
 */
int door_chown(uint64_t id, uint32_t uid, uint32_t gid, uint32_t mode);

/*
 * The objects that the caller may read (root: all), of one kind or of all (0). Begin with
 * *cursor = 0; each call gives at most max of them, and moves the cursor. Returns how many,
 * 0 at the end, or -errno. Objects that come and go meanwhile may be missed, never doubled.
 */
int door_list(uint32_t kind, uint64_t *cursor, struct door_stat *ret, size_t max);

/* The same of one of System V's kinds: all that there are. */
int door_list_any(uint32_t kind, uint64_t *cursor, struct door_stat *ret, size_t max);

struct door_info {
	uint64_t used;     /* entries of the table that are taken */
	uint64_t capacity; /* all of them */
	uint64_t per_user; /* objects that a user other than root may have */
};
/* For IPC_INFO and the like. */
int door_info(struct door_info *ret);

/*
 * From now on a connection stays open behind a call, for the next one: a burst of calls needs
 * only one. The daemon ends it when it has been idle for a moment. Its descriptor is above those
 * that programs get by themselves; the program may close it. A move takes it along.
 */
void door_keep(void);

/* In a fork's child: the connection was its parent's. May be called with locks held. */
void door_conn_forked(void);

/*
 * System V's identifiers are ints. The short form of an id, 1 to INT32_MAX, stands for it
 * wherever an id is taken; it is unique among the objects that exist, and comes again after
 * some hundred or thousand others had the same place in the table.
 */
static inline int32_t door_short_id(uint64_t id)
{
	return (int32_t)(id & INT32_MAX);
}

#endif
