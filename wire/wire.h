/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * wire.h - framing and descriptor passing over a Unix stream socket
 *
 * A frame is a 4-byte big-endian length and so many bytes of one Msg of
 * vc.proto. Descriptors travel with a frame's first byte. One struct wire is one
 * connection; it works on blocking sockets (commands) and on non-blocking ones
 * (daemon, shim) alike. What comes in is hostile until wire_recv() has given it out.
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
/* Arguments and environment are at most 6 MiB in sum on Linux with default limits. */
#define WIRE_FRAME_MAX (8u << 20)
/* What a peer that does not read may pile up before its connection is dropped. */
#define WIRE_QUEUE_MAX (16u << 20)

struct wire;

/* Who sent a message: the process as it was when it did, with its real ids. */
struct wire_sender {
	pid_t pid; /* 0: not known, or not the same for all of the message */
	uid_t uid;
	gid_t gid;
};

/* One received message; wire_msg_done() frees it and closes descriptors not taken. */
struct wire_msg {
	Vc__Msg *msg;
	int fds[WIRE_FDS_MAX]; /* set one to -1 to take it */
	size_t n_fds;
	struct wire_sender sender; /* if wire_ask_sender() was called before it was sent */
};

/* Takes fd over (also on failure). */
int wire_new(int fd, struct wire **ret, struct vc_err *err);
void wire_free(struct wire *wire);
int wire_fd(const struct wire *wire);
/* Gives its descriptor a number that is at least this, where it has a lower one. */
int wire_raise(struct wire *wire, int least);
/* A file behind a descriptor can be such that closing it takes for ever (of a FUSE server that
 * does not answer). So this connection's peer is to send none: the kernel lets it send none
 * (from Linux 6.16 on), or they are dropped unseen, and wire_recv() says -EPROTO. Of a listening
 * socket, wire_accept_fds(fd, false) holds for the connections that come from it. */
void wire_refuse_fds(struct wire *wire);
void wire_accept_fds(int fd, bool accept);
/* From now on the kernel tells with each message who sent it. */
void wire_ask_sender(struct wire *wire);
/* From now on each read takes all that has come. For a connection that is not handed on and whose
 * peer sends descriptors with no message but the last. */
void wire_read_ahead(struct wire *wire);
/* Gives the socket out and frees the rest. */
int wire_release(struct wire *wire);

/*
 * Queues a message and writes what the socket takes; fds are duplicated. On a
 * blocking socket all is written on return. On a non-blocking one the rest waits
 * for wire_flush(). -ENOBUFS: the peer does not read; drop it. -EPIPE: it is gone.
 */
int wire_send(struct wire *wire, const Vc__Msg *msg, const int *fds, size_t n_fds,
	      struct vc_err *err);
/* Writes what is queued. 0: all written; -EAGAIN: wait until the socket is writable. */
int wire_flush(struct wire *wire);
bool wire_pending(const struct wire *wire);
/* The bytes of memory that its two queues take. */
size_t wire_held(const struct wire *wire);

/*
 * Receives one message. 0: *ret filled. -EAGAIN: none yet (non-blocking).
 * -ECONNRESET: the peer closed in order. -EPROTO: rubbish; drop the connection.
 * Descriptors that this process has no room for are missing from the message.
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

/* The error of an Error message, into err; returns -code. */
int wire_take_error(const Vc__Error *error, struct vc_err *err);
int wire_send_error(struct wire *wire, const struct vc_err *error, uint32_t exit_status);
int wire_send_ok(struct wire *wire);
/* Ok, and what the user should know of it; NULL: nothing. */
int wire_send_note(struct wire *wire, const char *note);

/*
 * A parser of frames from memory, what wire_recv() is built of and the fuzzer
 * feeds. Returns the bytes consumed and sets *ret; 0 when the frame is incomplete; -EPROTO.
 */
long wire_parse(const uint8_t *data, size_t size, Vc__Msg **ret, struct vc_err *err);

#endif
