// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-instance.c - instance.json: written, read back, and refused when damaged
 */
#include "partition/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/statedir.h"
#include "partition/cgroup/cgroup.h"

static char dir[64];
static int dirfd_of_it = -1;

static int setup(void **state)
{
	strcpy(dir, "/tmp/unit-instance.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	dirfd_of_it = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return dirfd_of_it < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	close(dirfd_of_it);
	return file_remove_tree(AT_FDCWD, dir);
}

static void save_sample(void)
{
	struct partition_spec parts[] = {
		{ .name = "vc0",
		  .cpus = (char[]){ "0-1" },
		  .mems = (char[]){ "0" },
		  .memory_bytes = CG_NO_LIMIT,
		  .exclusive = true },
		{ .name = "vc1",
		  .cpus = (char[]){ "2,4" },
		  .mems = (char[]){ "0-1" },
		  .memory_bytes = UINT64_C(1) << 40,
		  .exclusive = false },
	};
	struct config config = {
		.policy = (char[]){ "random" },
		.engine = (char[]){ "live" },
		.criu = (char[]){ "/a \"b\"/criu" },
		.sample_interval_msec = 20,
		.max_jobs_per_user = 3,
		.ipc_entries = 64,
		.ipc_objects_per_user = 5,
		.exclusive = true,
		.parts = parts,
		.n_parts = ARRAY_SIZE(parts),
	};
	struct instance in = {
		.dir = dir,
		.dirfd = dirfd_of_it,
		.cgroup_base = (char[]){ "|2|/sys/fs/cgroup|vcrun" },
		.own_mount = true,
		.config = &config,
	};
	struct vc_err err = { 0 };

	if (instance_save(&in, &err) < 0)
		fail_msg("%s", err.text);
}

static void test_round_trip(void **state)
{
	struct instance *in = NULL;
	struct vc_err err = { 0 };
	struct stat st;

	save_sample();
	assert_int_equal(fstatat(dirfd_of_it, "instance.json", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	if (instance_open(dir, &in, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(in->dir, dir);
	assert_string_equal(in->cgroup_base, "|2|/sys/fs/cgroup|vcrun");
	assert_true(in->own_mount);
	assert_string_equal(in->config->policy, "random");
	assert_string_equal(in->config->criu, "/a \"b\"/criu");
	assert_null(in->config->policy_path);
	assert_int_equal(in->config->sample_interval_msec, 20);
	assert_int_equal(in->config->max_jobs_per_user, 3);
	assert_int_equal(in->config->ipc_entries, 64);
	assert_int_equal(in->config->ipc_objects_per_user, 5);
	assert_true(in->config->exclusive);
	assert_int_equal(in->config->n_parts, 2);
	assert_string_equal(in->config->parts[0].name, "vc0");
	assert_string_equal(in->config->parts[0].cpus, "0-1");
	assert_true(in->config->parts[0].memory_bytes == CG_NO_LIMIT);
	assert_true(in->config->parts[0].exclusive);
	assert_string_equal(in->config->parts[1].mems, "0-1");
	assert_true(in->config->parts[1].memory_bytes == UINT64_C(1) << 40);
	assert_false(in->config->parts[1].exclusive);
	assert_int_equal(instance_find(in, "vc1"), 1);
	assert_int_equal(instance_find(in, "vc"), -1);
	instance_free(in);
}

static void test_not_up(void **state)
{
	struct instance *in = NULL;
	struct vc_err err = { 0 };

	unlinkat(dirfd_of_it, "instance.json", 0);
	assert_int_equal(instance_open(dir, &in, &err), -ENOENT);
	if (!strstr(err.text, "vcctl up") || !strstr(err.text, dir))
		fail_msg("\"%s\", expected the directory and the remedy", err.text);
	assert_int_equal(instance_open("/nowhere", &in, &err), -ENOENT);
	instance_free(NULL);
}

/* One change to a good file each; all must be refused, none may crash. */
static void test_damaged(void **state)
{
	static const struct {
		const char *find, *put;
	} row[] = {
		{ "{", "" },
		{ "\"version\": 1", "\"version\": 2" },
		{ "\"version\": 1", "\"version\": \"1\"" },
		{ "\"cgroup-base\"", "\"cgroup\"" },
		{ "\"own-mount\": true", "\"own-mount\": 1" },
		{ "\"sample-interval-msec\": 20", "\"sample-interval-msec\": 0" },
		{ "\"max-jobs-per-user\": 3", "\"max-jobs-per-user\": -3" },
		{ "\"ipc-entries\": 64", "\"ipc-entries\": 0" },
		{ "\"ipc-objects-per-user\": 5", "\"ipc-objects-per-user\": \"5\"" },
		{ "\"criu\": \"/a", "\"criu\": [], \"x\": \"" },
		{ "\"partitions\": [", "\"partitions\": {}, \"x\": [" },
		{ "\"name\": \"vc0\"", "\"name\": null" },
		{ "\"name\": \"vc0\"", "\"name\": \"a-name-that-is-longer-than-it-may-be\"" },
		{ "\"memory\": 1099511627776", "\"memory\": -1" },
		{ "\"memory\": 1099511627776", "\"memory\": \"1T\"" },
		{ "\"cpus\": \"0-1\"", "\"cpu\": \"0-1\"" },
		{ "\"exclusive\": true", "\"exclusive\": true, \"exclusive\": true" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		_cleanup_free_ char *text = NULL;
		char changed[4096];
		struct instance *in = NULL;
		struct vc_err err = { 0 };
		const char *at;
		int r;

		save_sample();
		assert_true(file_read_all(dirfd_of_it, "instance.json", 4000, &text) > 0);
		at = strstr(text, row[i].find);
		if (!at)
			fail_msg("row %zu: \"%s\" is not in %s", i, row[i].find, text);
		snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, row[i].put,
			 at + strlen(row[i].find));
		assert_int_equal(
			file_replace(dirfd_of_it, "instance.json", changed, strlen(changed), 0644),
			0);
		r = instance_open(dir, &in, &err);
		if (r != -EINVAL || !strstr(err.text, "is damaged"))
			fail_msg("row %zu: %d \"%s\", expected %d", i, r, err.text, -EINVAL);
	}
	/* Cut off anywhere. */
	for (size_t cut = 2;; cut += 7) {
		_cleanup_free_ char *text = NULL;
		struct instance *in = NULL;
		ssize_t len;
		int r;

		save_sample();
		len = file_read_all(dirfd_of_it, "instance.json", 4000, &text);
		assert_true(len > 0);
		if ((size_t)len < cut)
			break;
		assert_int_equal(
			file_replace(dirfd_of_it, "instance.json", text, (size_t)len - cut, 0644),
			0);
		r = instance_open(dir, &in, NULL);
		if (r != -EINVAL)
			fail_msg("%zu bytes cut off: %d, expected %d", cut, r, -EINVAL);
	}
}

/* Writes the sample; the keys that begin with one of the words ("\"key") have another name. */
static void save_without(const char *const words[], size_t n)
{
	_cleanup_free_ char *text = NULL;
	char changed[4096] = "", *rest, *line;

	save_sample();
	assert_true(file_read_all(dirfd_of_it, "instance.json", 4000, &text) > 0);
	for (rest = text; (line = strsep(&rest, "\n"));) {
		size_t len = strlen(changed);
		char *at = NULL;

		for (size_t i = 0; i < n && !at; i++)
			at = strstr(line, words[i]);
		if (at)
			snprintf(changed + len, sizeof(changed) - len, "\"not-%s\n", at + 1);
		else
			snprintf(changed + len, sizeof(changed) - len, "%s\n", line);
	}
	assert_int_equal(file_replace(dirfd_of_it, "instance.json", changed, strlen(changed), 0644),
			 0);
}

/* As the first version wrote it. */
static void test_older(void **state)
{
	static const char *const newer[] = { "\"ipc-", "\"balance\"", "\"memory-mode\"" };
	struct instance *in = NULL;
	struct vc_err err = { 0 };

	save_without(newer, ARRAY_SIZE(newer));
	if (instance_open(dir, &in, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(in->config->ipc_entries, CONFIG_DEFAULT_IPC_ENTRIES);
	assert_int_equal(in->config->ipc_objects_per_user, CONFIG_DEFAULT_IPC_PER_USER);
	assert_int_equal(in->config->balance, BALANCE_OFF);
	assert_int_equal(in->config->parts[1].mode, MEMORY_PAGEABLE);
	instance_free(in);
}

/* What vcctl down needs is read whatever else is missing, or is not there. */
static void test_remains(void **state)
{
	static const char *const unneeded[] = { "\"version\"", "\"policy",   "\"criu\"",
						"\"sample-",   "\"max-jobs", "\"ipc-",
						"\"balance\"", "\"mems\"",   "\"memory" };
	static const char *const needed[] = { "\"cgroup-base\"", "\"own-mount\"", "\"name\"" };
	struct instance *in = NULL;
	struct vc_err err = { 0 };

	save_without(unneeded, ARRAY_SIZE(unneeded));
	assert_int_equal(instance_open(dir, &in, &err), -EINVAL);
	if (instance_open_remains(dir, &in, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(in->cgroup_base, "|2|/sys/fs/cgroup|vcrun");
	assert_true(in->own_mount);
	assert_int_equal(in->config->n_parts, 2);
	assert_int_equal(instance_find(in, "vc1"), 1);
	instance_free(in);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		save_without(&needed[i], 1);
		assert_int_equal(instance_open_remains(dir, &in, &err), -EINVAL);
		if (!strstr(err.text, "vcctl(8)"))
			fail_msg("\"%s\", expected what is to be done by hand", err.text);
	}
}

static void test_dir(void **state)
{
	unsetenv("VCRUN_STATE_DIR");
	assert_string_equal(statedir_choose(NULL), STATEDIR_DEFAULT);
	setenv("VCRUN_STATE_DIR", "", 1);
	assert_string_equal(statedir_choose(NULL), STATEDIR_DEFAULT);
	setenv("VCRUN_STATE_DIR", "/x", 1);
	assert_string_equal(statedir_choose(NULL), "/x");
	assert_string_equal(statedir_choose("/y"), "/y");
	unsetenv("VCRUN_STATE_DIR");
}

static void test_group_name(void **state)
{
	char a[32], b[32], spelled[256];

	assert_int_equal(instance_group_name(STATEDIR_DEFAULT, a, sizeof(a)), 0);
	assert_string_equal(a, "vcrun");
	assert_int_equal(instance_group_name("/run/../run/./vcrun/", a, sizeof(a)), 0);
	assert_string_equal(a, "vcrun");
	assert_int_equal(instance_group_name(dir, a, sizeof(a)), 0);
	assert_int_equal(strlen(a), strlen("vcrun-12345678"));
	snprintf(spelled, sizeof(spelled), "%s/../%s/.", dir, strrchr(dir, '/') + 1);
	assert_int_equal(instance_group_name(spelled, b, sizeof(b)), 0);
	assert_string_equal(b, a);
	/* Named before it is made, the same as after. */
	snprintf(spelled, sizeof(spelled), "%s/new", dir);
	assert_int_equal(instance_group_name(spelled, a, sizeof(a)), 0);
	assert_int_equal(mkdir(spelled, 0755), 0);
	assert_int_equal(instance_group_name(spelled, b, sizeof(b)), 0);
	assert_string_equal(b, a);
	assert_int_equal(instance_group_name("/nowhere/at/all", a, sizeof(a)), -ENOENT);
	assert_int_equal(instance_group_name(dir, a, 8), -ENAMETOOLONG);
}

static void test_daemon_pid(void **state)
{
	struct instance *in = NULL;
	int ready[2], fd;
	pid_t pid;
	char c;

	save_sample();
	assert_int_equal(instance_open(dir, &in, NULL), 0);
	assert_int_equal(instance_daemon_pid(in, "vc0"), 0);
	assert_int_equal(mkdirat(dirfd_of_it, "vc0", 0755), 0);
	fd = openat(dirfd_of_it, "vc0/vcd.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(instance_daemon_pid(in, "vc0"), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (fcntl(fd, F_SETLK, &lock) == 0 && write(ready[1], "y", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(instance_daemon_pid(in, "vc0"), pid);
	assert_int_equal(instance_daemon_pid(in, "vc1"), 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(instance_daemon_pid(in, "vc0"), 0);
	close(ready[0]);
	close(fd);
	instance_free(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_not_up),
		cmocka_unit_test(test_damaged),    cmocka_unit_test(test_older),
		cmocka_unit_test(test_remains),    cmocka_unit_test(test_dir),
		cmocka_unit_test(test_group_name), cmocka_unit_test(test_daemon_pid),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
