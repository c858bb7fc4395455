// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-image-maps.c - which mappings are marked in the images, and images that are no such thing
 */
#include "libmig/image/image.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/file.h"
#include "libmig/image/priv.h"

#define PAGE 4096ull
#define GIB (1ull << 30)
#define REGULAR 1u
#define FILE_PRIVATE (1u << 6)
#define FILE_SHARED (1u << 7)
#define ANON_SHARED (1u << 8)
#define ANON (1u << 9)
#define VVAR (1u << 12)
#define EXACT (1u << 29)

struct bytes {
	uint8_t bytes[8192];
	size_t n;
};

struct vma {
	uint64_t start, end, prot, flags, status;
};

static char dir[] = "/tmp/unit-image-maps.XXXXXX";
static int dirfd_;
static struct bytes mm, pagemap;

static void put(struct bytes *image, const void *bytes, size_t n)
{
	assert_true(image->n + n <= sizeof(image->bytes));
	memcpy(image->bytes + image->n, bytes, n);
	image->n += n;
}

static void put_number(struct bytes *image, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		put(image, &(uint8_t){ (uint8_t)(value | 0x80) }, 1);
	put(image, &(uint8_t){ (uint8_t)value }, 1);
}

static void put_field(struct bytes *image, unsigned int id, uint64_t value)
{
	put_number(image, id << 3);
	put_number(image, value);
}

static void put_message(struct bytes *image, const struct bytes *message)
{
	uint32_t len = (uint32_t)message->n;

	put(image, &len, sizeof(len));
	put(image, message->bytes, message->n);
}

static void make_mm(const struct vma *vmas, size_t n)
{
	struct bytes message = { .n = 0 };

	put_field(&message, 1, 0x1000);
	for (size_t i = 0; i < n; i++) {
		const uint64_t fields[] = {
			vmas[i].start, vmas[i].end,    0,         7, vmas[i].prot,
			vmas[i].flags, vmas[i].status, UINT64_MAX
		};
		struct bytes vma = { .n = 0 };

		for (unsigned int k = 0; k < 8; k++)
			put_field(&vma, k + 1, fields[k]);
		put_number(&message, 14 << 3 | 2);
		put_number(&message, vma.n);
		put(&message, vma.bytes, vma.n);
	}
	put_field(&message, 15, 1);
	mm.n = 0;
	put(&mm, "criuMMMM", IMAGE_MAGIC_SIZE);
	put_message(&mm, &message);
}

static void begin_pagemap(void)
{
	struct bytes message = { .n = 0 };

	pagemap.n = 0;
	put(&pagemap, "criuPPPP", IMAGE_MAGIC_SIZE);
	put_field(&message, 1, 1);
	put_message(&pagemap, &message);
}

static void put_pages(uint64_t addr, uint64_t pages, uint64_t flags)
{
	struct bytes message = { .n = 0 };

	put_field(&message, 1, addr);
	put_field(&message, 2, 0);
	put_field(&message, 4, flags);
	put_field(&message, 5, pages);
	put_message(&pagemap, &message);
}

static void save(void)
{
	assert_int_equal(file_replace(dirfd_, "mm-7.img", mm.bytes, mm.n, 0600), 0);
	assert_int_equal(file_replace(dirfd_, "pagemap-7.img", pagemap.bytes, pagemap.n, 0600), 0);
}

static size_t load(const char *name, struct bytes *ret)
{
	int fd = openat(dirfd_, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, ret->bytes, sizeof(ret->bytes));

	close(fd);
	assert_true(n > IMAGE_MAGIC_SIZE);
	return ret->n = (size_t)n;
}

static size_t load_vmas(struct vma *ret, size_t max)
{
	struct image_field field, part;
	struct image image;
	bool whole = false;
	size_t n = 0;

	assert_int_equal(image_open(&image, dirfd_, "mm-7.img"), 0);
	assert_true(image_next_entry(&image));
	assert_ptr_equal(image.end, image.data_end);
	while (image_next(&image.entry, image.end, &field)) {
		uint8_t *inside = field.at;
		struct vma vma = { 0 };

		whole |= field.id == 15 && field.value == 1;
		if (field.id != 14)
			continue;
		while (image_next(&inside, field.at + field.len, &part)) {
			uint64_t *const to[] = { &vma.start, &vma.end,   NULL,       NULL,
						 &vma.prot,  &vma.flags, &vma.status };

			if (part.id <= 7 && to[part.id - 1])
				*to[part.id - 1] = part.value;
			if (part.id == 4)
				assert_int_equal(part.value, 7);
		}
		assert_true(n < max);
		ret[n++] = vma;
	}
	assert_true(whole);
	image_done(&image);
	return n;
}

