// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * status.c - sends partitions, jobs, moves, devices and regions to a command
 *
 * Users other than root get their own jobs and moves. An answer is sent in pieces of about a
 * millisecond; other users are served in between.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "daemon/conn/conn.h"
#include "daemon/request/request.h"
#include "daemon/snapshot/snapshot.h"

#define STATUS_PIECE_USEC 1000
#define STATUS_PIECE_ITEMS 256

struct status {
	struct conn_answer answer; /* first: conn.c knows only this */
	struct snapshot *snapshot;
};

/* One message. */
struct status_piece {
	struct snapshot_item items[STATUS_PIECE_ITEMS];
	size_t n;
	Vc__StatusReply reply;
	Vc__Partition *partitions[STATUS_PIECE_ITEMS];
	Vc__Job *jobs[STATUS_PIECE_ITEMS];
	Vc__Moved *moves[STATUS_PIECE_ITEMS];
	Vc__Device *devices[STATUS_PIECE_ITEMS];
	Vc__Region *regions[STATUS_PIECE_ITEMS];
};

static void status_add(struct status_piece *piece, struct snapshot_item *item)
{
	Vc__StatusReply *reply = &piece->reply;

	switch (item->kind) {
	case SNAPSHOT_PARTITION:
		reply->partitions[reply->n_partitions++] = &item->partition;
		break;
	case SNAPSHOT_JOB:
		reply->jobs[reply->n_jobs++] = &item->job_info;
		break;
	case SNAPSHOT_MOVE:
		reply->moves[reply->n_moves++] = (Vc__Moved *)item->move;
		break;
	case SNAPSHOT_DEVICE:
		reply->devices[reply->n_devices++] = &item->device;
		break;
	case SNAPSHOT_REGION:
		reply->regions[reply->n_regions++] = &item->region;
		break;
	default:
		break;
	}
}

/* Fills the piece until it is large enough. Returns 1 if there is more, 0 or -errno. */
static int status_fill(const struct conn *conn, struct status *status, struct status_piece *piece)
{
	uint64_t begun = clock_mono_usec();

	while (piece->n < STATUS_PIECE_ITEMS && clock_mono_usec() - begun < STATUS_PIECE_USEC) {
		struct snapshot_item *item = &piece->items[piece->n];
		int r = snapshot_next(status->snapshot, item);

		if (r <= 0)
			return r;
		if (item->kind == SNAPSHOT_NONE ||
		    (item->private && conn->uid != 0 && item->uid != conn->uid))
			continue;
		piece->n++;
		r = snapshot_fill(status->snapshot, item);
		if (r < 0)
			return r;
		status_add(piece, item);
	}
	return 1;
}

static int status_next(struct conn *conn, struct conn_answer *answer, struct vc_err *err)
{
	struct status *status = (struct status *)answer;
	_cleanup_free_ struct status_piece *piece = malloc(sizeof(*piece));
	Vc__Msg msg = VC__MSG__INIT;
	int r;

	if (!piece)
		return err_sys(err, ENOMEM, "status");
	piece->n = 0;
	vc__status_reply__init(&piece->reply);
	piece->reply.partitions = piece->partitions;
	piece->reply.jobs = piece->jobs;
	piece->reply.moves = piece->moves;
	piece->reply.devices = piece->devices;
	piece->reply.regions = piece->regions;
	r = status_fill(conn, status, piece);
	if (r >= 0) {
		WIRE_SET(&piece->reply, more, r > 0);
		msg.body_case = VC__MSG__BODY_STATUS_REPLY;
		msg.status_reply = &piece->reply;
		conn_send(conn, &msg, NULL, 0);
	}
	for (size_t i = 0; i < piece->n; i++)
		snapshot_done(&piece->items[i]);
	return r < 0 ? err_sys(err, -r, "status") : r;
}

static void status_free(struct conn_answer *answer)
{
	struct status *status = (struct status *)answer;

	snapshot_free(status->snapshot);
	free(status);
}

int req_status(struct conn *conn, struct wire_msg *msg, struct vc_err *err)
{
	const Vc__Status *request = msg->msg->status;
	const bool wanted[SNAPSHOT_N] = {
		[SNAPSHOT_PARTITION] = request->partitions, [SNAPSHOT_JOB] = request->jobs,
		[SNAPSHOT_MOVE] = request->moves,           [SNAPSHOT_DEVICE] = request->devices,
		[SNAPSHOT_REGION] = request->regions,
	};
	struct status *status = calloc(1, sizeof(*status));

	if (status)
		status->snapshot = snapshot_new(conn->daemon, wanted);
	if (!status || !status->snapshot) {
		free(status);
		return err_sys(err, ENOMEM, "status");
	}
	status->answer.next = status_next;
	status->answer.free = status_free;
	conn_answer(conn, &status->answer);
	return 0;
}
