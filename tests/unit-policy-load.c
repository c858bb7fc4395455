// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-policy-load - the loader refuses what it must, and a faulty answer never counts
 *
 * The faulty modules are tests/policies/. Whatever is wrong with one, the decision
 * is the fallback's, and the error says what was wrong in words a user can act on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "policy/module.h"
#include "tests/policy-modules.h"

static char faulty_dir[64], sound_dir[64];

/* Partition 1 is the fallback's choice, 2 is down. */
static const struct vc_load loads[] = {
	{ .flags = VC_LOAD_UP, .ncpus = 1, .cpu_pct = 80 },
	{ .flags = VC_LOAD_UP, .ncpus = 1, .cpu_pct = 20 },
	{ .flags = 0, .ncpus = 1 },
};

static const struct vc_view view = { .size = sizeof(view),
				     .load_size = sizeof(loads[0]),
				     .n = ARRAY_SIZE(loads),
				     .loads = loads,
				     .current = -1 };

/* As the daemon does: the policy of that name, or else the fallback. */
static int decide(struct policy_set *set, const char *name, const struct vc_view *v,
		  struct vc_err *err)
{
	const struct vc_policy *policy;

	*err = (struct vc_err){ .code = 0 };
	if (policy_get(set, name, &policy, err) < 0)
		return policy_place(policy_fallback(), v, NULL);
	return policy_place(policy, v, err);
}

static struct policy_set *new_set(const char *path)
{
	struct vc_err err = { .code = 0 };
	struct policy_set *set = NULL;

	if (policy_set_new(path, &set, &err) < 0)
		fail_msg("policy path '%s' expected to be taken, got: %s", path, err.text);
	return set;
}

static void check_error(const char *what, const struct vc_err *err, int code, const char *words)
{
	if (err->code != code || !strstr(err->text, words))
		fail_msg("%s: got error %d '%s', expected %d with '%s'", what, err->code, err->text,
			 code, words);
}

static void check_int(const char *what, int got, int expected)
{
	if (got != expected)
		fail_msg("%s: got %d, expected %d", what, got, expected);
}

static void test_faulty_modules(void **state)
{
	static const struct {
		const char *name;
		int code;
		const char *words;
	} rows[] = {
		{ "wrongapi", ENOEXEC, "was built for policy API 2, this is 1" },
		{ "toosmall", ENOEXEC, "size 16 of its policy is wrong" },
		{ "toolarge", ENOEXEC, "size 1048576 of its policy is wrong" },
		{ "nosymbol", ENOEXEC, "has no symbol vc_policy" },
		{ "notpolicy", ENOEXEC, "its symbol vc_policy is no policy" },
		{ "wrongname", ENOEXEC, "holds policy 'other'" },
		{ "noplace", ENOEXEC, "has no place()" },
		{ "wild", ERANGE,
		  "policy 'wild' answers 99, which is no partition (0 to 2); leastcpu" },
		{ "chosendown", ENODEV,
		  "answers partition 2, which is down; leastcpu decides instead" },
		{ "nonefit", ENODATA, "finds no partition fit; leastcpu decides instead" },
		{ "absent", ENOENT, "there is no policy 'absent'; there are: chosendown " },
		{ "../wild", EINVAL, "is no name for a policy" },
		{ "Wild", EINVAL, "is no name for a policy" },
		{ "7up", EINVAL, "is no name for a policy" },
		{ "", EINVAL, "is no name for a policy" },
		{ "a23456789012345678901234567890123", EINVAL, "at most 31" },
		{ "garbage", ENOEXEC, "cannot be loaded: " },
		{ "directory", EPERM, "is no regular file" },
		{ "fifo", EPERM, "is no regular file" },
	};
	struct policy_set *set = new_set(faulty_dir);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		/* Twice: a refusal must leave nothing behind that is taken for a success. */
		for (int times = 0; times < 2; times++) {
			struct vc_err err;

			check_int(rows[i].name, decide(set, rows[i].name, &view, &err), 1);
			check_error(rows[i].name, &err, rows[i].code, rows[i].words);
		}
	}
	policy_set_free(set);
}

