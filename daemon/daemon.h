/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * daemon.h - vcd, one partition's daemon, seen by its own files
 *
 *	main.c      options, start order, stop order
 *	listen.c    the socket: who may connect
 *	conn.c      one connection: what it asks, and what it is answered
 *	kept.c      one that is kept for a burst of requests about IPC objects
 *	turn.c      which connection is served next
 *	request.c   the table: message -> handler, privilege it needs
 *	req-*.c     one request each
 *	decide.c    loads -> policy -> checked decision
 *	alive.c     whether a partition's daemon lives
 *	sample.c    samples the partition, publishes on the board
 *	moves.c     the last moves
 *	job.c       the jobs here, as their shims tell
 *	usage.c     what memory a job is expected to use
 *	pool.c      shims started ahead of need
 *	balance.c   when to move what by itself
 *	trigger.c   when an event's time has come
 *	fire.c      the processes that make events happen
 *	witness.c   by whose death it is seen that the partition's group was killed
 *	devices.c   where interrupts go, and whose nodes are denied
 *	ipc*.c      IPC objects: see ipc.h
 */
#ifndef VC_DAEMON_DAEMON_H
#define VC_DAEMON_DAEMON_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "common/err.h"
#include "partition/cgroup/cgroup.h"
#include "partition/instance.h"
#include "policy/board.h"
#include "policy/module.h"
#include "wire/wire.h"

struct conn;
struct daemon;
struct ipc;
struct job;
struct plan_order;
struct moves;
struct turns;

/* A user with connections, and what its requests cost; see turn.c. */
struct turn_user {
	LIST_ENTRY(turn_user) link;        /* turns::buckets */
	TAILQ_ENTRY(turn_user) ready_link; /* turns::ready */
	uid_t uid;
	unsigned int n_conns;
	unsigned int n_ready; /* connections in the two lists below */
	double debt_usec;     /* of CPU time, at_usec */
	uint64_t at_usec;     /* CLOCK_MONOTONIC */
	TAILQ_HEAD(, conn) commands, shims;
};

/* An answer of more than one message, at the beginning of what it is made of. */
struct conn_answer {
	/* Sends a piece. 1: there is more; 0: that was all; -errno: err is the caller's answer. */
	int (*next)(struct conn *conn, struct conn_answer *answer, struct vc_err *err);
	void (*free)(struct conn_answer *answer);
};

/* One connection: a command's, or a shim's. */
struct conn {
	TAILQ_ENTRY(conn) link;       /* daemon::conns */
	TAILQ_ENTRY(conn) ready_link; /* turn_user::commands or ::shims */
	struct daemon *daemon;
	struct turn_user *user;  /* whose connection it is */
	struct turn_user *payer; /* whose debt grows while it is served */
	bool ready, ready_as_shim;
	struct conn_answer *answer; /* under way; NULL: none */
	struct wire *wire;
	struct event *read_event, *write_event;
	pid_t pid; /* SO_PEERCRED; a shim's after exec too */
	uid_t uid;
	gid_t gid;
	struct job *job; /* a shim's job; NULL: a command, or an idle shim */
	bool idle;       /* a shim's that waits for its job */
	bool starting;   /* a shim's that has its job, and has not told of it yet */
	uid_t owner;     /* then: whose job it is */
	/* Of a shim's: the placement of its job that is counted as pending, until the job leaves.
	 */
	struct {
		uint64_t since_usec; /* CLOCK_MONOTONIC; 0: none */
		uint64_t mem_bytes;
	} pending;
	bool done; /* to be freed when its handler returns */
	/* kept.c: of one that has asked about IPC objects */
	bool kept;
	bool used;           /* for more than one message */
	int pidfd;           /* of its process; -1: not kept */
	uint64_t start;      /* proc_identity() of its process */
	uint64_t known_usec; /* CLOCK_MONOTONIC of when ipc_who() has looked; 0: never */
};

