// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * task.c - one process of the tree: its state, its namespaces, its threads
 *
 * Threads matter for two reasons. A debugger may hold a single one of them. And
 * CRIU leaves four of their attributes behind (I/O priority, timer slack, core
 * dump filter, CPU affinity), which are noted here and put back after the move.
 * See affinity.h for the last one.
 */
#include "libmig/inventory/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/proc.h"
#include "common/procdir.h"
#include "libmig/keep/reopen.h"
#include "libmig/kernel/sandbox.h"

struct inventory_cpuset {
	char path[PATH_MAX]; /* as /proc/PID/cpuset has it */
	struct cpu_mask cpus;
	bool known;
};

/* The namespaces a process has, and whose it must share. What its children will
 * have says it of itself too, for pid and time: there is no way back up. */
static const struct {
	const char *name;
	bool as_root; /* shared with the tree's root; else with the mover */
	const char *what;
} inventory_ns[] = {
	{ "mnt", false, "mount" },   { "pid_for_children", false, "pid" },
	{ "user", false, "user" },   { "time_for_children", false, "time" },
	{ "net", false, "network" }, { "cgroup", false, "cgroup" },
	{ "ipc", true, "IPC" },      { "uts", true, "UTS" },
};

static void inventory_read_namespace(int dirfd, const char *name, char ret[64])
{
	char path[32];
	ssize_t len;

	snprintf(path, sizeof(path), "ns/%s", name);
	len = readlinkat(dirfd, path, ret, 63);
	/* A namespace that the kernel does not have is equal everywhere. */
	ret[len < 0 ? 0 : len] = '\0';
}

int inventory_namespace_read_own(struct inventory_scan *scan)
{
	_cleanup_close_ int self = open("/proc/thread-self", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (self < 0)
		return err_sys(scan->err, errno, "/proc/thread-self");
	scan->own_ns = calloc(ARRAY_SIZE(inventory_ns), sizeof(*scan->own_ns));
	scan->root_ns = calloc(ARRAY_SIZE(inventory_ns), sizeof(*scan->root_ns));
	if (!scan->own_ns || !scan->root_ns)
		return inventory_out_of_memory(scan);
	for (size_t i = 0; i < ARRAY_SIZE(inventory_ns); i++)
		inventory_read_namespace(self, inventory_ns[i].name, scan->own_ns[i]);
	return 0;
}

void inventory_forget_tasks(struct inventory_scan *scan)
{
	free(scan->own_ns);
	free(scan->root_ns);
	free(scan->root_groups);
	free(scan->cpuset);
}

bool inventory_namespace_is_known(const struct inventory_scan *scan, const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(inventory_ns); i++)
		if (!strcmp(text, inventory_ns[i].as_root ? scan->root_ns[i] : scan->own_ns[i]))
			return true;
	return false;
}

static int inventory_check_namespaces(struct inventory_scan *scan, struct inventory_proc *proc)
{
	for (size_t i = 0; i < ARRAY_SIZE(inventory_ns); i++) {
		const char *want = scan->own_ns[i];
		char has[64];

		inventory_read_namespace(proc->dirfd, inventory_ns[i].name, has);
		if (inventory_ns[i].as_root) {
			if (proc->pid == scan->root)
				memcpy(scan->root_ns[i], has, sizeof(has));
			want = scan->root_ns[i];
		}
		if (!strcmp(has, want))
			continue;
		/* Unreadable because it ended, or because there is none yet? */
		if (has[0] == '\0') {
			inventory_read_namespace(proc->dirfd, "mnt", has);
			if (has[0] == '\0')
				return -ESRCH;
		}
		return inventory_refuse(scan, proc,
					"lives in a %s namespace other than %s, which cannot be "
					"carried; start the program without its own (no unshare, "
					"sandbox or container inside a job)",
					inventory_ns[i].what,
					inventory_ns[i].as_root ? "the job's" : "the system's");
	}
	return 0;
}

