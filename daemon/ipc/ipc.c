// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc.c - the table of IPC objects, the openers of this partition, idle objects
 *
 * Each daemon watches the openers in its column, with a pidfd each. It looks at all of them when it
 * starts and when another daemon has added one. An opener that has ended is counted out, with one
 * exception: a move ends a job's processes and restores them with the same PIDs. A shim's report
 * about this can be late, so the images decide: they are in STATE/images/JOB from before the freeze
 * until the job runs again, and while the job is parked. So a process is gone if it is not alive,
 * its job has no images, and it still is not alive.
 *
 * An object is idle if it has no openers. Uncounted processes may still have it: children that
 * inherited a mapping, and processes that were passed a descriptor. The kernel knows them
 * (ipc_file_is_held()), except those in images, which name the files. A held object is looked at
 * again every second.
 */
#include "daemon/ipc/ipc.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "common/proc.h"
#include "common/statedir.h"
#include "common/trust.h"
#include "daemon/conn/conn.h"
#include "daemon/part.h"
#include "libmig/mig.h"
#include "partition/jobfile.h"
#include "partition/partition.h"

#define IPC_TICK_USEC 250000
#define IPC_LOOK_USEC 1000000u     /* between two looks at an idle object */
#define IPC_SWEEP_USEC 3000        /* for idle objects, in one tick */
#define IPC_SWEEP_AGAIN_USEC 12000 /* until the next tick, if there were more */
#define IPC_KNOWN_USEC 50000       /* after which the place of a caller is looked up again */
#define IPC_DROP_AT_ONCE 64 /* objects of an opener that has ended; ticks remove the others */
#define IPC_UNDO_USEC                                                                              \
	60000000u /* for how long the end of an opener waits for processes that use its objects */

/* An opener of this partition. */
struct ipc_watch {
	struct ipc *ipc;
	pid_t pid;
	uint32_t slot;
	int pidfd;           /* -1: too many are open, or the process is away; the tick looks */
	struct event *event; /* NULL then */
	uint64_t gone_usec;  /* when its process was first seen to be gone; 0: not yet */
};

/* --- processes ------------------------------------------------------------------------------ */

/* The partition, by index, and the job of a process. -ENOENT: it is in no partition of this
 * instance. */
static int proc_place(const struct ipc *ipc, pid_t pid, uint32_t *ret_column, uint32_t *ret_job)
{
	char group[256], partition[PARTITION_NAME_MAX];
	unsigned int job;
	int index;

	if (cg_procs_group(ipc->daemon->cg, pid, group, sizeof(group)) < 0 ||
	    partition_parse_group(group, partition, sizeof(partition), &job) < 0)
		return -ENOENT;
	index = instance_find(ipc->daemon->instance, partition);
	if (index < 0)
		return -ENOENT;
	*ret_column = (uint32_t)index;
	*ret_job = job;
	return 0;
}

static bool job_is_away(const struct ipc *ipc, uint32_t job)
{
	return jobfile_is_away(ipc->daemon->instance->dirfd, ipc->daemon->cg, job);
}

