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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"

#define SERVER_READY_USEC 10000000u

void server_word(struct server_command *command, const char *fmt, ...)
{
	va_list ap;

	if (command->n == SERVER_WORDS)
		return;
	va_start(ap, fmt);
	vsnprintf(command->words[command->n++], SERVER_WORD, fmt, ap);
	va_end(ap);
}

void server_words(struct server_command *command, ...)
{
	const char *word;
	va_list ap;

	va_start(ap, command);
	while ((word = va_arg(ap, const char *)))
		server_word(command, "%s", word);
	va_end(ap);
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
	char prefix[CREW_PREFIX_WORDS][96];
	char *argv[CREW_PREFIX_WORDS + SERVER_WORDS + 1];
	size_t n = crew_prefix(servers->config->way,
			       servers->places ? servers->places[domain] : NULL, prefix, argv);
	int r;

	for (size_t i = 0; i < command->n; i++)
		argv[n++] = (char *)command->words[i];
	argv[n] = NULL;
	r = bench_start(argv, out, ret);
	return r < 0 ? err_sys(err, -r, "%s", argv[0]) : 0;
}

int servers_start(struct servers *servers, unsigned int domain,
		  const struct server_command *command, struct vc_err *err)
{
	return server_run(servers, domain, command, -1, &servers->pids[domain], err);
}

int servers_await(const struct servers *servers, const char *socket_name, struct vc_err *err)
{
	uint64_t deadline = clock_mono_usec() + SERVER_READY_USEC;
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", servers->dir, socket_name);
	while (clock_mono_usec() < deadline && !bench_stop) {
		_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			return 0;
		clock_sleep_usec(1000);
	}
	return err_set(err, bench_stop ? EINTR : ETIMEDOUT, "the server does not answer");
}

static int generator_start(struct servers *servers, const struct server_generator *generator,
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
	generator->make(servers, number, domain, &command);
	return server_run(servers, domain, &command, out, ret, err);
}

/* Their sum; the p99 is that of the worst. */
static int generators_read(const struct servers *servers, const struct server_generator *generator,
			   struct crew_figures *ret, struct vc_err *err)
{
	unsigned int threads = servers->config->threads;
	double squares = 0;

	for (unsigned int i = 0; i < threads; i++) {
		struct server_said said;
		int r = generator->read(servers, i, &said, err);

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

int servers_ask(struct servers *servers, const struct server_generator *generator,
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
		r = generator_start(servers, generator, started, &pids[started], err);
		if (r < 0)
			break;
	}
	for (unsigned int i = 0; i < started; i++)
		waitpid(pids[i], NULL, 0);
	return r < 0 ? r : generators_read(servers, generator, ret, err);
}
