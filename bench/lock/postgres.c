// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * postgres.c - PostgreSQL in memory, TPC-B-like transactions, asked by pgbench
 *
 * A branch's row is updated by each of its transactions. One big instance has as many
 * branches, and as much buffer, as all the small ones together, so each row is as hot in
 * either; what the big one shares beyond that is its log of changes, its lists of
 * transactions and of locks. Data lie on a tmpfs and nothing is flushed: what is
 * compared is locks and CPUs, not disks.
 *
 * A cluster of data takes a second to make. It is made once for each scale, and each
 * measurement has copies. PostgreSQL refuses to be root: it runs as postgres, or nobody.
 */
#include "bench/lock/server.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"

#define POSTGRES_REQUESTS 1200 /* of all generators */
#define POSTGRES_QUICK_REQUESTS 240
#define POSTGRES_MOST_BRANCHES 16 /* of all instances, unless there are more of these */
#define POSTGRES_BUFFER_MIB 128   /* of all instances */
#define POSTGRES_SOCKET ".s.PGSQL.5432"
#define POSTGRES_READY_USEC 20000000u

static struct {
	char bin[128]; /* where its programs are, with a slash; "": in PATH */
	unsigned int uid, gid;
	char dir[64]; /* of the clusters to be copied, by scale; "": none yet */
} postgres;

static bool postgres_has(const char *program)
{
	char path[192];

	snprintf(path, sizeof(path), "%s%s", postgres.bin, program);
	return bench_has(path);
}

/* Debian keeps its programs apart by version; the last one is the newest. */
static void postgres_find(void)
{
	const char *path;
	glob_t found;

	postgres.bin[0] = '\0';
	if (glob("/usr/lib/postgresql/*/bin/postgres", 0, NULL, &found) != 0)
		return;
	path = found.gl_pathv[found.gl_pathc - 1];
	snprintf(postgres.bin, sizeof(postgres.bin), "%.*s", (int)(strrchr(path, '/') - path + 1),
		 path);
	globfree(&found);
}

const char *postgres_missing(void)
{
	const struct passwd *user;

	postgres_find();
	if (!postgres_has("postgres") || !postgres_has("initdb"))
		return "postgres is not installed";
	if (!postgres_has("pgbench") || !postgres_has("pg_isready"))
		return "pgbench is not installed";
	if (!bench_has("setpriv"))
		return "setpriv, to run postgres as another user, is not installed";
	user = getpwnam("postgres");
	if (!user)
		user = getpwnam("nobody");
	if (!user)
		return "there is no user postgres, and no nobody, to run it as";
	postgres.uid = user->pw_uid;
	postgres.gid = user->pw_gid;
	return NULL;
}

/* The beginning of a command that postgres' user runs. */
static void postgres_command(struct server_command *command, const char *program)
{
	server_words(command, "setpriv|--reuid=%u|--regid=%u|--clear-groups|%s%s", postgres.uid,
		     postgres.gid, postgres.bin, program);
}

/* The server in a directory that has its data and its socket. */
static void postgres_make_server(struct server_command *command, const char *dir,
				 unsigned int instances, unsigned int clients)
{
	unsigned int mib = POSTGRES_BUFFER_MIB / instances;

	postgres_command(command, "postgres");
	server_words(command,
		     "-D|%s/data|-c|listen_addresses=|-c|unix_socket_directories=%s|-c|fsync=off|"
		     "-c|autovacuum=off|-c|shared_buffers=%uMB|-c|max_connections=%u",
		     dir, dir, mib > 8 ? mib : 8, clients + 10);
}

static int postgres_run(const struct server_command *command, const char *what, struct vc_err *err)
{
	char out[512] = "";
	int status = bench_run(command->argv, out, sizeof(out));

	if (status < 0)
		return err_sys(err, -status, "%s", what);
	return status > 0 ? err_set(err, EIO, "%s: %.400s", what, out) : 0;
}

/* Connections are taken before there is an answer to them. */
static int postgres_await(const char *dir, struct vc_err *err)
{
	uint64_t deadline = clock_mono_usec() + POSTGRES_READY_USEC;
	struct server_command command = { .n = 0 };

	server_words(&command, "%spg_isready|-q|-h|%s", postgres.bin, dir);
	while (clock_mono_usec() < deadline && !bench_stop) {
		struct vc_err ignored = { 0 };

		if (postgres_run(&command, "pg_isready", &ignored) == 0)
			return 0;
		clock_sleep_usec(5000);
	}
	return err_set(err, bench_stop ? EINTR : ETIMEDOUT, "postgres does not answer");
}

static int postgres_make_dir(const char *path, struct vc_err *err)
{
	if (mkdir(path, 0700) < 0 || chown(path, postgres.uid, postgres.gid) < 0)
		return err_sys(err, errno, "%s", path);
	return 0;
}

/* Fills a running server's tables. */
static int postgres_fill(const char *dir, unsigned int scale, struct vc_err *err)
{
	struct server_command command = { .n = 0 };

	server_words(&command, "%spgbench|-i|-q|-U|postgres|-h|%s|-s|%u|postgres", postgres.bin,
		     dir, scale);
	return postgres_run(&command, "pgbench -i", err);
}

static int postgres_initdb(const char *dir, struct vc_err *err)
{
	struct server_command command = { .n = 0 };

	postgres_command(&command, "initdb");
	server_words(&command,
		     "-A|trust|-U|postgres|--no-sync|--no-locale|--encoding=UTF8|--wal-segsize=4|"
		     "-D|%s/data",
		     dir);
	return postgres_run(&command, "initdb", err);
}