/* What the balancer remembers of a job. */
struct job_balance {
	uint64_t at_usec;      /* CLOCK_MONOTONIC of the last look; 0: none */
	uint64_t cpu_usec;     /* the group's CPU time then */
	double cpus;           /* kept busy since the look before */
	int advice;            /* the partition to move to, by index; -1: stay */
	unsigned int agreed;   /* so many looks in a row said so */
	uint64_t ordered_usec; /* CLOCK_MONOTONIC of our last order to move it; 0: none */
};

/* What is seen of a job's memory. */
struct job_usage {
	uint64_t since_usec,
		next_usec;   /* CLOCK_MONOTONIC: first seen here, next look; 0: not yet */
	uint64_t most_bytes; /* seen in use */
};

/* A job here. Owned by its shim's connection. */
struct job {
	TAILQ_ENTRY(job) link; /* daemon::jobs, by number */
	uint64_t number;       /* in which order the jobs came here: 1, 2 … */
	struct conn *conn;
	Vc__JobState *state; /* the shim's last message */
	struct job_balance balance;
	struct job_usage usage;
};

struct daemon {
	struct event_base *base;
	struct instance *instance;
	struct cg *cg;
	struct board *board;
	struct policy_set *policies;
	const char *name; /* of the partition */
	uint32_t slot;    /* its index */
	int listen_fd;
	struct event *listen_event, *listen_resume, *sample_event, *pool_event, *balance_event;
	double move_usec_per_mib; /* learnt from moves; see balance.c */
	struct load *load;
	struct moves *moves;
	struct devices *devices;
	struct witness *witness;
	struct triggers *triggers; /* NULL: no event can happen by itself */
	struct cg_entry *shims_entry;
	struct turns *turns;
	TAILQ_HEAD(, conn) conns;
	TAILQ_HEAD(, job) jobs;
	uint64_t last_number; /* job::number */
	unsigned int n_idle_shims;
	struct ipc *ipc;
};

/* listen.c */
int listen_open(struct daemon *daemon, struct vc_err *err);
void listen_close(struct daemon *daemon);

/* conn.c */
/* Takes fd over. Also for the sockets of shims that we start ourselves. */
int conn_new(struct daemon *daemon, int fd, struct conn **ret, struct vc_err *err);
void conn_free(struct conn *conn);
/* Sends, and goes on when the peer reads; a peer that does not is dropped. */
void conn_send(struct conn *conn, const Vc__Msg *msg, const int *fds, size_t n_fds);
void conn_error(struct conn *conn, const struct vc_err *err);
/* A shim's job is a placement here that is pending; what is left of that is taken
 * back when the job's last process or the connection ends. */
void conn_keep_pending(struct conn *shim, uint64_t mem_bytes);
void conn_end_pending(struct conn *conn);
void conn_ok(struct conn *conn);
bool conn_is_shim(const struct conn *conn);
/* Whether the peer has closed the connection; what it sent before may be unread still. */
bool conn_has_hung_up(const struct conn *conn);
/* One message, or one piece of an answer. False: nothing more for now, or conn is gone. */
bool conn_serve(struct conn *conn);
/* Takes over an answer that is given piece by piece, and the connection's next message after it. */
void conn_answer(struct conn *conn, struct conn_answer *answer);
/* The caller's groups as the kernel knows them; the caller frees *ret. */
int conn_groups(const struct conn *conn, gid_t **ret, size_t *ret_n);

/* kept.c */
/* A message about IPC objects: from whom it should be? -ESTALE: no; the caller connects anew. */
int kept_admit(struct conn *conn, const struct wire_msg *msg, struct vc_err *err);
/* Ends a connection that nothing is to be done about, unless something has just come. True: conn is
 * gone. */
bool kept_retire(struct conn *conn);
/* The same with one of a user, or of anybody (NULL). False: there is none. */
bool kept_retire_one(struct daemon *daemon, const struct turn_user *user);

