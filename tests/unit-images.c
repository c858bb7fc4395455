// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-images.c - the files that images name, and images that are no such thing
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/file.h"
#include "libmig/image/priv.h"
#include "libmig/mig.h"

static char dir[] = "/tmp/unit-images.XXXXXX";
static int dirfd_;
static uint8_t image[4096];
static size_t n_image;

static void put(const void *bytes, size_t n)
{
	memcpy(image + n_image, bytes, n);
	n_image += n;
}

/* A FileEntry: { type, id, reg { id, name, 8 fixed bytes } }, all shorter than 128 bytes. */
static void put_file(uint8_t id, const char *path)
{
	uint8_t len = (uint8_t)strlen(path), reg_len = (uint8_t)(2 + 2 + len + 9);
	uint8_t head[] = { 1 << 3, 1, 2 << 3, id, FILE_REG << 3 | 2, reg_len };
	uint8_t reg[] = { 1 << 3, id, REG_NAME << 3 | 2, len };
	const uint8_t fixed[9] = { 9 << 3 | 1 };
	uint32_t size = (uint32_t)sizeof(head) + reg_len;

	put(&size, sizeof(size));
	put(head, sizeof(head));
	put(reg, sizeof(reg));
	put(path, len);
	put(fixed, sizeof(fixed));
}

static void begin(void)
{
	n_image = 0;
	put("criuMAGI", IMAGE_MAGIC_SIZE);
	put_file(1, "/usr/bin/python3");
	put_file(2, "/run/vcrun/ipc/o/07/0000000080000007");
}

static void save(size_t size)
{
	assert_int_equal(file_replace(dirfd_, "files.img", image, size, 0600), 0);
}

static void test_names(void **state)
{
	begin();
	put_file(3, "7");
	save(n_image);
	assert_true(mig_images_name(dirfd_, "07/0000000080000007"));
	assert_true(mig_images_name(dirfd_, "/usr/bin/python3"));
	assert_false(mig_images_name(dirfd_, "08/0000000080000008"));
	assert_false(mig_images_name(dirfd_, "07/000000008000000"));
	assert_false(mig_images_name(dirfd_, "x/usr/bin/python3"));
}

/* The names that were there before those of kept files took their place. */
static void test_dumped(void **state)
{
	begin();
	save(n_image);
	assert_return_code(renameat(dirfd_, "files.img", dirfd_, IMAGE_NAMES), 0);
	n_image = IMAGE_MAGIC_SIZE;
	put_file(2, "/vcrun/2");
	save(n_image);
	assert_true(mig_images_name(dirfd_, "07/0000000080000007"));
	unlinkat(dirfd_, IMAGE_NAMES, 0);
	assert_false(mig_images_name(dirfd_, "07/0000000080000007"));
}

/* What cannot be read may have it; what is not there has not. */
static void test_unknown(void **state)
{
	begin();
	for (size_t size = 0; size < n_image; size++) {
		bool whole = size == IMAGE_MAGIC_SIZE;
		uint32_t first;

		memcpy(&first, image + IMAGE_MAGIC_SIZE, sizeof(first));
		whole = whole || size == IMAGE_MAGIC_SIZE + sizeof(first) + first;
		save(size);
		if (mig_images_name(dirfd_, "nowhere") == whole)
			fail_msg("%zu bytes: %d, expected %d", size, whole, !whole);
	}
	unlinkat(dirfd_, "files.img", 0);
	assert_false(mig_images_name(dirfd_, "/usr/bin/python3"));
}

static void test_rubbish(void **state)
{
	srand(1);
	for (int i = 0; i < 20000; i++) {
		begin();
		for (int k = 0; k < 3; k++)
			image[rand() % (int)n_image] = (uint8_t)rand();
		save(n_image);
		mig_images_name(dirfd_, "07/0000000080000007");
	}
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
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_dumped),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_rubbish),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
