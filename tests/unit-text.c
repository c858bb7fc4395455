// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-text.c - no byte of a user's gives somebody else's terminal a command
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/log-bound.h"
#include "common/subuid.h"
#include "common/text.h"
#include "common/trust.h"

static const struct {
	const char *what, *text, *hidden;
	bool name; /* it can be one */
} rows[] = {
	{ "plain", "worker-7", "worker-7", true },
	{ "UTF-8",
	  "gr\xc3\xb6\xc3\x9f"
	  "e \xe6\x97\xa5 \xf0\x9f\x98\x80",
	  "gr\xc3\xb6\xc3\x9f"
	  "e \xe6\x97\xa5 \xf0\x9f\x98\x80",
	  false },
	{ "the same without blanks", "\xc3\x9f\xe6\x97\xa5\xf0\x9f\x98\x80",
	  "\xc3\x9f\xe6\x97\xa5\xf0\x9f\x98\x80", true },
	{ "C0", "a\033[2J\nb\tc\a", "a?[2J?b?c?", false },
	{ "DEL", "a\177", "a?", false },
	{ "C1, as UTF-8",
	  "a\xc2\x9b"
	  "2J\xc2\x80\xc2\x9f",
	  "a?2J??", false },
	{ "C1, as bytes",
	  "a\x9b"
	  "2J\x80\x9f",
	  "a?2J??", false },
	{ "Latin-1",
	  "gr\xfc"
	  "n",
	  "gr?n", false },
	{ "no-break space is no control",
	  "a\xc2\xa0"
	  "b",
	  "a\xc2\xa0"
	  "b",
	  false },
	{ "overrides",
	  "a\xe2\x80\xae"
	  "exe\xe2\x80\xac",
	  "a?exe?", false },
	{ "isolates", "\xe2\x81\xa6x\xe2\x81\xa9", "?x?", false },
	{ "marks", "\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", "???", false },
	{ "zero width",
	  "a\xe2\x80\x8b\xe2\x80\x8d"
	  "b\xef\xbb\xbf\xe2\x81\xa0",
	  "a??b??", false },
	{ "line separator",
	  "a\xe2\x80\xa8"
	  "b",
	  "a?b", false },
	{ "tags", "a\xf3\xa0\x81\x81", "a?", false },
	{ "soft hyphen", "a\xc2\xad", "a?", false },
	{ "overlong", "\xc0\x9b\xe0\x80\x9b", "?????", false },
	{ "a surrogate", "\xed\xa0\x80", "???", false },
	{ "beyond Unicode", "\xf4\x90\x80\x80\xff", "?????", false },
	{ "cut short", "a\xe6\x97", "a??", false },
	{ "other blanks",
	  "a\xe3\x80\x80"
	  "b",
	  "a\xe3\x80\x80"
	  "b",
	  false },
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[64];

		print_message("%s\n", rows[i].what);
		snprintf(text, sizeof(text), "%s", rows[i].text);
		text_hide_controls(text);
		assert_string_equal(text, rows[i].hidden);
		assert_int_equal(text_is_name(rows[i].text), rows[i].name);
		/* Nothing is left that would be hidden. */
		text_hide_controls(text);
		assert_string_equal(text, rows[i].hidden);
	}
}

static void test_errors_and_logs(void **state)
{
	struct vc_err err;
	char line[256] = "";
	int pipes[2], saved = dup(STDERR_FILENO);

	err_set(&err, ENOENT, "%s", rows[9].text);
	assert_string_equal(err.text, rows[9].hidden);
	err_add(&err, "%s", "\xc2\x9b");
	assert_string_equal(err.text, "?: a?exe?");

	assert_int_equal(pipe(pipes), 0);
	dup2(pipes[1], STDERR_FILENO);
	log_open("unit", LOG_LEVEL_INFO);
	log_warn("%s", "a\xe2\x80\xae\n\xc2\x9b");
	dup2(saved, STDERR_FILENO);
	assert_true(read(pipes[0], line, sizeof(line) - 1) > 0);
	assert_string_equal(strchr(line, ' '), " a???\n");
	close(pipes[0]);
	close(pipes[1]);
	close(saved);
}

static void test_json(void **state)
{
	size_t size;
	char *text = text_to_utf8("a\xff\xc3\xa4\x80", 5, &size);

	assert_string_equal(text, "a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd");
	assert_int_equal(size, strlen(text));
	free(text);
	text = text_escape_json("{\n \"\xc3\xa4\xe2\x80\xae\x7f\xc2\x9b\xf3\xa0\x81\x81\"\n}");
	assert_string_equal(text, "{\n \"\xc3\xa4\\u202e\\u007f\\u009b\\udb40\\udc41\"\n}");
	free(text);
}

