// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * verify.c - compares the tree in the images with the frozen tree, process by process
 *
 * The images belong to root, are complete, and the restore reads the same bytes that are read here.
 * The kernel's view cannot change, because the processes are stopped. Only values that other
 * processes may change at any time can (limits, niceness).
 *
 * Each image is compared with the process whose number it will get. A parasite that lies about its
 * own PID names the image of another process, and the values differ.
 */
#include "libmig/verify/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/file.h"
#include "common/procdir.h"
#include "libmig/verify/priv.h"

/* task_state in CRIU's images/core.proto */
#define TASK_DEAD 2
#define TASK_LAST 3

int verify_refuse(struct verify *verify, pid_t tid, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return err_set(verify->err, EKEYREJECTED,
		       "pid %d: %s. A process changed the job's memory while it was frozen; "
		       "the job was not moved and runs on",
		       (int)tid, text);
}

int verify_equal(struct verify *verify, const struct verify_item *item, uint64_t image,
		 uint64_t kernel)
{
	char values[2][32];
	const uint64_t both[] = { image, kernel };

	if (image == kernel)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		if (item->is_mask)
			snprintf(values[i], sizeof(values[i]), "0x%" PRIx64, both[i]);
		else
			snprintf(values[i], sizeof(values[i]), "%" PRId64, (int64_t)both[i]);
	}
	if (item->from_outside)
		return err_set(
			verify->err, EAGAIN,
			"pid %d: its image says %s %s, the kernel says %s. A process "
			"changed it while the job was frozen; the job was not moved and runs on",
			(int)item->tid, item->what, values[0], values[1]);
	return verify_refuse(verify, item->tid, "its image says %s %s, the kernel says %s",
			     item->what, values[0], values[1]);
}

struct verify_tree {
	size_t n; /* processes so far */
};

static int verify_compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

bool verify_has_pid(const struct verify *verify, pid_t pid)
{
	return bsearch(&pid, verify->pids, verify->n_pids, sizeof(pid), verify_compare_pids);
}

static int verify_limits(struct verify *verify, pid_t pid, const Image__Task *task)
{
	uint64_t soft[VERIFY_N_LIMITS], hard[VERIFY_N_LIMITS];
	const Image__Limits *limits = task->rlimits;
	char what[32];
	const struct verify_item item = { .tid = pid, .what = what, .from_outside = true };
	int r = verify_kernel_limits(verify, pid, soft, hard);

	if (r < 0)
		return r;
	if (!limits || limits->n_limits != VERIFY_N_LIMITS)
		return verify_refuse(verify, pid, "its image has not all resource limits");
	for (size_t i = 0; r == 0 && i < VERIFY_N_LIMITS; i++) {
		snprintf(what, sizeof(what), "soft limit %zu", i);
		r = verify_equal(verify, &item, limits->limits[i]->cur, soft[i]);
		snprintf(what, sizeof(what), "hard limit %zu", i);
		if (r == 0)
			r = verify_equal(verify, &item, limits->limits[i]->max, hard[i]);
	}
	return r;
}

/* Compares a number that is the only text of a file of the process. */
static int verify_number(struct verify *verify, pid_t pid, const char *file, bool outside,
			 bool in_image, uint64_t image)
{
	const struct verify_item item = { .tid = pid, .what = file, .from_outside = outside };
	char path[64], text[32];
	ssize_t n;

	if (!in_image)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	n = file_read(AT_FDCWD, path, text, sizeof(text));
	if (n < 0)
		return err_sys(verify->err, (int)-n, "%s", path);
	return verify_equal(verify, &item, image, (uint64_t)strtoll(text, NULL, 10));
}

static int verify_task(struct verify *verify, const struct verify_kernel *kernel,
		       const Image__Task *task)
{
	pid_t pid = kernel->pid;
	int r;

	if (task->has_gone_seccomp_mode || task->has_gone_seccomp_filter)
		return verify_refuse(verify, pid, "its image has seccomp of an old kind");
	if (task->task_state == 0 || task->task_state > TASK_LAST || task->exit_code != 0)
		return verify_refuse(verify, pid, "its image has state %u and exit code %u",
				     task->task_state, task->exit_code);
	r = verify_limits(verify, pid, task);
	/* CRIU reads this hexadecimal number as decimal; state/sched.c restores it. */
	if (r == 0)
		r = verify_number(verify, pid, "personality", false, true, task->personality);
	if (r == 0)
		r = verify_number(verify, pid, "loginuid", false, task->has_loginuid,
				  task->loginuid);
	if (r == 0)
		r = verify_number(verify, pid, "oom_score_adj", true, task->has_oom_score_adj,
				  (uint64_t)task->oom_score_adj);
	return r;
}