/* turn.c */
int turn_start(struct daemon *daemon, struct vc_err *err);
void turn_stop(struct daemon *daemon);
/* A connection begins and ends. -ENOMEM. */
int turn_join(struct conn *conn);
void turn_leave(struct conn *conn);
/* Its user also pays for work that others do because of its request. */
void turn_owe(struct conn *conn, uint64_t cost_usec);
/* It can be served, or cannot any more. */
void turn_add(struct conn *conn);
void turn_remove(struct conn *conn);

/* request.c */
void request_handle(struct conn *conn, struct wire_msg *msg);

/* req-*.c: each takes from msg what it keeps. A negative return is answered with err. */
int req_ping(struct conn *conn, struct wire_msg *msg, struct vc_err *err);
int req_place(struct conn *conn, struct wire_msg *msg, struct vc_err *err);
int req_run(struct conn *conn, struct wire_msg *msg, struct vc_err *err);
int req_move(struct conn *conn, struct wire_msg *msg, struct vc_err *err);
int req_signal(struct conn *conn, struct wire_msg *msg, struct vc_err *err);
int req_status(struct conn *conn, struct wire_msg *msg, struct vc_err *err);
int req_arrive(struct conn *conn, struct wire_msg *msg, struct vc_err *err);
int req_job_state(struct conn *conn, struct wire_msg *msg, struct vc_err *err);
int req_ipc_open(struct conn *conn, struct wire_msg *msg, struct vc_err *err);
int req_ipc_close(struct conn *conn, struct wire_msg *msg, struct vc_err *err);
int req_ipc_unlink(struct conn *conn, struct wire_msg *msg, struct vc_err *err);
int req_ipc_stat(struct conn *conn, struct wire_msg *msg, struct vc_err *err);
int req_ipc_chown(struct conn *conn, struct wire_msg *msg, struct vc_err *err);
int req_ipc_list(struct conn *conn, struct wire_msg *msg, struct vc_err *err);
int req_ipc_fork(struct conn *conn, struct wire_msg *msg, struct vc_err *err);
int req_ipc_leave(struct conn *conn, struct wire_msg *msg, struct vc_err *err);

/* status-devices.c: an answer's devices, one at a time into reply->devices, which has room. 1:
 * there may be more; 0: that was all; -ENOMEM. _done() frees those of a reply. */
struct status_devices;
int status_devices_new(struct daemon *daemon, struct status_devices **ret);
void status_devices_free(struct status_devices *devices);
int status_devices_add(struct daemon *daemon, struct status_devices *devices,
		       Vc__StatusReply *reply);
void status_devices_done(Vc__StatusReply *reply);

/* status-regions.c: the same, of the region of that index. -ETIMEDOUT: the table of IPC objects is
 * held. */
int status_regions_add(struct daemon *daemon, size_t index, Vc__StatusReply *reply);
void status_regions_done(Vc__StatusReply *reply);

/* moves.c: what is known of past moves, each with a number that grows. */
int moves_start(struct daemon *daemon, struct vc_err *err);
void moves_stop(struct daemon *daemon);
/* Reads a piece of what was appended to moves.jsonl. False: nothing more to read. */
bool moves_read(struct daemon *daemon);
/* The move of that number, or the next one that is known; *number becomes that of the one behind.
 * NULL: that was the last. */
const Vc__Moved *moves_next(const struct daemon *daemon, uint64_t *number);

/* alive.c */
enum alive {
	ALIVE_DOWN,   /* its daemon does not run */
	ALIVE_SILENT, /* it runs, and is stopped, or has published nothing for long */
	ALIVE_UP,     /* it works, though its sample may be late */
};
/* Whether the daemon of a partition lives, and its last sample; VC_LOAD_UP says no more than
 * ALIVE_UP. This alone decides it, for policies, moves, events and people. */
enum alive alive_look(struct daemon *daemon, uint32_t slot, struct board_sample *ret);
const char *alive_name(enum alive alive);

/* decide.c */
/* Which partition for a new job of the caller: its index, and the placement is pending there. note:
 * "" or what the user should know (a policy at fault). */
int decide_place(const struct conn *conn, const Vc__Place *place, char *ret_note, size_t note_size,
		 struct vc_err *err);
