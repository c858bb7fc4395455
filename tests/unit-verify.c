// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-verify.c - images of a frozen process, each of their values altered in turn
 *
 * A real process is dumped by a real CRIU. When its images are complete and it is frozen, each
 * alteration (alter.h) must be noticed, and the unaltered images must pass before and after. Then
 * the dump is refused, and the process must run on.
 */
#include <grp.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>

#include "tests/victim.h"

#include "common/file.h"
#include "libmig/criu/criu.h"
#include "libmig/criu/hold.h"
#include "libmig/criu/rights.h"
#include "libmig/inventory/inventory.h"
#include "libmig/kernel/sight.h"
#include "libmig/verify/verify.h"
#include "tests/alter.h"

#define NOBODY 65534
#define N_AT_LEAST 100 /* so many values there are to be altered */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif

static char images_path[] = "/tmp/unit-verify.XXXXXX";
static int images = -1;
static pid_t thread_id; /* the victim's other thread */

static void *idle(void *ignored)
{
	for (;;)
		pause();
	return ignored;
}

/* All calls are allowed; the filter is one that a restore must not lose. */
static void confine(void)
{
	struct sock_filter allow = { .code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW };
	struct sock_fprog program = { .len = 1, .filter = &allow };

	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	for (int i = 0; i < 2; i++)
		NEED(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
			     &program) == 0);
}

/* A pipe that signals its owner, a child that has ended, and limits below the hard ones. */
static void own_things(void)
{
	struct rlimit limit = { .rlim_cur = 100, .rlim_max = 200 };
	pid_t child;

	NEED(pipe((int[2]){ 0, 0 }) == 0);
	dup2(3, KEPT);
	dup2(4, KEPT + 1);
	close(3);
	close(4);
	NEED(fcntl(KEPT, F_SETOWN, getpid()) == 0 && fcntl(KEPT, F_SETSIG, SIGUSR1) == 0);
	NEED(setrlimit(RLIMIT_CORE, &limit) == 0);
	child = fork();
	if (child == 0)
		_exit(3);
}

