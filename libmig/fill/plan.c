// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * plan.c - which pages are filled by the mover, and where they are
 *
 * pagemap-PID.img: an entry with the number of the image of pages, then one for each run of
 * pages. Those marked present lie one after another in pages-NUMBER.img; those marked
 * lazy too are private, anonymous, not locked, not a stack: a lazy restore leaves them out.
 *
 * After a fork parent and child share pages until one of them writes. CRIU restores
 * that sharing, a copy through a userfaultfd would end it and could double a job. Who has
 * called exec since its fork shares nothing, and has another program or, by the
 * kernel's randomisation, another place for its stack. So a process is filled here
 * unless one of its parent and children has the same of both; then its pages lose
 * the mark.
 */
#include "libmig/fill/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/proc.h"
#include "libmig/image/priv.h"

/* Less is restored by CRIU as fast. */
#define FILL_WORTH_BYTES (4u << 20)

/* Fields of CRIU's PagemapHead and PagemapEntry, flags of the latter */
#define HEAD_PAGES_ID 1
#define ENTRY_VADDR 1
#define ENTRY_NR_PAGES_OLD 2
#define ENTRY_FLAGS 4
#define ENTRY_NR_PAGES 5
#define FLAG_LAZY 2
#define FLAG_PRESENT 4

struct plan_process {
	pid_t pid, parent;
	dev_t dev; /* of its program */
	ino_t ino;
	unsigned long long stack; /* where it began */
	bool alone;               /* it shares no pages with relatives */
};

struct plan {
	int dirfd;
	uint64_t page;
	struct fill_task *tasks;
	uint32_t n_tasks;
	struct fill_segment *segments;
	size_t n, size;
	uint64_t bytes;
};

/* From /proc/PID/stat: its 4th field, its 28th. */
static void plan_look_at(pid_t pid, struct plan_process *ret)
{
	char path[32], text[1024];
	const char *after = NULL;
	struct stat st;

	*ret = (struct plan_process){ .pid = pid };
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (stat(path, &st) < 0)
		return;
	ret->dev = st.st_dev;
	ret->ino = st.st_ino;
	if (proc_read(pid, "stat", text, sizeof(text)) >= 0)
		after = strrchr(text, ')');
	if (!after || sscanf(after, ") %*c %d", &ret->parent) != 1)
		return;
	for (int field = 2; after && field < 28; field++)
		after = strchr(after + 1, ' ');
	ret->alone = after && sscanf(after, "%llu", &ret->stack) == 1;
}

static bool plan_may_share(const struct plan_process *a, const struct plan_process *b)
{
	return a->parent == b->pid && a->dev == b->dev && a->ino == b->ino && a->stack == b->stack;
}

static struct plan_process *plan_find_processes(const pid_t *pids, size_t n)
{
	struct plan_process *all = calloc(n, sizeof(*all));

	for (size_t i = 0; all && i < n; i++)
		plan_look_at(pids[i], &all[i]);
	for (size_t i = 0; all && i < n; i++)
		for (size_t k = 0; k < n; k++)
			if (plan_may_share(&all[i], &all[k]))
				all[i].alone = all[k].alone = false;
	return all;
}

static int plan_add(struct plan *plan, uint64_t addr, uint64_t offset, uint64_t bytes)
{
	while (bytes > 0) {
		uint32_t part = bytes < FILL_SEGMENT_BYTES ? (uint32_t)bytes : FILL_SEGMENT_BYTES;

		if (plan->n == plan->size) {
			size_t size = plan->size ? plan->size * 2 : 64;
			void *grown = realloc(plan->segments, size * sizeof(*plan->segments));

			if (!grown)
				return -ENOMEM;
			plan->segments = grown;
			plan->size = size;
		}
		plan->segments[plan->n++] = (struct fill_segment){
			.addr = addr, .offset = offset, .bytes = part, .task = plan->n_tasks
		};
		addr += part;
		offset += part;
		bytes -= part;
		plan->bytes += part;
	}
	return 0;
}

