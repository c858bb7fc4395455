// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * maps.c - private mappings are restored without more memory than they had
 *
 * CRIU maps private memory writable wherever it may have to fill it, and removes the write
 * permission afterwards. In a lazy restore, and between a parent and its child, that is all private
 * memory. But the kernel refuses a writable mapping that is larger than memory and swap. So an
 * address space that a program has reserved with PROT_NONE, as databases and garbage collectors do,
 * could not be restored.
 *
 * The images get three changes that the program cannot see:
 *
 * - A private mapping that is not writable and has no pages needs no filling. It gets the mark by
 * which CRIU leaves the protection alone, and loses the one by which CRIU would prepare it for
 * pages. A mapping of a file is marked as shared so that CRIU opens the file. The flags for mmap(2)
 * still say private.
 * - CRIU itself restores the pages of a mapping that is not writable, before the job runs. The
 * kernel stops counting a mapping that loses its write permission while it has no pages, and merges
 * it with its neighbours. Filled later, this would be a reserved space with pages, which the next
 * move could not restore.
 * - A writable mapping that is larger than the machine was created piece by piece. It is mapped in
 *   pieces again, and the kernel merges them.
 */
#include "libmig/image/image.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/image/priv.h"

/* Fields of CRIU's PagemapEntry */
#define PAGEMAP_VADDR 1
#define PAGEMAP_FLAGS 4
#define PAGEMAP_NR_PAGES_OLD 2
#define PAGEMAP_NR_PAGES 5

#define PAGES_LAZY 2 /* of a run of pages: a lazy restore leaves it out */

#define MAPS_PIECES_MAX 1024

struct maps {
	struct image runs; /* pagemap-PID.img */
	uint64_t page, largest;
	/* The current run of pages, and the byte of its flags; pages_end 0: none. */
	uint64_t pages_start, pages_end;
	uint8_t *pages_flags;
	bool unmarked;             /* a run has lost its mark */
	struct image_out out, vma; /* the new message, and a mapping of it */
	bool broken;               /* the image has not the form that is known */
};

struct maps_vma {
	uint64_t start, end, prot, flags;
	uint32_t status;
};

static bool maps_next_run(struct maps *maps)
{
	struct image_field addr, pages, flags;
	struct image *runs = &maps->runs;

	maps->pages_start = maps->pages_end = UINT64_MAX;
	maps->pages_flags = NULL;
	if (!image_next_entry(runs) || !image_find(runs->entry, runs->end, PAGEMAP_VADDR, &addr))
		return false;
	if (!image_find(runs->entry, runs->end, PAGEMAP_NR_PAGES, &pages) &&
	    !image_find(runs->entry, runs->end, PAGEMAP_NR_PAGES_OLD, &pages))
		return false;
	maps->pages_start = addr.value;
	maps->pages_end = addr.value + pages.value * maps->page;
	if (image_find(runs->entry, runs->end, PAGEMAP_FLAGS, &flags) && !flags.is_bytes)
		maps->pages_flags = flags.at;
	return true;
}

/* Both images are sorted by address. */
static bool maps_has_pages(struct maps *maps, uint64_t start, uint64_t end)
{
	while (maps->pages_end <= start)
		maps_next_run(maps);
	return maps->pages_start < end;
}

static void maps_unmark_pages(struct maps *maps, uint64_t start, uint64_t end)
{
	while (maps_has_pages(maps, start, end)) {
		if (maps->pages_flags && *maps->pages_flags & PAGES_LAZY) {
			*maps->pages_flags &= (uint8_t)~PAGES_LAZY;
			maps->unmarked = true;
		}
		/* The last run may reach into the next mapping. */
		if (maps->pages_end >= end)
			break;
		maps_next_run(maps);
	}
}

static struct maps_vma maps_parse(uint8_t *message, const uint8_t *end)
{
	struct maps_vma vma = { .status = 0 };
	struct image_field field;

	while (image_next(&message, end, &field)) {
		if (field.is_bytes)
			continue;
		if (field.id == VMA_START)
			vma.start = field.value;
		if (field.id == VMA_END)
			vma.end = field.value;
		if (field.id == VMA_PROT)
			vma.prot = field.value;
		if (field.id == VMA_FLAGS)
			vma.flags = field.value;
		if (field.id == VMA_STATUS)
			vma.status = (uint32_t)field.value;
	}
	return vma;
}

