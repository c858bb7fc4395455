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
	EXIT_VCRUN = 125,    /* vcrun itself failed */
	EXIT_USAGE_CODE = 2, /* of the other commands: wrong usage */
};

/* The instance's partitions: names of directories with a daemon's socket, sorted.
 * None: -ENOENT, which says that vcrun is not up. The caller frees with client_names_free(). */
int client_partitions(const char *state_dir, char ***ret, size_t *ret_n, struct vc_err *err);
void client_names_free(char **names, size_t n);

/* Connects to the daemon of a partition. -ENOENT: no such partition; -EHOSTDOWN: its
 * daemon does not run. */
int client_open(const char *state_dir, const char *partition, struct wire **ret,
		struct vc_err *err);
/* The same, for commands that can do without this daemon. -ETIMEDOUT: it is stopped. */
int client_open_lively(const char *state_dir, const char *partition, struct wire **ret,
		       struct vc_err *err);
/* Connects to the first daemon that answers. */
int client_open_any(const char *state_dir, struct wire **ret, struct vc_err *err);

/* Sends and awaits one answer. An Error is returned as -errno with its text. */
int client_ask(struct wire *wire, const Vc__Msg *msg, const int *fds, size_t n_fds,
	       struct wire_msg *ret, struct vc_err *err);
/* Turns an answer that is an Error into -errno with its text, and is done with it. */
int client_answer(struct wire_msg *msg, struct vc_err *err);

/* What all daemons together know. moves come from one daemon, jobs from all. */
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
