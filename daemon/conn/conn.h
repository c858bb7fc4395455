/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conn.h - one connection: a command's, a program's, or a shim's
 */
#ifndef VC_DAEMON_CONN_H
#define VC_DAEMON_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "common/err.h"
#include "daemon/conn/turn.h"
#include "wire/wire.h"

struct conn;
struct daemon;
struct job;

/* An answer of more than one message; embedded at the beginning of the handler's own state. */
struct conn_answer {
	/* Sends a piece. Returns 1 if there is more, 0 if that was all, or -errno: err is the
	 * answer then. */
	int (*next)(struct conn *conn, struct conn_answer *answer, struct vc_err *err);
	void (*free)(struct conn_answer *answer);
};

struct conn {
	TAILQ_ENTRY(conn) link; /* daemon::conns */
	struct daemon *daemon;
	struct turn turn;
	struct conn_answer *answer; /* being sent; NULL: none */
	struct wire *wire;
	struct event *read_event, *write_event;
	pid_t pid; /* SO_PEERCRED; a shim's after exec too */
	uid_t uid;
	gid_t gid;
	bool done; /* to be freed when its handler returns */
	/* Of a shim */
	bool idle;       /* it waits for its job */
	bool starting;   /* it has its job, and has not reported it yet */
	struct job *job; /* it has reported this job */
	uid_t owner;     /* starting, or job is set: the job's user */
	/* The placement of its job that is counted as pending, until the job leaves. */
	struct {
		uint64_t since_usec; /* CLOCK_MONOTONIC; 0: none */
		uint64_t mem_bytes;
	} pending;
	/* Called before the connection is freed; NULL: nothing to do. */
	void (*on_free)(struct conn *conn);
	/* request/kept.c: of a program that has asked about IPC objects */
	bool kept;
	bool used; /* for more than one message */
	struct wire_spin spin;
	/* Called when it was silent for a while. */
	bool (*on_idle)(struct conn *conn);
	int pidfd;           /* of its process; -1: not kept */
	uint64_t start;      /* proc_identity() of its process */
	uint64_t known_usec; /* CLOCK_MONOTONIC of the last look by ipc_who(); 0: never */
	uint32_t known_column, known_job; /* the partition and the job that it saw */
};

/* Takes fd over, also on failure. The daemon's end of the socketpair of a shim that it starts
 * becomes a connection too. */
int conn_new(struct daemon *daemon, int fd, struct conn **ret, struct vc_err *err);
void conn_free(struct conn *conn);
/* Sends a message, the rest of it when the peer reads. A peer that does not read is dropped. */
void conn_send(struct conn *conn, const Vc__Msg *msg, const int *fds, size_t n_fds);
void conn_error(struct conn *conn, const struct vc_err *err);
void conn_ok(struct conn *conn);
/* Takes over an answer of several pieces, and sends it before the connection's next message is
 * handled. */
void conn_answer(struct conn *conn, struct conn_answer *answer);
/* Serves the connection when its user is next. */
void conn_queue(struct conn *conn);
/* The connection's user also pays for work that other processes do because of its request. */
void conn_owe(struct conn *conn, uint64_t cost_usec);
/* The placement of the shim's job is pending. conn_end_pending() subtracts the rest of it. */
void conn_keep_pending(struct conn *shim, uint64_t mem_bytes);
void conn_end_pending(struct conn *shim);
bool conn_is_shim(const struct conn *conn);
/* Whether the peer has closed the connection. Messages that it sent before can be unread. */
bool conn_has_hung_up(const struct conn *conn);
/* The caller's groups from the kernel. The caller frees *ret. -errno. */
int conn_groups(const struct conn *conn, gid_t **ret, size_t *ret_n);
/* How many jobs a user has here, with those that start or arrive. */
unsigned int conn_count_jobs(const struct daemon *daemon, uid_t uid);

#endif