/* A thread can have others than its process, by unshare(2) or setns(2); not all of them. */
static int inventory_check_thread_namespaces(struct inventory_scan *scan,
					     const struct inventory_proc *proc, pid_t tid)
{
	for (size_t i = 0; i < ARRAY_SIZE(inventory_ns); i++) {
		const char *want = inventory_ns[i].as_root ? scan->root_ns[i] : scan->own_ns[i];
		char path[64], has[64];
		ssize_t len;

		snprintf(path, sizeof(path), "task/%d/ns/%s", (int)tid, inventory_ns[i].name);
		len = readlinkat(proc->dirfd, path, has, sizeof(has) - 1);
		if (len <= 0)
			continue;
		has[len] = '\0';
		if (strcmp(has, want))
			return inventory_refuse(
				scan, proc,
				"its thread %d is in another %s namespace, which cannot be "
				"carried; end the thread, or have the program use processes",
				tid, inventory_ns[i].what);
	}
	return 0;
}

/* The name and state of a process or thread; refuses one that is being traced. */
static int inventory_read_status(struct inventory_scan *scan, struct inventory_proc *proc,
				 const char *path, uint64_t *ret_bytes, char *ret_state)
{
	char text[4096], tracer_name[64] = "?", comm[32];
	const char *field;
	uint64_t kib;
	ssize_t len;
	int tracer;

	len = inventory_read(proc->dirfd, path, text, sizeof(text));
	if (len < 0)
		return -ESRCH;
	if (ret_bytes)
		proc->long_status = len == (ssize_t)sizeof(text) - 1;
	field = proc_field(text, "State");
	*ret_state = field ? *field : '?';
	field = proc_field(text, "Threads");
	if (ret_bytes && field)
		proc->n_threads = (unsigned int)strtoul(field, NULL, 10);
	if (proc->name[0] == '\0' && (field = proc_field(text, "Name")))
		snprintf(proc->name, sizeof(proc->name), "%.*s", (int)strcspn(field, "\n"), field);
	if (ret_bytes && (field = proc_field(text, "RssAnon")) &&
	    sscanf(field, "%" SCNu64, &kib) == 1)
		*ret_bytes += kib * 1024;
	if (ret_bytes && (field = proc_field(text, "VmSwap")) &&
	    sscanf(field, "%" SCNu64, &kib) == 1)
		*ret_bytes += kib * 1024;
	if (ret_bytes && (field = proc_field(text, "HugetlbPages")) &&
	    sscanf(field, "%" SCNu64, &kib) == 1)
		*ret_bytes += kib * 1024;
	field = proc_field(text, "TracerPid");
	if (!field || sscanf(field, "%d", &tracer) != 1 || tracer == 0)
		return 0;
	snprintf(comm, sizeof(comm), "/proc/%d/comm", tracer);
	file_read(AT_FDCWD, comm, tracer_name, sizeof(tracer_name));
	return inventory_refuse(scan, proc,
				"is being traced by pid %d (%s), and a traced process cannot be "
				"carried; end or detach the debugger or tracer",
				tracer, tracer_name);
}

/*
 * Where the cpuset hierarchy is mounted: on cgroup v1 the one of that name, else
 * v2's. ret_root is the part of the hierarchy that the mount shows.
 */
static bool inventory_find_cpuset_mount(char *ret_dir, char *ret_root, const char **ret_file)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL;

	if (file_read_all(AT_FDCWD, "/proc/self/mountinfo", 1 << 22, &text) < 0)
		return false;
	*ret_file = NULL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char dir[PATH_MAX], root[PATH_MAX], type[32], options[256];
		const char *tail = strstr(line, " - ");
		bool v1;

		if (!tail || sscanf(tail, " - %31s %*s %255s", type, options) != 2)
			continue;
		v1 = !strcmp(type, "cgroup") && strstr(options, "cpuset");
		if (!v1 && (strcmp(type, "cgroup2") || *ret_file))
			continue;
		if (sscanf(line, "%*s %*s %*s %4095s %4095s", root, dir) != 2)
			continue;
		strcpy(ret_dir, dir);
		strcpy(ret_root, root);
		*ret_file = v1 ? "cpuset.effective_cpus" : "cpuset.cpus.effective";
		if (v1)
			break;
	}
	return *ret_file != NULL;
}

