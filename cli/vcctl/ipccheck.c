// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipccheck.c - prints whether the table of IPC objects, their files and their openers agree
 */
#include "cli/vcctl/vcctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "admin/audit.h"
#include "cli/vcctl/verdict.h"
#include "common/cleanup.h"

/* "12 files" */
static const char *counted(size_t n, const char *one, const char *many, char buf[static 64])
{
	snprintf(buf, 64, "%zu %s", n, n == 1 ? one : many);
	return buf;
}

static void tell_table(struct check *check, const struct audit_report *audit)
{
	char idle[96] = "";

	if (audit->idle)
		snprintf(idle, sizeof(idle),
			 ", %zu kept for processes that inherited them or are in images",
			 audit->idle);
	if (audit->contradiction.code)
		check_line(check, CHECK_FAIL, "table",
			   "nothing: the next request repairs it; if this happens again, end the "
			   "programs that write to the state directory",
			   "its parts disagree: %s", audit->contradiction.text);
	else
		check_line(check, CHECK_OK, "table", NULL,
			   "%u of %u entries are taken (%zu persistent%s); its parts agree",
			   audit->used, audit->capacity, audit->persistent, idle);
	if (audit->repaired)
		check_line(check, CHECK_WARN, "table", NULL,
			   "a process was killed during a change of it; it was repaired just now");
	else if (audit->repairs)
		check_line(check, CHECK_OK, "table", NULL,
			   "repaired %" PRIu64 " times, after processes were killed during changes "
			   "of it",
			   audit->repairs);
}

static void tell_wrong(struct check *check, const char *what, const struct audit_wrong *wrong,
		       const char *found, const char *remedy)
{
	if (wrong->n)
		check_line(check, CHECK_FAIL, what, remedy, "%zu %s: %s%s", wrong->n, found,
			   wrong->examples, wrong->n > AUDIT_EXAMPLES ? ", ..." : "");
}

static void tell_files(struct check *check, const struct audit_report *audit, const char *dir)
{
	struct audit_wrong missing = { 0 };
	char files[64], remedy[400];

	for (size_t i = 0; i < audit->n_missing; i++)
		audit_add_wrong(&missing, "id:%" PRIu64, audit->missing[i]);
	if (audit->foreign.n + audit->strays.n + missing.n == 0)
		check_line(check, CHECK_OK, "files", NULL, "%s, and as many entries",
			   counted(audit->n_files, "file", "files", files));
	snprintf(remedy, sizeof(remedy), "remove these files from %.200s/ipc/o", dir);
	tell_wrong(check, "files", &audit->strays, "without an entry", remedy);
	tell_wrong(check, "files", &audit->foreign, "that belong to no object", remedy);
	tell_wrong(check, "files", &missing, "entries whose file is gone",
		   "'vcctl ipc rm' removes their names");
}

static void tell_openers(struct check *check, const struct instance *in,
			 const struct audit_report *audit)
{
	const struct config *config = in->config;
	uint32_t column = audit->n_ended ? audit->ended[0].column : 0;
	const char *partition = column < config->n_parts ? config->parts[column].name : "";
	char processes[64], away[64] = "", remedy[400];
	struct audit_wrong ended = { 0 };

	for (size_t i = 0; i < audit->n_ended; i++)
		audit_add_wrong(&ended, "%d", (int)audit->ended[i].pid);
	if (audit->away)
		snprintf(away, sizeof(away), ", %zu of them in images", audit->away);
	if (ended.n == 0) {
		check_line(check, CHECK_OK, "openers", NULL, "%s%s",
			   counted(audit->n_openers, "process", "processes", processes), away);
		return;
	}
	if (instance_daemon_pid(in, partition) > 0)
		snprintf(remedy, sizeof(remedy),
			 "see what the daemon of %s says in %.200s/%s/vcd.log", partition, in->dir,
			 partition);
	else
		snprintf(remedy, sizeof(remedy),
			 "run 'vcctl up': the daemon of %s does not run, and it counts them out",
			 *partition ? partition : "a partition");
	tell_wrong(check, "openers", &ended, "have ended but are still counted", remedy);
}

int vcctl_ipc_check(const struct vcctl *opts)
{
	_cleanup_(instance_freep) struct instance *in = NULL;
	_cleanup_(audit_report_done) struct audit_report audit = { 0 };
	struct vc_err err = { 0 };
	struct check check;
	int r;

	if (geteuid() != 0) {
		fputs("vcctl: 'ipc check' needs root: the table of IPC objects is the daemons'\n",
		      stderr);
		return 1;
	}
	r = instance_open(opts->admin.state_dir, &in, &err);
	if (r == 0)
		r = audit_run(in, &audit, &err);
	if (r < 0)
		return vcctl_result(r, &err);
	check_begin(&check, opts->json);
	tell_table(&check, &audit);
	tell_files(&check, &audit, in->dir);
	tell_openers(&check, in, &audit);
	return check_end(&check);
}
