// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * stat.c - samples and their medians, commands, tables
 */
#include "bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/estimate.h"
#include "cli/columns.h"
#include "common/cleanup.h"
#include "common/log.h"

extern char **environ;

void samples_add(struct samples *samples, double value)
{
	if (samples->n == samples->size) {
		samples->size = samples->size ? samples->size * 2 : 64;
		samples->values =
			realloc(samples->values, samples->size * sizeof(*samples->values));
		if (!samples->values)
			fatal("out of memory");
	}
	samples->values[samples->n++] = value;
}

double samples_quantile(struct samples *samples, double q)
{
	double at, below;
	size_t i;

	if (samples->n == 0)
		return NAN;
	estimate_sort(samples->values, samples->n);
	at = q * (double)(samples->n - 1);
	below = floor(at);
	i = (size_t)below;
	if (i + 1 >= samples->n)
		return samples->values[samples->n - 1];
	return samples->values[i] + (at - below) * (samples->values[i + 1] - samples->values[i]);
}

json_t *samples_json(struct samples *samples)
{
	if (samples->n == 0)
		return json_pack("{s:i}", "n", 0);
	return json_pack("{s:i, s:f, s:f, s:f, s:f}", "n", (int)samples->n, "median",
			 samples_quantile(samples, 0.5), "p90", samples_quantile(samples, 0.9),
			 "min", samples_quantile(samples, 0), "max", samples_quantile(samples, 1));
}

void samples_done(struct samples *samples)
{
	free(samples->values);
	*samples = (struct samples){ 0 };
}

void bench_shuffle(size_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	for (size_t i = n; i > 1; i--) {
		uint32_t random = 0;
		size_t k, swap;

		if (getrandom(&random, sizeof(random), 0) < 0)
			random = (uint32_t)rand();
		k = random % i;
		swap = order[i - 1];
		order[i - 1] = order[k];
		order[k] = swap;
	}
}

int bench_start(const char *const argv[], int out_fd, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (out_fd >= 0)
		posix_spawn_file_actions_adddup2(&actions, out_fd, 1);
	else
		posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	r = posix_spawnp(ret, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

int bench_run(const char *const argv[], char *out, size_t size)
{
	_cleanup_close_ int from = -1, to = -1;
	int pair[2], status = 0, r;
	size_t len = 0;
	pid_t pid;

	if (out && pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	if (out) {
		from = pair[0];
		to = pair[1];
	}
	r = bench_start(argv, to, &pid);
	if (r < 0)
		return r;
	if (out) {
		ssize_t n;

		close(steal_fd(&to));
		while ((n = read(from, out + len, size - 1 - len)) > 0 || (n < 0 && errno == EINTR))
			len += n > 0 ? (size_t)n : 0;
		out[len] = '\0';
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool bench_has(const char *program)
{
	return bench_run(BENCH_ARGV(program, "--version"), NULL, 0) == 0;
}

int bench_make_dir(char *path, size_t size)
{
	snprintf(path, size, "/dev/shm/vcbench-%d-XXXXXX", (int)getpid());
	if (mkdtemp(path))
		return 0;
	path[0] = '\0';
	return -errno;
}

bool bench_find_program(const char *name, char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size);

	if (n > 0 && (size_t)n < size) {
		path[n] = '\0';
		*strrchr(path, '/') = '\0';
		n = (ssize_t)strlen(path);
		/* A program that libtool has not installed yet runs one directory down. */
		if (n > 6 && !strcmp(path + n - 6, "/.libs"))
			n -= 6;
		snprintf(path + n, size - (size_t)n, "/%s", name);
		if (access(path, X_OK) == 0)
			return true;
	}
	snprintf(path, size, "%s/%s", VC_LIBEXECDIR, name);
	return access(path, X_OK) == 0;
}

void bench_progress(const char *fmt, ...)
{
	va_list ap;

	if (!isatty(STDERR_FILENO))
		return;
	va_start(ap, fmt);
	fputs("\r\033[K", stderr);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
}

size_t bench_rounds(const struct bench *bench, size_t full, size_t quick)
{
	return bench->rounds ? bench->rounds : bench->quick ? quick : full;
}

int bench_each_size(struct bench *bench, const char *full, const char *quick,
		    int (*f)(unsigned int mib, void *arg, struct vc_err *err), void *arg,
		    struct vc_err *err)
{
	_cleanup_free_ char *sizes = strdup(bench->sizes   ? bench->sizes
					    : bench->quick ? quick
							   : full);
	char *rest = NULL;
	int r = sizes ? 0 : err_sys(err, ENOMEM, "--sizes");

	for (char *word = strtok_r(sizes, ",", &rest); r == 0 && word && !bench_stop;
	     word = strtok_r(NULL, ",", &rest)) {
		char *end;
		unsigned long mib = strtoul(word, &end, 10);

		if (*end || mib == 0 || mib > 1u << 20)
			return err_set(err, EINVAL, "--sizes: '%s' is no number of MiB", word);
		r = f((unsigned int)mib, arg, err);
	}
	return r;
}

void bench_row(struct columns *table, const char *fmt, ...)
{
	char text[512], *rest = text, *cell;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	while ((cell = strsep(&rest, "|")))
		columns_add(table, "%s", cell);
}

void bench_print(struct columns *table)
{
	columns_print(table, stdout);
	columns_free(table);
}
