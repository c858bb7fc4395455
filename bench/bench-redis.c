// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * bench-redis.c - a mixed server: one big redis, or one in each partition
 *
 * As many generators (redis-benchmark) as threads are at work, in the place of the server
 * that they ask, with as many requests in all. A redis runs its commands on one
 * thread, so one big instance uses one CPU and what the generators take: what several
 * instances gain is the second CPU as much as anything about locks.
 */
#include "bench/bench-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"

#define REDIS_REQUESTS 80000 /* of all generators, of each kind */
#define REDIS_QUICK_REQUESTS 8000
#define REDIS_CLIENTS 16 /* of all generators */
#define REDIS_READY_USEC 10000000u

struct redis {
	char dir[64];
	const struct lock_config *config;
	char *const *places;
	unsigned int requests, clients; /* of each generator */
	pid_t servers[CREW_THREADS];    /* of what started them: 0 none */
};

/* What a generator says of one kind of request. */
struct redis_line {
	double rate, p50_msec, p99_msec;
};

const char *redis_missing(void)
{
	char *server[] = { (char *)"redis-server", (char *)"--version", NULL };
	char *generator[] = { (char *)"redis-benchmark", (char *)"--version", NULL };

	if (bench_run(server, NULL, 0) != 0)
		return "redis-server is not installed";
	if (bench_run(generator, NULL, 0) != 0)
		return "redis-benchmark is not installed";
	return NULL;
}

static int redis_start(struct redis *redis, unsigned int domain, char *const command[], int out,
		       pid_t *ret, struct vc_err *err)
{
	char words[CREW_PREFIX_WORDS][96];
	char *argv[CREW_PREFIX_WORDS + 24];
	size_t n = crew_prefix(redis->config->way, redis->places ? redis->places[domain] : NULL,
			       words, argv);
	int r;

	for (size_t i = 0; command[i]; i++)
		argv[n++] = command[i];
	argv[n] = NULL;
	r = bench_start(argv, out, ret);
	return r < 0 ? err_sys(err, -r, "%s", argv[0]) : 0;
}

static void redis_socket(const struct redis *redis, unsigned int domain, char *path, size_t size)
{
	snprintf(path, size, "%s/%u.sock", redis->dir, domain);
}

static int redis_await(const char *path, pid_t server, struct vc_err *err)
{
	uint64_t deadline = clock_mono_usec() + REDIS_READY_USEC;
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	while (clock_mono_usec() < deadline && !bench_stop) {
		_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			return 0;
		clock_sleep_usec(1000);
	}
	return err_set(err, bench_stop ? EINTR : ETIMEDOUT, "redis-server does not answer");
}

static int redis_serve(struct redis *redis, struct vc_err *err)
{
	int r = 0;

	for (unsigned int domain = 0; r == 0 && domain < redis->config->domains; domain++) {
		char path[96];
		char *command[] = { (char *)"redis-server",
				    (char *)"--port",
				    (char *)"0",
				    (char *)"--unixsocket",
				    path,
				    (char *)"--save",
				    (char *)"",
				    (char *)"--dir",
				    redis->dir,
				    NULL };

		redis_socket(redis, domain, path, sizeof(path));
		r = redis_start(redis, domain, command, -1, &redis->servers[domain], err);
	}
	for (unsigned int domain = 0; r == 0 && domain < redis->config->domains; domain++) {
		char path[96];

		redis_socket(redis, domain, path, sizeof(path));
		r = redis_await(path, redis->servers[domain], err);
	}
	return r;
}

/* "SET","42826.55","0.122","0.016","0.087","0.271","0.679","9.183" */
static bool redis_read(const char *text, const char *test, struct redis_line *ret)
{
	const char *line = strstr(text, test);

	return line && sscanf(line + strlen(test),
			      ",\"%lf\",\"%*[0-9.]\",\"%*[0-9.]\",\"%lf\",\"%*[0-9.]\",\"%lf\"",
			      &ret->rate, &ret->p50_msec, &ret->p99_msec) == 3;
}