static bool job_has_file(const struct ipc *ipc, uint32_t job, const char *path)
{
	_cleanup_close_ int fd = -1;
	char images[64];

	snprintf(images, sizeof(images), STATE_IMAGES_JOB, job);
	fd = openat(ipc->daemon->instance->dirfd, images, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? errno != ENOENT : mig_images_name(fd, path);
}

/* Whether any job is away, and its images name a file whose path ends like this (NULL: any file).
 */
static bool any_job_is_away(const struct ipc *ipc, const char *path)
{
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *entry;
	struct stat st;

	/* On a tmpfs the number of links tells the number of directories. */
	if (fstatat(ipc->daemon->instance->dirfd, STATE_IMAGES, &st, 0) == 0 && st.st_nlink == 2)
		return false;
	dir = file_open_dir(ipc->daemon->instance->dirfd, STATE_IMAGES);
	if (!dir)
		return true;
	while ((entry = readdir(dir))) {
		uint32_t job = (uint32_t)strtoul(entry->d_name, NULL, 10);

		if (entry->d_name[0] != '.' && job_is_away(ipc, job) &&
		    (!path || job_has_file(ipc, job, path)))
			return true;
	}
	return false;
}

/* --- what is idle --------------------------------------------------------------------------- */

bool ipc_is_idle(const struct table_object *object)
{
	return !object->made || (object->n_open == 0 && (!object->persistent || object->unlinked));
}

/*
 * A process that has the file is alive or in images. If it is alive, but neither the first look nor
 * the images show it, it was restored in between, and the second look finds it.
 */
static bool object_is_held(const struct ipc *ipc, uint64_t id, int fd)
{
	char path[32];

	ipc_file_path(id, path);
	return ipc_file_is_held(fd) || any_job_is_away(ipc, path) || ipc_file_is_held(fd);
}

void ipc_sweep(struct ipc *ipc, uint64_t id)
{
	_cleanup_close_ int fd = -1;
	struct table_object object;
	struct stat st;
	int r;

	if (entry_get(ipc->table, id, &object) < 0 || !ipc_is_idle(&object))
		return;
	r = object.made ? ipc_file_open(ipc, id, O_RDWR, &fd, &st) : -ENOENT;
	if (r != -ENOENT && (r < 0 || object_is_held(ipc, id, fd)))
		return;
	ipc_file_remove(ipc, id);
	entry_remove(ipc->table, id);
}

/* Returns false if there are more. A user can leave any number of idle objects at once. */
static bool sweep_all(struct ipc *ipc)
{
	uint64_t now = clock_mono_usec(), cursor = 0, id;

	do {
		if (entry_next_idle(ipc->table, &cursor, now - IPC_LOOK_USEC, now, &id) < 0)
			return true;
		ipc_sweep(ipc, id);
	} while (clock_mono_usec() - now < IPC_SWEEP_USEC);
	return false;
}

/* --- openers -------------------------------------------------------------------------------- */

/* Remembers its objects first: those that become idle are removed. */
void ipc_drop(struct ipc *ipc, pid_t pid)
{
	_cleanup_free_ uint64_t *ids = NULL;
	struct table_opener who;
	uint64_t cursor = 0;
	uint32_t count;
	size_t n = 0, most;

	if (opener_find(ipc->table, pid, &who) < 0)
		return;
	most = who.n_objects < IPC_DROP_AT_ONCE ? who.n_objects : IPC_DROP_AT_ONCE;
	ids = calloc(most, sizeof(*ids));
	/* The next tick finds the others, and all of them if there is no memory. */
	while (ids && n < most &&
	       opener_next_object(ipc->table, pid, &cursor, &ids[n], &count) == 0)
		n++;
	opener_drop(ipc->table, pid);
	for (size_t i = 0; i < n; i++)
		ipc_sweep(ipc, ids[i]);
}

/* Its process is away. The tick looks whether it is back. */
static void watch_rest(struct ipc_watch *watch)
{
	if (watch->event)
		event_free(watch->event);
	watch->event = NULL;
	closep(&watch->pidfd);
	watch->pidfd = -1;
}

static void watch_free(struct ipc_watch *watch)
{
	watch->ipc->watches[watch->slot] = NULL;
	watch_rest(watch);
	free(watch);
}

/* Whether this process lives, or the one that a move made from it. */
static bool opener_lives(struct ipc *ipc, const struct table_opener *who)
{
	uint64_t start = proc_identity(who->pid, NULL);
	uint32_t column = who->column, job = 0;

	if (start == 0)
		return false;
	if (proc_place(ipc, who->pid, &column, &job) < 0)
		return start == who->start;
	if (job != who->job && start != who->start)
		return false;
	if (start != who->start || column != who->column || job != who->job)
		opener_move(ipc->table, who->pid, column, job, start);
	return true;
}

enum opener_is { OPENER_HERE, OPENER_AWAY, OPENER_GONE };

/* Repairs what the opener left in the memory of its objects. Returns false if it must be called
 * again. */
static bool opener_undo(struct ipc *ipc, const struct table_opener *who, struct ipc_watch *watch)
{
	uint64_t now = clock_mono_usec();

	if (watch && !watch->gone_usec)
		watch->gone_usec = now;
	return ipc_undo(ipc, who, watch && now - watch->gone_usec >= IPC_UNDO_USEC) || !watch;
}

/* The opener is gone and counted out; or away in images or to be counted out soon; or here, with
 * its column updated. */
static enum opener_is opener_look(struct ipc *ipc, const struct table_opener *who,
				  struct ipc_watch *watch)
{
	if (opener_lives(ipc, who))
		return OPENER_HERE;
	if (who->job && job_is_away(ipc, who->job))
		return OPENER_AWAY;
	if (opener_lives(ipc, who))
		return OPENER_HERE;
	if (!opener_undo(ipc, who, watch))
		return OPENER_AWAY;
	ipc_drop(ipc, who->pid);
	return OPENER_GONE;
}

static void watch_on_end(evutil_socket_t fd, short what, void *ctx);

/* Called before the look at the process, so that its end in between is noticed. */
static void watch_begin(struct ipc_watch *watch)
{
	watch_rest(watch);
	watch->pidfd = (int)syscall(SYS_pidfd_open, watch->pid, 0);
	if (watch->pidfd >= watch->ipc->pidfd_max)
		watch_rest(watch);
	if (watch->pidfd < 0)
		return;
	watch->event =
		event_new(watch->ipc->daemon->base, watch->pidfd, EV_READ, watch_on_end, watch);
	if (watch->event)
		event_add(watch->event, NULL);
}

static struct ipc_watch *watch_new(struct ipc *ipc, const struct table_opener *who)
{
	struct ipc_watch *watch;

	if (who->slot >= ipc->n_watches) {
		size_t n = (who->slot + 256u) & ~(size_t)255;
		struct ipc_watch **grown = reallocarray(ipc->watches, n, sizeof(*grown));

		if (!grown)
			return NULL;
		memset(grown + ipc->n_watches, 0, (n - ipc->n_watches) * sizeof(*grown));
		ipc->watches = grown;
		ipc->n_watches = n;
	}
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return NULL;
	watch->ipc = ipc;
	watch->pid = who->pid;
	watch->slot = who->slot;
	watch->pidfd = -1;
	ipc->watches[who->slot] = watch;
	return watch;
}

/* Brings one opener of this column up to date. */
static void opener_tend(struct ipc *ipc, const struct table_opener *who)
{
	struct ipc_watch *watch = who->slot < ipc->n_watches ? ipc->watches[who->slot] : NULL;
	struct table_opener now;

	/* The table has reused its place for another process. */
	if (watch && watch->pid != who->pid) {
		watch_free(watch);
		watch = NULL;
	}
	if (watch && (watch->event || (watch->gone_usec && ipc_undo_pauses(ipc, who))))
		return;
	if (!watch)
		watch = watch_new(ipc, who);
	if (watch)
		watch_begin(watch);
	switch (opener_look(ipc, who, watch)) {
	case OPENER_HERE:
		if (opener_find(ipc->table, who->pid, &now) == 0 && now.column == ipc->daemon->slot)
			return;
		break;
	case OPENER_AWAY:
		if (watch)
			watch_rest(watch);
		return;
	case OPENER_GONE:
		break;
	}
	if (watch)
		watch_free(watch);
}

void ipc_watch(struct ipc *ipc, pid_t pid)
{
	struct table_opener who;

	if (opener_find(ipc->table, pid, &who) == 0 && who.column == ipc->daemon->slot)
		opener_tend(ipc, &who);
}

static void watch_on_end(evutil_socket_t fd, short what, void *ctx)
{
	struct ipc_watch *watch = ctx;
	struct ipc *ipc = watch->ipc;
	struct table_opener who;
	struct vc_err err;

	watch_rest(watch);
	if (table_lock(ipc->table, &err) < 0) {
		log_warn("%s", err.text); /* the next tick tries again */
		return;
	}
	if (opener_find(ipc->table, watch->pid, &who) == 0 && who.slot == watch->slot)
		opener_tend(ipc, &who);
	else
		watch_free(watch);
	table_unlock(ipc->table);
}

/* All openers of the column, of one job or of all (0). A move changes the column of a job's
 * openers, so all columns are searched. */
static void openers_tend(struct ipc *ipc, uint32_t job)
{
	struct table_opener who;
	uint32_t cursor = 0;

	while (opener_next(ipc->table, &cursor, &who) == 0) {
		if (job && who.job == job && who.column != ipc->daemon->slot)
			opener_lives(ipc, &who);
		ipc_watch(ipc, who.pid);
	}
}

/* Openers whose process was away or has closed everything. */
static void watches_tend(struct ipc *ipc, bool all)
{
	for (size_t i = 0; i < ipc->n_watches; i++) {
		struct ipc_watch *watch = ipc->watches[i];
		struct table_opener who;

		if (!watch || (watch->event && !all))
			continue;
		if (opener_find(ipc->table, watch->pid, &who) == 0 && who.slot == i &&
		    who.column == ipc->daemon->slot)
			opener_tend(ipc, &who);
		else
			watch_free(watch);
	}
}

static void ipc_on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct timeval delay = { .tv_usec = IPC_TICK_USEC };
	struct ipc *ipc = ctx;
	uint64_t changes = table_changes(ipc->table, ipc->daemon->slot);
	struct vc_err err;

	if (table_lock(ipc->table, &err) < 0) {
		log_warn("%s", err.text);
		event_add(ipc->tick, &delay);
		return;
	}
	ipc->undo_more = false;
	if (changes != ipc->seen_changes)
		openers_tend(ipc, 0);
	watches_tend(ipc, changes != ipc->seen_changes);
	ipc->seen_changes = changes;
	if (!sweep_all(ipc) || ipc->undo_more)
		delay.tv_usec = IPC_SWEEP_AGAIN_USEC;
	table_unlock(ipc->table);
	event_add(ipc->tick, &delay);
}

