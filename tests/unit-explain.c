// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-explain.c - what CRIU says, and what is said of it
 */
#include "libmig/criu/explain.h"

#include <errno.h>
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

/* Lines that CRIU 4.2.1 writes, and a part of the sentence. */
static const struct {
	const char *line, *part;
} rows[] = {
	{ "remote mmap() failed: Cannot allocate memory", "has no room for CRIU" },
	{ "Can't create memfd in victim: Too many open files", "RLIMIT_NOFILE" },
	{ "Message reply from daemon is trimmed (12/0)", "RLIMIT_NOFILE" },
	{ "Command 66 for daemon failed with -1", "did not do what CRIU asked" },
	{ "Timeout reached. Try to interrupt: 0", "did not all stop within 10 s" },
	{ "SEIZE 12: task not stopped after seize", "process 12 could not be stopped" },
	{ "OOM storing pipe", "no memory for what is unread in its pipes" },
	{ "unix: External socket is used. Consider using --ext-unix-sk option.",
	  "a Unix socket of its is connected to a process outside" },
	{ "Can't dump half of stream unix connection. name: @; peer name: (null)",
	  "a Unix socket of its is connected to a process outside" },
	{ "Can't lookup mount=18 for fd=-3 path=/anon_hugepage (deleted)",
	  "the file /anon_hugepage (deleted) is on a mount that CRIU does not find" },
	{ "Can't stat fd 5: Permission denied", "root_squash" },
	{ "Can't open ghost original file: Permission denied", "allow_root" },
	{ "Can't open file tmp/some file on restore: No such file or directory",
	  "the file tmp/some file cannot be opened again" },
	{ "File tmp/x has bad size 5 (expect 7)", "the file tmp/x is not as it was" },
	{ "Can't bind inet socket (id 7): Address already in use", "a port of its is taken" },
	{ "Can't bind id 0x5 ino 77 addr /run/x: Address already in use",
	  "the address /run/x of a Unix socket is taken;" },
	{ "Can't fork for 123: File exists", "PID 123 could not be had" },
	{ "Pid 12 do not match expected 13", "its PID 12 is taken" },
	{ "123 killed by signal 9: Killed", "was killed while it was being restored" },
	{ "Can't mmap shmem 0xf726a: Cannot allocate memory", "shared memory" },
	{ "Can't restore 7f000 mapping with fffffffffffffff4", "its memory at 7f000" },
	{ "Failed to create shm set: Cannot allocate memory", "System V segment" },
	{ "Something new: Cannot allocate memory", "memory is used up" },
	{ "Something new: No space left on device", "the images do not fit" },
	{ "Something new: Permission denied", "root was refused" },
	{ "rlimit: Can't get rlimit 7: Operation not permitted", "CAP_SYS_RESOURCE" },
};

static void test_known(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512] = "";

		if (!criu_explain_line(rows[i].line, false, text, sizeof(text)) ||
		    !strstr(text, rows[i].part))
			fail_msg("\"%s\": got \"%s\", expected \"%s\"", rows[i].line, text,
				 rows[i].part);
		if (!strstr(text, "; ") || strchr(text, '$') || strstr(text, "criu:"))
			fail_msg("\"%s\": no sentence with a remedy: \"%s\"", rows[i].line, text);
	}
}

static void test_unknown(void **state)
{
	char text[512];

	assert_false(criu_explain_line("BUG at criu/kitchen.c:42", false, text, sizeof(text)));
	assert_non_null(strstr(text, "could not write the job out"));
	assert_false(criu_explain_line("BUG at criu/kitchen.c:42", true, text, sizeof(text)));
	assert_non_null(strstr(text, "could not restore the job"));
	assert_false(criu_explain_line("", true, text, sizeof(text)));
	assert_null(strstr(text, "kitchen"));
}

/* A line's text is the job's to choose, in part. */
static void test_long(void **state)
{
	char line[600], text[64];

	memset(line, 'x', sizeof(line));
	memcpy(line, "Can't open file ", 16);
	strcpy(line + sizeof(line) - 20, " on restore: why");
	assert_true(criu_explain_line(line, true, text, sizeof(text)));
	assert_int_equal(strlen(text), sizeof(text) - 1);
	for (size_t i = 0; i + 1 < sizeof(line); i++)
		line[i] = ":*=$1 "[i % 6];
	line[sizeof(line) - 1] = '\0';
	criu_explain_line(line, true, text, sizeof(text));
}

static void test_find(void **state)
{
	static const char log[] =
		"(00.01) Warn  (criu/x.c:1): not this\n"
		"(00.02) Error (criu/rlimit.c:9): rlimit: Can't setup RLIMIT_NOFILE for self: no\n"
		"(00.03) Error (criu/pipes.c:7): OOM storing pipe\n"
		"(00.04) Error (criu/cr-dump.c:8): Dumping FAILED.\n";
	char dir[] = "/tmp/unit-explain.XXXXXX", line[64], small[8];
	int dirfd;

	assert_non_null(mkdtemp(dir));
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(criu_explain_find(dirfd, "log", line, sizeof(line)), -ENOENT);
	assert_int_equal(file_replace(dirfd, "log", log, strlen(log), 0600), 0);
	assert_int_equal(criu_explain_find(dirfd, "log", line, sizeof(line)), 0);
	assert_string_equal(line, "OOM storing pipe");
	assert_int_equal(criu_explain_find(dirfd, "log", small, sizeof(small)), 0);
	assert_string_equal(small, "OOM sto");
	assert_int_equal(file_replace(dirfd, "log", "Error (", 7, 0600), 0);
	assert_int_equal(criu_explain_find(dirfd, "log", line, sizeof(line)), 0);
	assert_int_equal(file_replace(dirfd, "log", "all well\n", 9, 0600), 0);
	assert_int_equal(criu_explain_find(dirfd, "log", line, sizeof(line)), -ENOENT);
	unlinkat(dirfd, "log", 0);
	close(dirfd);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
