/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * job.h - the jobs of this partition
 */
#ifndef VC_DAEMON_JOB_H
#define VC_DAEMON_JOB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "common/err.h"
#include "policy/balance.h"
#include "wire/wire.h"

struct conn;
struct daemon;

/* The measurements of a job's memory. */
struct job_usage {
	uint64_t since_usec, next_usec; /* CLOCK_MONOTONIC: first look here, next one; 0: none */
	uint64_t most_bytes;            /* the largest amount seen in use */
};

/* A job here. It exists as long as its shim's connection. */
struct job {
	TAILQ_ENTRY(job) link; /* daemon::jobs */
	uint64_t number;       /* the order in which jobs came here: 1, 2 ... */
	struct daemon *daemon;
	struct conn *conn;
	Vc__JobState *state; /* the shim's last message */
	struct balance_job balance;
	struct job_usage usage;
};

/* Adds the job of a shim's connection, with its first state, to the table. Takes state over on
 * success. -ENOMEM. */
int job_new(struct daemon *daemon, struct conn *conn, Vc__JobState *state, struct job **ret,
	    struct vc_err *err);
void job_free(struct job *job);
/* Returns the index of the partition of a process, and its job (0: none); -1: no partition. */
int job_origin(const struct daemon *daemon, pid_t pid, uint32_t *ret_job);
/* Returns the index of the present or last partition of a job's parent, also if the parent's job
 * has moved; -1: no partition. */
int job_parent(const struct job *job);
/* Writes on the board that a moved job is here, if the word of another job has replaced its own. */
void job_note_moved(const struct job *job);
/* Finds a job for a user by its id, or by the pid of any of its processes. -ENOENT: not here;
 * -EPERM: it belongs to another user. */
int job_find_for(struct daemon *daemon, uid_t uid, bool by_pid, uint32_t id, pid_t pid,
		 struct job **ret, struct vc_err *err);

#endif
