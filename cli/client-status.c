// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * client-status.c - what all daemons together know
 *
 * Data that all daemons share comes from the first one that answers; each daemon knows its own
 * jobs. All daemons are asked at once, so several silent ones cost no more time than one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "cli/client.h"
#include "common/cleanup.h"
#include "wire/patience.h"

/* One daemon that is asked. */
struct peer {
	const char *name;
	struct wire *wire; /* NULL: not asked, or finished */
	struct patience patience;
	bool answered;
	struct vc_err err; /* code 0: no error */
};

static int status_compare_jobs(const void *a, const void *b)
{
	const Vc__Job *x = *(Vc__Job *const *)a, *y = *(Vc__Job *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

static int status_add(struct client_status *status, const Vc__StatusReply *reply)
{
#define ADD(list)                                                                                  \
	if (reply->n_##list > 0) {                                                                 \
		void *grown = reallocarray(status->list, status->n_##list + reply->n_##list,       \
					   sizeof(*status->list));                                 \
                                                                                                   \
		if (!grown)                                                                        \
			return -ENOMEM;                                                            \
		status->list = grown;                                                              \
		memcpy(status->list + status->n_##list, reply->list,                               \
		       reply->n_##list * sizeof(*status->list));                                   \
		status->n_##list += reply->n_##list;                                               \
	}
	ADD(partitions)
	ADD(jobs)
	ADD(moves)
	ADD(devices)
	ADD(regions)
#undef ADD
	return 0;
}

static void peer_fail(struct peer *peer)
{
	bool asked = peer->wire != NULL;

	wire_free(steal_ptr(peer->wire));
	if (asked && peer->err.code == ETIMEDOUT) {
		err_add(&peer->err, "partition %s", peer->name);
		client_note_silent(peer->name, &peer->err);
	}
}

/* Sends the request. */
static void peer_ask(const char *state_dir, struct peer *peer, const Vc__Status *wanted)
{
	struct timeval patience = { .tv_sec = 1 };
	Vc__Msg msg = WIRE_MSG(STATUS, status, (Vc__Status *)wanted);

	if (client_open(state_dir, peer->name, &peer->wire, &peer->err) < 0) {
		peer->wire = NULL;
		return;
	}
	/* A daemon can be stopped in the middle of a message. */
	setsockopt(wire_fd(peer->wire), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	patience_begin(&peer->patience, peer->wire);
	if (wire_send(peer->wire, &msg, NULL, 0, &peer->err) < 0)
		peer_fail(peer);
}

/* Receives a piece of the answer. *ret_more is false after the last one. */
static int peer_take_piece(struct peer *peer, struct client_status *status, bool *ret_more)
{
	struct wire_msg *grown, *piece;
	int r = patience_await(&peer->patience, peer->wire, PATIENCE_FOR_ANSWER, &peer->err);

	if (r < 0)
		return r;
	grown = reallocarray(status->answers, status->n_answers + 1, sizeof(*grown));
	if (!grown)
		return err_sys(&peer->err, ENOMEM, "status");
	status->answers = grown;
	piece = &grown[status->n_answers];
	r = wire_recv(peer->wire, piece, &peer->err);
	if (r == -EAGAIN)
		return err_set(&peer->err, ETIMEDOUT,
			       "its daemon has stopped in the middle of an answer");
	if (r == 0)
		r = client_answer(piece, &peer->err);
	if (r < 0)
		return r;
	status->n_answers++;
	if (piece->msg->body_case != VC__MSG__BODY_STATUS_REPLY)
		return err_set(&peer->err, EPROTO, "partition %s answered something else",
			       peer->name);
	if (status_add(status, piece->msg->status_reply) < 0)
		return err_sys(&peer->err, ENOMEM, "status");
	*ret_more = piece->msg->status_reply->more;
	return 0;
}

static void peer_take(struct peer *peer, struct client_status *status)
{
	const struct client_status before = *status;
	bool more = true;
	int r = 0;

	while (peer->wire && r == 0 && more) {
		r = peer_take_piece(peer, status, &more);
		patience_begin(&peer->patience, peer->wire);
	}
	if (!peer->wire || r < 0) {
		/* An incomplete answer is dropped. */
		status->n_partitions = before.n_partitions;
		status->n_jobs = before.n_jobs;
		status->n_moves = before.n_moves;
		status->n_devices = before.n_devices;
		status->n_regions = before.n_regions;
	}
	peer->answered = peer->wire && r == 0;
	if (peer->answered)
		wire_free(steal_ptr(peer->wire));
	else
		peer_fail(peer);
}

/* Copies a text so that it is freed with the message. */
static void status_set_state(Vc__Partition *partition, const char *state)
{
	char *copy = strdup(state);

	if (!copy)
		return;
	free(partition->state);
	partition->state = copy;
}

/* "not answering" is what this command has seen; it overrides what other daemons say. */
static void status_note_silent(const struct peer *peer, struct client_status *status)
{
	if (peer->err.code != ETIMEDOUT)
		return;
	status->silent = peer->err;
	for (size_t i = 0; i < status->n_partitions; i++)
		if (!strcmp(status->partitions[i]->name, peer->name))
			status_set_state(status->partitions[i], "not answering");
}

/* Without any answer, only the state of each daemon is known. */
static int status_add_silent(const struct peer *peers, size_t n, struct client_status *status)
{
	Vc__Partition *rows = calloc(n, sizeof(*rows)), **list = calloc(n, sizeof(Vc__Partition *));
	Vc__StatusReply reply = VC__STATUS_REPLY__INIT;
	Vc__Msg msg = WIRE_MSG(STATUS_REPLY, status_reply, &reply);
	uint8_t *packed = NULL;
	int r = -ENOMEM;

	for (size_t i = 0; rows && list && i < n; i++) {
		vc__partition__init(&rows[i]);
		rows[i].name = (char *)peers[i].name;
		rows[i].state = (char *)(peers[i].err.code == ETIMEDOUT ? "not answering" : "down");
		list[i] = &rows[i];
	}
	reply.partitions = list;
	reply.n_partitions = n;
	/* A message made here is freed like one from a daemon. */
	free(status->answers);
	status->answers = calloc(1, sizeof(*status->answers));
	if (rows && list && status->answers)
		packed = malloc(vc__msg__get_packed_size(&msg));
	if (packed) {
		size_t len = vc__msg__pack(&msg, packed);

		status->answers[0].msg = vc__msg__unpack(NULL, len, packed);
		status->n_answers = status->answers[0].msg != NULL;
	}
	if (status->n_answers)
		r = status_add(status, status->answers[0].msg->status_reply);
	free(packed);
	free(rows);
	free(list);
	return r;
}

static int status_say_silent(const Vc__Status *wanted, const struct peer *peers, size_t n,
			     struct client_status *status, struct vc_err *err)
{
	const struct vc_err *why = &peers[n - 1].err;

	for (size_t i = 0; i < n; i++)
		if (peers[i].err.code == ETIMEDOUT)
			why = &peers[i].err;
	*err = *why;
	if (why->code != ETIMEDOUT || !wanted->partitions || status->n_answers > 0)
		return -why->code;
	status->silent = *why;
	return status_add_silent(peers, n, status) < 0 ? err_sys(err, ENOMEM, "status") : 0;
}

/* A daemon that is down is no error: the board of the others shows it. */
static int status_gather(const char *state_dir, const Vc__Status *wanted, struct peer *peers,
			 size_t n, struct client_status *status, struct vc_err *err)
{
	Vc__Status rest = VC__STATUS__INIT;
	size_t first = 0;

	for (; first < n; first++) {
		peer_ask(state_dir, &peers[first], wanted);
		peer_take(&peers[first], status);
		if (peers[first].answered)
			break;
	}
	if (first == n)
		return status_say_silent(wanted, peers, n, status, err);
	/* Each daemon is asked something, because its partition's row says whether it answers. */
	rest.has_jobs = rest.jobs = wanted->jobs;
	for (size_t i = first + 1; (wanted->jobs || wanted->partitions) && i < n; i++)
		peer_ask(state_dir, &peers[i], &rest);
	for (size_t i = first + 1; (wanted->jobs || wanted->partitions) && i < n; i++)
		peer_take(&peers[i], status);
	for (size_t i = 0; i < n; i++)
		status_note_silent(&peers[i], status);
	return 0;
}

int client_status(const char *state_dir, const Vc__Status *wanted, struct client_status *ret,
		  struct vc_err *err)
{
	struct peer *peers;
	char **names;
	size_t n;
	int r = client_partitions(state_dir, &names, &n, err);

	*ret = (struct client_status){ 0 };
	if (r < 0)
		return r;
	peers = calloc(n, sizeof(*peers));
	for (size_t i = 0; peers && i < n; i++)
		peers[i].name = names[i];
	r = peers ? status_gather(state_dir, wanted, peers, n, ret, err)
		  : err_sys(err, ENOMEM, "status");
	free(peers);
	client_names_free(names, n);
	if (r == 0 && ret->n_jobs)
		qsort(ret->jobs, ret->n_jobs, sizeof(Vc__Job *), status_compare_jobs);
	return r;
}

void client_status_done(struct client_status *status)
{
	for (size_t i = 0; i < status->n_answers; i++)
		wire_msg_done(&status->answers[i]);
	free(status->answers);
	free(status->partitions);
	free(status->jobs);
	free(status->moves);
	free(status->devices);
	free(status->regions);
	*status = (struct client_status){ 0 };
}

static int status_say_ambiguous(const struct client_status *status, const char *name,
				struct vc_err *err)
{
	char numbers[400] = "";
	size_t len = 0;

	for (size_t i = 0; i < status->n_jobs && len + 16 < sizeof(numbers); i++)
		if (status->jobs[i]->name && !strcmp(status->jobs[i]->name, name))
			len += (size_t)snprintf(numbers + len, sizeof(numbers) - len, "%s%u",
						len ? ", " : "", status->jobs[i]->id);
	return err_set(err, ENOTUNIQ, "several jobs are named %s: give the number, one of %s", name,
		       numbers);
}

int client_find_job(const struct client_status *status, const char *word, bool by_pid,
		    const Vc__Job **ret, struct vc_err *err)
{
	char *end;
	unsigned long number = strtoul(word, &end, 10);
	bool numeric = *word >= '0' && *word <= '9' && !*end;

	*ret = NULL;
	for (size_t i = 0; numeric && !by_pid && !*ret && i < status->n_jobs; i++)
		if (status->jobs[i]->id == number)
			*ret = status->jobs[i];
	for (size_t i = 0; numeric && !*ret && i < status->n_jobs; i++)
		if (status->jobs[i]->pid > 0 && (unsigned long)status->jobs[i]->pid == number)
			*ret = status->jobs[i];
	for (size_t i = 0; !numeric && i < status->n_jobs; i++) {
		if (!status->jobs[i]->name || strcmp(status->jobs[i]->name, word))
			continue;
		if (*ret)
			return status_say_ambiguous(status, word, err);
		*ret = status->jobs[i];
	}
	if (*ret)
		return 0;
	return err_set(err, ENOENT, "there is no job %s%s%s; 'vcstat jobs' lists them", word,
		       status->silent.code ? ", as far as can be seen: " : "", status->silent.text);
}