/* A burst is let through, and then what was left out is counted; errors never are. */
static void test_a_burst_of_messages(void **state)
{
	unsigned int admitted = 0, left_out, counted = 0;

	for (int i = 0; i < 5000; i++) {
		admitted += log_bound_admits(LOG_LEVEL_INFO, &left_out);
		counted += left_out;
		assert_true(log_bound_admits(LOG_LEVEL_ERROR, &left_out));
	}
	print_message("admitted %u of 5000\n", admitted);
	assert_in_range(admitted, 1000, 2000);
	/* Other levels have room of their own. */
	assert_true(log_bound_admits(LOG_LEVEL_WARN, &left_out));
	while (!log_bound_admits(LOG_LEVEL_INFO, &left_out))
		usleep(1000);
	assert_true(left_out + counted >= 5000 - admitted);
}

static off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : -1;
}

/* Logs and records take a bounded place, whoever writes to them and however long. */
static void test_files_are_bounded(void **state)
{
	char dir[] = "/tmp/unit-text.XXXXXX", line[1001];
	int dirfd, log, saved = dup(STDERR_FILENO);

	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	dirfd = open(".", O_RDONLY | O_DIRECTORY);
	memset(line, 'x', sizeof(line));
	line[1000] = '\0';
	for (size_t i = 0; i < 3 * TRUST_APPEND_MAX / 1001; i++)
		assert_int_equal(trust_append(dirfd, "record", line, 0600), 0);
	assert_in_range(size_of("record"), 1, TRUST_APPEND_MAX);
	assert_in_range(size_of("record.1"), TRUST_APPEND_MAX / 2, TRUST_APPEND_MAX);

	log = open("vcd.log", O_WRONLY | O_CREAT | O_APPEND, 0640);
	dup2(log, STDERR_FILENO);
	log_open("unit", LOG_LEVEL_INFO);
	log_bound();
	for (size_t i = 0; i < 3 * LOG_BYTES_MAX / 1001; i++)
		log_error("%s", line);
	dup2(saved, STDERR_FILENO);
	assert_in_range(size_of("vcd.log"), 0, LOG_BYTES_MAX);
	assert_in_range(size_of("vcd.log.1"), LOG_BYTES_MAX, LOG_BYTES_MAX + 2048);

	/* Another file on stderr is not ours. */
	close(log);
	log = open("theirs", O_WRONLY | O_CREAT | O_APPEND, 0640);
	dup2(log, STDERR_FILENO);
	for (size_t i = 0; i < 2 * LOG_BYTES_MAX / 1001; i++)
		log_error("%s", line);
	dup2(saved, STDERR_FILENO);
	assert_true(size_of("theirs") > (off_t)LOG_BYTES_MAX);
	assert_int_equal(size_of("theirs.1"), -1);

	for (size_t i = 0; i < 6; i++)
		unlink((const char *[]){ "record", "record.1", "vcd.log", "vcd.log.1", "theirs",
					 "theirs.1" }[i]);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(dir), 0);
	close(dirfd);
	close(log);
	close(saved);
}

/* A uid of a user namespace counts as that of whom it was given to. */
static void test_subuid(void **state)
{
	char ranges[] = "/tmp/unit-text.XXXXXX", passwd[] = "/tmp/unit-text.XXXXXX";
	int fd = mkstemp(ranges);
	struct subuid *subuid;

	dprintf(fd,
		"anna:100000:65536\nnobody-there:300000:65536\n1007:200000:10\nbroken\nanna::\n");
	close(fd);
	fd = mkstemp(passwd);
	dprintf(fd, "root:x:0:0::/root:/bin/sh\nanna:x:1001:1001::/home/anna:/bin/sh\n");
	close(fd);
	subuid = subuid_read(ranges, passwd);
	assert_non_null(subuid);
	assert_int_equal(subuid_owner(subuid, 1001), 1001);
	assert_int_equal(subuid_owner(subuid, 99999), 99999);
	assert_int_equal(subuid_owner(subuid, 100000), 1001);
	assert_int_equal(subuid_owner(subuid, 165535), 1001);
	assert_int_equal(subuid_owner(subuid, 165536), 165536);
	assert_int_equal(subuid_owner(subuid, 200009), 1007);
	assert_int_equal(subuid_owner(subuid, 200010), 200010);
	assert_int_equal(subuid_owner(subuid, 300000), 300000);
	assert_int_equal(subuid_owner(NULL, 100000), 100000);
	subuid_free(subuid);
	unlink(ranges);
	subuid = subuid_read(ranges, passwd);
	assert_int_equal(subuid_owner(subuid, 100000), 100000);
	subuid_free(subuid);
	unlink(passwd);
}

static void test_ranges(void **state)
{
	const char *list = "0-2,5\n", *malformed = "3,7-4";
	unsigned long first, last;

	(void)state;
	assert_true(text_next_range(&list, &first, &last));
	assert_int_equal(first, 0);
	assert_int_equal(last, 2);
	assert_true(text_next_range(&list, &first, &last));
	assert_int_equal(first, 5);
	assert_int_equal(last, 5);
	assert_false(text_next_range(&list, &first, &last));
	assert_string_equal(list, "\n");
	assert_true(text_next_range(&malformed, &first, &last));
	assert_false(text_next_range(&malformed, &first, &last));
	assert_string_equal(malformed, ",7-4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_errors_and_logs),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_a_burst_of_messages),
		cmocka_unit_test(test_files_are_bounded),
		cmocka_unit_test(test_subuid),
		cmocka_unit_test(test_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
