// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sample.c - samples the partition's CPU and memory, publishes on the board
 *
 * There are two values of CPU utilisation over a sampling period. The load of the partition's CPUs
 * by all processes is from /proc/stat. Policies use it, because foreign processes also take CPU
 * from jobs. The own share is the part of the CPUs that the partition's jobs use; it is from its
 * group. It decides between partitions with the same CPUs, and events by PARTITION.cpu use it: a
 * partition's size should follow its own work.
 */
#include "daemon/sample.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "daemon/daemon.h"
#include "daemon/job/job.h"
#include "daemon/job/usage.h"
#include "daemon/part.h"
#include "partition/change/reshape.h"
#include "partition/cpulist.h"

struct sampler {
	struct event *event;
	struct cpulist cpus;
	unsigned int ncpus;
	uint64_t machine_bytes;
	uint64_t busy_ticks, all_ticks; /* summed over our CPUs, at the last sample */
	uint64_t group_usec, at_usec;
};

/* Reads the ticks of our CPUs: user nice system idle iowait irq softirq steal. */
static void sample_read_ticks(const struct sampler *sampler, uint64_t *ret_busy, uint64_t *ret_all)
{
	_cleanup_free_ char *stat = NULL;
	uint64_t busy = 0, all = 0;

	if (file_read_all(AT_FDCWD, "/proc/stat", 1 << 20, &stat) < 0)
		return;
	for (const char *line = strstr(stat, "\ncpu"); line; line = strstr(line + 1, "\ncpu")) {
		uint64_t t[8] = { 0 };
		unsigned int cpu;

		if (sscanf(line,
			   "\ncpu%u %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
			   " %" SCNu64 " %" SCNu64 " %" SCNu64,
			   &cpu, &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) < 5 ||
		    !cpulist_has(&sampler->cpus, cpu))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(t); i++)
			all += t[i];
		busy += t[0] + t[1] + t[2] + t[5] + t[6] + t[7];
	}
	*ret_busy = busy;
	*ret_all = all;
}

static double sample_pct(uint64_t part, uint64_t whole)
{
	double pct = whole ? 100.0 * (double)part / (double)whole : 0;

	return pct > 100 ? 100 : pct;
}

/* Ticks of a new CPU before it came to the partition do not count. */
static int sample_take_cpus(struct daemon *daemon, struct vc_err *err)
{
	const char *cpus = daemon->instance->config->parts[daemon->slot].cpus;
	struct sampler *sampler = daemon->sampler;

	if (cpulist_parse(cpus, &sampler->cpus) < 0)
		return err_set(err, EINVAL, "%s: no list of CPUs", cpus);
	sampler->ncpus = (unsigned int)cpulist_count(&sampler->cpus);
	sample_read_ticks(sampler, &sampler->busy_ticks, &sampler->all_ticks);
	return 0;
}

void sample_refresh(struct daemon *daemon)
{
	struct vc_err err = { 0 };
	int r = instance_refresh(daemon->instance, &err);

	if (r > 0)
		r = sample_take_cpus(daemon, &err);
	if (r < 0)
		log_warn("%s", err.text);
}

static void sample_take(struct daemon *daemon)
{
	struct sampler *sampler = daemon->sampler;
	struct board_sample sample = {
		.at_usec = clock_mono_usec(),
		.period_msec = daemon->instance->config->sample_interval_msec,
		.load = { .ncpus = sampler->ncpus },
	};
	uint64_t busy = sampler->busy_ticks, all = sampler->all_ticks,
		 group_usec = sampler->group_usec;
	struct cg_memory memory = { .limit_bytes = CG_NO_LIMIT };
	enum cg_exclusive exclusive = CG_SHARED;
	struct job *job;

	/* It can change when other partitions change. */
	cg_cpus_get_exclusive(daemon->cg, daemon->name,
			      daemon->instance->config->parts[daemon->slot].exclusive, &exclusive);
	sample.exclusive = exclusive;
	sample_read_ticks(sampler, &busy, &all);
	sample.load.cpu_pct = sample_pct(busy - sampler->busy_ticks, all - sampler->all_ticks);
	cg_stat_cpu_usec(daemon->cg, daemon->name, &group_usec);
	if (sampler->at_usec && group_usec >= sampler->group_usec)
		sample.load.group_cpu_pct =
			sample_pct(group_usec - sampler->group_usec,
				   (sample.at_usec - sampler->at_usec) * sampler->ncpus);
	cg_procs_runnable(daemon->cg, daemon->name, &sample.load.runnable);
	cg_memory_read(daemon->cg, daemon->name, &memory);
	cg_stat_pressure_pct(daemon->cg, daemon->name, "memory", &sample.load.mem_stall_pct);
	sample.load.mem_used_bytes = memory.used_bytes;
	sample.load.mem_charged_bytes = memory.charged_bytes;
	sample.load.mem_limit_bytes =
		memory.limit_bytes == CG_NO_LIMIT ? sampler->machine_bytes : memory.limit_bytes;
	TAILQ_FOREACH(job, &daemon->jobs, link) {
		sample.load.jobs++;
		usage_look(job, sample.at_usec);
		job_note_moved(job);
	}
	sampler->busy_ticks = busy;
	sampler->all_ticks = all;
	sampler->group_usec = group_usec;
	sampler->at_usec = sample.at_usec;
	board_publish(daemon->board, daemon->slot, &sample);
}

static void sample_on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *daemon = ctx;
	struct vc_err err = { 0 };

	if (reshape_lock_tidy(daemon->instance, daemon->cg, &err) < 0)
		log_warn("%s", err.text);
	sample_refresh(daemon);
	sample_take(daemon);
}

static int sample_start(struct daemon *daemon, struct vc_err *err)
{
	const struct config *config = daemon->instance->config;
	unsigned int msec = config->sample_interval_msec;
	struct timeval period = { .tv_sec = msec / 1000, .tv_usec = msec % 1000 * 1000 };
	struct sampler *sampler = calloc(1, sizeof(*sampler));
	int r;

	if (!sampler)
		return err_sys(err, ENOMEM, "sample");
	daemon->sampler = sampler;
	r = sample_take_cpus(daemon, err);
	if (r < 0)
		return r;
	sampler->machine_bytes =
		(uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	sample_take(daemon);
	sampler->event = event_new(daemon->base, -1, EV_PERSIST, sample_on_timer, daemon);
	if (!sampler->event)
		return err_sys(err, ENOMEM, "sample");
	event_add(sampler->event, &period);
	return 0;
}

static void sample_stop(struct daemon *daemon)
{
	struct sampler *sampler = daemon->sampler;

	if (!sampler)
		return;
	board_retire(daemon->board, daemon->slot);
	if (sampler->event)
		event_free(sampler->event);
	free(sampler);
	daemon->sampler = NULL;
}

const struct part sample_part = { "sample", sample_start, sample_stop };