/* One run of pages: it is planned, or, of a process that may share them, unmarked. */
static int plan_entry(struct plan *plan, uint8_t *entry, uint8_t *end, bool alone, uint64_t *offset)
{
	struct image_field addr, pages, flags;
	uint64_t bytes;
	int r = 0;

	if (!image_find(entry, end, ENTRY_VADDR, &addr) ||
	    !image_find(entry, end, ENTRY_FLAGS, &flags))
		return -EBADMSG;
	if (!image_find(entry, end, ENTRY_NR_PAGES, &pages) &&
	    !image_find(entry, end, ENTRY_NR_PAGES_OLD, &pages))
		return -EBADMSG;
	if (!(flags.value & FLAG_PRESENT))
		return 0;
	bytes = pages.value * plan->page;
	if (flags.value & FLAG_LAZY) {
		if (alone)
			r = plan_add(plan, addr.value, *offset, bytes);
		else
			*flags.at &= (uint8_t)~FLAG_LAZY;
	}
	*offset += bytes;
	return r;
}

static int plan_open_pages(const struct plan *plan, const struct image *pagemap)
{
	struct image_field id;
	char name[32];
	int fd;

	if (!image_find(pagemap->entry, pagemap->end, HEAD_PAGES_ID, &id))
		return -EBADMSG;
	snprintf(name, sizeof(name), "pages-%u.img", (unsigned int)id.value);
	fd = openat(plan->dirfd, name, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int plan_process(struct plan *plan, const struct plan_process *process)
{
	bool alone = process->alone && plan->n_tasks < FILL_TASKS_MAX;
	_cleanup_(image_done) struct image pagemap;
	size_t before = plan->n;
	uint64_t offset = 0;
	int pages, r = image_open(&pagemap, plan->dirfd, "pagemap-%d.img", (int)process->pid);

	if (r < 0)
		return r == -ENOENT ? 0 : r; /* a zombie has none */
	if (!image_next_entry(&pagemap))
		return -EBADMSG;
	pages = alone ? plan_open_pages(plan, &pagemap) : -1;
	if (alone && pages < 0)
		return pages;
	while (r == 0 && image_next_entry(&pagemap))
		r = plan_entry(plan, pagemap.entry, pagemap.end, alone, &offset);
	if (r == 0 && !alone)
		r = image_write_back(&pagemap);
	if (plan->n > before)
		plan->tasks[plan->n_tasks++] =
			(struct fill_task){ .pid = process->pid, .pages = pages, .uffd = -1 };
	else if (pages >= 0)
		close(pages);
	return r;
}

static int plan_json_write(const struct plan *plan)
{
	size_t size = sizeof(struct fill_plan) + plan->n * sizeof(*plan->segments);
	_cleanup_close_ int fd = memfd_create("vcrun-fill", MFD_CLOEXEC);
	struct fill_plan *shared;

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return -errno;
	shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		return -errno;
	shared->n_tasks = plan->n_tasks;
	shared->n_segments = (uint32_t)plan->n;
	memcpy(shared->segments, plan->segments, plan->n * sizeof(*plan->segments));
	munmap(shared, size);
	return steal_fd(&fd);
}

int fill_plan_make(int dirfd, const pid_t *pids, size_t n, struct fill_task tasks[FILL_TASKS_MAX])
{
	struct plan plan = { .dirfd = dirfd,
			     .page = (uint64_t)sysconf(_SC_PAGESIZE),
			     .tasks = tasks };
	_cleanup_free_ struct plan_process *all = plan_find_processes(pids, n);
	int r = all ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = plan_process(&plan, &all[i]);
	if (r == 0)
		r = plan.bytes < FILL_WORTH_BYTES ? -ENODATA : plan_json_write(&plan);
	if (r < 0)
		for (uint32_t i = 0; i < plan.n_tasks; i++)
			close(tasks[i].pages);
	free(plan.segments);
	return r;
}
