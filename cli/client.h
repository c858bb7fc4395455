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
	EXIT_NOT_EXECUTABLE = 126, /* the program cannot be executed, or shall not */
	EXIT_USAGE_CODE = 2,       /* of the other commands: wrong usage */
};

/* The instance's partitions: names of directories with a daemon's socket, sorted.
 * None: -ENOENT, which says that vcrun is not up. The caller frees with client_names_free(). */
int client_partitions(const char *state_dir, char ***ret, size_t *ret_n, struct vc_err *err);
void client_names_free(char **names, size_t n);

/* Connects to the daemon of a partition. -ENOENT: no such partition; -EHOSTDOWN: its
 * daemon does not run; -ETIMEDOUT: it is stopped, or accepts nothing. */
int client_open(const char *state_dir, const char *partition, struct wire **ret,
		struct vc_err *err);

/* No command waits for longer than a second for a daemon that does not run (wire/patience.h). */

/* Of a daemon that has just been waited for in vain: client_open() fails with that, for a while. */
void client_note_silent(const char *partition, const struct vc_err *err);

/* Sends an order that the daemon hands on, and waits until it has taken it: whoever answers then
 * may need long. -ETIMEDOUT: it has not, and if the connection is closed now it never will. */
int client_order(struct wire *wire, const char *partition, const Vc__Msg *msg, struct vc_err *err);
/* Puts a question that the daemon itself answers. An Error is returned as -errno with its text. */
int client_ask(const char *state_dir, const char *partition, const Vc__Msg *msg,
	       struct wire_msg *ret, struct vc_err *err);
/* The same question to each daemon, until one answers. */
int client_ask_any(const char *state_dir, const Vc__Msg *msg, struct wire_msg *ret,
		   struct vc_err *err);
/* Turns an answer that is an Error into -errno with its text, and is done with it. */
int client_answer(struct wire_msg *msg, struct vc_err *err);

/* What all daemons together know (client-status.c). moves come from one daemon, jobs from all. */
struct client_status {
	struct wire_msg *answers; /* pieces: they hold what the lists below point to */
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
	struct vc_err silent; /* which daemon runs but does not answer, so its jobs are missing */
};
/* All daemons are asked at once, and those that do not answer are left out. */
int client_status(const char *state_dir, const Vc__Status *wanted, struct client_status *ret,
		  struct vc_err *err);
void client_status_done(struct client_status *status);

/*
 * The job that a word means: a number (unless by_pid), the PID of a job's program, or a name.
 * 0: *ret, which is status's. -ENOENT: none. -ENOTUNIQ: several have that name; err lists them.
 */
int client_find_job(const struct client_status *status, const char *word, bool by_pid,
		    const Vc__Job **ret, struct vc_err *err);

/* Parses "--version" and "--help" for all commands alike. */
_Noreturn void client_version(const char *command);

#endif
