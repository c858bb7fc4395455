// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * audit.c - do the table of IPC objects, their files and their openers agree?
 */
#include "admin/audit-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/proc.h"
#include "common/statedir.h"
#include "common/trust.h"
#include "partition/cgroup/cgroup.h"
#include "partition/jobfile.h"
#include "partition/partition.h"

#define AUDIT_POLL_USEC 100000

void audit_report_done(struct audit_report *report)
{
	free(report->ids);
	free(report->file_ids);
	free(report->openers);
	free(report->missing);
	free(report->ended);
}

void audit_add_wrong(struct audit_wrong *wrong, const char *fmt, ...)
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

int audit_add_id(uint64_t **ids, size_t *n, uint64_t id)
{
	uint64_t *added = array_add(ids, n);

	if (!added)
		return -ENOMEM;
	*added = id;
	return 0;
}

static int audit_add_opener(struct table_opener **openers, size_t *n,
			    const struct table_opener *who)
{
	struct table_opener *added = array_add(openers, n);

	if (!added)
		return -ENOMEM;
	*added = *who;
	return 0;
}

int audit_compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* --- the table ------------------------------------------------------------------------------ */

/* A process that is stopped while it holds the lock stops every daemon. So stop signals are
 * blocked. */
int audit_lock(struct audit *audit, struct vc_err *err)
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

void audit_unlock(struct audit *audit)
{
	table_unlock(audit->table);
	sigprocmask(SIG_SETMASK, &audit->signals, NULL);
}

static int audit_objects(struct audit *audit)
{
	struct table_object object;
	uint64_t cursor = 0, id;
	int r = 0;

	while (r == 0 && entry_next(audit->table, &cursor, &id) == 0) {
		if (entry_get(audit->table, id, &object) < 0)
			continue;
		audit->found->persistent += object.persistent && !object.unlinked;
		audit->found->idle += object.n_open == 0 && (!object.persistent || object.unlinked);
		r = audit_add_id(&audit->found->ids, &audit->found->n_ids, id);
	}
	if (audit->found->n_ids)
		qsort(audit->found->ids, audit->found->n_ids, sizeof(*audit->found->ids),
		      audit_compare_ids);
	return r;
}

static int audit_openers(struct audit *audit)
{
	struct table_opener who;
	uint32_t cursor = 0;
	int r = 0;

	while (r == 0 && opener_next(audit->table, &cursor, &who) == 0)
		r = audit_add_opener(&audit->found->openers, &audit->found->n_openers, &who);
	return r;
}

static int audit_table(struct audit *audit, struct vc_err *err)
{
	uint64_t repairs = table_repairs(audit->table);
	int r = audit_lock(audit, err);

	if (r < 0)
		return r;
	audit->found->repairs = table_repairs(audit->table);
	audit->found->repaired = audit->found->repairs != repairs;
	if (check_table(audit->table, &audit->found->contradiction) < 0)
		table_damaged(audit->table);
	table_usage(audit->table, &audit->found->used, &audit->found->capacity);
	r = audit_objects(audit);
	if (r == 0)
		r = audit_openers(audit);
	audit_unlock(audit);
	return r < 0 ? err_sys(err, -r, "check of the IPC objects") : 0;
}

/* --- processes ------------------------------------------------------------------------------ */

/* Whether the process lives, or the one that a move restored in its place. */
static bool audit_opener_lives(const struct audit *audit, const struct table_opener *who)
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

static bool audit_opener_is_away(const struct audit *audit, const struct table_opener *who)
{
	return who->job && jobfile_is_away(audit->in->dirfd, audit->cg, who->job);
}

static int audit_processes(struct audit *audit, struct vc_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < audit->found->n_openers; i++) {
		const struct table_opener *who = &audit->found->openers[i];

		if (audit_opener_lives(audit, who))
			continue;
		if (audit_opener_is_away(audit, who))
			audit->found->away++;
		else
			r = audit_add_opener(&audit->found->ended, &audit->found->n_ended, who);
	}
	return r < 0 ? err_sys(err, -r, "check of the IPC objects") : 0;
}

/* Whether an opener has ended and is still counted: 1, 0 or an error. A move may have restored it.
 */
static int audit_opener_is_behind(struct audit *audit, const struct table_opener *who,
				  struct vc_err *err)
{
	struct table_opener now;
	int r = audit_lock(audit, err);

	if (r < 0)
		return r;
	r = opener_find(audit->table, who->pid, &now) == 0 && now.start == who->start &&
	    !audit_opener_lives(audit, who) && !audit_opener_is_away(audit, who);
	audit_unlock(audit);
	return r;
}

/* Drops from the report what is no longer wrong. */
static int audit_again(struct audit *audit, struct vc_err *err)
{
	size_t n_missing = 0, n_ended = 0;
	bool entry, file;
	int r = 0;

	for (size_t i = 0; r == 0 && i < audit->found->n_missing; i++) {
		r = audit_id(audit, audit->found->missing[i], &entry, &file, err);
		if (r == 0 && entry && !file)
			audit->found->missing[n_missing++] = audit->found->missing[i];
	}
	audit->found->n_missing = n_missing;
	for (size_t i = 0; r >= 0 && i < audit->found->n_ended; i++) {
		r = audit_opener_is_behind(audit, &audit->found->ended[i], err);
		if (r > 0)
			audit->found->ended[n_ended++] = audit->found->ended[i];
	}
	audit->found->n_ended = n_ended;
	return r < 0 ? r : 0;
}

/* Waits until the daemons have corrected what they correct themselves, or their time is over. */
static int audit_settle(struct audit *audit, struct vc_err *err)
{
	uint64_t deadline = clock_mono_usec() + AUDIT_SETTLE_USEC;

	for (;;) {
		int r = audit_again(audit, err);

		if (r < 0 || audit->found->n_missing + audit->found->n_ended == 0 ||
		    clock_mono_usec() >= deadline)
			return r;
		clock_sleep_usec(AUDIT_POLL_USEC);
	}
}

static int audit_all(struct audit *audit, struct vc_err *err)
{
	int r = audit_table(audit, err);

	if (r == 0)
		r = audit_list_files(audit, err);
	if (r == 0)
		r = audit_compare(audit, err);
	if (r == 0)
		r = audit_processes(audit, err);
	return r == 0 ? audit_settle(audit, err) : r;
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

int audit_run(const struct instance *in, struct audit_report *ret, struct vc_err *err)
{
	_cleanup_(audit_done) struct audit audit = { .in = in, .files = -1, .found = ret };
	int r = audit_open(&audit, err);

	*ret = (struct audit_report){ 0 };
	return r == 0 ? audit_all(&audit, err) : r;
}
