// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-audit.c - do the table of IPC objects, their files and their openers agree?
 */
#include "admin/ipc-audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/proc.h"
#include "common/statedir.h"
#include "common/trust.h"
#include "partition/cgroup/cgroup.h"
#include "partition/jobfile.h"
#include "partition/partition.h"

#define SETTLE_POLL_USEC 100000
#define REGIONS "regions" /* below STATE/ipc/o, see common/statedir.h */

struct audit {
	const struct instance *in;
	struct cg *cg;
	struct table *table;
	int files; /* STATE/ipc/o */
	sigset_t signals;
};

void ipc_audit_done(struct ipc_audit *look)
{
	free(look->ids);
	free(look->file_ids);
	free(look->openers);
	free(look->missing);
	free(look->ended);
}

void wrong_add(struct wrong *wrong, const char *fmt, ...)
{
	size_t len = strlen(wrong->examples);
	va_list ap;

	if (wrong->n++ >= AUDIT_EXAMPLES)
		return;
	len += (size_t)snprintf(wrong->examples + len, sizeof(wrong->examples) - len, "%s",
				wrong->n > 1 ? ", " : "");
	va_start(ap, fmt);
	vsnprintf(wrong->examples + len, sizeof(wrong->examples) - len, fmt, ap);
	va_end(ap);
}

/* Room for one more; in doubling steps. */
static int array_grow(void **array, size_t n, size_t item)
{
	void *grown;

	if (n & (n - 1) || (n && n < 64))
		return 0;
	grown = reallocarray(*array, n ? 2 * n : 64, item);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	return 0;
}

static int id_add(uint64_t **ids, size_t *n, uint64_t id)
{
	void *array = *ids;
	int r = array_grow(&array, *n, sizeof(id));

	*ids = array;
	if (r == 0)
		(*ids)[(*n)++] = id;
	return r;
}

static int opener_add(struct table_opener **openers, size_t *n, const struct table_opener *who)
{
	void *array = *openers;
	int r = array_grow(&array, *n, sizeof(*who));

	*openers = array;
	if (r == 0)
		(*openers)[(*n)++] = *who;
	return r;
}

static int id_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* --- the table ------------------------------------------------------------------------------ */

/* Who is stopped with the lock held stops every daemon. */
static int audit_lock(struct audit *audit, struct vc_err *err)
{
	static const int held[] = { SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU };
	sigset_t set;
	int r;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		sigaddset(&set, held[i]);
	sigprocmask(SIG_BLOCK, &set, &audit->signals);
	r = table_lock(audit->table, err);
	if (r < 0)
		sigprocmask(SIG_SETMASK, &audit->signals, NULL);
	return r;
}

static void audit_unlock(struct audit *audit)
{
	table_unlock(audit->table);
	sigprocmask(SIG_SETMASK, &audit->signals, NULL);
}

static int look_at_objects(struct audit *audit, struct ipc_audit *look)
{
	struct table_object object;
	uint64_t cursor = 0, id;
	int r = 0;

	while (r == 0 && entry_next(audit->table, &cursor, &id) == 0) {
		if (entry_get(audit->table, id, &object) < 0)
			continue;
		look->persistent += object.persistent && !object.unlinked;
		look->idle += object.n_open == 0 && (!object.persistent || object.unlinked);
		r = id_add(&look->ids, &look->n_ids, id);
	}
	if (look->n_ids)
		qsort(look->ids, look->n_ids, sizeof(*look->ids), id_compare);
	return r;
}

static int look_at_openers(struct audit *audit, struct ipc_audit *look)
{
	struct table_opener who;
	uint32_t cursor = 0;
	int r = 0;

	while (r == 0 && opener_next(audit->table, &cursor, &who) == 0)
		r = opener_add(&look->openers, &look->n_openers, &who);
	return r;
}

static int look_at_table(struct audit *audit, struct ipc_audit *look, struct vc_err *err)
{
	uint64_t repairs = table_repairs(audit->table);
	int r = audit_lock(audit, err);

	if (r < 0)
		return r;
	look->repairs = table_repairs(audit->table);
	look->repaired = look->repairs != repairs;
	if (check_table(audit->table, &look->contradiction) < 0)
		table_damaged(audit->table);
	table_usage(audit->table, &look->used, &look->capacity);
	r = look_at_objects(audit, look);
	if (r == 0)
		r = look_at_openers(audit, look);
	audit_unlock(audit);
	return r < 0 ? err_sys(err, -r, "check of the IPC objects") : 0;
}

