// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * wire.c - framing and descriptor passing over a Unix stream socket
 *
 * Each direction has one growing buffer. A read ends at the frame's end: first the length, then
 * exactly the rest. Therefore descriptors, which a sender attaches to a frame's first byte, come
 * with a read of their own frame, and the buffer is empty when a connection is handed over. The
 * connection of a peer that sends too much is dropped.
 */
#include "wire/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "wire/limit.h"

#define WIRE_HEAD 4u
#define WIRE_SPIN_USEC 60      /* a wake-up on an idle CPU, there and back */
#define WIRE_SPIN_MISSES_MAX 5 /* then one call of 31 looks */
#define WIRE_AHEAD 512u        /* bytes; most messages about IPC objects are shorter */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif

struct wire_buf {
	uint8_t *data;
	size_t start, len, size; /* valid bytes: data[start .. start+len) */
};

/* Descriptors that are sent with the byte at this offset of the stream. */
struct wire_out_fds {
	uint64_t at;
	int fds[WIRE_FDS_MAX];
	size_t n;
	struct wire_out_fds *next;
};

struct wire {
	int fd;
	struct wire_buf in, out;
	uint64_t written; /* bytes sent so far */
	struct wire_out_fds *out_fds;
	int in_fds[WIRE_FDS_MAX];
	size_t n_in_fds;
	bool refuses_fds, asks_sender, reads_ahead;
	struct wire_sender sender; /* of the present message */
};

static void buf_consume(struct wire_buf *buf, size_t n)
{
	buf->start += n;
	buf->len -= n;
	if (buf->len == 0)
		buf->start = 0;
}

/* Makes room for n bytes after the valid ones. */
static int buf_reserve(struct wire_buf *buf, size_t n)
{
	uint8_t *grown;
	size_t size;

	if (buf->start + buf->len + n <= buf->size)
		return 0;
	if (buf->start > 0) {
		memmove(buf->data, buf->data + buf->start, buf->len);
		buf->start = 0;
	}
	if (buf->len + n <= buf->size)
		return 0;
	size = buf->size ? buf->size : 1024;
	while (size < buf->len + n)
		size *= 2;
	grown = realloc(buf->data, size);
	if (!grown)
		return -ENOMEM;
	buf->data = grown;
	buf->size = size;
	return 0;
}

int wire_new(int fd, struct wire **ret, struct vc_err *err)
{
	struct wire *wire = calloc(1, sizeof(*wire));

	if (!wire) {
		close(fd);
		return err_sys(err, ENOMEM, "connection");
	}
	wire->fd = fd;
	*ret = wire;
	return 0;
}

static void wire_drop_out_fds(struct wire *wire)
{
	struct wire_out_fds *first = wire->out_fds;

	wire->out_fds = first->next;
	for (size_t i = 0; i < first->n; i++)
		close(first->fds[i]);
	free(first);
}

int wire_release(struct wire *wire)
{
	int fd = wire->fd;

	while (wire->out_fds)
		wire_drop_out_fds(wire);
	for (size_t i = 0; i < wire->n_in_fds; i++)
		close(wire->in_fds[i]);
	free(wire->in.data);
	free(wire->out.data);
	free(wire);
	return fd;
}

void wire_free(struct wire *wire)
{
	if (wire)
		close(wire_release(wire));
}

int wire_fd(const struct wire *wire)
{
	return wire->fd;
}

int wire_raise(struct wire *wire, int least)
{
	int fd;

	if (wire->fd >= least)
		return 0;
	fd = fcntl(wire->fd, F_DUPFD_CLOEXEC, least);
	if (fd < 0)
		return -errno;
	close(wire->fd);
	wire->fd = fd;
	return 0;
}

void wire_accept_fds(int fd, bool accept)
{
	int on = accept;

	/* An older kernel always accepts them. */
	setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &on, sizeof(on));
}

void wire_refuse_fds(struct wire *wire)
{
	wire->refuses_fds = true;
	wire_accept_fds(wire->fd, false);
}

void wire_ask_sender(struct wire *wire)
{
	int on = 1;

	wire->asks_sender = setsockopt(wire->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0;
}

void wire_read_ahead(struct wire *wire)
{
	wire->reads_ahead = true;
}

bool wire_pending(const struct wire *wire)
{
	return wire->out.len > 0;
}

size_t wire_held(const struct wire *wire)
{
	return wire->in.size + wire->out.size;
}

/* Sends bytes of which only the first one can have descriptors. */
static ssize_t wire_write(struct wire *wire)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * WIRE_FDS_MAX)];
	} control = { 0 };
	struct iovec iov = { .iov_base = wire->out.data + wire->out.start,
			     .iov_len = wire->out.len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	const struct wire_out_fds *fds = wire->out_fds;

	if (fds && fds->at == wire->written) {
		struct cmsghdr *cmsg;

		mh.msg_control = control.space;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * fds->n);
		cmsg = CMSG_FIRSTHDR(&mh);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * fds->n);
		memcpy(CMSG_DATA(cmsg), fds->fds, sizeof(int) * fds->n);
		fds = fds->next;
	}
	/* The next frame with descriptors needs a send of its own. */
	if (fds && fds->at - wire->written < iov.iov_len)
		iov.iov_len = fds->at - wire->written;
	return sendmsg(wire->fd, &mh, MSG_NOSIGNAL);
}

