// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pages.c - which anonymous pages a process has, and how they can be charged anew
 *
 * /proc/PID/pagemap has a word for each page. PAGEMAP_SCAN (Linux 6.7) finds the parts that are
 * present, so that large empty mappings are skipped; without it, mappings above PAGES_MAPPING_MAX
 * are left out.
 */
#include "libmig/live/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/array.h"
#include "common/cleanup.h"

#define PAGES_SIZE 4096u
#define PAGES_IN_BLOCK (PAGES_BLOCK / PAGES_SIZE)
#define PAGES_MAPPING_MAX (UINT64_C(64) << 30)

/* Bits of a pagemap word. */
#define PAGES_PRESENT (UINT64_C(1) << 63)
#define PAGES_FILE (UINT64_C(1) << 61)
#define PAGES_EXCLUSIVE (UINT64_C(1) << 56)

/* <linux/fs.h> has these since Linux 6.7. */
struct pages_region {
	uint64_t start, end, categories;
};

struct pages_scan {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define PAGES_SCAN _IOWR('f', 16, struct pages_scan)
#define PAGES_IS_FILE (1u << 2)
#define PAGES_IS_PRESENT (1u << 3)
#define PAGES_IS_HUGE (1u << 6)

void pages_done(struct pages *pages)
{
	free(pages->blocks.list);
	free(pages->small.list);
	*pages = (struct pages){ 0 };
}

int pages_add(struct pages_list *list, uint64_t start, uint64_t end)
{
	struct pages_range *range;

	list->bytes += end - start;
	if (list->n > 0 && list->list[list->n - 1].end == start) {
		list->list[list->n - 1].end = end;
		return 0;
	}
	range = array_add(&list->list, &list->n);
	if (!range)
		return -ENOMEM;
	range->start = start;
	range->end = end;
	return 0;
}

/* A page of the process's own that can be charged anew. */
static bool pages_is_own(uint64_t word)
{
	return (word & PAGES_PRESENT) && (word & PAGES_EXCLUSIVE) && !(word & PAGES_FILE);
}

/* Whether a block is a huge page, or the kernel cannot say. */
static bool pages_is_huge(int pagemap, uint64_t start)
{
	struct pages_region region = { 0 };
	struct pages_scan scan = { .size = sizeof(scan),
				   .start = start,
				   .end = start + PAGES_BLOCK,
				   .vec = (uintptr_t)&region,
				   .vec_len = 1,
				   .category_mask = PAGES_IS_HUGE,
				   .return_mask = PAGES_IS_HUGE };

	return ioctl(pagemap, PAGES_SCAN, &scan) != 0;
}

/* What is looked at. */
struct pages_view {
	int pagemap;
	bool anonymous; /* the mapping: a block of it can become a huge page */
	bool skip_huge;
};

/* The pages between start and end, which are within one block. */
static int pages_take(const struct pages_view *view, uint64_t start, uint64_t end,
		      struct pages *ret)
{
	uint64_t words[PAGES_IN_BLOCK];
	size_t n = (end - start) / PAGES_SIZE, n_own = 0;
	ssize_t got = pread(view->pagemap, words, n * sizeof(*words),
			    (off_t)(start / PAGES_SIZE * sizeof(*words)));
	int r = 0;

	if (got < 0)
		return -errno;
	n = (size_t)got / sizeof(*words);
	for (size_t i = 0; i < n; i++)
		n_own += pages_is_own(words[i]);
	if (view->anonymous && n_own == PAGES_IN_BLOCK)
		return view->skip_huge && pages_is_huge(view->pagemap, start)
			       ? 0
			       : pages_add(&ret->blocks, start, end);
	for (size_t i = 0; r == 0 && i < n; i++) {
		uint64_t at = start + i * PAGES_SIZE;

		if (pages_is_own(words[i]))
			r = pages_add(&ret->small, at, at + PAGES_SIZE);
		else if ((words[i] & PAGES_PRESENT) && !(words[i] & PAGES_FILE))
			ret->shared_bytes += PAGES_SIZE;
	}
	return r;
}

/* The next part of a mapping that may have anonymous pages; false: there is none. */
static bool pages_next(int pagemap, uint64_t *start, uint64_t *end, uint64_t limit)
{
	struct pages_region region;
	struct pages_scan scan = { .size = sizeof(scan),
				   .start = *start,
				   .end = limit,
				   .vec = (uintptr_t)&region,
				   .vec_len = 1,
				   .category_inverted = PAGES_IS_FILE,
				   .category_mask = PAGES_IS_PRESENT | PAGES_IS_FILE,
				   .return_mask = PAGES_IS_PRESENT };
	int n;

	if (*start >= limit)
		return false;
	n = ioctl(pagemap, PAGES_SCAN, &scan);
	if (n == 0)
		return false;
	if (n < 0) {
		*end = limit;
		return limit - *start <= PAGES_MAPPING_MAX;
	}
	*start = region.start;
	*end = region.end;
	return true;
}

static int pages_look_at(const struct pages_view *view, uint64_t start, uint64_t limit,
			 struct pages *ret)
{
	uint64_t end;
	int r = 0;

	while (r == 0 && pages_next(view->pagemap, &start, &end, limit)) {
		while (r == 0 && start < end) {
			uint64_t next = (start | (PAGES_BLOCK - 1)) + 1;

			if (next > end)
				next = end;
			r = pages_take(view, start, next, ret);
			start = next;
		}
	}
	return r;
}

int pages_look(pid_t pid, bool skip_huge, struct pages *ret)
{
	_cleanup_fclose_ FILE *maps = NULL;
	_cleanup_close_ int pagemap = -1;
	struct pages_view view = { .skip_huge = skip_huge };
	char path[32], line[512];
	int r = 0;

	*ret = (struct pages){ 0 };
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	pagemap = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	if (pagemap < 0 || !maps)
		return errno == ENOENT ? -ESRCH : -errno;
	view.pagemap = pagemap;
	while (r == 0 && fgets(line, sizeof(line), maps)) {
		uint64_t start, end, inode;
		char perm[5];

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %" SCNu64, &start, &end, perm,
			   &inode) == 4 &&
		    perm[0] == 'r' && perm[3] == 'p' && !strstr(line, "[v")) {
			view.anonymous = inode == 0;
			r = pages_look_at(&view, start, end, ret);
		}
		/* The rest of a line with a long path. */
		while (!strchr(line, '\n') && fgets(line, sizeof(line), maps))
			;
	}
	if (r < 0)
		pages_done(ret);
	return r;
}
