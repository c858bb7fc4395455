// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * server.c - mixed servers: their life, and that of those who ask them
 */
#include "bench/lock/server.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"

#define SERVER_READY_USEC 10000000u

void server_words(struct server_command *command, const char *fmt, ...)
{
	size_t room = sizeof(command->text) - command->used;
	char *rest = command->text + command->used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(rest, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room)
		fatal("a server's command is too long");
	command->used += (size_t)n + 1;
	while (rest && command->n < SERVER_WORDS)
		command->argv[command->n++] = strsep(&rest, "|");
	command->argv[command->n] = NULL;
}

int servers_begin(struct servers *servers, const struct lock_config *config, char *const *places,
		  unsigned int requests, struct vc_err *err)
{
	unsigned int clients = SERVER_CLIENTS / config->threads;
	int r;

	*servers = (struct servers){ .config = config,
				     .places = places,
				     .requests = requests / config->threads,
				     .clients = clients ? clients : 1 };
	r = bench_make_dir(servers->dir, sizeof(servers->dir));
	if (r < 0)
		return err_sys(err, -r, "/dev/shm");
	/* A server that is not root's finds its socket's place, too. */
	chmod(servers->dir, 0711);
	return 0;
}

void servers_end(struct servers *servers, int signal)
{
	for (unsigned int domain = 0; domain < servers->config->domains; domain++)
		if (servers->pids[domain] > 0)
			kill(servers->pids[domain], signal);
	for (unsigned int domain = 0; domain < servers->config->domains; domain++)
		if (servers->pids[domain] > 0)
			waitpid(servers->pids[domain], NULL, 0);
	file_remove_tree(AT_FDCWD, servers->dir);
}

/* In the domain's place. */
static int server_run(const struct servers *servers, unsigned int domain,
		      const struct server_command *command, int out, pid_t *ret, struct vc_err *err)
{
	const char *argv[CREW_PREFIX_WORDS + SERVER_WORDS + 1];
	char place[CREW_PLACE];
	size_t n = crew_prefix(servers->config->way,
			       servers->places ? servers->places[domain] : NULL, place, argv);
	int r;

	memcpy(argv + n, command->argv, sizeof(command->argv));
	r = bench_start(argv, out, ret);
	return r < 0 ? err_sys(err, -r, "%s", argv[0]) : 0;
}

int servers_start(struct servers *servers, unsigned int domain,
		  const struct server_command *command, struct vc_err *err)
{
	return server_run(servers, domain, command, -1, &servers->pids[domain], err);
}

static int servers_await(const struct servers *servers, unsigned int domain, struct vc_err *err)
{
	uint64_t deadline = clock_mono_usec() + SERVER_READY_USEC;
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%u.sock", servers->dir, domain);
	while (clock_mono_usec() < deadline && !bench_stop) {
		_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			return 0;
		clock_sleep_usec(1000);
	}
	return err_set(err, bench_stop ? EINTR : ETIMEDOUT, "the server does not answer");
}

int servers_start_all(struct servers *servers,
		      void (*make)(const struct servers *servers, unsigned int domain,
				   struct server_command *command),
		      struct vc_err *err)
{
	unsigned int domains = servers->config->domains;
	int r = 0;

	for (unsigned int domain = 0; r == 0 && domain < domains; domain++) {
		struct server_command command = { .n = 0 };

		make(servers, domain, &command);
		r = servers_start(servers, domain, &command, err);
	}
	for (unsigned int domain = 0; r == 0 && domain < domains; domain++)
		r = servers_await(servers, domain, err);
	return r;
}

static int servers_start_generator(struct servers *servers, const struct server *server,
				   unsigned int number, pid_t *ret, struct vc_err *err)
{
	const struct lock_config *config = servers->config;
	unsigned int domain = number * config->domains / config->threads;
	struct server_command command = { .n = 0 };
	_cleanup_close_ int out = -1;
	char path[96];

	snprintf(path, sizeof(path), "%s/%u.out", servers->dir, number);
	out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (out < 0)
		return err_sys(err, errno, "%s", path);
	server->make(servers, number, domain, &command);
	return server_run(servers, domain, &command, out, ret, err);
}

/* Their sum; the p99 is that of the worst. */
static int servers_read(const struct servers *servers, const struct server *server,
			struct crew_figures *ret, struct vc_err *err)
{
	unsigned int threads = servers->config->threads;
	double squares = 0;

	for (unsigned int i = 0; i < threads; i++) {
		struct server_said said;
		int r = server->read(servers, i, &said, err);

		if (r < 0)
			return r;
		ret->rate += said.rate;
		squares += said.rate * said.rate;
		ret->p50_usec += said.p50_usec / threads;
		ret->p99_usec = fmax(ret->p99_usec, said.p99_usec);
	}
	ret->jain = ret->rate * ret->rate / (threads * squares);
	return 0;
}

static int servers_ask(struct servers *servers, const struct server *server,
		       struct crew_figures *ret, struct vc_err *err)
{
	pid_t pids[CREW_THREADS];
	unsigned int started = 0;
	int r = 0;

	*ret = (struct crew_figures){ .p999_usec = NAN,
				      .wait_pct = NAN,
				      .blocked_pct = NAN,
				      .queue_pct = NAN,
				      .switches = NAN,
				      .forced_switches = NAN,
				      .cpu_pct = NAN,
				      .others_pct = NAN,
				      .steal_pct = NAN };
	for (int i = 0; i < N_COUNTERS; i++)
		ret->counters[i] = NAN;
	for (; started < servers->config->threads; started++) {
		r = servers_start_generator(servers, server, started, &pids[started], err);
		if (r < 0)
			break;
	}
	for (unsigned int i = 0; i < started; i++)
		waitpid(pids[i], NULL, 0);
	return r < 0 ? r : servers_read(servers, server, ret, err);
}

int servers_measure(struct lock_bench *lock, const struct lock_config *config, char *const *places,
		    const struct server *server, struct crew_figures *ret, struct vc_err *err)
{
	struct servers servers;
	int r = servers_begin(&servers, config, places,
			      lock->bench->quick ? server->quick_requests : server->requests, err);

	if (r < 0)
		return r;
	r = server->serve(&servers, err);
	if (r == 0)
		r = servers_ask(&servers, server, ret, err);
	servers_end(&servers, server->signal);
	return r;
}