static int verify_thread_image(struct verify *verify, pid_t tid, bool is_leader,
			       ProtobufCMessage **ret)
{
	const Image__Core *core;
	char name[32];
	int r;

	snprintf(name, sizeof(name), "core-%d.img", (int)tid);
	r = verify_image_read(verify, &image__core__descriptor, true, name, ret);
	if (r < 0)
		return r;
	core = (const Image__Core *)*ret;
	if (!core->tc != !is_leader)
		return verify_refuse(verify, tid, "its image is %s",
				     core->tc ? "a process's" : "a thread's");
	return 0;
}

/* Lists the threads of a process in ascending order. The caller frees *ret. */
static int verify_list_threads(struct verify *verify, pid_t pid, uint32_t **ret, size_t *ret_n)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	_cleanup_free_ uint32_t *tids = NULL;
	size_t n = 0;
	pid_t next;
	int r = procdir_open(&dir, AT_FDCWD, "/proc/%d/task", (int)pid);

	if (r < 0)
		return err_sys(verify->err, -r, "/proc/%d/task", (int)pid);
	while ((next = procdir_next_pid(&dir)) > 0) {
		uint32_t *tid = array_add(&tids, &n);

		if (!tid)
			return err_sys(verify->err, ENOMEM, "/proc/%d/task", (int)pid);
		*tid = (uint32_t)next;
	}
	if (n > 0)
		qsort(tids, n, sizeof(*tids), verify_compare_pids);
	*ret = steal_ptr(tids);
	*ret_n = n;
	return 0;
}

static int verify_check_threads(struct verify *verify, pid_t pid, const Image__Process *process)
{
	const struct verify_item count = { .tid = pid, .what = "number of threads" },
				 item = { .tid = pid, .what = "thread" };
	_cleanup_free_ uint32_t *tids = NULL, *image = NULL;
	size_t n = 0;
	int r = verify_list_threads(verify, pid, &tids, &n);

	if (r == 0)
		r = verify_equal(verify, &count, process->n_threads, n);
	if (r < 0 || n == 0)
		return r;
	image = malloc(n * sizeof(*image));
	if (!image)
		return err_sys(verify->err, ENOMEM, "threads of pid %d", (int)pid);
	memcpy(image, process->threads, n * sizeof(*image));
	qsort(image, n, sizeof(*image), verify_compare_pids);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = verify_equal(verify, &item, image[i], tids[i]);
	return r;
}

/* Compares all threads except the leader. */
static int verify_other_threads(struct verify *verify, pid_t pid, const Image__Process *process,
				const Image__Thread *leader)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < process->n_threads; i++) {
		_cleanup_(verify_kernel_done) struct verify_kernel kernel = { .pid = 0 };
		_cleanup_(verify_image_free) ProtobufCMessage *image = NULL;
		pid_t tid = (pid_t)process->threads[i];

		if (tid == pid)
			continue;
		r = verify_thread_image(verify, tid, false, &image);
		if (r == 0)
			r = verify_kernel_read(verify, pid, tid, &kernel);
		if (r == 0 && !((const Image__Core *)image)->thread_core)
			return verify_refuse(verify, tid, "its image has no credentials");
		if (r == 0)
			r = verify_thread(verify, &kernel,
					  ((const Image__Core *)image)->thread_core, leader);
	}
	return r;
}

/* Compares what the threads of a process share: memory, directories, descriptors. */
static int verify_shared(struct verify *verify, const struct verify_kernel *kernel)
{
	const struct verify_item item = { .tid = kernel->pid, .what = "umask", .is_mask = true };
	_cleanup_(verify_image_free) ProtobufCMessage *memory = NULL, *directories = NULL;
	const Image__Directories *has;
	char name[32];
	int r;

	snprintf(name, sizeof(name), "mm-%d.img", (int)kernel->pid);
	r = verify_image_read(verify, &image__memory__descriptor, false, name, &memory);
	if (r == 0)
		r = verify_dumpable(verify, kernel, (const Image__Memory *)memory);
	snprintf(name, sizeof(name), "fs-%d.img", (int)kernel->pid);
	if (r == 0)
		r = verify_image_read(verify, &image__directories__descriptor, false, name,
				      &directories);
	if (r < 0)
		return r;
	has = (const Image__Directories *)directories;
	if (has->has_umask)
		r = verify_equal(verify, &item, has->umask, kernel->umask);
	return r == 0 ? verify_file_check(verify, kernel->pid) : r;
}

/* A zombie has only what its parent learns by wait(2). CRIU writes one thread with a number from
 * memory that it has not set, and does not read this number. */