static int postgres_make_cluster(const char *dir, unsigned int scale, struct vc_err *err)
{
	struct server_command command = { .n = 0 };
	pid_t server;
	int r = postgres_make_dir(dir, err);

	if (r == 0)
		r = postgres_initdb(dir, err);
	if (r < 0)
		return r;
	postgres_make_server(&command, dir, 1, SERVER_CLIENTS);
	r = bench_start(command.argv, -1, &server);
	if (r < 0)
		return err_sys(err, -r, "postgres");
	r = postgres_await(dir, err);
	if (r == 0)
		r = postgres_fill(dir, scale, err);
	kill(server, SIGINT); /* in order, so that a copy has nothing to recover */
	waitpid(server, NULL, 0);
	return r;
}

/* The path of the cluster to be copied; it is made if there is none yet. */
static int postgres_cluster(unsigned int scale, char *path, size_t size, struct vc_err *err)
{
	int r = 0;

	if (!postgres.dir[0]) {
		r = bench_make_dir(postgres.dir, sizeof(postgres.dir));
		if (r < 0)
			return err_sys(err, -r, "/dev/shm");
		chmod(postgres.dir, 0711);
	}
	snprintf(path, size, "%s/%u", postgres.dir, scale);
	if (access(path, F_OK) == 0)
		return 0;
	r = postgres_make_cluster(path, scale, err);
	if (r < 0)
		file_remove_tree(AT_FDCWD, path);
	return r;
}

void postgres_end(void)
{
	if (postgres.dir[0])
		file_remove_tree(AT_FDCWD, postgres.dir);
	postgres.dir[0] = '\0';
}

static void postgres_domain(const struct servers *servers, unsigned int domain, char *path,
			    size_t size)
{
	snprintf(path, size, "%s/%u", servers->dir, domain);
}

static int postgres_serve(struct servers *servers, struct vc_err *err)
{
	const struct lock_config *config = servers->config;
	unsigned int most =
		config->threads < POSTGRES_MOST_BRANCHES ? config->threads : POSTGRES_MOST_BRANCHES;
	unsigned int scale = most > config->domains ? most / config->domains : 1;
	char cluster[96], dir[96];
	int r = postgres_cluster(scale, cluster, sizeof(cluster), err);

	for (unsigned int domain = 0; r == 0 && domain < config->domains; domain++) {
		struct server_command copy = { .n = 0 }, command = { .n = 0 };

		postgres_domain(servers, domain, dir, sizeof(dir));
		server_words(&copy, "cp|-a|%s|%s", cluster, dir);
		r = postgres_run(&copy, "cp", err);
		if (r < 0)
			return r;
		postgres_make_server(&command, dir, config->domains,
				     servers->clients * config->threads);
		r = servers_start(servers, domain, &command, err);
	}
	for (unsigned int domain = 0; r == 0 && domain < config->domains; domain++) {
		postgres_domain(servers, domain, dir, sizeof(dir));
		r = postgres_await(dir, err);
	}
	return r;
}

static void postgres_make(const struct servers *servers, unsigned int number, unsigned int domain,
			  struct server_command *command)
{
	unsigned int each = servers->requests / servers->clients;

	server_words(command,
		     "%spgbench|-n|-l|-U|postgres|-h|%s/%u|-c|%u|-t|%u|--log-prefix=%s/%u.log|"
		     "postgres",
		     postgres.bin, servers->dir, domain, servers->clients, each ? each : 1,
		     servers->dir, number);
}

/* A line a transaction: client, number, microseconds, and more. */
static void postgres_read_log(const char *path, struct samples *ret)
{
	_cleanup_free_ char *text = NULL;
	double usec;

	if (file_read_all(AT_FDCWD, path, 64 << 20, &text) < 0)
		return;
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "%*u %*u %lf", &usec) == 1)
			samples_add(ret, usec);
	}
}

static int postgres_read(const struct servers *servers, unsigned int number,
			 struct server_said *ret, struct vc_err *err)
{
	struct samples latencies = { 0 };
	_cleanup_free_ char *text = NULL;
	const char *tps;
	char path[96];
	glob_t found;

	snprintf(path, sizeof(path), "%s/%u.log.*", servers->dir, number);
	if (glob(path, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			postgres_read_log(found.gl_pathv[i], &latencies);
		globfree(&found);
	}
	ret->p50_usec = samples_quantile(&latencies, 0.5);
	ret->p99_usec = samples_quantile(&latencies, 0.99);
	samples_done(&latencies);
	snprintf(path, sizeof(path), "%s/%u.out", servers->dir, number);
	if (file_read_all(AT_FDCWD, path, 1 << 20, &text) < 0 || !(tps = strstr(text, "tps = ")) ||
	    sscanf(tps, "tps = %lf", &ret->rate) != 1)
		return err_set(err, EPROTO, "pgbench says something else: %.200s",
			       text ? text : "nothing");
	return 0;
}

int postgres_measure(struct lock_bench *lock, const struct lock_config *config, char *const *places,
		     struct crew_figures *ret, struct vc_err *err)
{
	static const struct server server = { .requests = POSTGRES_REQUESTS,
					      .quick_requests = POSTGRES_QUICK_REQUESTS,
					      .signal = SIGQUIT, /* no checkpoint */
					      .serve = postgres_serve,
					      .make = postgres_make,
					      .read = postgres_read };

	return servers_measure(lock, config, places, &server, ret, err);
}
