// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * maps.c - private mappings are restored without more memory than they had
 *
 * CRIU maps private memory writable wherever it may have to fill it, which in a lazy
 * restore, or between a parent and its child, is everywhere, and takes the right to
 * write away afterwards. The kernel refuses one writable mapping that is larger than the
 * machine's memory and swap. So an address space that a program has reserved with
 * PROT_NONE, as databases and garbage collectors do, could not be restored.
 *
 * Three changes in the images, none of which the program can see:
 *
 * - A private mapping that is not writable and has no pages needs no filling. It gets the
 *   mark by which CRIU leaves the protection alone, and loses the one by which CRIU would
 *   prepare it for pages. A mapping of a file is marked as shared so that CRIU opens the
 *   file; the flags, which mmap(2) gets, still say private.
 * - Pages of a mapping that is not writable are CRIU's to restore. The kernel stops
 *   counting a mapping that loses its write permission while it has no pages, and merges
 *   it with such neighbours; filled later, the whole would be a reserved space with
 *   pages, which the next move could not restore.
 * - A writable mapping larger than the machine has come about piece by piece. It is
 *   mapped in pieces again, which the kernel merges.
 */
#include "libmig/image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/image/priv.h"

/* Fields of CRIU's MmEntry, VmaEntry and PagemapEntry */
#define MM_VMAS 14
#define VMA_START 1
#define VMA_END 2
#define VMA_PROT 5
#define VMA_FLAGS 6
#define VMA_STATUS 7
#define PAGEMAP_VADDR 1
#define PAGEMAP_FLAGS 4
#define PAGEMAP_NR_PAGES_OLD 2
#define PAGEMAP_NR_PAGES 5

/* Bits of a mapping's status, from CRIU's criu/include/image.h */
#define STATUS_REGULAR (1u << 0)
#define STATUS_HEAP (1u << 5)
#define STATUS_FILE_PRIVATE (1u << 6)
#define STATUS_FILE_SHARED (1u << 7)
#define STATUS_ANON_PRIVATE (1u << 9)
#define STATUS_MEMFD (1u << 14)
#define STATUS_NO_PROT_WRITE (1u << 29)
/* Of a run of pages: a lazy restore leaves it out. */
#define PAGES_LAZY 2

/* What pieces may add to an image. */
#define PIECES_BYTES 65536

struct maps {
	uint8_t *at, *end; /* what is left of pagemap-PID.img */
	uint64_t page, largest;
	/* The run of pages looked at, and the byte of its flags; pages_end 0: none. */
	uint64_t pages_start, pages_end;
	uint8_t *pages_flags;
	bool unmarked; /* a run has lost its mark */
	uint8_t *out;
	size_t n_out, size;
	bool broken; /* not what CRIU writes */
};

struct maps_vma {
	uint64_t start, end, prot, flags;
	uint32_t status;
};

static bool maps_next_run(struct maps *maps)
{
	struct image_field addr, pages, flags;
	uint8_t *entry, *end;

	maps->pages_start = maps->pages_end = UINT64_MAX;
	maps->pages_flags = NULL;
	if (!image_next_entry(&maps->at, maps->end, &entry, &end) ||
	    !image_find(entry, end, PAGEMAP_VADDR, &addr))
		return false;
	if (!image_find(entry, end, PAGEMAP_NR_PAGES, &pages) &&
	    !image_find(entry, end, PAGEMAP_NR_PAGES_OLD, &pages))
		return false;
	maps->pages_start = addr.value;
	maps->pages_end = addr.value + pages.value * maps->page;
	if (image_find(entry, end, PAGEMAP_FLAGS, &flags) && !flags.is_bytes)
		maps->pages_flags = flags.at;
	return true;
}

/* Both images are in the order of addresses. */
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

static void maps_put(struct maps *maps, const uint8_t *bytes, size_t len)
{
	if (len > maps->size - maps->n_out) {
		maps->broken = true;
		return;
	}
	memcpy(maps->out + maps->n_out, bytes, len);
	maps->n_out += len;
}

static void maps_put_number(struct maps *maps, uint64_t value)
{
	uint8_t bytes[10];
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		bytes[n++] = (uint8_t)(value | 0x80);
	bytes[n++] = (uint8_t)value;
	maps_put(maps, bytes, n);
}