static int verify_zombie(struct verify *verify, const struct verify_kernel *kernel,
			 const Image__Process *process, const Image__Core *core)
{
	const struct verify_item code = { .tid = kernel->pid, .what = "exit code" };
	int r;

	if (core->tc->task_state != TASK_DEAD)
		return err_set(verify->err, EAGAIN, "pid %d was killed while the job was frozen",
			       (int)kernel->pid);
	r = verify_equal(verify, &code, core->tc->exit_code, (uint32_t)kernel->exit_code);
	if (r == 0 && core->thread_core)
		return verify_refuse(verify, kernel->pid, "its image has credentials");
	if (r == 0 && process->n_threads != 1)
		return verify_refuse(verify, kernel->pid, "its image has threads");
	return r;
}

static int verify_live(struct verify *verify, const struct verify_kernel *kernel,
		       const Image__Process *process, const Image__Core *core)
{
	int r;

	if (core->tc->task_state == TASK_DEAD || !core->thread_core)
		return verify_refuse(verify, kernel->pid, "its image says that it has ended");
	r = verify_thread(verify, kernel, core->thread_core, core->thread_core);
	if (r == 0)
		r = verify_task(verify, kernel, core->tc);
	if (r == 0)
		r = verify_shared(verify, kernel);
	if (r == 0)
		r = verify_check_threads(verify, kernel->pid, process);
	return r == 0 ? verify_other_threads(verify, kernel->pid, process, core->thread_core) : r;
}

static int verify_process(struct verify *verify, const ProtobufCMessage *message, void *ctx)
{
	const Image__Process *process = (const Image__Process *)message;
	_cleanup_(verify_kernel_done) struct verify_kernel kernel = { .pid = 0 };
	_cleanup_(verify_image_free) ProtobufCMessage *image = NULL;
	pid_t pid = (pid_t)process->pid;
	struct verify_tree *tree = ctx;
	struct verify_item item = { .tid = pid };
	int r;

	if (!verify_has_pid(verify, pid))
		return verify_refuse(verify, pid, "it is in the images but not in the job");
	r = verify_kernel_read(verify, pid, pid, &kernel);
	item.what = "parent";
	/* The parent of the root is not in the images. */
	if (r == 0 && (process->ppid != 0 || tree->n > 0))
		r = verify_equal(verify, &item, process->ppid, (uint64_t)kernel.parent);
	item.what = "process group";
	if (r == 0)
		r = verify_equal(verify, &item, process->pgid, (uint64_t)kernel.group);
	item.what = "session";
	if (r == 0)
		r = verify_equal(verify, &item, process->sid, (uint64_t)kernel.session);
	if (r == 0)
		r = verify_thread_image(verify, pid, true, &image);
	if (r < 0)
		return r;
	tree->n++;
	return kernel.state == 'Z' || kernel.state == 'X'
		       ? verify_zombie(verify, &kernel, process, (const Image__Core *)image)
		       : verify_live(verify, &kernel, process, (const Image__Core *)image);
}

static int verify_tree(struct verify *verify)
{
	struct verify_tree tree = { .n = 0 };
	const struct verify_item item = { .tid = verify->pids[0], .what = "number of processes" };
	int r = verify_image_each(verify, &image__process__descriptor, true, "pstree.img",
				  verify_process, &tree);

	return r == 0 ? verify_equal(verify, &item, tree.n, verify->n_pids) : r;
}

int verify_images(int images, const pid_t *pids, size_t n_pids,
		  const struct verify_filters *kernel_filters, uint64_t caps, struct vc_err *err)
{
	struct verify verify = { .images = images,
				 .n_pids = n_pids,
				 .kernel_filters = kernel_filters,
				 .caps = caps,
				 .err = err };
	ProtobufCMessage *filters = NULL;
	int r;

	verify.pids = malloc(n_pids * sizeof(pid_t) + 1);
	if (!verify.pids)
		return err_sys(err, ENOMEM, "compare the images");
	memcpy(verify.pids, pids, n_pids * sizeof(pid_t));
	qsort(verify.pids, n_pids, sizeof(pid_t), verify_compare_pids);
	r = verify_image_find(&verify, &image__filters__descriptor, true, "seccomp.img", &filters);
	verify.filters = (Image__Filters *)filters;
	if (r == 0)
		r = verify_file_read(&verify);
	if (r == 0)
		r = verify_tree(&verify);
	if (r == 0)
		r = verify_file_check_terminals(&verify);
	/* SIGKILL ends also a process that is traced. */
	if (r == -ENOENT || r == -ESRCH)
		r = err_set(
			err, EAGAIN,
			"a process of the job was killed while it was frozen; move the job again");
	verify_file_free(&verify);
	free(verify.seen);
	verify_image_free(&filters);
	free(verify.pids);
	return r;
}
