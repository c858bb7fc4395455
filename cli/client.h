/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * client.h - connect to a daemon, send one request, await its answers
 */
#ifndef VC_CLI_CLIENT_H
#define VC_CLI_CLIENT_H

#include <stddef.h>

#include "common/err.h"
#include "wire/wire.h"

/* Exit statuses of the commands, besides a program's own. */
enum {
	EXIT_VCRUN = 125,          /* vcrun itself failed */
	EXIT_NOT_EXECUTABLE = 126, /* the program cannot or must not be executed */
	EXIT_USAGE_CODE = 2,       /* of the other commands: wrong usage */
};

/* Lists the instance's partitions, sorted. -ENOENT: vcrun is not up. The caller frees the list with
 * client_names_free(). */
int client_partitions(const char *state_dir, char ***ret, size_t *ret_n, struct vc_err *err);
void client_names_free(char **names, size_t n);

/* Connects to the daemon of a partition. -ENOENT: no such partition; -EHOSTDOWN: its
 * daemon does not run; -ETIMEDOUT: it is stopped, or accepts nothing. */
int client_open(const char *state_dir, const char *partition, struct wire **ret,
		struct vc_err *err);

/* No command waits for longer than a second for a daemon that does not run (wire/patience.h). */

/* Notes that a daemon did not answer. For a while, client_open() fails at once with this error. */
void client_note_silent(const char *partition, const struct vc_err *err);

/* Sends an order that the daemon passes to a shim, and waits until the daemon has taken it. The
 * shim's answer can take long. -ETIMEDOUT: the daemon has not taken it; once the connection is
 * closed, it never will. */
int client_order(struct wire *wire, const char *partition, const Vc__Msg *msg, struct vc_err *err);
/* Asks the daemon and receives its answer. An Error is returned as -errno with its text. */
int client_ask(const char *state_dir, const char *partition, const Vc__Msg *msg,
	       struct wire_msg *ret, struct vc_err *err);
/* Asks one daemon after the other until one answers. */
int client_ask_any(const char *state_dir, const Vc__Msg *msg, struct wire_msg *ret,
		   struct vc_err *err);
/* Turns an answer that is an Error into -errno with its text, and frees the answer. */
int client_answer(struct wire_msg *msg, struct vc_err *err);

/* What all daemons together know (client-status.c). Moves come from one daemon, jobs from all. */
struct client_status {
	struct wire_msg *answers; /* the lists below point into these */
	size_t n_answers;
	Vc__Partition **partitions;
	size_t n_partitions;
	Vc__Job **jobs; /* by id */
	size_t n_jobs;
	Vc__Moved **moves;
	size_t n_moves;
	Vc__Device **devices;
	size_t n_devices;
	Vc__Region **regions;
	size_t n_regions;
	struct vc_err silent; /* names a running daemon that did not answer; its jobs are missing */
};
/* Asks all daemons at once, and leaves out those that do not answer. */
int client_status(const char *state_dir, const Vc__Status *wanted, struct client_status *ret,
		  struct vc_err *err);
void client_status_done(struct client_status *status);

/*
 * Finds a job by a word: its number (unless by_pid), the PID of its program, or its name. *ret
 * belongs to status. -ENOENT: there is none. -ENOTUNIQ: several have the name; err lists them.
 */
int client_find_job(const struct client_status *status, const char *word, bool by_pid,
		    const Vc__Job **ret, struct vc_err *err);

/* Prints the version and exits. */
_Noreturn void client_version(const char *command);

#endif
