// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * copy.c - copies segments of pages into stopped processes
 *
 * UFFDIO_COPY takes a range that lies in one mapping; a segment may reach over
 * two that adjoin. The kernel refuses such a range before it copies anything,
 * so it is halved until it fits: ten refusals for one boundary, of a
 * microsecond each, against knowing every mapping of the tree beforehand.
 */
#include "libmig/fill/priv.h"

#include <errno.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

#define FILL_THREADS_MAX 16 /* memory bandwidth is the limit long before this */

struct fill_job {
	struct fill_plan *plan;
	struct fill_task *tasks;
};

static int fill_map_task(struct fill_task *task)
{
	struct stat st;
	void *data;

	if (task->data)
		return 0;
	if (fstat(task->pages, &st) < 0)
		return -errno;
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, task->pages, 0);
	if (data == MAP_FAILED)
		return -errno;
	task->data = data;
	task->size = (size_t)st.st_size;
	return 0;
}

static int fill_copy_range(const struct fill_task *task, uint64_t addr, uint64_t offset,
			   uint64_t bytes, uint64_t page)
{
	while (bytes > 0) {
		struct uffdio_copy copy = { .dst = addr,
					    .src = (uint64_t)(uintptr_t)task->data + offset,
					    .len = bytes };
		uint64_t copied;

		if (ioctl(task->uffd, UFFDIO_COPY, &copy) == 0)
			return 0;
		copied = copy.copy > 0 ? (uint64_t)copy.copy : 0;
		if (copied == 0 && errno == EEXIST) {
			copied = page; /* somebody waited for it and has it */
		} else if (copied == 0 && errno == ENOENT && bytes > page) {
			uint64_t half = bytes / 2 / page * page;
			int r = fill_copy_range(task, addr, offset, half, page);

			if (r < 0)
				return r;
			copied = half;
		} else if (copied == 0 && errno != EAGAIN) {
			return -errno;
		}
		addr += copied;
		offset += copied;
		bytes -= copied;
	}
	return 0;
}

static void *fill_copy_some(void *arg)
{
	const struct fill_job *job = arg;
	struct fill_plan *plan = job->plan;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint32_t i;

	while ((i = atomic_fetch_add(&plan->next, 1)) < plan->n_segments) {
		const struct fill_segment *segment = &plan->segments[i];
		const struct fill_task *task = &job->tasks[segment->task];
		int r = segment->offset + segment->bytes > task->size
				? -ENODATA
				: fill_copy_range(task, segment->addr, segment->offset,
						  segment->bytes, page);

		if (r < 0)
			atomic_compare_exchange_strong(&plan->error, &(int32_t){ 0 }, r);
		atomic_fetch_add(&plan->done, 1);
	}
	return NULL;
}

void fill_copy_all(struct fill_plan *plan, struct fill_task *tasks)
{
	struct fill_job job = { .plan = plan, .tasks = tasks };
	pthread_t threads[FILL_THREADS_MAX];
	size_t n = 0, wanted = 0;
	cpu_set_t cpus;

	for (uint32_t i = 0; i < plan->n_tasks; i++) {
		int r = tasks[i].uffd < 0 ? -ESRCH : fill_map_task(&tasks[i]);

		if (r < 0)
			atomic_compare_exchange_strong(&plan->error, &(int32_t){ 0 }, r);
	}
	if (atomic_load(&plan->error) < 0)
		return;
	/* This thread is one of them. A machine with more CPUs than the set holds: one. */
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		wanted = (size_t)CPU_COUNT(&cpus) - 1;
	if (wanted > ARRAY_SIZE(threads))
		wanted = ARRAY_SIZE(threads);
	while (n < wanted && pthread_create(&threads[n], NULL, fill_copy_some, &job) == 0)
		n++;
	fill_copy_some(&job);
	while (n > 0)
		pthread_join(threads[--n], NULL);
}

int fill_copy_page(struct fill_plan *plan, struct fill_task *tasks, uint32_t task, uint64_t addr)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct uffdio_zeropage zero;
	int r = fill_map_task(&tasks[task]);

	addr -= addr % page;
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < plan->n_segments; i++) {
		const struct fill_segment *segment = &plan->segments[i];

		if (segment->task == task && addr >= segment->addr &&
		    addr < segment->addr + segment->bytes &&
		    segment->offset + segment->bytes <= tasks[task].size)
			return fill_copy_range(&tasks[task], addr,
					       segment->offset + (addr - segment->addr), page,
					       page);
	}
	zero = (struct uffdio_zeropage){ .range = { .start = addr, .len = page } };
	return ioctl(tasks[task].uffd, UFFDIO_ZEROPAGE, &zero) < 0 && errno != EEXIST ? -errno : 0;
}
