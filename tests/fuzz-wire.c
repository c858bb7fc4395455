// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * fuzz-wire.c - hostile bytes against the wire parser, as a daemon meets them
 *
 * The input is a byte stream. It goes through wire_parse(), and once more in
 * pieces through a real socket and wire_recv(), which must find the same
 * messages. Build with ./configure CC=clang --enable-fuzzers.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t fuzz_parse(const uint8_t *data, size_t size)
{
	size_t n = 0;

	for (;;) {
		Vc__Msg *msg = NULL;
		struct vc_err err;
		long used = wire_parse(data, size, &msg, &err);

		if (used <= 0)
			return n;
		if ((size_t)used > size || !msg)
			abort();
		free(malloc(vc__msg__get_packed_size(msg)));
		vc__msg__free_unpacked(msg, NULL);
		data += used;
		size -= (size_t)used;
		n++;
	}
}

static size_t fuzz_receive(const uint8_t *data, size_t size)
{
	size_t n = 0, sent = 0;
	struct wire *wire;
	struct vc_err err;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0 ||
	    wire_new(pair[0], &wire, &err) < 0)
		abort();
	for (;;) {
		size_t piece = size - sent < 7 ? size - sent : 7 + (sent * 31) % 4096;
		struct wire_msg msg;
		int r;

		if (piece > size - sent)
			piece = size - sent;
		if (piece == 0)
			shutdown(pair[1], SHUT_WR);
		else if (write(pair[1], data + sent, piece) == (ssize_t)piece)
			sent += piece;
		while ((r = wire_recv(wire, &msg, &err)) == 0) {
			wire_msg_done(&msg);
			n++;
		}
		if (r != -EAGAIN)
			break;
	}
	wire_free(wire);
	close(pair[1]);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (fuzz_parse(data, size) != fuzz_receive(data, size))
		abort();
	return 0;
}
