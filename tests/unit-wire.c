// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-wire.c - framing, descriptor passing, and what a hostile peer can do
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wire/state.h"
#include "wire/wire.h"

struct pair {
	struct wire *wire; /* ours */
	int peer;          /* the other end, raw */
};

static struct pair pair_new(int flags)
{
	struct pair pair;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0, fds), 0);
	assert_int_equal(wire_new(fds[0], &pair.wire, NULL), 0);
	pair.peer = fds[1];
	return pair;
}

static void pair_done(struct pair *pair)
{
	wire_free(pair->wire);
	if (pair->peer >= 0)
		close(pair->peer);
}

static Vc__Msg signal_msg(Vc__Signal *body, int number)
{
	Vc__Msg msg = VC__MSG__INIT;

	*body = (Vc__Signal)VC__SIGNAL__INIT;
	body->signal = number;
	msg.body_case = VC__MSG__BODY_SIGNAL;
	msg.signal = body;
	return msg;
}

/* What a frame of a Signal looks like on the wire. */
static size_t frame(uint8_t *out, int number)
{
	Vc__Signal body;
	Vc__Msg msg = signal_msg(&body, number);
	size_t size = vc__msg__pack(&msg, out + 4);

	out[0] = out[1] = out[2] = 0;
	out[3] = (uint8_t)size;
	return size + 4;
}

static void test_messages_keep_their_borders(void **state)
{
	struct pair pair = pair_new(0);
	uint8_t data[256];
	size_t len = 0;

	for (int i = 1; i <= 3; i++)
		len += frame(data + len, i);
	/* All at once, and again byte by byte. */
	assert_int_equal(write(pair.peer, data, len), len);
	for (int i = 1; i <= 3; i++) {
		struct wire_msg msg;

		assert_int_equal(wire_recv(pair.wire, &msg, NULL), 0);
		assert_int_equal(msg.msg->signal->signal, i);
		wire_msg_done(&msg);
	}
	pair_done(&pair);
	pair = pair_new(SOCK_NONBLOCK);
	for (size_t i = 0, n = 0; i < len; i++) {
		struct wire_msg msg;
		int r;

		assert_int_equal(write(pair.peer, data + i, 1), 1);
		r = wire_recv(pair.wire, &msg, NULL);
		if (r == 0) {
			assert_int_equal(msg.msg->signal->signal, ++n);
			wire_msg_done(&msg);
		} else {
			assert_int_equal(r, -EAGAIN);
		}
		if (i == len - 1)
			assert_int_equal(n, 3);
	}
	pair_done(&pair);
}