/* Adds one generator's figures; the p99 is that of the worst. */
static int redis_collect(const struct redis *redis, unsigned int number, struct crew_figures *ret,
			 double *squares, struct vc_err *err)
{
	unsigned int threads = redis->config->threads;
	_cleanup_free_ char *text = NULL;
	struct redis_line set, get;
	char path[96];
	double rate;

	snprintf(path, sizeof(path), "%s/%u.csv", redis->dir, number);
	if (file_read_all(AT_FDCWD, path, 1 << 20, &text) < 0 ||
	    !redis_read(text, "\"SET\"", &set) || !redis_read(text, "\"GET\"", &get))
		return err_set(err, EPROTO, "redis-benchmark says something else: %.200s",
			       text ? text : "nothing");
	rate = 2 / (1 / set.rate + 1 / get.rate);
	ret->rate += rate;
	*squares += rate * rate;
	ret->p50_usec += (set.p50_msec + get.p50_msec) / 2 * 1e3 / threads;
	ret->p99_usec = fmax(ret->p99_usec, fmax(set.p99_msec, get.p99_msec) * 1e3);
	return 0;
}

static int redis_generate(struct redis *redis, struct crew_figures *ret, struct vc_err *err)
{
	unsigned int threads = redis->config->threads;
	pid_t generators[CREW_THREADS];
	unsigned int started = 0;
	double squares = 0;
	int r = 0;

	for (; r == 0 && started < threads; started++) {
		unsigned int domain = started * redis->config->domains / threads;
		char path[96], file[96], requests[16], clients[16];
		char *command[] = { (char *)"redis-benchmark",
				    (char *)"-s",
				    path,
				    (char *)"-t",
				    (char *)"set,get",
				    (char *)"-n",
				    requests,
				    (char *)"-c",
				    clients,
				    (char *)"-d",
				    (char *)"128",
				    (char *)"-r",
				    (char *)"10000",
				    (char *)"--csv",
				    NULL };
		_cleanup_close_ int out = -1;

		redis_socket(redis, domain, path, sizeof(path));
		snprintf(file, sizeof(file), "%s/%u.csv", redis->dir, started);
		snprintf(requests, sizeof(requests), "%u", redis->requests);
		snprintf(clients, sizeof(clients), "%u", redis->clients);
		out = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		r = redis_start(redis, domain, command, out, &generators[started], err);
		if (r < 0)
			break;
	}
	for (unsigned int i = 0; i < started; i++)
		waitpid(generators[i], NULL, 0);
	for (unsigned int i = 0; r == 0 && i < started; i++)
		r = redis_collect(redis, i, ret, &squares, err);
	ret->jain = ret->rate * ret->rate / (threads * squares);
	return r;
}

static void redis_end(struct redis *redis)
{
	for (unsigned int domain = 0; domain < redis->config->domains; domain++)
		if (redis->servers[domain] > 0)
			kill(redis->servers[domain], SIGTERM);
	for (unsigned int domain = 0; domain < redis->config->domains; domain++)
		if (redis->servers[domain] > 0)
			waitpid(redis->servers[domain], NULL, 0);
	file_remove_tree(AT_FDCWD, redis->dir);
}

int redis_measure(struct lock_bench *lock, const struct lock_config *config, char *const *places,
		  struct crew_figures *ret, struct vc_err *err)
{
	unsigned int requests = lock->bench->quick ? REDIS_QUICK_REQUESTS : REDIS_REQUESTS;
	unsigned int clients = REDIS_CLIENTS / config->threads;
	struct redis redis = { .config = config,
			       .places = places,
			       .requests = requests / config->threads,
			       .clients = clients ? clients : 1 };
	int r;

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
	r = bench_make_dir(redis.dir, sizeof(redis.dir));
	if (r < 0)
		return err_sys(err, -r, "/dev/shm");
	r = redis_serve(&redis, err);
	if (r == 0)
		r = redis_generate(&redis, ret, err);
	redis_end(&redis);
	return r;
}
