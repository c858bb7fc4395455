// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * task.c - the threads of a process, and what CRIU does not carry of them
 *
 * CRIU does not carry four attributes: I/O priority, timer slack, core dump filter and CPU
 * affinity. They are noted here and restored after the move.
 */
#include "libmig/inventory/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/ioprio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/file.h"
#include "common/procdir.h"

static int task_add(struct inventory_scan *scan, const struct inventory_task *task,
		    const struct cpu_mask *cpuset)
{
	struct inventory_task *added = array_add(&scan->inv->tasks, &scan->inv->n_tasks);

	if (!added)
		return inventory_out_of_memory(scan);
	*added = *task;
	return cpuset && affinity_read(task->tid, cpuset, &added->affinity) < 0
		       ? inventory_out_of_memory(scan)
		       : 0;
}

static int task_scan(struct inventory_scan *scan, const struct inventory_proc *proc,
		     struct inventory_task *task, const struct cpu_mask *cpuset)
{
	char path[48], text[32];
	char state = proc->state;
	int r;

	/* The main thread's state is the process's. */
	if (task->tid != proc->pid) {
		r = inventory_process_read_thread(scan, proc, task->tid, &state);
		if (r == -ESRCH || (r == 0 && (state == 'Z' || state == 'X')))
			return 0;
		if (r < 0)
			return r;
		if (proc->state == 'Z')
			return inventory_refuse(scan, proc,
						"its main thread has ended while others run, which "
						"cannot be carried; make the main thread wait for "
						"the others");
		r = inventory_share_check_thread(scan, proc, task->tid);
		if (r == 0)
			r = inventory_namespace_check_thread(scan, proc, task->tid);
		if (r < 0)
			return r;
	} else if (proc->state == 'Z') {
		return 0;
	}
	scan->inv->n_computing += state == 'R';
	task->ioprio = (int)syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, task->tid);
	/* The directories in task/ do not have this file. */
	snprintf(path, sizeof(path), "/proc/%d/timerslack_ns", task->tid);
	if (inventory_read(AT_FDCWD, path, text, sizeof(text)) > 0)
		task->timerslack_nsec = strtoull(text, NULL, 10);
	return task_add(scan, task, cpuset);
}

int inventory_task_scan(struct inventory_scan *scan, const struct inventory_proc *proc)
{
	const struct cpu_mask *cpuset = inventory_cpuset_of(scan, proc);
	struct inventory_task task = { .pid = proc->pid, .tid = proc->pid };
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	const char *tid;
	char text[32];
	int r;

	if (inventory_read(proc->dirfd, "coredump_filter", text, sizeof(text)) > 0)
		task.coredump_filter = (unsigned int)strtoul(text, NULL, 16);
	if (proc->n_threads == 1)
		return task_scan(scan, proc, &task, cpuset);
	if (procdir_open(&dir, proc->dirfd, "task") < 0)
		return -ESRCH;
	r = 0;
	while (r == 0 && (tid = procdir_next(&dir))) {
		struct inventory_task one = { .pid = proc->pid,
					      .tid = atoi(tid),
					      .coredump_filter = task.coredump_filter };

		r = task_scan(scan, proc, &one, cpuset);
	}
	return r;
}

int inventory_task_put_back(const struct inventory *inv, const char *cpus, struct vc_err *err)
{
	struct cpu_mask cpuset;
	int first = 0;

	if (affinity_parse(cpus, &cpuset) < 0)
		return err_set(err, EINVAL, "\"%s\" is not a list of CPUs", cpus);
	for (size_t i = 0; i < inv->n_tasks; i++) {
		const struct inventory_task *task = &inv->tasks[i];
		const char *what[4] = { "I/O priority", "timer slack", "core dump filter",
					"CPU affinity" };
		int r[4] = { 0 };
		char path[48], text[32];

		if (task->ioprio >= 0 &&
		    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, task->tid, task->ioprio) < 0)
			r[0] = -errno;
		if (task->timerslack_nsec > 0) {
			snprintf(path, sizeof(path), "/proc/%d/timerslack_ns", task->tid);
			snprintf(text, sizeof(text), "%" PRIu64, task->timerslack_nsec);
			r[1] = file_write(AT_FDCWD, path, text);
		}
		if (task->tid == task->pid) {
			snprintf(path, sizeof(path), "/proc/%d/coredump_filter", task->tid);
			snprintf(text, sizeof(text), "0x%x", task->coredump_filter);
			r[2] = file_write(AT_FDCWD, path, text);
		}
		r[3] = affinity_put(task->tid, &task->affinity, &cpuset);
		for (size_t k = 0; k < ARRAY_SIZE(r); k++)
			if (r[k] < 0 && first == 0)
				first = err_sys(err, -r[k],
						"%s of thread %d of pid %d could not be restored",
						what[k], task->tid, task->pid);
	}
	return first;
}
