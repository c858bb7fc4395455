/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * server.h - mixed servers: one big one, or one in each partition
 *
 *	server.c           their life, and that of those who ask them
 *	redis.c            redis-server, asked by redis-benchmark
 *	postgres.c         postgres, asked by pgbench
 *	memcached.c        memcached, asked by a crew (work/client.c)
 *
 * As many generators as threads are at work, in the place of the server that they ask,
 * with as many requests in all.
 */
#ifndef VC_BENCH_BENCH_SERVER_H
#define VC_BENCH_BENCH_SERVER_H

#include "bench/lock/lock.h"

#define SERVER_CLIENTS 16 /* of all generators */
#define SERVER_WORDS 32
#define SERVER_WORD 160

/* A command that is put together word by word. */
struct server_command {
	char words[SERVER_WORDS][SERVER_WORD];
	size_t n;
};
void server_word(struct server_command *command, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Several, up to NULL, as they are. */
void server_words(struct server_command *command, ...) __attribute__((sentinel));

/* The servers of one measurement, and who asks them. */
struct servers {
	const struct lock_config *config;
	char *const *places;
	unsigned int requests, clients; /* of each generator */
	char dir[64];                   /* theirs, in memory; all sockets are in it */
	pid_t pids[CREW_THREADS];       /* of what started the servers, by domain; 0: none */
};

/* What one generator says. */
struct server_said {
	double rate, p50_usec, p99_usec;
};

/* Makes the directory; servers_end() removes it, and ends those that were started. So
 * many requests are those of all generators. */
int servers_begin(struct servers *servers, const struct lock_config *config, char *const *places,
		  unsigned int requests, struct vc_err *err);
void servers_end(struct servers *servers, int signal);

/* Starts a domain's server. */
int servers_start(struct servers *servers, unsigned int domain,
		  const struct server_command *command, struct vc_err *err);
/* Until a stream socket with that name in the directory answers to a connect. */
int servers_await(const struct servers *servers, const char *socket, struct vc_err *err);

/* Runs all generators until they have ended. make() puts a generator's command together,
 * whose output goes into the file number.out in the directory; read() reads it. */
struct server_generator {
	void (*make)(const struct servers *servers, unsigned int number, unsigned int domain,
		     struct server_command *command);
	int (*read)(const struct servers *servers, unsigned int number, struct server_said *ret,
		    struct vc_err *err);
};
int servers_ask(struct servers *servers, const struct server_generator *generator,
		struct crew_figures *ret, struct vc_err *err);

#endif