bool ipc_any_is_away(const struct ipc *ipc)
{
	return any_job_is_away(ipc, NULL);
}

bool ipc_must_wait(struct daemon *daemon, pid_t pid)
{
	uint32_t column, job = 0;

	return daemon->ipc && any_job_is_away(daemon->ipc, NULL) &&
	       proc_place(daemon->ipc, pid, &column, &job) == 0 && job &&
	       job_is_away(daemon->ipc, job);
}

void ipc_job_came(struct daemon *daemon, uint32_t job)
{
	struct vc_err err;

	if (table_lock(daemon->ipc->table, &err) < 0) {
		log_warn("%s", err.text);
		return;
	}
	openers_tend(daemon->ipc, job);
	table_unlock(daemon->ipc->table);
}

/* --- the caller of a request ---------------------------------------------------------------- */

uint32_t ipc_per_user(const struct ipc *ipc, uid_t uid)
{
	return uid == 0 ? TABLE_UNLIMITED : ipc->daemon->instance->config->ipc_objects_per_user;
}

int ipc_who(struct ipc *ipc, struct conn *conn, struct table_opener *ret, struct vc_err *err)
{
	uint64_t now = clock_mono_usec();
	/* In a burst of requests, the caller stays in one place. */
	bool known = conn->known_usec && now - conn->known_usec < IPC_KNOWN_USEC;
	struct table_opener there;
	int found;

	if (conn->pid <= 0)
		return err_set(err, EPERM,
			       "you are in another PID namespace than vcd, which could not notice "
			       "your end");
	*ret = (struct table_opener){ .pid = conn->pid,
				      .uid = conn->uid,
				      .column = known ? conn->known_column : ipc->daemon->slot,
				      .job = known ? conn->known_job : 0,
				      .start = conn->start };
	found = opener_find(ipc->table, conn->pid, &there);
	if (known && found == 0 && there.start == conn->start) {
		ret->column = there.column;
		ret->job = there.job;
		return 0;
	}
	if (!known || found == 0) {
		proc_place(ipc, conn->pid, &ret->column, &ret->job);
		conn->known_usec = now;
		conn->known_column = ret->column;
		conn->known_job = ret->job;
	}
	if (found < 0)
		return 0;
	if (!opener_lives(ipc, &there)) {
		/* Another process that had the same PID. */
		if (!ipc_undo(ipc, &there, true))
			return err_set(err, EAGAIN,
				       "what another process of your PID had open is put in order");
	} else if (ret->job == 0) {
		ret->column = there.column;
	}
	return 0;
}

