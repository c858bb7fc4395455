/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * shim.h - the parent process of one job, seen by its own files
 *
 *	main.c     options, event loop, the connections to daemon and command
 *	client.c   the vcrun that waits
 *	job.c      the job's life: prepared, started, reported on, ended
 *	launch.c   starts its program
 *	signal.c   signals for the job
 *	record.c   the job's state: for the daemon, for the state directory
 *	move.c     moves the job, by one of the engines (engine.h)
 *	estimate.c learns how fast moves are
 *	arrive.c   asks the target for permission
 *	lien.c     the groups that keep the charge of memory after a move
 *	room.c     the room for images
 *	caller.c   the process that asked for the job
 *	vcinit.c   the root of the job's tree (another program)
 *
 * A shim begins idle: its daemon started it ahead of need. A Start message makes
 * it one job's parent for life. Everything that belongs to the running job hangs
 * on it and not on the daemon, so daemons come and go.
 */
#ifndef VC_SHIM_SHIM_H
#define VC_SHIM_SHIM_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "common/err.h"
#include "libmig/mig.h"
#include "partition/cgroup/cgroup.h"
#include "partition/instance.h"
#include "wire/wire.h"

struct move;

/* A signal, and for whom: everything: all processes; else the program, or its process group. */
struct signal_order {
	int signal;
	bool group, everything;
};

/* A message that waits to be carried out. */
struct order {
	STAILQ_ENTRY(order) link; /* shim::orders */
	struct wire_msg msg;
};

struct shim {
	struct event_base *base;
	struct instance *instance;
	struct cg *cg;
	char *state_dir;

	struct wire *daemon; /* NULL: gone; redialled by retry */
	struct event *daemon_event, *daemon_write_event, *retry;
	struct wire *client; /* the vcrun that waits; NULL: detached, or it is gone */
	struct event *client_event;
	struct event *report_event, *child_event, *unpark, *settle, *keys[2];

	Vc__State state;
	uint32_t job;
	char partition[PARTITION_NAME_MAX];
	char moving_to[PARTITION_NAME_MAX]; /* "": to no other one by a live move */
	Vc__Start *start;                   /* as received: arguments, credentials */
	pid_t root, program;
	bool program_ended;
	bool empty;       /* the last process has ended */
	bool unconfirmed; /* a command that detaches waits until the daemon knows the job */
	bool settled;     /* it has run for a moment */
	bool named;       /* the group has its job's number */
	int unified;      /* the group on v2, for the birth of the job; -1: it is born here */
	bool in_group;    /* this process is in the job's group still */
	int status;       /* of the program, once it has ended */
	int master_fd, report_fd;
	int room_fd; /* what is claimed for images; -1: nothing */
	uint32_t moves;
	uint64_t move_downtime_usec, move_image_bytes; /* of the last move */
	uint64_t lien_bytes;                           /* see lien.c */
	uint64_t cpu_base_usec, started_usec, placed_usec;
	struct move *parked;       /* NULL: the job is not parked */
	struct vc_err parked_why;  /* what stood in the way at the last try */
	struct signal_order *held; /* came before it ran, or while it was parked, in that order */
	size_t n_held;
	STAILQ_HEAD(, order) orders; /* read from a daemon's connection that is closed by now */
	struct event *orders_event;
};

/* main.c */
void shim_set_state(struct shim *shim, Vc__State state);
/* Takes over a connection to the daemon of the job's partition, and tells it of the job. */
void shim_join(struct shim *shim, struct wire *wire);

/* client.c */
/* Takes fd over, also on failure. */
int client_open(struct shim *shim, int fd, struct vc_err *err);
void client_drop(struct shim *shim);
void client_ready(struct shim *shim);
/* Who has detached is done with then. */
void client_started(struct shim *shim);
/* The daemon knows the job, or is gone: tells the command, if that waits for it. */
void client_confirmed(struct shim *shim);
void client_stopped(struct shim *shim, int signal);
void client_exited(struct shim *shim);

/* room.c */
/* Claims memory for the images of the job in its user's name, or other than that claimed before. 0,
 * or -errno with err: the user has not as much. */
int room_claim(struct shim *shim, uint64_t bytes, struct vc_err *err);
/* It is so much now. */
void room_correct(const struct shim *shim, uint64_t bytes);
void room_release(struct shim *shim);

/* job.c */
/* Before there is a job: makes its group, and waits inside of it, so that the job is born there. */
int job_prepare(struct shim *shim, const Vc__Prepare *prepare, struct vc_err *err);
/* Out of that group, once the job runs. */
void job_leave_group(struct shim *shim);
/* Takes the Start message and its descriptor, the command's socket; asks the command for those
 * of the program. */
int job_start(struct shim *shim, struct wire_msg *msg, struct vc_err *err);
/* Starts the program with these: stdin, stdout, stderr, current directory. What is wrong is told
 * to the command and the log, and ends the job. */
void job_begin(struct shim *shim, const int *fds, size_t n_fds);
/* Ends a parked job as if this signal had. */
void job_end_parked(struct shim *shim, int signal);
/* Clears up after the job and ends the event loop. */
void job_end(struct shim *shim);
void job_on_child(evutil_socket_t fd, short what, void *ctx);
void job_on_settle(evutil_socket_t fd, short what, void *ctx);

/* signal.c */
/* Delivers it; or holds it (*ret_held) until the job runs, unless it ends a parked job. An error:
 * no process has it, and none will. */
int signal_take(struct shim *shim, const struct signal_order *order, bool *ret_held,
		struct vc_err *err);
/* The job runs: delivers what is held, in order. */
void signal_wake(struct shim *shim);
/* kill(2) as the job's user may. 0 or -errno. */
int signal_kill(const struct shim *shim, pid_t pid, int signal);
void signal_on_key(evutil_socket_t signal, short what, void *ctx);

/* record.c */
/* Tells the daemon how the job is now; nothing happens while there is none. */
void record_send(struct shim *shim);
/* Writes, or removes, jobs/ID/job.json: what vcctl needs to find the job without a daemon. */
int record_save(const struct shim *shim, struct vc_err *err);
void record_remove(const struct shim *shim);
/* Appends a line to moves.jsonl. */
void record_move(const struct shim *shim, const Vc__Moved *moved);

/* estimate.c */
/* By how much moves of this instance took longer than libmig's model said; 1: as it said. */
double estimate_pace(const struct shim *shim);
struct mig_estimate;
void estimate_to_wire(const struct mig_estimate *estimate, Vc__Estimate *ret);

/* lien.c */
/* Removes the job's groups at other partitions, except those with memory that is charged there
 * still; all: these too. Returns the bytes that are. */
uint64_t lien_settle(const struct shim *shim, bool all);

/* arrive.c */
/* Whether the job may come to the partition that a move names. From then on it counts there, for as
 * long as *ret, the connection to its daemon, is open. -EHOSTDOWN: the daemon does not run;
 * -ETIMEDOUT: it is stopped; -EDQUOT: the job's user has as many jobs there as allowed. */
int arrive_ask(const struct shim *shim, const Vc__Move *move, struct wire **ret,
	       struct vc_err *err);

/* move.c */
/* Moves the job to the partition named in the request, answers the command (NULL: none). */
void shim_move(struct shim *shim, const Vc__Move *move, struct wire *command);
void shim_try_unpark(struct shim *shim);
/* Gives a parked job up, with its images. */
void shim_drop_parked(struct shim *shim);

#endif
