// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-reach.c - what a file says of itself, true or not, costs no more than a wrong verdict
 *
 * Files that no linker makes: cut short, with lengths that lead nowhere, or around the end of all
 * numbers. tests/ipc-reach.sh has those that one makes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipcmap/door/reach.h"

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#else
#define MACHINE EM_AARCH64
#endif
#define LOADER "/lib64/ld-linux-x86-64.so.2"

/* A program with one segment of a kind, and the bytes of it behind the headers. */
struct image {
	Elf64_Ehdr head;
	Elf64_Phdr segment;
	char bytes[512];
};

static char path[] = "/tmp/unit-reach.XXXXXX";

static struct image image_of(uint32_t type, const char *bytes, size_t n)
{
	struct image image = {
		.head = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
				       ELFDATA2LSB },
			  .e_type = ET_DYN,
			  .e_machine = MACHINE,
			  .e_phoff = offsetof(struct image, segment),
			  .e_phentsize = sizeof(Elf64_Phdr),
			  .e_phnum = 1 },
		.segment = { .p_type = type,
			     .p_offset = offsetof(struct image, bytes),
			     .p_filesz = n },
	};

	memcpy(image.bytes, bytes, n);
	return image;
}

static enum reach_verdict verdict_of(const void *bytes, size_t n)
{
	struct reach reach;
	FILE *file = fopen(path, "w");
	char text[1024];

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	fclose(file);
	reach_check(path, false, &reach);
	reach_explain(path, &reach, text, sizeof(text));
	assert_true(strlen(text) > 0);
	return reach.verdict;
}

static void test_whole(void **state)
{
	static const char go[] = "\4\0\0\0\4\0\0\0\4\0\0\0Go\0\0test";
	struct image image = image_of(PT_INTERP, LOADER, sizeof(LOADER));

	(void)state;
	assert_int_equal(verdict_of(&image, sizeof(image)), REACH_MAPPED);
	image = image_of(PT_INTERP, "/lib/ld-musl-x86_64.so.1", 25);
	assert_int_equal(verdict_of(&image, sizeof(image)), REACH_LOADER);
	image = image_of(PT_LOAD, "", 0);
	assert_int_equal(verdict_of(&image, sizeof(image)), REACH_STATIC);
	image = image_of(PT_NOTE, go, sizeof(go) - 1);
	assert_int_equal(verdict_of(&image, sizeof(image)), REACH_STATIC);
	image.head.e_machine = EM_S390;
	assert_int_equal(verdict_of(&image, sizeof(image)), REACH_MACHINE);
	image.head.e_machine = MACHINE;
	image.head.e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(verdict_of(&image, sizeof(image)), REACH_MACHINE);
}

/* Each length of the file, from none to all of it. */
static void test_cut_short(void **state)
{
	struct image image = image_of(PT_INTERP, LOADER, sizeof(LOADER));

	(void)state;
	for (size_t n = 0; n < sizeof(image); n++) {
		enum reach_verdict verdict = verdict_of(&image, n);

		if (verdict != REACH_MAPPED && verdict != REACH_MACHINE && verdict != REACH_STATIC)
			fail_msg("%zu bytes: verdict %d", n, (int)verdict);
	}
}

static void test_numbers(void **state)
{
	static const uint64_t numbers[] = { 0,         1,          UINT32_MAX,     INT64_MAX,
					    INT64_MIN, UINT64_MAX, UINT64_MAX - 63 };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		for (uint32_t type = PT_INTERP; type <= PT_NOTE; type++) {
			struct image image = image_of(type, LOADER, sizeof(LOADER));

			image.head.e_phoff = numbers[i];
			verdict_of(&image, sizeof(image));
			image = image_of(type, LOADER, sizeof(LOADER));
			image.head.e_phnum = (uint16_t)numbers[i];
			image.head.e_phentsize = (uint16_t)(numbers[i] + 1);
			verdict_of(&image, sizeof(image));
			image = image_of(type, LOADER, sizeof(LOADER));
			image.segment.p_offset = numbers[i];
			verdict_of(&image, sizeof(image));
			image = image_of(type, LOADER, sizeof(LOADER));
			image.segment.p_filesz = numbers[i];
			verdict_of(&image, sizeof(image));
			image = image_of(PT_NOTE, "", 0);
			image.segment.p_filesz = sizeof(image.bytes);
			memcpy(image.bytes, &numbers[i], sizeof(numbers[i]));
			verdict_of(&image, sizeof(image));
		}
}

static void test_scripts(void **state)
{
	static const struct {
		const char *text;
		enum reach_verdict verdict;
	} rows[] = {
		{ "#!", REACH_MAPPED },        { "#!\n", REACH_MAPPED },
		{ "#!   \n", REACH_MAPPED },   { "#!/nonexistent\n", REACH_MAPPED },
		{ "#!/tmp\n", REACH_MAPPED },  { "echo\n", REACH_MAPPED },
		{ "#!/bin/sh", REACH_MAPPED }, { "#! \t/bin/sh -e\n", REACH_MAPPED },
	};
	char text[600], itself[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (verdict_of(rows[i].text, strlen(rows[i].text)) != rows[i].verdict)
			fail_msg("%s", rows[i].text);
	memset(text, 'x', sizeof(text));
	memcpy(text, "#!/", 3);
	assert_int_equal(verdict_of(text, sizeof(text)), REACH_MAPPED);
	snprintf(itself, sizeof(itself), "#!%s\n", path);
	assert_int_equal(verdict_of(itself, strlen(itself)), REACH_MAPPED);
}

/* Nothing of a path reaches a terminal as a command. */
static void test_explain(void **state)
{
	struct reach reach = { .verdict = REACH_STATIC };
	char text[1024];

	(void)state;
	reach_explain("/tmp/\033[2Jx\n", &reach, text, sizeof(text));
	assert_null(strchr(text, '\033'));
	assert_null(strchr(text, '\n'));
	assert_non_null(strstr(text, "statically linked"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),   cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_scripts),
		cmocka_unit_test(test_explain),
	};
	int fd = mkstemp(path), r;

	if (fd < 0 || fchmod(fd, 0755) < 0)
		return 1;
	close(fd);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return r;
}