static void test_marks(void **state)
{
	const uint64_t anon = MAP_PRIVATE | MAP_ANONYMOUS;
	static const uint64_t expected[] = { REGULAR | EXACT,        REGULAR | FILE_SHARED | EXACT,
					     REGULAR | ANON,         REGULAR | ANON,
					     REGULAR | FILE_PRIVATE, REGULAR | ANON_SHARED,
					     REGULAR | ANON | VVAR,  REGULAR | ANON };
	const struct vma vmas[] = {
		{ 1 * GIB, 2 * GIB, PROT_NONE, anon, REGULAR | ANON },
		{ 2 * GIB, 3 * GIB, PROT_READ, MAP_PRIVATE, REGULAR | FILE_PRIVATE },
		/* with pages */
		{ 3 * GIB, 3 * GIB + 8 * PAGE, PROT_READ, anon, REGULAR | ANON },
		/* writable */
		{ 4 * GIB, 4 * GIB + 8 * PAGE, PROT_READ | PROT_WRITE, anon, REGULAR | ANON },
		{ 5 * GIB, 5 * GIB + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
		  REGULAR | FILE_PRIVATE },
		/* others' */
		{ 6 * GIB, 7 * GIB, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, REGULAR | ANON_SHARED },
		{ 7 * GIB, 7 * GIB + PAGE, PROT_READ, anon, REGULAR | ANON | VVAR },
		{ 8 * GIB, 9 * GIB, PROT_NONE, anon | MAP_GROWSDOWN, REGULAR | ANON },
	};
	struct vma got[16];
	size_t n = sizeof(vmas) / sizeof(vmas[0]);
	struct bytes pages;

	make_mm(vmas, n);
	begin_pagemap();
	put_pages(3 * GIB + PAGE, 2, 6);
	put_pages(4 * GIB, 2, 6);
	save();
	assert_int_equal(image_maps_adapt(dirfd_, 7), 0);
	assert_int_equal(load_vmas(got, 16), n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(got[i].status, expected[i]);
		assert_int_equal(got[i].start, vmas[i].start);
		assert_int_equal(got[i].end, vmas[i].end);
		assert_int_equal(got[i].prot, vmas[i].prot);
		assert_int_equal(got[i].flags, vmas[i].flags);
	}
	/* Pages of what is not writable are CRIU's, the others stay lazy. */
	begin_pagemap();
	put_pages(3 * GIB + PAGE, 2, 4);
	put_pages(4 * GIB, 2, 6);
	assert_int_equal(load("pagemap-7.img", &pages), pagemap.n);
	assert_memory_equal(pages.bytes, pagemap.bytes, pagemap.n);
	/* A second time nothing changes. */
	assert_int_equal(image_maps_adapt(dirfd_, 7), 0);
	assert_int_equal(load_vmas(got, 16), n);
	assert_int_equal(got[0].status, expected[0]);
}

/* A writable mapping larger than the machine: pieces that adjoin. */
static void test_pieces(void **state)
{
	const uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * PAGE, size = memory * 2;
	const uint64_t anon = MAP_PRIVATE | MAP_ANONYMOUS;
	const struct vma vmas[] = {
		{ 1 * GIB, 1 * GIB + size, PROT_READ | PROT_WRITE, anon, REGULAR | ANON },
		{ 2 * GIB + size, 2 * GIB + 2 * size, PROT_READ | PROT_WRITE, anon | MAP_NORESERVE,
		  REGULAR | ANON },
	};
	struct vma got[16];
	size_t n;

	make_mm(vmas, 2);
	begin_pagemap();
	save();
	assert_int_equal(image_maps_adapt(dirfd_, 7), 0);
	n = load_vmas(got, 16);
	assert_true(n > 3);
	assert_int_equal(got[0].start, vmas[0].start);
	assert_int_equal(got[n - 2].end, vmas[0].end);
	for (size_t i = 0; i + 1 < n; i++) {
		assert_true(got[i].end - got[i].start <= memory);
		assert_int_equal(got[i].status, REGULAR | ANON);
		if (i > 0)
			assert_int_equal(got[i].start, got[i - 1].end);
	}
	assert_int_equal(got[n - 1].start, vmas[1].start);
	assert_int_equal(got[n - 1].end, vmas[1].end);
}

static void test_rubbish(void **state)
{
	const struct vma vmas[] = {
		{ 1 * GIB, 2 * GIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, REGULAR | ANON },
		{ 2 * GIB, 900 * GIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, REGULAR | ANON },
		{ 900 * GIB, 999 * GIB, PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, REGULAR | ANON },
	};

	srand(1);
	for (int i = 0; i < 5000; i++) {
		make_mm(vmas, 3);
		begin_pagemap();
		put_pages(3 * GIB, 3, 6);
		for (int k = 0; k < 3; k++) {
			mm.bytes[rand() % (int)mm.n] = (uint8_t)rand();
			pagemap.bytes[rand() % (int)pagemap.n] = (uint8_t)rand();
		}
		if (i % 3 == 0)
			mm.n = (size_t)rand() % mm.n + 1;
		if (i % 5 == 0)
			pagemap.n = (size_t)rand() % pagemap.n + 1;
		save();
		image_maps_adapt(dirfd_, 7);
	}
	/* A process without memory. */
	assert_int_equal(image_maps_adapt(dirfd_, 8), 0);
}

static int set_up(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd_ < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	close(dirfd_);
	return file_remove_tree(AT_FDCWD, dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_rubbish),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