/* Adds the mapping with the values of vma. */
static void maps_put_vma(struct maps *maps, uint8_t *message, const uint8_t *end,
			 const struct maps_vma *vma)
{
	struct image_field field;
	uint8_t *begin = message;

	maps->vma.len = 0;
	for (uint8_t *at = message; image_next(&at, end, &field); begin = at) {
		if (field.id == VMA_START)
			image_out_number(&maps->vma, VMA_START, vma->start);
		else if (field.id == VMA_END)
			image_out_number(&maps->vma, VMA_END, vma->end);
		else if (field.id == VMA_STATUS)
			image_out_number(&maps->vma, VMA_STATUS, vma->status);
		else
			image_out_put(&maps->vma, begin, (size_t)(at - begin));
	}
	maps->broken |= begin != end;
	image_out_bytes(&maps->out, MM_VMAS, maps->vma.at, maps->vma.len);
	maps->out.failed |= maps->vma.failed;
}

static void maps_put_pieces(struct maps *maps, uint8_t *message, const uint8_t *end,
			    struct maps_vma vma)
{
	uint64_t stop = vma.end;

	maps->broken |= (vma.end - vma.start) / maps->largest >= MAPS_PIECES_MAX;
	for (; vma.start < stop && !maps->broken; vma.start = vma.end) {
		vma.end = stop - vma.start > maps->largest ? vma.start + maps->largest : stop;
		maps_put_vma(maps, message, end, &vma);
	}
}

/* Adds the mapping if it must be changed. Returns false when it stays as it is. */
static bool maps_adapt_vma(struct maps *maps, uint8_t *message, const uint8_t *end)
{
	struct maps_vma vma = maps_parse(message, end);
	uint32_t kind = vma.status & (STATUS_FILE_PRIVATE | STATUS_ANON_PRIVATE);

	if (!kind || !(vma.status & STATUS_REGULAR) ||
	    vma.status & ~(kind | STATUS_REGULAR | STATUS_HEAP | STATUS_MEMFD) ||
	    vma.flags & (MAP_GROWSDOWN | MAP_HUGETLB))
		return false;
	if (!(vma.prot & PROT_WRITE) && !maps_has_pages(maps, vma.start, vma.end)) {
		vma.status = (vma.status & ~kind) | STATUS_NO_PROT_WRITE;
		if (kind == STATUS_FILE_PRIVATE)
			vma.status |= STATUS_FILE_SHARED;
		maps_put_vma(maps, message, end, &vma);
		return true;
	}
	if (!(vma.prot & PROT_WRITE))
		maps_unmark_pages(maps, vma.start, vma.end);
	if (kind != STATUS_ANON_PRIVATE || vma.flags & MAP_NORESERVE ||
	    vma.end - vma.start <= maps->largest)
		return false;
	maps_put_pieces(maps, message, end, vma);
	return true;
}

/* Writes the new message. Returns the number of changed mappings. */
static size_t maps_adapt(struct maps *maps, uint8_t *message, const uint8_t *end)
{
	struct image_field field;
	uint8_t *begin = message;
	size_t n = 0;

	for (uint8_t *at = message; image_next(&at, end, &field); begin = at) {
		if (field.id == MM_VMAS && field.is_bytes &&
		    maps_adapt_vma(maps, field.at, field.at + field.len))
			n++;
		else
			image_out_put(&maps->out, begin, (size_t)(at - begin));
	}
	maps->broken |= begin != end;
	return n;
}

static uint64_t maps_largest(uint64_t page)
{
	struct sysinfo info;

	/* The limit of the kernel is memory and swap. */
	if (sysinfo(&info) < 0)
		return UINT64_MAX;
	return (uint64_t)info.totalram * info.mem_unit / 2 / page * page;
}

/* The caller frees the members of maps. */
static int maps_change(int dirfd, pid_t pid, struct maps *maps)
{
	_cleanup_(image_out_done) struct image_out out = { 0 };
	_cleanup_(image_done) struct image mm;
	size_t n;
	int r = 0;

	if (image_open(&mm, dirfd, "mm-%d.img", (int)pid) < 0)
		return 0; /* a zombie */
	if (image_open(&maps->runs, dirfd, "pagemap-%d.img", (int)pid) < 0 ||
	    !image_next_entry(&maps->runs) || !image_next_entry(&mm))
		return -EBADMSG;
	n = maps_adapt(maps, mm.entry, mm.end);
	if (maps->broken)
		return -EBADMSG;
	image_out_put(&out, mm.data, IMAGE_MAGIC_SIZE);
	image_out_message(&out, &maps->out);
	if (maps->unmarked)
		r = image_write_back(&maps->runs);
	return r < 0 || n == 0 ? r : image_out_save(&out, dirfd, mm.name);
}

int image_maps_adapt(int dirfd, pid_t pid)
{
	struct maps maps = { .page = (uint64_t)sysconf(_SC_PAGESIZE) };
	int r;

	maps.largest = maps_largest(maps.page);
	r = maps_change(dirfd, pid, &maps);
	image_done(&maps.runs);
	image_out_done(&maps.out);
	image_out_done(&maps.vma);
	return r;
}