/* Where a job of ours should move; here: the policy wants it where it is. */
int decide_move(struct daemon *daemon, const char *policy, const struct job *job, char *ret_note,
		size_t note_size, struct vc_err *err);
/* Where the policy would move a job of ours of that demand; -1: nowhere. */
int decide_rebalance(const struct job *job, double job_cpus, uint64_t job_mem_bytes);

/* request/move.c */
/* The order to the job's shim, and the placement is pending there; command: a socket that waits for
 * the answer, -1: none; request: what it asked for, NULL: nobody asked. */
void move_order(struct job *job, uint32_t to, const char *note, const Vc__Move *request,
		int command);

/* sample.c */
int sample_start(struct daemon *daemon, struct vc_err *err);
void sample_stop(struct daemon *daemon);
/* Takes over what somebody has changed of the partitions; cheap when nobody has. */
void sample_refresh(struct daemon *daemon);

/* balance.c */
int balance_start(struct daemon *daemon, struct vc_err *err);
void balance_stop(struct daemon *daemon);
/* Learns what moves cost from one that has ended. */
void balance_learn(struct daemon *daemon, const Vc__JobState *state);

/* trigger.c */
int trigger_start(struct daemon *daemon, struct vc_err *err);
void trigger_stop(struct daemon *daemon);
/* fire.c: vcd --fire, --revert: makes an event go one way, and returns the exit status.
 * epoch: of the lease of the daemon that orders it; 0: not a daemon. */
int fire_main(const char *state_dir, const struct plan_order *order, uint32_t epoch);

/* witness.c */
int witness_start(struct daemon *daemon, struct vc_err *err);
void witness_stop(struct daemon *daemon);

/* devices.c */
int devices_start(struct daemon *daemon, struct vc_err *err);
void devices_stop(struct daemon *daemon);

/* usage.c */
/* What a job is expected to use, in bytes: asked_bytes, or when that is 0 what such a job of that
 * user did; 0: not known. */
uint64_t usage_expect(const struct daemon *daemon, uid_t uid, uint64_t asked_bytes,
		      const ProtobufCBinaryData *argv, size_t n_argv);
/* What it uses now. */
uint64_t usage_now(const struct job *job);
/* Learns from a job, when it is time to look at it again; and from one that has ended. */
void usage_look(struct job *job, uint64_t now_usec);
void usage_end(const struct job *job);

/* job.c */
/* The partition and job (0: none) in which a process is; -1: in no partition. */
int job_origin(const struct daemon *daemon, pid_t pid, uint32_t *ret_job);
/* Where a job's parent process is, or was last: wherever its job has moved to; -1: in no
 * partition. */
int job_parent(const struct job *job);
/* Has all daemons know where a job is that has moved here, if they do not: another job's note may
 * have taken the place of its own. */
void job_note_moved(const struct job *job);
struct job *job_find(struct daemon *daemon, uint32_t id);
/* By id, or by the pid of any process in it; -ENOENT: not here; -EPERM: not the caller's. */
int job_find_for(const struct conn *conn, bool by_pid, uint32_t id, pid_t pid, struct job **ret,
		 struct vc_err *err);
unsigned int job_count(const struct daemon *daemon, uid_t uid);
bool job_visible(const struct job *job, const struct conn *conn);
void job_free(struct job *job);

/* pool.c */
int pool_start(struct daemon *daemon, struct vc_err *err);
void pool_stop(struct daemon *daemon);
/* An idle shim's connection and its job's number; started now if none is ready. */
int pool_take(struct daemon *daemon, struct conn **ret, uint32_t *ret_job, struct vc_err *err);

/* ipc.c */
int ipc_start(struct daemon *daemon, struct vc_err *err);
void ipc_stop(struct daemon *daemon);
/* A job has come here by a move, or runs again after one that failed. */
void ipc_job_came(struct daemon *daemon, uint32_t job);
/* Whether a process is of a job that is being moved: it is to ask again when that is over. */
bool ipc_must_wait(struct daemon *daemon, pid_t pid);

#endif
