// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * memcached.c - memcached, half set and half get, asked by a crew (work/client.c)
 *
 * One big instance has a thread for each CPU, and all of them share its hash table and
 * the lists of what is to be thrown out first; several have as many threads in all.
 */
#include "bench/lock/server.h"

#include <math.h>
#include <signal.h>

#define MEMCACHED_MIB 256 /* of all of them; that much is asked for only when it is needed */

const char *memcached_missing(void)
{
	return bench_has("memcached") ? NULL : "memcached is not installed";
}

static void memcached_make_server(const struct servers *servers, unsigned int domain,
				  struct server_command *command)
{
	const struct lock_config *config = servers->config;
	unsigned int mib = MEMCACHED_MIB / config->domains;

	server_words(command, "memcached|-u|root|-t|%u|-c|%u|-m|%u|-s|%s/%u.sock",
		     config->threads / config->domains, config->threads * CREW_CONNECTIONS + 64,
		     mib > 16 ? mib : 16, servers->dir, domain);
}

/* The server's own CPU time is not the crew's, so nothing is known of others'; and its
 * threads wait for answers, not for locks. */
int memcached_measure(struct lock_bench *lock, const struct lock_config *config,
		      char *const *places, struct crew_figures *ret, struct vc_err *err)
{
	struct crew_plan plan = { .work = "memcached",
				  .threads = config->threads,
				  .domains = config->domains,
				  .way = config->way,
				  .places = places };
	struct servers servers;
	int r = servers_begin(&servers, config, places, 0, err);

	if (r < 0)
		return r;
	plan.dir = servers.dir;
	r = servers_start_all(&servers, memcached_make_server, err);
	if (r == 0)
		r = lock_by_crew(lock, &plan, false, ret, err);
	if (r == 0)
		ret->others_pct = ret->steal_pct = ret->wait_pct = ret->blocked_pct = NAN;
	servers_end(&servers, SIGTERM);
	return r;
}
