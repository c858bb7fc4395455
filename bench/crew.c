// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * crew.c - starting a crew, measuring it, and what came of it
 */
#include "bench/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/quiet.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"

#define CREW_READY_USEC 30000000u
#define CREW_END_USEC 20000000u

const char *const crew_counter_names[N_COUNTERS] = {
#define X(name, type, config, path, json) json,
	CREW_COUNTERS(X)
#undef X
};

static int crew_make_map(struct crew *crew, const struct crew_plan *plan, struct vc_err *err)
{
	_cleanup_close_ int fd = -1;
	char path[160];

	int r = 0;

	crew->keep_dir = plan->dir != NULL;
	if (plan->dir)
		snprintf(crew->dir, sizeof(crew->dir), "%s", plan->dir);
	else
		r = bench_make_dir(crew->dir, sizeof(crew->dir));
	if (r < 0)
		return err_sys(err, -r, "/dev/shm");
	snprintf(path, sizeof(path), "%s/map", crew->dir);
	crew->map_size = sizeof(*crew->map) + plan->threads * sizeof(crew->map->threads[0]);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)crew->map_size) < 0)
		return err_sys(err, errno, "%s", path);
	crew->map = mmap(NULL, crew->map_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			 fd, 0);
	if (crew->map == MAP_FAILED) {
		crew->map = NULL;
		return err_sys(err, errno, "%s", path);
	}
	crew->map->n_threads = plan->threads;
	crew->map->n_domains = plan->domains;
	crew->map->magic = CREW_MAGIC;
	return 0;
}

size_t crew_prefix(enum crew_way way, const char *place, char word[CREW_PLACE], const char **argv)
{
	static const struct {
		const char *words[3], *place; /* the last word without the place */
	} prefixes[] = {
		[WAY_FREE] = { { NULL }, NULL },
		[WAY_PINNED] = { { NULL }, NULL },
		[WAY_TASKSET] = { { "taskset", "-c" }, "" },
		[WAY_SYSTEMD] = { { "systemd-run", "--scope", "--quiet" },
				  "--property=AllowedCPUs=" },
		[WAY_VCRUN] = { { "vcrun" }, "--on=" },
	};
	size_t n = 0;

	if (!prefixes[way].place)
		return 0;
	for (; n < ARRAY_SIZE(prefixes[0].words) && prefixes[way].words[n]; n++)
		argv[n] = prefixes[way].words[n];
	snprintf(word, CREW_PLACE, "%s%s", prefixes[way].place, place);
	argv[n++] = word;
	return n;
}

static int crew_start_domain(struct crew *crew, const struct crew_plan *plan, const char *program,
			     unsigned int domain, struct vc_err *err)
{
	char place[CREW_PLACE], map[160], numbers[3][16];
	unsigned int first = plan->threads * domain / plan->domains;
	unsigned int next = plan->threads * (domain + 1) / plan->domains;
	const char *argv[CREW_PREFIX_WORDS + 8];
	size_t n = crew_prefix(plan->way, plan->places ? plan->places[domain] : NULL, place, argv);
	int r;

	snprintf(map, sizeof(map), "%s/map", crew->dir);
	snprintf(numbers[0], sizeof(numbers[0]), "%u", domain);
	snprintf(numbers[1], sizeof(numbers[1]), "%u", first);
	snprintf(numbers[2], sizeof(numbers[2]), "%u", next - first);
	argv[n++] = program;
	argv[n++] = plan->work;
	argv[n++] = map;
	for (int i = 0; i < 3; i++)
		argv[n++] = numbers[i];
	argv[n++] = plan->way == WAY_PINNED ? "pin" : NULL;
	argv[n] = NULL;
	r = bench_start(argv, -1, &crew->pids[domain]);
	if (r < 0)
		return err_sys(err, -r, "%s", argv[0]);
	crew->n_pids = domain + 1;
	return 0;
}

/* True when one of its processes has ended; it is reaped. */
static bool crew_lost_one(struct crew *crew)
{
	for (unsigned int i = 0; i < crew->n_pids; i++)
		if (crew->pids[i] > 0 && waitpid(crew->pids[i], NULL, WNOHANG) == crew->pids[i]) {
			crew->pids[i] = 0;
			return true;
		}
	return false;
}