static void test_older_module(void **state)
{
	struct policy_set *set = new_set(faulty_dir);
	const struct vc_policy *policy = NULL;
	struct vc_view v = view;
	struct vc_err err;

	v.n = 2;
	v.current = 0;
	check_int("older: place, since it has no rebalance", decide(set, "older", &v, &err), 1);
	check_int("older: error", err.code, 0);
	check_int("older: load", policy_get(set, "older", &policy, &err), 0);
	assert_null(policy->rebalance);
	assert_string_equal(policy->summary, "");
	check_int("older: our size", (int)policy->size, (int)sizeof(*policy));
	policy_set_free(set);
}

static void test_rebalance_answers(void **state)
{
	struct policy_set *set = new_set(faulty_dir);
	struct vc_view v = view;
	struct vc_err err = { .code = 0 };

	v.current = 0;
	check_int("wild rebalance: the job stays", decide(set, "wild", &v, &err), 0);
	check_error("wild rebalance", &err, ERANGE, "answers -7, which is no partition");

	err.code = 0;
	check_int("nothing to gain: the job stays", policy_place(policy_fallback(), &v, &err), 0);
	check_int("nothing to gain: no fault", err.code, 0);

	v.current = 2;
	check_int("its partition is down: the least busy one",
		  policy_place(policy_fallback(), &v, &err), 1);
	check_error("its partition is down", &err, ENODEV, "answers partition 2, which is down");
	policy_set_free(set);
}

static void test_none_up(void **state)
{
	struct vc_load down[2] = { { .flags = 0 } };
	struct vc_view v = view;
	struct vc_err err = { .code = 0 };

	v.n = 2;
	v.loads = down;
	check_int("none is up", policy_place(policy_fallback(), &v, &err), -EAGAIN);
	check_error("none is up", &err, EAGAIN, "no partition is up");
}

/* No number at all in the samples: still some partition that is up. */
static void test_not_a_number(void **state)
{
	struct vc_load odd[3] = { { .flags = 0 },
				  { .flags = VC_LOAD_UP, .cpu_pct = __builtin_nan("") },
				  { .flags = VC_LOAD_UP, .cpu_pct = __builtin_nan("") } };
	struct vc_view v = view;
	int got;

	v.loads = odd;
	got = policy_place(policy_fallback(), &v, NULL);
	if (got != 1 && got != 2)
		fail_msg("no numbers: got %d, expected 1 or 2", got);
}

static void test_ownership(void **state)
{
	struct policy_set *set = new_set(sound_dir), *other;
	char file[128], above[128], below[160];
	struct vc_err err;
	int got;

	snprintf(file, sizeof(file), "%s/roundrobin.so", sound_dir);
	assert_int_equal(chmod(file, 0664), 0);
	check_int("group may write the file", decide(set, "roundrobin", &view, &err), 1);
	check_error("group may write the file", &err, EPERM, "can be written by others");
	assert_int_equal(chmod(file, 0644), 0);

	assert_int_equal(chmod(sound_dir, 0777), 0);
	check_int("others may write the directory", decide(set, "roundrobin", &view, &err), 1);
	check_error("others may write the directory", &err, EPERM, "can be written by others");
	check_int("the built-in one all the same", decide(set, "leastcpu", &view, &err), 1);
	check_int("the built-in one: error", err.code, 0);
	assert_int_equal(chmod(sound_dir, 0755), 0);

	/* Who may write the directory above may put another one in its place. */
	snprintf(above, sizeof(above), "%s/above", sound_dir);
	snprintf(below, sizeof(below), "%s/below", above);
	assert_int_equal(mkdir(above, 0755) || mkdir(below, 0755), 0);
	modules_copy(sound_dir, below);
	other = new_set(below);
	assert_int_equal(chmod(above, 0777), 0);
	check_int("others may write above", decide(other, "roundrobin", &view, &err), 1);
	check_error("others may write above", &err, EPERM, "can be written by others");
	assert_int_equal(chmod(above, 01777), 0);
	check_int("above is sticky", decide(other, "roundrobin", &view, &err), 0);
	check_int("above is sticky: error", err.code, 0);
	policy_set_free(other);

	if (geteuid() == 0) {
		assert_int_equal(chown(file, 65534, 0), 0);
		check_int("the file is nobody's", decide(set, "roundrobin", &view, &err), 1);
		check_error("the file is nobody's", &err, EPERM, "belongs to uid 65534");
		assert_int_equal(chown(file, 0, 0), 0);
	}
	got = decide(set, "roundrobin", &view, &err);
	if (got != 0 || err.code != 0)
		fail_msg("all in order: got %d, error '%s', expected 0 and none", got, err.text);
	policy_set_free(set);
}