int wire_flush(struct wire *wire)
{
	while (wire->out.len > 0) {
		ssize_t n = wire_write(wire);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
		if (wire->out_fds && wire->out_fds->at == wire->written)
			wire_drop_out_fds(wire);
		wire->written += (uint64_t)n;
		buf_consume(&wire->out, (size_t)n);
	}
	return 0;
}

static int wire_queue_fds(struct wire *wire, const int *fds, size_t n_fds)
{
	struct wire_out_fds *entry = calloc(1, sizeof(*entry)), **tail = &wire->out_fds;

	if (!entry)
		return -ENOMEM;
	entry->at = wire->written + wire->out.len;
	for (; entry->n < n_fds; entry->n++) {
		entry->fds[entry->n] = fcntl(fds[entry->n], F_DUPFD_CLOEXEC, 3);
		if (entry->fds[entry->n] < 0) {
			int code = errno;

			while (entry->n > 0)
				close(entry->fds[--entry->n]);
			free(entry);
			return -code;
		}
	}
	while (*tail)
		tail = &(*tail)->next;
	*tail = entry;
	return 0;
}

int wire_send(struct wire *wire, const Vc__Msg *msg, const int *fds, size_t n_fds,
	      struct vc_err *err)
{
	size_t size = vc__msg__get_packed_size(msg);
	uint32_t head = htonl((uint32_t)size);
	uint8_t *out;
	int r;

	if (size > WIRE_FRAME_MAX)
		return err_set(err, E2BIG, "message of %zu bytes: more than the %u allowed", size,
			       WIRE_FRAME_MAX);
	if (n_fds > WIRE_FDS_MAX)
		return err_set(err, EINVAL, "%zu descriptors in one message", n_fds);
	if (wire->out.len + size > WIRE_QUEUE_MAX)
		return err_set(err, ENOBUFS, "the peer does not read its answers");
	r = buf_reserve(&wire->out, WIRE_HEAD + size);
	if (r == 0 && n_fds > 0)
		r = wire_queue_fds(wire, fds, n_fds);
	if (r < 0)
		return err_sys(err, -r, "send");
	out = wire->out.data + wire->out.start + wire->out.len;
	memcpy(out, &head, WIRE_HEAD);
	vc__msg__pack(msg, out + WIRE_HEAD);
	wire->out.len += WIRE_HEAD + size;
	r = wire_flush(wire);
	if (r < 0 && r != -EAGAIN)
		return err_sys(err, -r, "send");
	return 0;
}

long wire_parse(const uint8_t *data, size_t size, Vc__Msg **ret, struct vc_err *err)
{
	uint32_t len;
	Vc__Msg *msg;

	if (size < WIRE_HEAD)
		return 0;
	memcpy(&len, data, WIRE_HEAD);
	len = ntohl(len);
	if (len > WIRE_FRAME_MAX)
		return err_set(err, EPROTO, "a frame of %u bytes: more than the %u allowed", len,
			       WIRE_FRAME_MAX);
	if (size - WIRE_HEAD < len)
		return 0;
	if (limit_check(&vc__msg__descriptor, data + WIRE_HEAD, len, err) < 0)
		return -EPROTO;
	msg = vc__msg__unpack(NULL, len, data + WIRE_HEAD);
	if (!msg)
		return err_set(err, EPROTO, "a frame that is no message");
	if (msg->version > WIRE_VERSION) {
		err_set(err, EPROTO,
			"protocol version %u: newer than our %u; restart what is older",
			msg->version, WIRE_VERSION);
		vc__msg__free_unpacked(msg, NULL);
		return -EPROTO;
	}
	*ret = msg;
	return (long)(WIRE_HEAD + len);
}

/* If this process has no room for descriptors (EMFILE), a message comes without them. */
static int wire_keep_fds(struct wire *wire, struct msghdr *mh)
{
	size_t had = wire->n_in_fds;
	int r = 0;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(mh); cmsg; cmsg = CMSG_NXTHDR(mh, cmsg)) {
		size_t n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
			if (wire->n_in_fds < WIRE_FDS_MAX) {
				wire->in_fds[wire->n_in_fds++] = fd;
			} else {
				close(fd);
				r = -EPROTO;
			}
		}
	}
	if (mh->msg_flags & MSG_CTRUNC && wire->n_in_fds - had == WIRE_FDS_MAX)
		r = -EPROTO;
	return r;
}

/* A message comes in pieces, and each piece can have another sender. */
static void wire_note_sender(struct wire *wire, struct msghdr *mh, bool first)
{
	struct wire_sender sender = { 0 };
	struct ucred cred;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(mh); cmsg; cmsg = CMSG_NXTHDR(mh, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&cred, CMSG_DATA(cmsg), sizeof(cred));
		sender = (struct wire_sender){ .pid = cred.pid, .uid = cred.uid, .gid = cred.gid };
	}
	if (first)
		wire->sender = sender;
	else if (wire->sender.pid != sender.pid || wire->sender.uid != sender.uid ||
		 wire->sender.gid != sender.gid)
		wire->sender.pid = 0;
}