static int crew_await(struct crew *crew, const struct crew_plan *plan, struct vc_err *err)
{
	uint64_t deadline = clock_mono_usec() + CREW_READY_USEC;

	while (atomic_load(&crew->map->ready) < plan->threads) {
		if (bench_stop)
			return err_set(err, EINTR, "interrupted");
		if (crew_lost_one(crew))
			return err_set(err, EIO, "a process of the crew for '%s' has ended: %s",
				       plan->work,
				       crew->map->error[0] ? crew->map->error
							   : "it does not say why");
		if (clock_mono_usec() > deadline)
			return err_set(err, ETIMEDOUT, "the crew for '%s' does not get ready",
				       plan->work);
		clock_sleep_usec(500);
	}
	return 0;
}

int crew_start(const struct crew_plan *plan, struct crew *ret, struct vc_err *err)
{
	char program[PATH_MAX];
	int r;

	*ret = (struct crew){ 0 };
	if (!bench_find_program("vcwork", program, sizeof(program)))
		return err_set(err, ENOENT, "%s: not found", program);
	if (plan->threads > CREW_THREADS || plan->domains > plan->threads)
		return err_set(err, EINVAL, "%u threads in %u domains: more than %u, or too few",
			       plan->threads, plan->domains, CREW_THREADS);
	r = crew_make_map(ret, plan, err);
	for (unsigned int domain = 0; r == 0 && domain < plan->domains; domain++)
		r = crew_start_domain(ret, plan, program, domain, err);
	if (r == 0)
		r = crew_await(ret, plan, err);
	if (r < 0)
		crew_end(ret, NULL, NULL);
	return r;
}

static void crew_sleep(uint64_t usec)
{
	uint64_t until = clock_mono_usec() + usec, now;

	while (!bench_stop && (now = clock_mono_usec()) < until)
		clock_sleep_usec(until - now);
}

static void crew_turn(struct crew *crew, struct crew *beside, enum crew_phase phase)
{
	if (beside)
		atomic_store(&beside->map->phase, phase);
	atomic_store(&crew->map->phase, phase);
}

void crew_let_work(struct crew *crew)
{
	crew_turn(crew, NULL, CREW_WARM);
}

int crew_measure(struct crew *crew, struct crew *beside, const struct crew_times *times,
		 struct vc_err *err)
{
	uint64_t busy, steal, began;

	crew_turn(crew, beside, CREW_WARM);
	crew_sleep(times->warm_usec);
	bench_machine_times(&busy, &steal);
	began = clock_mono_usec();
	crew_turn(crew, beside, CREW_MEASURE);
	crew_sleep(times->measure_usec);
	crew_turn(crew, beside, times->count_usec > 0 ? CREW_COUNT : CREW_END);
	crew->nsec = (clock_mono_usec() - began) * 1000;
	bench_machine_times(&crew->busy, &crew->steal);
	crew->busy -= busy;
	crew->steal -= steal;
	if (beside) {
		beside->nsec = crew->nsec;
		beside->busy = crew->busy;
		beside->steal = crew->steal;
	}
	if (times->count_usec > 0)
		crew_sleep(times->count_usec);
	crew_turn(crew, beside, CREW_END);
	return bench_stop ? err_set(err, EINTR, "interrupted") : 0;
}

static void crew_latencies(const struct crew_map *map, struct crew_figures *ret)
{
	static const double quantiles[] = { 0.5, 0.99, 0.999 };
	double *results[] = { &ret->p50_usec, &ret->p99_usec, &ret->p999_usec };
	uint64_t total = 0, sum = 0;
	size_t q = 0;

	for (uint32_t i = 0; i < map->n_threads; i++)
		total += map->threads[i].ops;
	for (uint32_t bucket = 0; bucket < HIST_BUCKETS && q < ARRAY_SIZE(quantiles); bucket++) {
		for (uint32_t i = 0; i < map->n_threads; i++)
			sum += map->threads[i].hist[bucket];
		while (q < ARRAY_SIZE(quantiles) && total > 0 &&
		       (double)sum >= quantiles[q] * (double)total)
			*results[q++] = hist_value(bucket) / 1e3;
	}
}

