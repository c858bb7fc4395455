// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * redis.c - redis-server, half set and half get, asked by redis-benchmark
 *
 * A redis runs its commands on one thread, so one big instance uses one CPU and what the
 * generators take: what several instances gain is the second CPU as much as anything
 * about locks.
 */
#include "bench/lock/server.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"

#define REDIS_REQUESTS 40000 /* of all generators, of each kind */
#define REDIS_QUICK_REQUESTS 4000

/* What a generator says of one kind of request. */
struct redis_line {
	double rate, p50_msec, p99_msec;
};

const char *redis_missing(void)
{
	if (!bench_has("redis-server"))
		return "redis-server is not installed";
	return bench_has("redis-benchmark") ? NULL : "redis-benchmark is not installed";
}

static void redis_make_server(const struct servers *servers, unsigned int domain,
			      struct server_command *command)
{
	server_words(command, "redis-server|--port|0|--save||--dir|%s|--unixsocket|%s/%u.sock",
		     servers->dir, servers->dir, domain);
}

static int redis_serve(struct servers *servers, struct vc_err *err)
{
	return servers_start_all(servers, redis_make_server, err);
}

static void redis_make(const struct servers *servers, unsigned int number, unsigned int domain,
		       struct server_command *command)
{
	server_words(command,
		     "redis-benchmark|-t|set,get|-d|128|-r|10000|--csv|-s|%s/%u.sock|-n|%u|-c|%u",
		     servers->dir, domain, servers->requests, servers->clients);
}

/* "SET","42826.55","0.122","0.016","0.087","0.271","0.679","9.183" */
static bool redis_line(const char *text, const char *test, struct redis_line *ret)
{
	const char *line = strstr(text, test);

	return line && sscanf(line + strlen(test),
			      ",\"%lf\",\"%*[0-9.]\",\"%*[0-9.]\",\"%lf\",\"%*[0-9.]\",\"%lf\"",
			      &ret->rate, &ret->p50_msec, &ret->p99_msec) == 3;
}

static int redis_read(const struct servers *servers, unsigned int number, struct server_said *ret,
		      struct vc_err *err)
{
	_cleanup_free_ char *text = NULL;
	struct redis_line set, get;
	char path[96];

	snprintf(path, sizeof(path), "%s/%u.out", servers->dir, number);
	if (file_read_all(AT_FDCWD, path, 1 << 20, &text) < 0 ||
	    !redis_line(text, "\"SET\"", &set) || !redis_line(text, "\"GET\"", &get))
		return err_set(err, EPROTO, "redis-benchmark says something else: %.200s",
			       text ? text : "nothing");
	*ret = (struct server_said){ .rate = 2 / (1 / set.rate + 1 / get.rate),
				     .p50_usec = (set.p50_msec + get.p50_msec) / 2 * 1e3,
				     .p99_usec = fmax(set.p99_msec, get.p99_msec) * 1e3 };
	return 0;
}

int redis_measure(struct lock_bench *lock, const struct lock_config *config, char *const *places,
		  struct crew_figures *ret, struct vc_err *err)
{
	static const struct server redis = { .requests = REDIS_REQUESTS,
					     .quick_requests = REDIS_QUICK_REQUESTS,
					     .signal = SIGTERM,
					     .serve = redis_serve,
					     .make = redis_make,
					     .read = redis_read };

	return servers_measure(lock, config, places, &redis, ret, err);
}