/* Reads once, and not beyond the frame under way unless wire_read_ahead() was called. */
static int wire_read(struct wire *wire, struct vc_err *err)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * WIRE_FDS_MAX) +
			   CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec iov;
	struct msghdr mh = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = (wire->refuses_fds ? 0 : CMSG_SPACE(sizeof(int) * WIRE_FDS_MAX)) +
				  (wire->asks_sender ? CMSG_SPACE(sizeof(struct ucred)) : 0)
	};
	bool first = wire->in.len == 0;
	size_t want = WIRE_HEAD - wire->in.len;
	ssize_t n;

	if (wire->in.len >= WIRE_HEAD) {
		uint32_t len;

		memcpy(&len, wire->in.data + wire->in.start, WIRE_HEAD);
		want = WIRE_HEAD + ntohl(len) - wire->in.len;
		/* Grow with what arrives, not with what the peer promises. */
		if (want > 65536)
			want = 65536;
	}
	if (wire->reads_ahead && want < WIRE_AHEAD)
		want = WIRE_AHEAD;
	if (buf_reserve(&wire->in, want) < 0)
		return err_sys(err, ENOMEM, "receive");
	iov.iov_base = wire->in.data + wire->in.start + wire->in.len;
	iov.iov_len = want;
	do
		n = recvmsg(wire->fd, &mh, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? -EAGAIN : err_sys(err, errno, "receive");
	if (n == 0 && wire->in.len > 0)
		return err_set(err, EPROTO, "the connection ended in the middle of a message");
	if (n == 0)
		return err_set(err, ECONNRESET, "the connection was closed");
	wire->in.len += (size_t)n;
	if (wire->asks_sender)
		wire_note_sender(wire, &mh, first);
	if (wire_keep_fds(wire, &mh) < 0)
		return err_set(err, EPROTO, "more descriptors than the %d allowed",
			       wire->refuses_fds ? 0 : WIRE_FDS_MAX);
	return 0;
}

int wire_recv(struct wire *wire, struct wire_msg *ret, struct vc_err *err)
{
	for (;;) {
		Vc__Msg *msg = NULL;
		long used = 0;
		int r;

		if (wire->in.len > 0)
			used = wire_parse(wire->in.data + wire->in.start, wire->in.len, &msg, err);
		if (used < 0)
			return (int)used;
		if (used > 0) {
			buf_consume(&wire->in, (size_t)used);
			*ret = (struct wire_msg){ .msg = msg,
						  .n_fds = wire->n_in_fds,
						  .sender = wire->sender };
			memcpy(ret->fds, wire->in_fds, sizeof(ret->fds));
			wire->n_in_fds = 0;
			return 0;
		}
		r = wire_read(wire, err);
		if (r < 0)
			return r;
	}
}

static bool wire_is_readable(const struct wire *wire)
{
	char byte;

	return recv(wire->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
	       (errno != EAGAIN && errno != EINTR);
}

bool wire_spin(const struct wire *wire, struct wire_spin *spin)
{
	uint64_t begun;

	if (wire_is_readable(wire))
		return true;
	if (spin->skips > 0) {
		spin->skips--;
		return false;
	}
	begun = clock_mono_usec();
	do {
		if (wire_is_readable(wire)) {
			spin->misses = 0;
			return true;
		}
	} while (clock_mono_usec() - begun < WIRE_SPIN_USEC);
	if (spin->misses < WIRE_SPIN_MISSES_MAX)
		spin->misses++;
	spin->skips = (1u << spin->misses) - 2;
	return false;
}

void wire_msg_done(struct wire_msg *msg)
{
	for (size_t i = 0; i < msg->n_fds; i++)
		if (msg->fds[i] >= 0)
			close(msg->fds[i]);
	if (msg->msg)
		vc__msg__free_unpacked(msg->msg, NULL);
	*msg = (struct wire_msg){ 0 };
}

int wire_take_error(const Vc__Error *error, struct vc_err *err)
{
	int code = error->code > 0 && error->code < 4096 ? error->code : EPROTO;

	return err_set(err, code, "%s", error->text);
}

int wire_send_error(struct wire *wire, const struct vc_err *error, uint32_t exit_status)
{
	Vc__Error body = VC__ERROR__INIT;
	Vc__Msg msg = WIRE_MSG(ERROR, error, &body);

	body.code = error->code;
	body.text = (char *)error->text;
	body.has_exit_status = exit_status > 0;
	body.exit_status = exit_status;
	return wire_send(wire, &msg, NULL, 0, NULL);
}

int wire_send_ok(struct wire *wire)
{
	return wire_send_note(wire, NULL);
}

int wire_send_note(struct wire *wire, const char *note)
{
	Vc__Ok body = VC__OK__INIT;
	Vc__Msg msg = WIRE_MSG(OK, ok, &body);

	body.note = (char *)note;
	return wire_send(wire, &msg, NULL, 0, NULL);
}