static ino_t inode(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

/* Older kernels let them be sent; then they are dropped, and the sender with them. */
static void test_descriptors_may_be_refused(void **state)
{
	struct pair pair = pair_new(0);
	struct wire *sender;
	struct wire_msg msg;
	Vc__Signal body;
	Vc__Msg order = signal_msg(&body, 1);
	int pipes[2];
	char byte;

	assert_int_equal(wire_new(pair.peer, &sender, NULL), 0);
	pair.peer = -1;
	wire_refuse_fds(pair.wire);
	assert_int_equal(wire_send(sender, &order, NULL, 0, NULL), 0);
	assert_int_equal(wire_recv(pair.wire, &msg, NULL), 0);
	wire_msg_done(&msg);
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	if (wire_send(sender, &order, &pipes[1], 1, NULL) == 0)
		assert_int_equal(wire_recv(pair.wire, &msg, NULL), -EPROTO);
	wire_free(sender);
	close(pipes[1]);
	/* Nobody else has it. */
	assert_int_equal(read(pipes[0], &byte, 1), 0);
	close(pipes[0]);
	pair_done(&pair);
}

static void test_reading_ahead_gives_one_message_at_a_time(void **state)
{
	struct pair pair = pair_new(SOCK_NONBLOCK);
	struct wire_msg msg;
	uint8_t frames[256];
	size_t n = frame(frames, 1), whole = n + frame(frames + n, 2);

	wire_read_ahead(pair.wire);
	/* The second message comes in two pieces. */
	assert_int_equal(write(pair.peer, frames, whole - 1), whole - 1);
	assert_int_equal(wire_recv(pair.wire, &msg, NULL), 0);
	assert_int_equal(msg.msg->signal->signal, 1);
	wire_msg_done(&msg);
	assert_int_equal(wire_recv(pair.wire, &msg, NULL), -EAGAIN);
	assert_int_equal(write(pair.peer, frames + whole - 1, 1), 1);
	assert_int_equal(wire_recv(pair.wire, &msg, NULL), 0);
	assert_int_equal(msg.msg->signal->signal, 2);
	wire_msg_done(&msg);
	pair_done(&pair);
}

static void test_spinning_ends_with_a_message_or_is_given_up(void **state)
{
	struct pair pair = pair_new(SOCK_NONBLOCK);
	struct wire_spin spin = { 0 };

	for (int i = 0; i < 100; i++)
		assert_false(wire_spin(pair.wire, &spin));
	assert_int_equal(spin.misses, 5);
	assert_int_equal(write(pair.peer, "x", 1), 1);
	assert_true(wire_spin(pair.wire, &spin));
	pair_done(&pair);
	/* The end of the connection can be received, too. */
	pair = pair_new(SOCK_NONBLOCK);
	close(pair.peer);
	pair.peer = -1;
	spin = (struct wire_spin){ 0 };
	assert_true(wire_spin(pair.wire, &spin));
	pair_done(&pair);
}

static void test_descriptors_come_with_their_message(void **state)
{
	struct pair pair = pair_new(0);
	struct wire *sender;
	int pipes[4][2];

	assert_int_equal(wire_new(pair.peer, &sender, NULL), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pipe2(pipes[i], O_CLOEXEC), 0);
	/* Message i carries i descriptors. */
	for (int i = 0; i < 4; i++) {
		Vc__Signal body;
		Vc__Msg msg = signal_msg(&body, i + 1);
		int fds[4];

		for (int k = 0; k < i; k++)
			fds[k] = pipes[k][1];
		assert_int_equal(wire_send(sender, &msg, fds, (size_t)i, NULL), 0);
	}
	for (int i = 0; i < 4; i++) {
		struct wire_msg msg;

		assert_int_equal(wire_recv(pair.wire, &msg, NULL), 0);
		assert_int_equal(msg.n_fds, i);
		for (int k = 0; k < i; k++) {
			assert_int_equal(inode(msg.fds[k]), inode(pipes[k][1]));
			assert_int_equal(fcntl(msg.fds[k], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
		}
		wire_msg_done(&msg);
	}
	for (int i = 0; i < 4; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	wire_free(sender);
	pair.peer = -1;
	pair_done(&pair);
}

static void test_rubbish_ends_the_connection(void **state)
{
	static const struct {
		const char *what;
		uint8_t data[16];
		size_t len;
		int want;
	} cases[] = {
		{ "a length beyond the limit", { 0xff, 0xff, 0xff, 0xff }, 4, -EPROTO },
		{ "no message inside", { 0, 0, 0, 3, 0xff, 0xff, 0xff }, 7, -EPROTO },
		{ "a required field missing", { 0, 0, 0, 3, 0x82, 1, 0 }, 7, -EPROTO },
		{ "a newer version", { 0, 0, 0, 2, 8, 99 }, 6, -EPROTO },
		{ "an end in the middle", { 0, 0, 0, 9, 8, 1 }, 6, -EPROTO },
		{ "an end in the length", { 0, 0 }, 2, -EPROTO },
		{ "an orderly end", { 0 }, 0, -ECONNRESET },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pair pair = pair_new(0);
		struct wire_msg msg;
		struct vc_err err = { 0 };
		int r;

		assert_int_equal(write(pair.peer, cases[i].data, cases[i].len), cases[i].len);
		shutdown(pair.peer, SHUT_WR);
		r = wire_recv(pair.wire, &msg, &err);
		if (r != cases[i].want || err.text[0] == '\0')
			fail_msg("%s: got %d (%s), expected %d and a reason", cases[i].what, r,
				 err.text, cases[i].want);
		pair_done(&pair);
	}
}

static void test_empty_message_is_a_message(void **state)
{
	struct pair pair = pair_new(0);
	struct wire_msg msg;

	assert_int_equal(write(pair.peer, "\0\0\0\0", 4), 4);
	assert_int_equal(wire_recv(pair.wire, &msg, NULL), 0);
	assert_int_equal(msg.msg->body_case, VC__MSG__BODY__NOT_SET);
	wire_msg_done(&msg);
	pair_done(&pair);
}

static void test_too_many_descriptors(void **state)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * (WIRE_FDS_MAX + 4))];
	} control = { 0 };
	struct pair pair = pair_new(0);
	struct iovec iov = { .iov_base = (char[]){ 0, 0, 0, 0 }, .iov_len = 4 };
	struct msghdr mh = { .msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.space,
			     .msg_controllen = sizeof(control.space) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&mh);
	int before = dup(0), after;
	struct wire_msg msg;
	struct vc_err err;

	close(before);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int) * (WIRE_FDS_MAX + 4));
	for (size_t i = 0; i < WIRE_FDS_MAX + 4; i++)
		memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &pair.peer, sizeof(int));
	assert_int_equal(sendmsg(pair.peer, &mh, 0), 4);
	assert_int_equal(wire_recv(pair.wire, &msg, &err), -EPROTO);
	pair_done(&pair);
	/* None of them stays open. */
	after = dup(0);
	close(after);
	assert_true(after <= before);
}