static void crew_count(const struct crew_map *map, struct crew_figures *ret)
{
	double ops = 0;

	for (uint32_t i = 0; i < map->n_threads; i++)
		ops += (double)map->threads[i].counted_ops;
	for (int counter = 0; counter < N_COUNTERS; counter++) {
		double sum = 0;

		for (uint32_t i = 0; i < map->n_threads; i++)
			sum = map->threads[i].counters[counter] < 0
				      ? NAN
				      : sum + (double)map->threads[i].counters[counter];
		ret->counters[counter] = ops > 0 ? sum / ops * 1e3 : NAN;
	}
}

static struct crew_figures crew_sum_up(const struct crew *crew)
{
	const struct crew_map *map = crew->map;
	struct crew_figures figures = { 0 };
	double nsec = 0, wait = 0, cpu = 0, queue = 0, own = 0, forced = 0, ops = 0, squares = 0,
	       children = 0;
	double machine = (double)crew->nsec * (double)sysconf(_SC_NPROCESSORS_ONLN);
	double tick = 1e9 / (double)sysconf(_SC_CLK_TCK);

	for (uint32_t i = 0; i < map->n_threads; i++) {
		const struct crew_thread *thread = &map->threads[i];
		double rate = thread->nsec ? (double)thread->ops * 1e9 / (double)thread->nsec : 0;

		figures.rate += rate;
		squares += rate * rate;
		ops += (double)thread->ops;
		nsec += (double)thread->nsec;
		wait += (double)thread->wait_nsec;
		cpu += (double)thread->cpu_nsec;
		children += (double)thread->children_nsec;
		queue += (double)thread->queue_nsec;
		own += (double)thread->switches_own;
		forced += (double)thread->switches_forced;
	}
	figures.wait_pct = 100 * wait / nsec;
	figures.queue_pct = 100 * queue / nsec;
	figures.blocked_pct = fmax(100 * (nsec - cpu - queue) / nsec, 0);
	figures.switches = own / ops * 1e3;
	figures.forced_switches = forced / ops * 1e3;
	/* Jain, Chiu and Hawe, DEC-TR-301, 1984. */
	figures.jain = figures.rate * figures.rate / (map->n_threads * squares);
	figures.cpu_pct = 100 * (cpu + children) / machine;
	figures.others_pct = fmax(100 * (double)crew->busy * tick / machine - figures.cpu_pct, 0);
	figures.steal_pct = 100 * (double)crew->steal * tick / machine;
	crew_latencies(map, &figures);
	crew_count(map, &figures);
	return figures;
}

/* Waits for the processes; those that do not end are killed, and false returned. */
static bool crew_reap(struct crew *crew)
{
	uint64_t deadline = clock_mono_usec() + CREW_END_USEC;
	bool well = true;

	for (unsigned int i = 0; i < crew->n_pids; i++) {
		int status = 0;

		if (crew->pids[i] == 0) {
			well = false;
			continue;
		}
		while (waitpid(crew->pids[i], &status, WNOHANG) == 0) {
			if (clock_mono_usec() > deadline) {
				kill(crew->pids[i], SIGTERM);
				deadline = UINT64_MAX;
			}
			clock_sleep_usec(500);
		}
		well = well && status == 0;
		crew->pids[i] = 0;
	}
	return well;
}

int crew_end(struct crew *crew, struct crew_figures *ret, struct vc_err *err)
{
	int r = 0;

	if (crew->map)
		atomic_store(&crew->map->phase, CREW_END);
	if (!crew_reap(crew) && err)
		r = err_set(err, EIO, "a process of the crew failed: %s",
			    crew->map->error[0] ? crew->map->error : "it does not say why");
	if (r == 0 && ret)
		*ret = crew_sum_up(crew);
	if (crew->map)
		munmap(crew->map, crew->map_size);
	crew->map = NULL;
	if (crew->dir[0] && !crew->keep_dir)
		file_remove_tree(AT_FDCWD, crew->dir);
	crew->dir[0] = '\0';
	return r;
}