static void become_nobody(void)
{
	NEED(setgroups(2, (gid_t[]){ 12, 13 }) == 0);
	NEED(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
	NEED(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
}

static void setup_nobody(void)
{
	pthread_t thread;

	become_nobody();
	own_things();
	NEED(pthread_create(&thread, NULL, idle, NULL) == 0);
	confine();
}

static void setup_root(void)
{
	pthread_t thread;

	own_things();
	NEED(pthread_create(&thread, NULL, idle, NULL) == 0);
}

/* Bits that root has set, and that the images must not lose. */
static void setup_securebits(void)
{
	setup_root();
	NEED(prctl(PR_SET_SECUREBITS, SECBIT_NO_CAP_AMBIENT_RAISE, 0, 0, 0) == 0);
}

/* One whose own user may not look into it, as a program is that he may not read. */
static void setup_undumpable(void)
{
	setup_root();
	NEED(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
}

static void setup_undumpable_nobody(void)
{
	setup_nobody();
	NEED(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
}

static void setup_terminal(void)
{
	char name[64];

	become_nobody();
	NEED(openpty((int[1]){ 0 }, (int[1]){ 0 }, name, NULL, NULL) == 0);
	NEED(ioctl(4, TIOCSCTTY, 0) == 0);
}

/* Threads whose filters differ, so that each has its own in the images. */
static void *confined(void *ignored)
{
	struct sock_filter allow = { .code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW };
	struct sock_fprog program = { .len = 1, .filter = &allow };

	NEED(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0);
	*(volatile int *)ignored = 1;
	return idle(NULL);
}

static void setup_uneven(void)
{
	volatile int ready = 0;
	pthread_t thread;

	become_nobody();
	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	NEED(pthread_create(&thread, NULL, confined, (void *)&ready) == 0);
	while (!ready)
		usleep(1000);
}

static pid_t find_thread(pid_t pid)
{
	char path[64];
	pid_t tid = pid;

	for (pid_t i = pid + 1; i < pid + 100 && tid == pid; i++) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d", (int)pid, (int)i);
		if (access(path, F_OK) == 0)
			tid = i;
	}
	return tid;
}

struct frozen {
	const char *kind;
	pid_t root, *pids;
	size_t n_pids;
	struct verify_filters *filters;
	unsigned int altered, meaningless;
	bool at_end;
	char wrong[1536]; /* the first alteration that was not refused, and the like */
};

static int compare(const struct frozen *frozen, struct vc_err *err)
{
	*err = (struct vc_err){ .code = 0 };
	return verify_images(images, frozen->pids, frozen->n_pids, frozen->filters, 0, err);
}

/* The number of a zombie's one thread: criu leaves it to chance, and does not read it. There is at
 * most one zombie. */
static bool means_nothing(struct frozen *frozen, const char *what)
{
	return !strcmp(what, "pstree.img.threads [0]") && frozen->meaningless++ == 0;
}

/* The job must run again before a test may fail. */
static int on_dump(const char *script, void *ctx)
{
	struct frozen *frozen = ctx;
	struct alter_saved saved;
	struct vc_err err;
	char what[256];

	if (strcmp(script, "post-dump"))
		return 0;
	if (inventory_tree_pids(frozen->root, &frozen->pids, &frozen->n_pids, &err) < 0 ||
	    compare(frozen, &err) != 0) {
		snprintf(frozen->wrong, sizeof(frozen->wrong), "unaltered images: %s", err.text);
		return -1;
	}
	for (; alter_image(images, frozen->root, thread_id, frozen->altered, what, sizeof(what),
			   &saved);
	     frozen->altered++) {
		int r = compare(frozen, &err);

		if (getenv("VERBOSE"))
			fprintf(stderr, "%s: %s\n", what, err.text);
		if (r != -EKEYREJECTED && r != -EAGAIN && !frozen->wrong[0] &&
		    !means_nothing(frozen, what))
			snprintf(frozen->wrong, sizeof(frozen->wrong), "%s: %d %s", what, r,
				 err.text);
		alter_undo(images, &saved);
	}
	if (compare(frozen, &err) != 0)
		snprintf(frozen->wrong, sizeof(frozen->wrong), "images as before: %s", err.text);
	frozen->at_end = true;
	return -1;
}

/* Whether it does again what it did, which is to wait. */
static bool waits(pid_t pid)
{
	char path[64], stat[512];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	for (int i = 0; i < 500; i++) {
		if (file_read(AT_FDCWD, path, stat, sizeof(stat)) > 0 && strstr(stat, ") S "))
			return true;
		usleep(10000);
	}
	return false;
}

/* The module in criu reads limits, and knows the filters. */
static void on_held(struct hold *hold, enum hold_when when, void *ctx)
{
	struct frozen *frozen = ctx;
	struct vc_err err;

	if (when == HOLD_WHEN_FROZEN &&
	    verify_filters_take(hold, &frozen->root, 1, &frozen->filters, &err) < 0)
		snprintf(frozen->wrong, sizeof(frozen->wrong), "filters: %s", err.text);
}

static void alter_all(const char *kind, void (*setup)(void), uid_t uid)
{
	struct criu_images where = { .log = "dump.log" };
	struct frozen frozen = { .kind = kind };
	struct criu_start how = { .beside = 0 };
	struct inventory *inv = NULL;
	struct criu *criu = NULL;
	struct vc_err err = { .code = 0 };

	assert_non_null(mkdtemp(strcpy(images_path, "/tmp/unit-verify.XXXXXX")));
	images = where.dirfd = open(images_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	frozen.root = victim_start(setup);
	if (frozen.root == 0)
		skip();
	thread_id = find_thread(frozen.root);
	if (inventory_take(frozen.root, &inv, &err) < 0)
		fail_msg("%s: %s", kind, err.text);
	how.caps = rights_for(uid, &frozen.root, 1);
	assert_int_equal(hold_new(on_held, &frozen, &how.hold, &err), 0);
	if (criu_start(&how, &criu, &err) < 0)
		fail_msg("%s: %s", kind, err.text);
	assert_true(criu_dump(criu, frozen.root, inv, &where, false, on_dump, &frozen, &err) < 0);
	criu_free(criu);
	hold_free(how.hold);
	if (frozen.wrong[0])
		fail_msg("%s: %s", kind, frozen.wrong);
	if (!frozen.at_end)
		fail_msg("%s: not dumped: %s", kind, err.text);
	inventory_free(inv);
	print_message("%s: %u alterations, each refused\n", kind, frozen.altered);
	assert_true(waits(frozen.root));
	victim_end(frozen.root);
	free(frozen.pids);
	verify_filters_free(frozen.filters);
	close(images);
	file_remove_tree(AT_FDCWD, images_path);
	assert_true(frozen.altered >= N_AT_LEAST || thread_id == frozen.root);
}

static void test_nobody(void **state)
{
	alter_all("an ordinary user's", setup_nobody, NOBODY);
}

static void test_root(void **state)
{
	alter_all("root's", setup_root, 0);
}

static void test_undumpable(void **state)
{
	alter_all("root's, which nobody may look into", setup_undumpable, 0);
}

static void test_undumpable_nobody(void **state)
{
	alter_all("a user's, which nobody may look into", setup_undumpable_nobody, NOBODY);
}

static void test_securebits(void **state)
{
	if (!sight_get()->peek)
		skip();
	alter_all("root's with securebits", setup_securebits, 0);
}

static void test_uneven(void **state)
{
	alter_all("with filters of one thread", setup_uneven, NOBODY);
}

static void test_terminal(void **state)
{
	alter_all("with a terminal", setup_terminal, NOBODY);
}

int main(void)
{
	char modules[PATH_MAX];
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody),     cmocka_unit_test(test_root),
		cmocka_unit_test(test_undumpable), cmocka_unit_test(test_undumpable_nobody),
		cmocka_unit_test(test_securebits), cmocka_unit_test(test_uneven),
		cmocka_unit_test(test_terminal),
	};

	if (geteuid() != 0 || !criu_find() || IS_SANITIZED) {
		puts("needs root, criu, and a build without a sanitizer");
		return 77;
	}
	if (realpath("libmig/modules/.libs", modules))
		setenv("VCRUN_CRIU_MODULES", modules, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