static bool inventory_read_cpuset(const char *group, struct cpu_mask *ret)
{
	/* Found once: the system's hierarchies stay where they are. */
	static char dir[PATH_MAX], root[PATH_MAX];
	static const char *file;
	char path[2 * PATH_MAX + 64], inside[PATH_MAX], text[8192];
	size_t skip;

	if (!file && !inventory_find_cpuset_mount(dir, root, &file))
		return false;
	skip = strcmp(root, "/") ? strlen(root) : 0;
	if (strncmp(group, root, skip))
		return false;
	snprintf(inside, sizeof(inside), "%s", group + skip);
	/* On v2 a group without the controller has its nearest ancestor's CPUs. */
	for (;;) {
		char *slash = strrchr(inside, '/');

		snprintf(path, sizeof(path), "%s%s/%s", dir, inside, file);
		if (inventory_read(AT_FDCWD, path, text, sizeof(text)) >= 0)
			return affinity_parse(text, ret) == 0;
		if (!slash)
			break;
		*slash = '\0';
	}
	return inventory_read(AT_FDCWD, "/sys/devices/system/cpu/online", text, sizeof(text)) >=
		       0 &&
	       affinity_parse(text, ret) == 0;
}

/* The CPUs of the process's cpuset; NULL: not known. */
static const struct cpu_mask *inventory_cpuset_of(struct inventory_scan *scan,
						  const struct inventory_proc *proc)
{
	char group[PATH_MAX];

	if (inventory_read(proc->dirfd, "cpuset", group, sizeof(group)) < 0)
		return NULL;
	group[strcspn(group, "\n")] = '\0';
	if (!scan->cpuset) {
		scan->cpuset = calloc(1, sizeof(*scan->cpuset));
		if (!scan->cpuset)
			return NULL;
	}
	if (strcmp(scan->cpuset->path, group)) {
		scan->cpuset->known = inventory_read_cpuset(group, &scan->cpuset->cpus);
		strcpy(scan->cpuset->path, group);
	}
	return scan->cpuset->known ? &scan->cpuset->cpus : NULL;
}

static int inventory_add_task(struct inventory_scan *scan, const struct inventory_task *task,
			      const struct cpu_mask *cpuset)
{
	struct inventory *inv = scan->inv;

	/* Grows at the powers of two. */
	if ((inv->n_tasks & (inv->n_tasks - 1)) == 0) {
		size_t size = inv->n_tasks ? inv->n_tasks * 2 : 1;
		struct inventory_task *grown = realloc(inv->tasks, size * sizeof(*grown));

		if (!grown)
			return inventory_out_of_memory(scan);
		inv->tasks = grown;
	}
	inv->tasks[inv->n_tasks] = *task;
	if (cpuset && affinity_read(task->tid, cpuset, &inv->tasks[inv->n_tasks].affinity) < 0)
		return inventory_out_of_memory(scan);
	inv->n_tasks++;
	return 0;
}

static int inventory_scan_thread(struct inventory_scan *scan, struct inventory_proc *proc,
				 struct inventory_task *task, const struct cpu_mask *cpuset)
{
	char path[48], text[32];
	char state = proc->state;
	int r;

	/* The leader's status has been read for the process. */
	if (task->tid != proc->pid) {
		snprintf(path, sizeof(path), "task/%d/status", task->tid);
		r = inventory_read_status(scan, proc, path, NULL, &state);
		if (r == -ESRCH || (r == 0 && (state == 'Z' || state == 'X')))
			return 0;
		if (r < 0)
			return r;
		if (proc->state == 'Z')
			return inventory_refuse(scan, proc,
						"its main thread has ended while others run, which "
						"cannot be carried; let the main thread wait for "
						"the others");
		r = inventory_share_check_thread(scan, proc, task->tid);
		if (r == 0)
			r = inventory_check_thread_namespaces(scan, proc, task->tid);
		if (r < 0)
			return r;
	} else if (proc->state == 'Z') {
		return 0;
	}
	scan->inv->n_computing += state == 'R';
	task->ioprio = (int)syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, task->tid);
	/* Only there for a thread's own number, not under task/. */
	snprintf(path, sizeof(path), "/proc/%d/timerslack_ns", task->tid);
	if (inventory_read(AT_FDCWD, path, text, sizeof(text)) > 0)
		task->timerslack_nsec = strtoull(text, NULL, 10);
	return inventory_add_task(scan, task, cpuset);
}

int inventory_task_scan(struct inventory_scan *scan, struct inventory_proc *proc)
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
		return inventory_scan_thread(scan, proc, &task, cpuset);
	if (procdir_open(&dir, proc->dirfd, "task") < 0)
		return -ESRCH;
	r = 0;
	while (r == 0 && (tid = procdir_next(&dir))) {
		struct inventory_task one = { .pid = proc->pid,
					      .tid = atoi(tid),
					      .coredump_filter = task.coredump_filter };

		r = inventory_scan_thread(scan, proc, &one, cpuset);
	}
	return r;
}

