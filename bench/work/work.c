// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * work.c - one process of a crew: its threads do a work while they are measured
 *
 *	vcwork WORK MAP DOMAIN FIRST THREADS [pin]
 *
 * The threads are numbers FIRST to FIRST+THREADS-1 of the crew in MAP (crew.h).
 * "pin" binds each to a CPU of its own, among those that the process may use.
 * Whoever started the process decides which these are: taskset, vcrun, or nobody.
 */
#include "bench/work/work.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"

static const struct work *const works[] = {
#define X(name) &work_##name,
	WORKS(X)
#undef X
};

static struct crew_map *map;
static const struct work *the_work;
static void *the_domain;
static bool pin;

void work_die(const char *what, int error)
{
	/* Whoever comes first is heard; the others have most likely the same to say. */
	if (!map->error[0])
		snprintf(map->error, sizeof(map->error), "%s: %s: %s", the_work->name, what,
			 strerror(error));
	_exit(1);
}

static uint64_t timeval_nsec(struct timeval tv)
{
	return (uint64_t)tv.tv_sec * 1000000000u + (uint64_t)tv.tv_usec * 1000;
}

void work_child(struct worker *worker, const char *path)
{
	struct rusage usage;
	pid_t pid = fork();

	if (pid < 0)
		work_die("fork", errno);
	if (pid == 0) {
		if (path)
			execl(path, path, (char *)NULL);
		_exit(path ? 127 : 0);
	}
	if (wait4(pid, NULL, 0, &usage) != pid)
		work_die("wait4", errno);
	worker->figures->children_nsec +=
		timeval_nsec(usage.ru_utime) + timeval_nsec(usage.ru_stime);
}

/* A window of its own, behind the measured one: what the kernel counts per operation. */
static void thread_count(struct worker *worker)
{
	struct crew_thread *figures = worker->figures;
	int fds[N_COUNTERS];

	count_begin(fds);
	while (atomic_load_explicit(&map->phase, memory_order_relaxed) == CREW_COUNT) {
		the_work->once(worker);
		figures->counted_ops++;
	}
	count_end(fds, figures->counters);
}

/* What the kernel has booked for this thread so far. */
struct booked {
	uint64_t cpu_nsec, queue_nsec, own, forced;
};

static struct booked thread_booked(void)
{
	struct booked booked = { 0 };
	struct rusage usage;
	char line[96];

	getrusage(RUSAGE_THREAD, &usage);
	booked.own = (uint64_t)usage.ru_nvcsw;
	booked.forced = (uint64_t)usage.ru_nivcsw;
	if (file_read(AT_FDCWD, "/proc/thread-self/schedstat", line, sizeof(line)) > 0)
		sscanf(line, "%lu %lu", &booked.cpu_nsec, &booked.queue_nsec);
	return booked;
}

static void thread_measure(struct worker *worker)
{
	struct crew_thread *figures = worker->figures;
	struct booked before = thread_booked(), after;
	uint64_t began = work_now_nsec(), last = began;

	figures->wait_nsec = figures->waits = figures->children_nsec = 0;
	while (atomic_load_explicit(&map->phase, memory_order_relaxed) == CREW_MEASURE) {
		uint64_t took = the_work->once(worker), now = work_now_nsec();

		figures->hist[hist_bucket(took ? took : now - last)]++;
		figures->ops++;
		last = now;
	}
	figures->nsec = last - began;
	after = thread_booked();
	figures->cpu_nsec = after.cpu_nsec - before.cpu_nsec;
	figures->queue_nsec = after.queue_nsec - before.queue_nsec;
	figures->switches_own = after.own - before.own;
	figures->switches_forced = after.forced - before.forced;
}

static void thread_pin(unsigned int number)
{
	cpu_set_t allowed, one;
	int nth;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		work_die("sched_getaffinity", errno);
	nth = (int)number % CPU_COUNT(&allowed);
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && nth-- == 0)
			CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		work_die("sched_setaffinity", errno);
}

static void *thread_main(void *arg)
{
	struct worker *worker = arg;
	uint64_t waits, children;
	uint32_t phase;
	int r;

	if (pin)
		thread_pin(worker->number);
	if (the_work->enter && (r = the_work->enter(worker)) < 0)
		work_die("a thread cannot begin", -r);
	atomic_fetch_add(&map->ready, 1);
	while ((phase = atomic_load(&map->phase)) == CREW_READY)
		usleep(200);
	while (atomic_load_explicit(&map->phase, memory_order_relaxed) == CREW_WARM)
		the_work->once(worker);
	if (atomic_load(&map->phase) == CREW_MEASURE)
		thread_measure(worker);
	waits = worker->figures->wait_nsec;
	children = worker->figures->children_nsec;
	if (atomic_load(&map->phase) == CREW_COUNT)
		thread_count(worker);
	worker->figures->wait_nsec = waits;
	worker->figures->children_nsec = children;
	if (the_work->leave)
		the_work->leave(worker);
	return NULL;
}

static int work_usage(void)
{
	fputs("Usage: vcwork WORK MAP DOMAIN FIRST THREADS [pin]; vcbench starts it\n", stderr);
	return 2;
}

static int work_map(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	return map->magic == CREW_MAGIC ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	struct domain_args args = { 0 };
	unsigned int first;
	struct worker *workers;
	pthread_t *threads;
	char dir[PATH_MAX];
	int r;

	for (size_t i = 0; argc >= 6 && i < ARRAY_SIZE(works); i++)
		if (!strcmp(works[i]->name, argv[1]))
			the_work = works[i];
	if (!the_work)
		return work_usage();
	r = work_map(argv[2]);
	if (r < 0) {
		fprintf(stderr, "vcwork: %s: %s\n", argv[2], strerror(-r));
		return 1;
	}
	snprintf(dir, sizeof(dir), "%s", argv[2]);
	*strrchr(dir, '/') = '\0';
	args.dir = dir;
	args.number = (unsigned int)strtoul(argv[3], NULL, 10);
	args.n_domains = map->n_domains;
	first = (unsigned int)strtoul(argv[4], NULL, 10);
	args.n_threads = (unsigned int)strtoul(argv[5], NULL, 10);
	pin = argc > 6 && !strcmp(argv[6], "pin");
	if (args.n_threads == 0 || first + args.n_threads > map->n_threads)
		return work_usage();
	if (the_work->open && (r = the_work->open(&args, &the_domain)) < 0)
		work_die("cannot begin", -r);
	workers = aligned_alloc(64, args.n_threads * sizeof(*workers) / 64 * 64 + 64);
	threads = calloc(args.n_threads, sizeof(*threads));
	if (!workers || !threads)
		work_die("memory", ENOMEM);
	for (unsigned int i = 0; i < args.n_threads; i++) {
		workers[i] =
			(struct worker){ .number = first + i,
					 .domain = the_domain,
					 .random = (first + i + 1) * UINT64_C(0x9e3779b97f4a7c15),
					 .figures = &map->threads[first + i] };
		r = pthread_create(&threads[i], NULL, thread_main, &workers[i]);
		if (r != 0)
			work_die("thread", r);
	}
	for (unsigned int i = 0; i < args.n_threads; i++)
		pthread_join(threads[i], NULL);
	if (the_work->close)
		the_work->close(the_domain);
	free(workers);
	free(threads);
	return 0;
}