pid_t ipc_parent(pid_t pid)
{
	pid_t parent = 0;

	return proc_identity(pid, &parent) ? parent : 0;
}

/* --- start and stop ------------------------------------------------------------------------- */

static int ipc_open(struct ipc *ipc, struct vc_err *err)
{
	const struct instance *instance = ipc->daemon->instance;
	int r = table_open(instance->dirfd, STATE_IPC_TABLE, &ipc->table, err);

	if (r < 0)
		return r;
	if (ipc->daemon->slot >= table_columns(ipc->table))
		return err_set(err, EPROTO, "the table of IPC objects has no column %u",
			       ipc->daemon->slot);
	ipc->dirfd = trust_openat(instance->dirfd, STATE_IPC_OBJECTS, O_RDONLY | O_DIRECTORY, 0);
	if (ipc->dirfd < 0)
		return err_sys(err, -ipc->dirfd, "%s/" STATE_IPC_OBJECTS, instance->dir);
	ipc->tick = evtimer_new(ipc->daemon->base, ipc_on_tick, ipc);
	return ipc->tick ? 0 : err_sys(err, ENOMEM, "IPC objects");
}

/* Half of the descriptors that this process may have. */
static int pidfd_max(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 2 > INT_MAX)
		return INT_MAX;
	return (int)(limit.rlim_cur / 2);
}