/* A program cannot be put back into a sandbox that only it can enter. */
static int inventory_check_sandbox(struct inventory_scan *scan, const struct inventory_proc *proc)
{
	struct vc_err why = { 0 };
	int r = sandbox_check_landlock(proc->pid, &why);

	return r == 0 || r == -ESRCH ? r
				     : inventory_refuse(scan, proc,
							"%s, and would be free of it after a move; "
							"start the program without its sandbox",
							why.text);
}

/* Its current or root directory in /proc, where criu finds it again. */
static int inventory_scan_directories(struct inventory_scan *scan, struct inventory_proc *proc)
{
	static const char *const links[] = { "cwd", "root" };

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		char path[PATH_MAX];
		ssize_t len = readlinkat(proc->dirfd, links[i], path, sizeof(path) - 1);
		const char *reason;
		struct stat st;

		if (len < 0 && errno == ENAMETOOLONG)
			return inventory_reach_refuse_length(
				scan, proc, i == 0 ? "its current directory" : "its root directory",
				INVENTORY_PATH_MAX);
		path[len < 0 ? 0 : len] = '\0';
		if (len > 0 && fstatat(proc->dirfd, links[i], &st, 0) < 0) {
			int r = inventory_reach_check(
				scan, proc, i == 0 ? "its current directory" : "its root directory",
				path, errno);

			if (r < 0)
				return r;
		}
		if (strncmp(path, "/proc/", 6) != 0 ||
		    !inventory_has_pid(scan, reopen_proc_owner(path)))
			continue;
		reason = reopen_proc_refusal(proc->pid, path, O_PATH | O_DIRECTORY);
		if (reason)
			return inventory_refuse(
				scan, proc,
				"its %s directory is %s, which %s; have it go to another one",
				i == 0 ? "current" : "root", path, reason);
	}
	return 0;
}

int inventory_process_scan(struct inventory_scan *scan, pid_t pid)
{
	_cleanup_close_ int dirfd = -1;
	struct inventory_proc proc = { .pid = pid };
	char path[32];
	int r;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0 && errno != ENOENT && errno != ESRCH)
		return err_sys(scan->err, errno, "%s", path);
	if (dirfd < 0)
		return 0;
	proc.dirfd = dirfd;
	r = inventory_read_status(scan, &proc, "status", &scan->inv->mem_bytes, &proc.state);
	if (r == 0 && pid != scan->root)
		r = inventory_share_check_exit_signal(scan, &proc);
	/* A zombie has no descriptors, no memory and no namespaces any more. */
	if (r == 0 && proc.state != 'Z') {
		r = inventory_check_namespaces(scan, &proc);
		if (r == 0)
			r = inventory_check_sandbox(scan, &proc);
		if (r == 0)
			r = inventory_share_check_groups(scan, &proc);
		if (r == 0)
			r = inventory_share_check(scan, &proc);
		if (r == 0)
			r = inventory_reach_check_program(scan, &proc);
		if (r == 0)
			r = inventory_limit_check(scan, &proc);
		if (r == 0)
			r = inventory_timer_check(scan, &proc);
		if (r == 0)
			r = inventory_fd_scan(scan, &proc);
		if (r == 0)
			r = inventory_scan_directories(scan, &proc);
		if (r == 0)
			r = inventory_map_scan(scan, &proc);
	}
	if (r == 0)
		r = inventory_task_scan(scan, &proc);
	return r == -ESRCH ? 0 : r;
}

int inventory_task_put_back(const struct inventory *inv, const char *cpus, struct vc_err *err)
{
	struct cpu_mask mask;
	int first = 0;

	if (affinity_parse(cpus, &mask) < 0)
		return err_set(err, EINVAL, "\"%s\" is no list of CPUs", cpus);
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
		r[3] = affinity_put(task->tid, &task->affinity, &mask);
		for (size_t k = 0; k < ARRAY_SIZE(r); k++)
			if (r[k] < 0 && first == 0)
				first = err_sys(err, -r[k], "%s of thread %d of pid %d is lost",
						what[k], task->tid, task->pid);
	}
	return first;
}