static void test_a_peer_that_does_not_read(void **state)
{
	struct pair pair = pair_new(SOCK_NONBLOCK);
	size_t size = 1u << 20;
	Vc__Error body = VC__ERROR__INIT;
	Vc__Msg msg = VC__MSG__INIT;
	struct vc_err err;
	int r = 0, n = 0;

	body.text = malloc(size + 1);
	memset(body.text, 'x', size);
	body.text[size] = '\0';
	msg.body_case = VC__MSG__BODY_ERROR;
	msg.error = &body;
	while (n < 100 && (r = wire_send(pair.wire, &msg, NULL, 0, &err)) == 0)
		n++;
	assert_int_equal(r, -ENOBUFS);
	assert_in_range(n, 2, WIRE_QUEUE_MAX / size + 1);
	assert_true(wire_pending(pair.wire));
	free(body.text);
	pair_done(&pair);
}

static void test_a_large_queue_arrives_whole(void **state)
{
	struct pair pair = pair_new(SOCK_NONBLOCK);
	struct wire *reader;
	size_t size = 3u << 20;
	Vc__Error body = VC__ERROR__INIT;
	Vc__Msg msg = VC__MSG__INIT;
	int got = 0;

	assert_int_equal(wire_new(pair.peer, &reader, NULL), 0);
	fcntl(pair.peer, F_SETFL, O_NONBLOCK);
	body.text = malloc(size + 1);
	memset(body.text, 'y', size);
	body.text[size] = '\0';
	msg.body_case = VC__MSG__BODY_ERROR;
	msg.error = &body;
	for (int i = 0; i < 3; i++)
		assert_int_equal(wire_send(pair.wire, &msg, NULL, 0, NULL), 0);
	while (got < 3) {
		struct wire_msg in;
		int r = wire_recv(reader, &in, NULL);

		if (r == 0) {
			assert_int_equal(strlen(in.msg->error->text), size);
			wire_msg_done(&in);
			got++;
		} else {
			assert_int_equal(r, -EAGAIN);
			r = wire_flush(pair.wire);
			assert_true(r == 0 || r == -EAGAIN);
		}
	}
	assert_false(wire_pending(pair.wire));
	free(body.text);
	wire_free(reader);
	pair.peer = -1;
	pair_done(&pair);
}