/* --- processes ------------------------------------------------------------------------------ */

/* This very process, or the one that a move made of it. */
static bool opener_lives(const struct audit *audit, const struct table_opener *who)
{
	uint64_t start = proc_identity(who->pid, NULL);
	char group[256], partition[PARTITION_NAME_MAX];
	unsigned int job;

	if (start == 0 || start == who->start)
		return start != 0;
	return who->job && cg_procs_group(audit->cg, who->pid, group, sizeof(group)) == 0 &&
	       partition_parse_group(group, partition, sizeof(partition), &job) == 0 &&
	       job == who->job;
}

static bool opener_is_away(const struct audit *audit, const struct table_opener *who)
{
	return who->job && jobfile_is_away(audit->in->dirfd, audit->cg, who->job);
}

static int look_at_processes(struct audit *audit, struct ipc_audit *look, struct vc_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < look->n_openers; i++) {
		const struct table_opener *who = &look->openers[i];

		if (opener_lives(audit, who))
			continue;
		if (opener_is_away(audit, who))
			look->away++;
		else
			r = opener_add(&look->ended, &look->n_ended, who);
	}
	return r < 0 ? err_sys(err, -r, "check of the IPC objects") : 0;
}

/* 1: it has ended, and is counted still; 0: it is not, or it is back from its images. */
static int opener_is_behind(struct audit *audit, const struct table_opener *who, struct vc_err *err)
{
	struct table_opener now;
	int r = audit_lock(audit, err);

	if (r < 0)
		return r;
	r = opener_find(audit->table, who->pid, &now) == 0 && now.start == who->start &&
	    !opener_lives(audit, who) && !opener_is_away(audit, who);
	audit_unlock(audit);
	return r;
}

/* --- files ---------------------------------------------------------------------------------- */

static void file_path(uint64_t id, char ret[static 32])
{
	snprintf(ret, 32, "%02x/%016" PRIx64, (unsigned int)(id & 0xff), id);
}

/* The id of an object's file, by its directory and its name; false: it is none. */
static bool file_parse(const char *dir, const char *name, uint64_t *ret)
{
	char path[32], given[32];

	*ret = strtoull(name, NULL, 16);
	file_path(*ret, path);
	return snprintf(given, sizeof(given), "%s/%s", dir, name) < (int)sizeof(given) &&
	       !strcmp(path, given);
}

static DIR *dir_open(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

/* The files of one of the 256 directories. */
static int look_at_dir(struct audit *audit, struct ipc_audit *look, const char *name)
{
	_cleanup_closedir_ DIR *dir = dir_open(audit->files, name);
	const struct dirent *entry;
	uint64_t id;
	int r = 0;

	if (!dir && errno == ENOTDIR) {
		wrong_add(&look->foreign, "%s", name);
		return 0;
	}
	if (!dir)
		return -errno;
	while (r == 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (file_parse(name, entry->d_name, &id))
			r = id_add(&look->file_ids, &look->n_files, id);
		else
			wrong_add(&look->foreign, "%s/%.40s", name, entry->d_name);
	}
	return r;
}

/* A region's name is a second one for its object's file. */
static int look_at_regions(struct audit *audit, struct ipc_audit *look)
{
	_cleanup_closedir_ DIR *dir = dir_open(audit->files, REGIONS);
	const struct dirent *entry;
	struct stat st;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    (!S_ISREG(st.st_mode) || st.st_nlink < 2))
			wrong_add(&look->foreign, REGIONS "/%.40s", entry->d_name);
	return 0;
}

static int look_at_files(struct audit *audit, struct ipc_audit *look, struct vc_err *err)
{
	_cleanup_closedir_ DIR *dir = dir_open(audit->files, ".");
	const struct dirent *entry;
	int r = dir ? 0 : -errno;

	while (r == 0 && (entry = readdir(dir)))
		if (!strcmp(entry->d_name, REGIONS))
			r = look_at_regions(audit, look);
		else if (entry->d_name[0] != '.')
			r = look_at_dir(audit, look, entry->d_name);
	if (look->n_files)
		qsort(look->file_ids, look->n_files, sizeof(*look->file_ids), id_compare);
	return r < 0 ? err_sys(err, -r, "look at the files in %s/ipc/o", audit->in->dir) : 0;
}

