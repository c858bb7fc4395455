// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * file.c - kernel locks behind names: one directory, one listening port
 */
#include "bench/work/work.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define TCP_BYTES 64

static void dir_close(void *domain)
{
	close(work_unbox(domain));
}

/* vcbench removes the directory with the crew's. */
static int dir_open(const struct domain_args *args, void **ret)
{
	char path[512];
	int fd = -1;

	snprintf(path, sizeof(path), "%s/dir-%u", args->dir, args->number);
	if (mkdir(path, 0700) == 0)
		fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	*ret = work_box(fd);
	return fd < 0 ? -errno : 0;
}

/* A file as a program leaves one: made, written, closed, removed. */
static uint64_t dir_once(struct worker *worker)
{
	int dir = work_unbox(worker->domain), fd;
	char name[32];

	snprintf(name, sizeof(name), "%u-%04x", worker->number,
		 (unsigned int)(work_random(worker) & 0xffff));
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, name, sizeof(name)) != sizeof(name))
		work_die("create", errno);
	close(fd);
	if (unlinkat(dir, name, 0) < 0)
		work_die("unlink", errno);
	return 0;
}

WORK(dir, .open = dir_open, .close = dir_close, .once = dir_once);

struct port {
	int listener;
	struct sockaddr_in address;
};

static void tcp_close(void *domain)
{
	close(((struct port *)domain)->listener);
	free(domain);
}

static int tcp_open(const struct domain_args *args, void **ret)
{
	struct port *port = calloc(1, sizeof(*port));
	socklen_t size = sizeof(port->address);

	if (!port)
		return -ENOMEM;
	port->address.sin_family = AF_INET;
	port->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	port->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (port->listener < 0 ||
	    bind(port->listener, (struct sockaddr *)&port->address, size) < 0 ||
	    listen(port->listener, 4096) < 0 ||
	    getsockname(port->listener, (struct sockaddr *)&port->address, &size) < 0) {
		int error = errno;

		tcp_close(port);
		return -error;
	}
	*ret = port;
	return 0;
}

/* Connect, accept whoever is first in the queue, answer that one, read the answer
 * to oneself. Every thread that accepts has put one connection into the queue, so
 * none waits for good. Closed by reset, or the ports would run out in TIME_WAIT. */
static uint64_t tcp_once(struct worker *worker)
{
	const struct port *port = worker->domain;
	struct linger reset = { .l_onoff = 1 };
	char text[TCP_BYTES] = "answer";
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), server;

	if (client < 0 ||
	    connect(client, (const struct sockaddr *)&port->address, sizeof(port->address)) < 0)
		work_die("connect", errno);
	server = accept4(port->listener, NULL, NULL, SOCK_CLOEXEC);
	if (server < 0 || send(server, text, sizeof(text), MSG_NOSIGNAL) != sizeof(text))
		work_die("accept", errno);
	if (recv(client, text, sizeof(text), MSG_WAITALL) != sizeof(text))
		work_die("receive", errno);
	setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(client);
	close(server);
	return 0;
}

WORK(tcp, .open = tcp_open, .close = tcp_close, .once = tcp_once);
