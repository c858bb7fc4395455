// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * client.c - one who asks a memcached, in its text protocol
 *
 * A thread has eight connections with a request under way on each. It waits for the
 * answers in turn, and puts the next request where one has come: so the server always has
 * something to do, and what one operation tells is the time from a request to its answer,
 * which may have lain there a while. Half are set and half get, of 128 bytes under 10000
 * keys, as with redis.
 */
#include "bench/work/work.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENT_KEYS 10000
#define CLIENT_BYTES 128

struct client {
	struct connection {
		int fd;
		uint64_t asked_nsec;
	} connections[CREW_CONNECTIONS];
	unsigned int next;
};

static int client_prepare(const struct domain_args *args, void **ret_domain)
{
	struct sockaddr_un *address = calloc(1, sizeof(*address));

	if (!address)
		return -ENOMEM;
	address->sun_family = AF_UNIX;
	snprintf(address->sun_path, sizeof(address->sun_path), "%s/%u.sock", args->dir,
		 args->number);
	*ret_domain = address;
	return 0;
}

static void client_ask(struct worker *worker, struct connection *connection)
{
	static const char value[CLIENT_BYTES + 1] = { [0 ... CLIENT_BYTES - 1] = 'v' };
	uint64_t random = work_random(worker);
	unsigned int key = (unsigned int)(random >> 8) % CLIENT_KEYS;
	char text[CLIENT_BYTES + 64];
	int n;

	if (random & 1)
		n = snprintf(text, sizeof(text), "set %u 0 0 %d\r\n%s\r\n", key, CLIENT_BYTES,
			     value);
	else
		n = snprintf(text, sizeof(text), "get %u\r\n", key);
	connection->asked_nsec = work_now_nsec();
	if (send(connection->fd, text, (size_t)n, MSG_NOSIGNAL) != n)
		work_die("request", errno);
}

static int client_enter(struct worker *worker)
{
	const struct sockaddr_un *address = worker->domain;
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	worker->own = client;
	for (int i = 0; i < CREW_CONNECTIONS; i++) {
		struct connection *connection = &client->connections[i];

		connection->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connection->fd < 0 ||
		    connect(connection->fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
			return -errno;
		client_ask(worker, connection);
	}
	return 0;
}

static bool text_ends(const char *text, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len >= n && !memcmp(text + len - n, end, n);
}

/* "STORED\r\n", or "END\r\n" behind a value or none. */
static void client_await(struct connection *connection)
{
	char text[CLIENT_BYTES + 128];
	size_t len = 0;

	while (!text_ends(text, len, "STORED\r\n") && !text_ends(text, len, "END\r\n")) {
		ssize_t n = recv(connection->fd, text + len, sizeof(text) - len, 0);

		if (n <= 0)
			work_die("answer", n < 0 ? errno : EPROTO);
		len += (size_t)n;
	}
}

static uint64_t client_once(struct worker *worker)
{
	struct client *client = worker->own;
	struct connection *connection = &client->connections[client->next];
	uint64_t took;

	client->next = (client->next + 1) % CREW_CONNECTIONS;
	client_await(connection);
	took = work_now_nsec() - connection->asked_nsec;
	client_ask(worker, connection);
	return took ? took : 1;
}

static void client_leave(struct worker *worker)
{
	struct client *client = worker->own;

	for (int i = 0; i < CREW_CONNECTIONS; i++)
		close(client->connections[i].fd);
	free(client);
}

WORK(memcached, .open = client_prepare, .close = free, .enter = client_enter, .once = client_once,
     .leave = client_leave);