/* A frame whose message has one field, number outer, that consists of n times the two bytes. */
static uint8_t *dense_frame(unsigned int outer, const uint8_t unit[2], size_t n, size_t *ret_size)
{
	size_t len = 2 * n, head = outer ? 6 : 0, size = 4 + head + len;
	uint8_t *frame = malloc(size), *at = frame;

	assert_non_null(frame);
	for (int shift = 24; shift >= 0; shift -= 8)
		*at++ = (uint8_t)((size - 4) >> shift);
	if (outer) {
		*at++ = (uint8_t)(outer << 3 | 2 | 0x80);
		*at++ = (uint8_t)(outer >> 4);
		for (int i = 0; i < 4; i++)
			*at++ = (uint8_t)(len >> (7 * i) & 0x7f) | (i < 3 ? 0x80 : 0);
	}
	for (size_t i = 0; i < n; i++) {
		*at++ = unit[0];
		*at++ = unit[1];
	}
	*ret_size = size;
	return frame;
}

/* What a few bytes of a frame make its receiver do is bounded before it is done. */
static void test_dense_frames(void **state)
{
	static const struct {
		const char *what;
		unsigned int outer; /* the field that the others are in; 0: none is */
		uint8_t unit[2];
		size_t n;
		bool accepted;
	} rows[] = {
		{ "unknown fields", 0, { 0x30, 0 }, 4000000, false },
		{ "a message again and again", 0, { 0x22, 0 }, 4000000, false },
		{ "arguments, empty", 12, { 0x0a, 0 }, 4000000, false },
		{ "unknown fields of a program", 12, { 0x78, 0 }, 4000000, false },
		{ "a few unknown fields", 12, { 0x78, 0 }, 60, true },
		{ "some more", 12, { 0x78, 0 }, 70, false },
		{ "many arguments", 12, { 0x0a, 0 }, 200000, true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		Vc__Msg *msg = NULL;
		size_t size;
		uint8_t *frame = dense_frame(rows[i].outer, rows[i].unit, rows[i].n, &size);
		struct vc_err err = { 0 };
		long r = wire_parse(frame, size, &msg, &err);

		print_message("%s: %ld %s\n", rows[i].what, r, err.text);
		assert_int_equal(r, rows[i].accepted ? (long)size : -EPROTO);
		if (msg)
			vc__msg__free_unpacked(msg, NULL);
		free(frame);
	}
}

/* A peer can send any number. */
static void test_states_have_names(void **state)
{
	assert_string_equal(state_name(VC__STATE__IDLE), "idle");
	assert_string_equal(state_name(VC__STATE__ENDED), "ended");
	assert_string_equal(state_name((Vc__State)(VC__STATE__ENDED + 1)), "unknown");
	assert_string_equal(state_name((Vc__State)-1), "unknown");
}

static void test_too_large_to_send(void **state)
{
	struct pair pair = pair_new(0);
	Vc__Error body = VC__ERROR__INIT;
	Vc__Msg msg = VC__MSG__INIT;

	body.text = malloc(WIRE_FRAME_MAX + 1);
	memset(body.text, 'z', WIRE_FRAME_MAX);
	body.text[WIRE_FRAME_MAX] = '\0';
	msg.body_case = VC__MSG__BODY_ERROR;
	msg.error = &body;
	assert_int_equal(wire_send(pair.wire, &msg, NULL, 0, NULL), -E2BIG);
	assert_false(wire_pending(pair.wire));
	free(body.text);
	pair_done(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages_keep_their_borders),
		cmocka_unit_test(test_descriptors_come_with_their_message),
		cmocka_unit_test(test_descriptors_may_be_refused),
		cmocka_unit_test(test_rubbish_ends_the_connection),
		cmocka_unit_test(test_empty_message_is_a_message),
		cmocka_unit_test(test_too_many_descriptors),
		cmocka_unit_test(test_reading_ahead_gives_one_message_at_a_time),
		cmocka_unit_test(test_spinning_ends_with_a_message_or_is_given_up),
		cmocka_unit_test(test_a_peer_that_does_not_read),
		cmocka_unit_test(test_a_large_queue_arrives_whole),
		cmocka_unit_test(test_dense_frames),
		cmocka_unit_test(test_states_have_names),
		cmocka_unit_test(test_too_large_to_send),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
