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
#define SERVER_WORDS 40

/* A command that is composed of words. */
struct server_command {
	char text[2048];
	const char *argv[SERVER_WORDS + 1];
	size_t n, used; /* words; bytes of text */
};
/* Adds words. They are separated by '|' in the formatted text. */
void server_words(struct server_command *command, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

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

/* A kind of server, and the generator that asks it. */
struct server {
	unsigned int requests, quick_requests; /* of all generators */
	int signal;                            /* ends it */
	/* Starts the servers of all domains and waits until they answer. */
	int (*serve)(struct servers *servers, struct vc_err *err);
	/* Composes a generator's command. The output goes to the file number.out in the directory.
	 */
	void (*make)(const struct servers *servers, unsigned int number, unsigned int domain,
		     struct server_command *command);
	/* Reads the output. */
	int (*read)(const struct servers *servers, unsigned int number, struct server_said *ret,
		    struct vc_err *err);
};

/* Starts the servers, asks them by generators until these have ended, and ends the servers. */
int servers_measure(struct lock_bench *lock, const struct lock_config *config, char *const *places,
		    const struct server *server, struct crew_figures *ret, struct vc_err *err);

/* Makes the directory; servers_end() removes it and ends the servers. */
int servers_begin(struct servers *servers, const struct lock_config *config, char *const *places,
		  unsigned int requests, struct vc_err *err);
void servers_end(struct servers *servers, int signal);
/* Starts a domain's server. */
int servers_start(struct servers *servers, unsigned int domain,
		  const struct server_command *command, struct vc_err *err);
/* Starts a server in each domain and waits until the socket DOMAIN.sock accepts connections. */
int servers_start_all(struct servers *servers,
		      void (*make)(const struct servers *servers, unsigned int domain,
				   struct server_command *command),
		      struct vc_err *err);

#endif