static void test_paths(void **state)
{
	char path[256];
	struct policy_set *set = NULL;
	const struct vc_policy *policy = NULL, *again = NULL;
	struct vc_err err = { .code = 0 };

	check_int("relative", policy_set_new("policy:/usr", &set, &err), -EINVAL);
	check_error("relative", &err, EINVAL, "'policy' is not absolute");

	/* Missing directories are passed by; the first that has it wins. */
	snprintf(path, sizeof(path), "/nonexistent:%s:%s", faulty_dir, sound_dir);
	set = new_set(path);
	check_int("second directory", decide(set, "parent", &view, &err), 0);
	check_int("second directory: error", err.code, 0);
	check_int("first directory", decide(set, "wild", &view, &err), 1);
	check_int("twice: first", policy_get(set, "cost", &policy, &err), 0);
	check_int("twice: second", policy_get(set, "cost", &again, &err), 0);
	assert_ptr_equal(policy, again);
	policy_set_free(set);

	set = new_set("/nonexistent");
	check_int("only the one linked in", policy_get(set, "leastcpu", &policy, &err), 0);
	assert_ptr_equal(policy, policy_fallback());
	policy_set_free(set);
}

/* A daemon that reads its configuration anew has two sets for a moment. */
static void test_two_sets(void **state)
{
	struct policy_set *first = new_set(faulty_dir), *second;
	const struct vc_policy *policy = NULL;
	struct vc_err err = { .code = 0 };

	check_int("first set", policy_get(first, "wild", &policy, &err), 0);
	second = new_set(faulty_dir);
	check_int("second set", policy_get(second, "wild", &policy, &err), 0);
	policy_set_free(first);
	check_int("after the first is gone", policy->place(&view), 99);
	check_int("another one", policy_get(second, "nonefit", &policy, &err), 0);
	check_int("another one decides", policy->place(&view), -1);
	policy_set_free(second);
}

static void test_list(void **state)
{
	static const char *const expected[] = { "cost",     "joinidle",   "leastcpu",
						"leastmem", "notparent",  "parent",
						"random",   "roundrobin", "twochoices" };
	struct policy_set *set = new_set(sound_dir);
	struct policy_info *info = NULL;
	struct vc_err err = { .code = 0 };
	size_t n = 0;

	check_int("list", policy_list(set, &info, &n, &err), 0);
	check_int("policies in the list", (int)n, (int)ARRAY_SIZE(expected));
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(info[i].name, expected[i]);
		if (info[i].summary[0] == '\0')
			fail_msg("%s: got no summary, expected one", info[i].name);
	}
	free(info);
	policy_set_free(set);

	/* Of the faulty ones, those load that are only wrong in what they answer. */
	set = new_set(faulty_dir);
	check_int("list of the faulty", policy_list(set, &info, &n, &err), 0);
	check_int("faulty in the list", (int)n, 5);
	assert_string_equal(info[0].name, "chosendown");
	assert_string_equal(info[1].name, "leastcpu");
	free(info);
	policy_set_free(set);
}

static int setup(void **state)
{
	char path[128];
	int fd;

	modules_setup("policy", sound_dir);
	modules_setup("tests/policies", faulty_dir);
	snprintf(path, sizeof(path), "%s/garbage.so", faulty_dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, "garbage", 7) != 7)
		return -1;
	close(fd);
	snprintf(path, sizeof(path), "%s/directory.so", faulty_dir);
	if (mkdir(path, 0755) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/fifo.so", faulty_dir);
	return mkfifo(path, 0644);
}

static int teardown(void **state)
{
	modules_teardown(sound_dir);
	modules_teardown(faulty_dir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faulty_modules),
		cmocka_unit_test(test_older_module),
		cmocka_unit_test(test_rebalance_answers),
		cmocka_unit_test(test_none_up),
		cmocka_unit_test(test_not_a_number),
		cmocka_unit_test(test_ownership),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_two_sets),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