/* The fields of a mapping, with those replaced that can be other ones. */
static void maps_put_fields(struct maps *maps, uint8_t *message, const uint8_t *end,
			    const struct maps_vma *vma)
{
	struct image_field field;
	uint8_t *begin = message;

	for (uint8_t *at = message; image_next(&at, end, &field); begin = at) {
		if (field.id != VMA_START && field.id != VMA_END && field.id != VMA_STATUS) {
			maps_put(maps, begin, (size_t)(at - begin));
			continue;
		}
		maps_put_number(maps, field.id << 3);
		maps_put_number(maps, field.id == VMA_START ? vma->start
				      : field.id == VMA_END ? vma->end
							    : vma->status);
	}
	maps->broken |= begin != end;
}

static void maps_put_vma(struct maps *maps, uint8_t *message, const uint8_t *end,
			 const struct maps_vma *vma)
{
	size_t before = maps->n_out, len;

	/* Its length comes first, so it is written twice. */
	maps_put_fields(maps, message, end, vma);
	len = maps->n_out - before;
	maps->n_out = before;
	maps_put_number(maps, MM_VMAS << 3 | 2);
	maps_put_number(maps, len);
	maps_put_fields(maps, message, end, vma);
}

static void maps_put_pieces(struct maps *maps, uint8_t *message, const uint8_t *end,
			    struct maps_vma vma)
{
	uint64_t stop = vma.end;

	for (; vma.start < stop && !maps->broken; vma.start = vma.end) {
		vma.end = stop - vma.start > maps->largest ? vma.start + maps->largest : stop;
		maps_put_vma(maps, message, end, &vma);
	}
}

/* Writes a mapping other than it is; false: it stays. */
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

/* Writes the message anew; how many of its mappings are other than before. */
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
			maps_put(maps, begin, (size_t)(at - begin));
	}
	maps->broken |= begin != end;
	return n;
}

static uint64_t maps_largest(uint64_t page)
{
	struct sysinfo info;

	/* Half of the memory: the kernel refuses what is larger than memory and swap. */
	if (sysinfo(&info) < 0)
		return UINT64_MAX;
	return (uint64_t)info.totalram * info.mem_unit / 2 / page * page;
}

static size_t maps_read(int dirfd, const char *name, pid_t pid, uint8_t **ret)
{
	_cleanup_close_ int fd = -1;
	char path[32];
	size_t size;

	snprintf(path, sizeof(path), "%s-%d.img", name, (int)pid);
	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	size = image_read(fd, ret);
	return size < IMAGE_MAGIC_SIZE ? 0 : size;
}

static int maps_write(int dirfd, const char *name, pid_t pid, const uint8_t *bytes, size_t len)
{
	_cleanup_close_ int fd = -1;
	char path[32];

	snprintf(path, sizeof(path), "%s-%d.img", name, (int)pid);
	fd = openat(dirfd, "image.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len ||
	    renameat(dirfd, "image.new", dirfd, path) < 0)
		return -errno;
	return 0;
}

int image_maps_adapt(int dirfd, pid_t pid)
{
	_cleanup_free_ uint8_t *mm = NULL, *pagemap = NULL, *out = NULL;
	size_t mm_size = maps_read(dirfd, "mm", pid, &mm), pagemap_size, n;
	struct maps maps = { .page = (uint64_t)sysconf(_SC_PAGESIZE) };
	uint8_t *at, *entry, *end, *head, *head_end;
	uint32_t len;
	int r = 0;

	if (mm_size == 0)
		return 0; /* a zombie */
	pagemap_size = maps_read(dirfd, "pagemap", pid, &pagemap);
	if (pagemap_size == 0)
		return -EBADMSG;
	maps.largest = maps_largest(maps.page);
	maps.at = pagemap + IMAGE_MAGIC_SIZE;
	maps.end = pagemap + pagemap_size;
	at = mm + IMAGE_MAGIC_SIZE;
	if (!image_next_entry(&maps.at, maps.end, &head, &head_end) ||
	    !image_next_entry(&at, mm + mm_size, &entry, &end))
		return -EBADMSG;
	/* A new status takes a few bytes more; a mapping is many times as long. */
	maps.size = 2 * mm_size + PIECES_BYTES;
	maps.out = out = malloc(maps.size);
	if (!out)
		return -ENOMEM;
	maps_put(&maps, mm, IMAGE_MAGIC_SIZE);
	maps.n_out += sizeof(len);
	n = maps_adapt(&maps, entry, end);
	if (maps.broken)
		return -EBADMSG;
	len = (uint32_t)(maps.n_out - IMAGE_MAGIC_SIZE - sizeof(len));
	memcpy(out + IMAGE_MAGIC_SIZE, &len, sizeof(len));
	if (maps.unmarked)
		r = maps_write(dirfd, "pagemap", pid, pagemap, pagemap_size);
	if (r == 0 && n > 0)
		r = maps_write(dirfd, "mm", pid, out, maps.n_out);
	return r;
}