static int ipc_start(struct daemon *daemon, struct vc_err *err)
{
	struct timeval period = { .tv_usec = IPC_TICK_USEC };
	struct ipc *ipc = calloc(1, sizeof(*ipc));
	int r;

	if (!ipc)
		return err_sys(err, ENOMEM, "IPC objects");
	daemon->ipc = ipc;
	ipc->daemon = daemon;
	ipc->dirfd = -1;
	ipc->pidfd_max = pidfd_max();
	r = ipc_open(ipc, err);
	if (r == 0)
		r = table_lock(ipc->table, err);
	if (r < 0)
		return r;
	/* The openers that the previous daemon watched, and the objects that it would have removed.
	 */
	openers_tend(ipc, 0);
	sweep_all(ipc);
	table_unlock(ipc->table);
	event_add(ipc->tick, &period);
	return ipc_regions_make(ipc, err);
}

static void ipc_stop(struct daemon *daemon)
{
	struct ipc *ipc = daemon->ipc;

	if (!ipc)
		return;
	for (size_t i = 0; i < ipc->n_watches; i++)
		if (ipc->watches[i])
			watch_free(ipc->watches[i]);
	free(ipc->watches);
	if (ipc->tick)
		event_free(ipc->tick);
	closep(&ipc->dirfd);
	table_close(ipc->table);
	free(ipc);
	daemon->ipc = NULL;
}

const struct part ipc_part = { "ipc", ipc_start, ipc_stop };