/* Whether there is an entry of that id, and a file: nobody can come in between. */
static int audit_id(struct audit *audit, uint64_t id, bool *ret_entry, bool *ret_file,
		    struct vc_err *err)
{
	struct table_object object;
	struct stat st;
	char path[32];
	int r = audit_lock(audit, err);

	if (r < 0)
		return r;
	file_path(id, path);
	*ret_entry = entry_get(audit->table, id, &object) == 0;
	*ret_file = fstatat(audit->files, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
	audit_unlock(audit);
	return 0;
}

static int look_at_stray(struct audit *audit, struct ipc_audit *look, uint64_t id,
			 struct vc_err *err)
{
	bool entry, file;
	char path[32];
	int r = audit_id(audit, id, &entry, &file, err);

	file_path(id, path);
	if (r == 0 && file && !entry)
		wrong_add(&look->strays, "%s", path);
	return r;
}

static int look_compare(struct audit *audit, struct ipc_audit *look, struct vc_err *err)
{
	size_t e = 0, f = 0;
	int r = 0;

	while (r == 0 && (e < look->n_ids || f < look->n_files)) {
		if (f == look->n_files || (e < look->n_ids && look->ids[e] < look->file_ids[f])) {
			r = id_add(&look->missing, &look->n_missing, look->ids[e++]);
		} else if (e == look->n_ids || look->file_ids[f] < look->ids[e]) {
			r = look_at_stray(audit, look, look->file_ids[f++], err);
		} else {
			e++;
			f++;
		}
	}
	return r == -ENOMEM ? err_sys(err, ENOMEM, "check of the IPC objects") : r;
}

/* --- all of it ------------------------------------------------------------------------------ */

/* Keeps what is wrong still. */
static int look_again(struct audit *audit, struct ipc_audit *look, struct vc_err *err)
{
	size_t n_missing = 0, n_ended = 0;
	bool entry, file;
	int r = 0;

	for (size_t i = 0; r == 0 && i < look->n_missing; i++) {
		r = audit_id(audit, look->missing[i], &entry, &file, err);
		if (r == 0 && entry && !file)
			look->missing[n_missing++] = look->missing[i];
	}
	look->n_missing = n_missing;
	for (size_t i = 0; r >= 0 && i < look->n_ended; i++) {
		r = opener_is_behind(audit, &look->ended[i], err);
		if (r > 0)
			look->ended[n_ended++] = look->ended[i];
	}
	look->n_ended = n_ended;
	return r < 0 ? r : 0;
}

/* Until daemons have put right what they do put right, for as long as that may take. */
static int look_settle(struct audit *audit, struct ipc_audit *look, struct vc_err *err)
{
	uint64_t deadline = clock_mono_usec() + AUDIT_SETTLE_USEC;

	for (;;) {
		int r = look_again(audit, look, err);

		if (r < 0 || look->n_missing + look->n_ended == 0 || clock_mono_usec() >= deadline)
			return r;
		clock_sleep_usec(SETTLE_POLL_USEC);
	}
}

static int look_at_all(struct audit *audit, struct ipc_audit *look, struct vc_err *err)
{
	int r = look_at_table(audit, look, err);

	if (r == 0)
		r = look_at_files(audit, look, err);
	if (r == 0)
		r = look_compare(audit, look, err);
	if (r == 0)
		r = look_at_processes(audit, look, err);
	return r == 0 ? look_settle(audit, look, err) : r;
}

static int audit_open(struct audit *audit, struct vc_err *err)
{
	int r = cg_open(NULL, audit->in->cgroup_base, &audit->cg, err);

	if (r == 0)
		r = table_open(audit->in->dirfd, STATE_IPC_TABLE, &audit->table, err);
	if (r < 0)
		return r;
	audit->files = trust_openat(audit->in->dirfd, STATE_IPC_OBJECTS, O_RDONLY | O_DIRECTORY, 0);
	return audit->files < 0
		       ? err_sys(err, -audit->files, "%s/" STATE_IPC_OBJECTS, audit->in->dir)
		       : 0;
}

static void audit_done(struct audit *audit)
{
	closep(&audit->files);
	table_close(audit->table);
	cg_free(audit->cg);
}

int ipc_audit(const struct instance *in, struct ipc_audit *ret, struct vc_err *err)
{
	_cleanup_(audit_done) struct audit audit = { .in = in, .files = -1 };
	int r = audit_open(&audit, err);

	*ret = (struct ipc_audit){ 0 };
	return r == 0 ? look_at_all(&audit, ret, err) : r;
}
