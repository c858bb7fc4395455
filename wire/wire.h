/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * wire.h - framing and descriptor passing over a Unix stream socket
 *
 * A frame is a 4-byte big-endian length and so many bytes of one Msg of vc.proto. Descriptors
 * travel with a frame's first byte. One struct wire is one connection. Its socket can be blocking
 * (commands) or non-blocking (daemon, shim). Bytes are untrusted until wire_recv() returns them as
 * a message.
 */
#ifndef VC_WIRE_WIRE_H
#define VC_WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "wire/vc.pb-c.h"

#define WIRE_VERSION 1
#define WIRE_FDS_MAX 8
/* Arguments and environment are at most 6 MiB together on Linux with default limits. */
#define WIRE_FRAME_MAX (8u << 20)
/* So many bytes may wait for a peer that does not read; then its connection is dropped. */
#define WIRE_QUEUE_MAX (16u << 20)

/* Initialises a Vc__Msg with its body, as in WIRE_MSG(MOVE, move, &body). */
#define WIRE_MSG(body_id, member, body)                                                            \
	{                                                                                          \
		.base = PROTOBUF_C_MESSAGE_INIT(&vc__msg__descriptor),                             \
		.body_case = VC__MSG__BODY_##body_id, .member = (body),                            \
	}

/* Sets an optional field of a message. */
#define WIRE_SET(message, field, value) ((message)->has_##field = true, (message)->field = (value))

struct wire;

/* The process that sent a message, with its real ids at that moment. */
struct wire_sender {
	pid_t pid; /* 0: not known, or several processes sent the message */
	uid_t uid;
	gid_t gid;
};

/* One received message; wire_msg_done() frees it and closes descriptors not taken. */
struct wire_msg {
	Vc__Msg *msg;
	int fds[WIRE_FDS_MAX]; /* set one to -1 to take it */
	size_t n_fds;
	struct wire_sender sender; /* if wire_ask_sender() was called before the message was sent */
};

/* Takes fd over, also on failure. */
int wire_new(int fd, struct wire **ret, struct vc_err *err);
void wire_free(struct wire *wire);
int wire_fd(const struct wire *wire);
/* Changes the number of its descriptor to at least this one. -errno. */
int wire_raise(struct wire *wire, int least);
/* To close a descriptor can take forever if its file is on a FUSE server that does not answer.
 * After wire_refuse_fds(), the kernel lets the peer send no descriptors (from Linux 6.16 on), or
 * they are dropped unseen, and wire_recv() returns -EPROTO. wire_accept_fds(fd, false) on a
 * listening socket holds for the connections that it accepts. */
void wire_refuse_fds(struct wire *wire);
void wire_accept_fds(int fd, bool accept);
/* The kernel reports the sender of each message from now on. */
void wire_ask_sender(struct wire *wire);
/* From now on each read takes all that has come. For a connection that is not handed on and whose
 * peer sends descriptors with no message but the last. */
void wire_read_ahead(struct wire *wire);
/* Returns the socket, and frees the rest. */
int wire_release(struct wire *wire);

/*
 * Queues a message and writes as many bytes as the socket takes. fds are duplicated. On a blocking
 * socket all bytes are written when it returns; on a non-blocking one the rest waits for
 * wire_flush(). -ENOBUFS: the peer does not read; drop it. -EPIPE: the peer has ended.
 */
int wire_send(struct wire *wire, const Vc__Msg *msg, const int *fds, size_t n_fds,
	      struct vc_err *err);
/* Writes queued bytes. Returns 0 if all are written; -EAGAIN: wait until the socket is writable. */
int wire_flush(struct wire *wire);
bool wire_pending(const struct wire *wire);
/* Returns the size of its two queues in bytes. */
size_t wire_held(const struct wire *wire);

/*
 * Receives one message. Returns 0 and fills *ret. -EAGAIN: none yet (non-blocking). -ECONNRESET:
 * the peer closed the connection between messages. -EPROTO: malformed bytes; drop the connection.
 * Descriptors for which this process has no room are missing from the message.
 */
int wire_recv(struct wire *wire, struct wire_msg *ret, struct vc_err *err);
void wire_msg_done(struct wire_msg *msg);

/* How well wire_spin() has worked so far. All zero at first. */
struct wire_spin {
	uint32_t misses; /* in a row */
	uint32_t skips;  /* calls that do not look, until one does again */
};
/* Looks for a message for a moment: on an idle CPU a wake-up takes longer than a short request.
 * Where looking does not help, since the peer needs this CPU or has nothing to say, it is soon
 * tried only rarely. Returns true if there is something to receive, or the end. */
bool wire_spin(const struct wire *wire, struct wire_spin *spin);

/* Copies the error of an Error message to err, and returns -code. */
int wire_take_error(const Vc__Error *error, struct vc_err *err);
int wire_send_error(struct wire *wire, const struct vc_err *error, uint32_t exit_status);
int wire_send_ok(struct wire *wire);
/* Ok with a note for the user; NULL: no note. */
int wire_send_note(struct wire *wire, const char *note);

/*
 * Parses a frame in memory, for wire_recv() and the fuzzer. Returns the number of bytes of the
 * frame and sets *ret; 0 if the frame is incomplete; -EPROTO.
 */
long wire_parse(const uint8_t *data, size_t size, Vc__Msg **ret, struct vc_err *err);

#endif
