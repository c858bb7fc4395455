// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * conn.c - connections to daemons, one of them kept between requests
 *
 * The one that is kept lies in a single place, out of which a request takes it; who finds it empty
 * connects anew. So there is no lock, and threads do not wait for each other.
 *
 * It has the rights that the process had when it was made, so it is used only by the same process
 * with the same user, and only if its real ids are its effective ones: each message carries the
 * real ones (daemon/conn/kept.c). Its descriptor is the program's to close by mistake, and
 * another file may have the number then; so it is known by device and inode.
 */
#include "ipcmap/door/conn.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/statedir.h"
#include "ipcmap/door/door.h"
#include "wire/locate.h"
#include "wire/patience.h"
#include "wire/wire.h"

/* Programs count on the lowest free number for what they open. Below 64, or the kernel would have
 * to enlarge the table of descriptors. */
#define KEPT_FD 56
#define DOOR_CONNECT_SEC 10 /* with a daemon whose queue of connections is full */

struct kept {
	struct wire *wire;
	char partition[64]; /* whose daemon it is to */
	pid_t pid;
	uid_t uid;
	gid_t gid;
	dev_t dev;
	ino_t ino;
};

static bool door_keeps;
static struct kept *door_kept; /* atomic */

/* The partition whose daemon is asked first; of this thread, so that no lock is needed. */
static _Thread_local char door_nearest[64];

/* --- connecting -------------------------------------------------------------------------- */

static int door_connect(const char *dir, const char *partition, bool wary, struct wire **ret)
{
	int r;

	do
		r = locate_connect(dir, partition, DOOR_CONNECT_SEC, ret, NULL);
	while (r == -EINTR);
	if (r == 0 && wary && patience_check_stopped(*ret, NULL) < 0) {
		wire_free(*ret);
		return -ETIMEDOUT;
	}
	if (r == 0)
		wire_read_ahead(*ret);
	return r;
}

static int door_connect_to(const char *dir, const char *partition, bool wary, struct door_conn *ret)
{
	size_t len = strlen(partition);

	if (len >= sizeof(ret->partition))
		return -ENOTCONN;
	memcpy(ret->partition, partition, len + 1);
	return door_connect(dir, partition, wary, &ret->wire);
}

/* That it is not there, or does not listen: the next one may. */
static bool door_is_down(int r)
{
	return r < 0 && r != -ENOMEM && r != -EMFILE && r != -ENFILE;
}

static int door_connect_any(bool wary, struct door_conn *ret)
{
	_cleanup_closedir_ DIR *dir = NULL;
	const char *path = statedir_choose(NULL);
	const struct dirent *entry;
	int r = -ENOTCONN;

	if (door_nearest[0])
		r = door_connect_to(path, door_nearest, wary, ret);
	if (!door_is_down(r))
		return r;
	dir = opendir(path);
	if (!dir)
		return errno == ENOMEM || errno == EMFILE || errno == ENFILE ? -errno : -ENOTCONN;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		r = door_connect_to(path, entry->d_name, wary, ret);
		if (!door_is_down(r))
			return r;
	}
	return -ENOTCONN;
}

void door_conn_near(const char *partition)
{
	if (partition && strlen(partition) < sizeof(door_nearest) && !strchr(partition, '/'))
		strcpy(door_nearest, partition);
}

/* --- keeping ----------------------------------------------------------------------------- */

/* Whether the process has the user and the group that made it, and nothing else as real ids. */
static bool kept_is_ours(const struct kept *kept)
{
	uid_t uid, euid, suid;
	gid_t gid, egid, sgid;

	return getresuid(&uid, &euid, &suid) == 0 && getresgid(&gid, &egid, &sgid) == 0 &&
	       kept->uid == uid && kept->uid == euid && kept->gid == gid && kept->gid == egid;
}

/* It is to the partition's own daemon, which notices the end of its processes at once. */
static bool kept_is_near(const struct kept *kept)
{
	return !door_nearest[0] || !strcmp(kept->partition, door_nearest);
}

/* The descriptor is that connection still. */
static bool kept_is_there(const struct kept *kept)
{
	struct stat st;

	return fstat(wire_fd(kept->wire), &st) == 0 && st.st_dev == kept->dev &&
	       st.st_ino == kept->ino;
}

static void kept_free(struct kept *kept)
{
	if (!kept)
		return;
	if (kept_is_there(kept))
		wire_free(kept->wire);
	else
		wire_release(kept->wire);
	free(kept);
}

static struct kept *kept_swap(struct kept *kept)
{
	return __atomic_exchange_n(&door_kept, kept, __ATOMIC_ACQ_REL);
}

/* The kept connection, if there is one that can be used now. */
static struct kept *kept_take(void)
{
	struct kept *kept = door_keeps ? kept_swap(NULL) : NULL;

	if (!kept)
		return NULL;
	/* A child that shares its parent's memory, or was made by neither fork() nor vfork(). */
	if (kept->pid != getpid()) {
		kept_free(kept_swap(kept));
		return NULL;
	}
	if (kept_is_ours(kept) && kept_is_near(kept) && kept_is_there(kept))
		return kept;
	kept_free(kept);
	return NULL;
}

/* What is kept of a new connection; NULL: it is not. */
static struct kept *kept_new(const struct door_conn *conn)
{
	struct wire *wire = conn->wire;
	struct kept *kept = door_keeps ? malloc(sizeof(*kept)) : NULL;
	struct stat st;

	if (!kept)
		return NULL;
	*kept = (struct kept){ .wire = wire, .pid = getpid(), .uid = geteuid(), .gid = getegid() };
	if (!kept_is_ours(kept) || wire_raise(wire, KEPT_FD) < 0 || fstat(wire_fd(wire), &st) < 0) {
		free(kept);
		return NULL;
	}
	memcpy(kept->partition, conn->partition, sizeof(kept->partition));
	kept->dev = st.st_dev;
	kept->ino = st.st_ino;
	return kept;
}

void door_keep(void)
{
	door_keeps = true;
}

void door_conn_forked(void)
{
	kept_free(kept_swap(NULL));
}

int door_conn_get(struct door_conn *ret, bool fresh, bool wary)
{
	struct kept *kept = fresh || wary ? NULL : kept_take();

	*ret = (struct door_conn){ .kept = kept };
	if (!kept)
		return door_connect_any(wary, ret);
	ret->wire = kept->wire;
	return 0;
}

void door_conn_put(struct door_conn *conn, bool well)
{
	struct kept *kept = conn->kept;

	if (well && !kept)
		kept = kept_new(conn);
	if (well && kept) {
		/* In place of the one that another thread has given back. */
		kept_free(kept_swap(kept));
		return;
	}
	wire_free(conn->wire);
	free(conn->kept);
}
