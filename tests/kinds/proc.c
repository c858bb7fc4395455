// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * proc.c - rows of tests/move-kinds: descriptors and directories in procfs, sysfs and cgroupfs
 */
#include "tests/kinds/kind.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int fd = -1;

static void open_file(const char *path)
{
	NEED((fd = open(path, O_RDONLY)) >= 0);
}

static void open_stat(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	open_file(path);
}

static void show_read(FILE *out)
{
	char buf[64] = "";
	ssize_t len = pread(fd, buf, sizeof(buf) - 1, 0);

	kind_say(out, "read", len > 0 ? 1 : len);
	kind_say(out, "flags", fcntl(fd, F_GETFL));
}

static void do_nothing(void *arg)
{
	(void)arg;
}

static void end_at_once(void *arg)
{
	(void)arg;
	_exit(0);
}

/* From here on an ordinary user. */
static void drop(void)
{
	MUST(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
}

/* --- files of processes -------------------------------------------------------------------- */

static void make_self(void)
{
	open_file("/proc/self/statm");
}

static void make_maps(void)
{
	open_file("/proc/self/maps");
}

static void make_pagemap(void)
{
	open_file("/proc/self/pagemap");
}

static void make_child(void)
{
	open_stat(kind_child(do_nothing, NULL));
}

static void make_zombie_child(void)
{
	open_stat(kind_child(end_at_once, NULL));
}

static void make_dead_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	open_stat(pid);
	kill(pid, SIGKILL);
	MUST(waitpid(pid, NULL, 0) == pid);
}

static void make_parent(void)
{
	open_stat(getppid());
}

static void make_outside(void)
{
	open_file("/proc/1/stat");
}

static int value = 12345;

static void make_memory(void)
{
	NEED((fd = open("/proc/self/mem", O_RDWR)) >= 0);
}

static void show_memory(FILE *out)
{
	int seen = 0;

	kind_say(out, "read", pread(fd, &seen, sizeof(seen), (off_t)(uintptr_t)&value));
	fprintf(out, "%d\n", seen);
}

static void make_directory(void)
{
	NEED((fd = open("/proc/self", O_RDONLY | O_DIRECTORY)) >= 0);
}

static void show_directory(FILE *out)
{
	int below = openat(fd, "stat", O_RDONLY | O_CLOEXEC);

	kind_say(out, "stat there", below < 0 ? -1 : 0);
	close(below);
	kind_say(out, "flags", fcntl(fd, F_GETFL) & ~O_DIRECTORY);
}

static void make_fd_directory(void)
{
	NEED((fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY)) >= 0);
}

static void show_fd_directory(FILE *out)
{
	char link[64];

	kind_say(out, "link of 0", readlinkat(fd, "0", link, sizeof(link)) > 0);
	kind_say(out, "flags", fcntl(fd, F_GETFL) & ~O_DIRECTORY);
}

static void make_path(void)
{
	NEED((fd = open("/proc/self", O_PATH | O_DIRECTORY)) >= 0);
}

static void make_thread_self(void)
{
	open_file("/proc/thread-self/status");
}

static _Atomic pid_t thread_id;

__attribute__((noreturn)) static void *wait_for_ever(void *arg)
{
	(void)arg;
	thread_id = gettid();
	for (;;)
		pause();
}

static bool is_there(void *arg)
{
	(void)arg;
	return thread_id != 0;
}

static void start_thread(void)
{
	pthread_t thread;

	MUST(pthread_create(&thread, NULL, wait_for_ever, NULL) == 0);
	kind_until(is_there, NULL);
}

static void make_thread(void)
{
	char path[64];

	start_thread();
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", thread_id);
	open_file(path);
}

/* The directory of a thread that no list shows. */
static void make_thread_number(void)
{
	start_thread();
	open_stat(thread_id);
}

static void make_cwd_thread_number(void)
{
	char path[64];

	start_thread();
	snprintf(path, sizeof(path), "/proc/%d", thread_id);
	MUST(chdir(path) == 0);
}

static void make_fdinfo(void)
{
	open_file("/proc/self/fdinfo/0");
}

static void make_offset(void)
{
	char buf[10];

	open_file("/proc/self/status");
	MUST(read(fd, buf, sizeof(buf)) == sizeof(buf));
}

static void show_offset(FILE *out)
{
	kind_say(out, "position", lseek(fd, 0, SEEK_CUR));
}

static void share_description(void *arg)
{
	(void)arg;
	MUST(lseek(fd, 0, SEEK_CUR) == 0);
}

static void make_shared(void)
{
	make_self();
	kind_child(share_description, NULL);
}

/* Opened with rights that it has no more: another's memory. */
static void make_dropped(void)
{
	pid_t pid = kind_child(do_nothing, NULL);
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	NEED((fd = open(path, O_RDWR)) >= 0);
	drop();
}

static void make_stack_dropped(void)
{
	open_file("/proc/self/stack");
	drop();
	MUST(prctl(PR_SET_DUMPABLE, 1) == 0);
}

static void make_namespace(void)
{
	open_file("/proc/self/ns/mnt");
}

static void show_flags(FILE *out)
{
	kind_say(out, "flags", fcntl(fd, F_GETFL));
}

/* --- what is nobody's ---------------------------------------------------------------------- */

static void make_sys(void)
{
	open_file("/proc/sys/kernel/ostype");
}

static void make_pressure(void)
{
	open_file("/proc/pressure/cpu");
}

/* Of the network, and not of the process by which it is found. */
static void make_net(void)
{
	open_file("/proc/self/net/tcp");
}

static void make_net_looked_up(void)
{
	make_net();
	MUST(access("/proc/self/net/tcp", F_OK) == 0);
}

static void make_mounts(void)
{
	open_file("/proc/mounts");
}

static void make_sysfs(void)
{
	open_file("/sys/kernel/mm/transparent_hugepage/enabled");
}

/* --- the job's own groups ------------------------------------------------------------------ */

/* A file of its group in the hierarchy of a controller; "" is version 2. */
static void find_group(const char *controller, const char *name, char *ret, size_t size)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[512];

	MUST(file);
	*ret = '\0';
	while (fgets(line, sizeof(line), file)) {
		char *names = strchr(line, ':') + 1, *path = strchr(names, ':');

		*path++ = '\0';
		path[strcspn(path, "\n")] = '\0';
		if (strcmp(names, controller) != 0)
			continue;
		snprintf(ret, size, "/sys/fs/cgroup/%s%s/%s", controller, path, name);
		if (*controller == '\0' && access(ret, F_OK) < 0)
			snprintf(ret, size, "/sys/fs/cgroup/unified%s/%s", path, name);
	}
	fclose(file);
}

static void open_group(const char *controller, const char *name, int flags)
{
	char path[1024];

	find_group(controller, name, path, sizeof(path));
	NEED(*path && (fd = open(path, flags)) >= 0);
}

static void make_group(void)
{
	char path[1024];

	find_group("memory", "memory.usage_in_bytes", path, sizeof(path));
	if (access(path, R_OK) == 0)
		open_group("memory", "memory.usage_in_bytes", O_RDONLY);
	else
		open_group("", "memory.current", O_RDONLY);
}

static void make_group_events(void)
{
	open_group("", "cgroup.events", O_RDONLY | O_CLOEXEC);
}

static void make_group_directory(void)
{
	open_group("", "", O_RDONLY | O_DIRECTORY);
}

/* Of the group that it is of we must be a process. */
static void show_group_directory(FILE *out)
{
	int below = openat(fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	char buf[4096] = "", me[16];

	snprintf(me, sizeof(me), "%d\n", getpid());
	fprintf(out, "I am in it: %d\n", read(below, buf, sizeof(buf) - 1) > 0 && strstr(buf, me));
	kind_say(out, "flags", fcntl(fd, F_GETFL));
	close(below);
}

static void make_group_cwd(void)
{
	char path[1024];

	find_group("", "", path, sizeof(path));
	NEED(*path && chdir(path) == 0);
	MUST((fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0);
}

static void make_group_dropped(void)
{
	open_group("", "cgroup.procs", O_WRONLY);
	drop();
}

static void make_group_above(void)
{
	open_group("", "../cgroup.events", O_RDONLY);
}

/* --- directories --------------------------------------------------------------------------- */

static void make_cwd(void)
{
	MUST(chdir("/proc") == 0);
}

static void make_cwd_self(void)
{
	MUST(chdir("/proc/self") == 0);
}

static void make_cwd_fd(void)
{
	MUST(chdir("/proc/self/fd") == 0);
}

static void make_cwd_thread(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d", getpid());
	MUST(chdir(path) == 0);
}

static void make_cwd_child(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d", kind_child(do_nothing, NULL));
	MUST(chdir(path) == 0);
}

static void make_cwd_sys(void)
{
	MUST(chdir("/sys/kernel") == 0);
}

static void make_cwd_deleted(void)
{
	MUST(mkdir("gone", 0700) == 0 && chdir("gone") == 0 && rmdir("../gone") == 0);
}

static void make_cwd_closed(void)
{
	MUST(mkdir("closed", 0700) == 0 && chdir("closed") == 0);
	kind_write_file("stat", "");
	MUST(chmod(".", 0) == 0);
}

/* On a file system that nobody finds any more. */
static void make_cwd_unmounted(void)
{
	MUST(mkdir("fs", 0700) == 0);
	NEED(mount("none", "fs", "tmpfs", 0, NULL) == 0);
	MUST(chdir("fs") == 0 && umount2(".", MNT_DETACH) == 0);
}

static void make_unmounted(void)
{
	MUST(mkdir("fs", 0700) == 0);
	NEED(mount("none", "fs", "tmpfs", 0, NULL) == 0);
	kind_write_file("fs/stat", "x");
	open_file("fs/stat");
	MUST(umount2("fs", MNT_DETACH) == 0);
}

/* Below another file system. */
static void make_cwd_covered(void)
{
	MUST(mkdir("fs", 0700) == 0 && mkdir("fs/inner", 0700) == 0);
	kind_write_file("fs/inner/stat", "x");
	MUST(chdir("fs/inner") == 0);
	NEED(mount("none", "..", "tmpfs", 0, NULL) == 0);
}

static void make_covered(void)
{
	MUST(mkdir("fs", 0700) == 0);
	kind_write_file("fs/stat", "x");
	open_file("fs/stat");
	NEED(mount("none", "fs", "tmpfs", 0, NULL) == 0);
}

static void make_root_proc(void)
{
	NEED(chroot("/proc/self") == 0);
}

static void make_root(void)
{
	MUST(mkdir("root", 0755) == 0);
	NEED(chroot("root") == 0);
	MUST(chdir("/") == 0);
}

static void show_cwd(FILE *out)
{
	char path[4096];

	kind_say(out, "stat here", access("stat", R_OK));
	fprintf(out, "at %s\n", getcwd(path, sizeof(path)) ? path : strerrorname_np(errno));
}

const struct kind kinds_proc[] = {
	KIND("proc-self", make_self, show_read, .as = KIND_BOTH),
	KIND("proc-child", make_child, show_read, .as = KIND_BOTH),
	KIND("proc-zombie-child", make_zombie_child, show_read),
	KIND("proc-dead-child", make_dead_child, show_read),
	KIND("proc-parent", make_parent, show_read),
	KIND("proc-outside", make_outside, show_read),
	KIND("proc-maps", make_maps, show_read, .as = KIND_BOTH),
	KIND("proc-memory", make_memory, show_memory, .as = KIND_BOTH),
	KIND("proc-pagemap", make_pagemap, NULL),
	KIND("proc-directory", make_directory, show_directory, .as = KIND_BOTH),
	KIND("proc-fd-directory", make_fd_directory, show_fd_directory, .as = KIND_BOTH),
	KIND("proc-path", make_path, show_directory),
	KIND("proc-thread-self", make_thread_self, show_read),
	KIND("proc-thread", make_thread, show_read, .refused = "belongs to a thread"),
	KIND("proc-thread-number", make_thread_number, show_read, .refused = "belongs to a thread"),
	KIND("proc-cwd-thread-number", make_cwd_thread_number, NULL,
	     .refused = "belongs to a thread"),
	KIND("proc-fdinfo", make_fdinfo, show_read, .refused = "criu cannot open"),
	KIND("proc-offset", make_offset, show_offset),
	KIND("proc-shared-description", make_shared, show_read),
	KIND("proc-dropped", make_dropped, NULL, .refused = "the rights that it has now"),
	KIND("proc-stack-dropped", make_stack_dropped, NULL, .refused = "more when root opens it"),
	KIND("proc-namespace", make_namespace, show_flags),
	KIND("proc-sys", make_sys, show_read, .as = KIND_BOTH),
	KIND("proc-pressure", make_pressure, show_read),
	KIND("proc-net", make_net, show_read, .as = KIND_BOTH),
	KIND("proc-net-looked-up", make_net_looked_up, show_read),
	KIND("proc-mounts", make_mounts, show_read),
	KIND("proc-sysfs", make_sysfs, show_read),
	KIND("proc-group", make_group, show_read, .as = KIND_BOTH),
	KIND("proc-group-events", make_group_events, show_read, .as = KIND_BOTH),
	KIND("proc-group-directory", make_group_directory, show_group_directory, .as = KIND_BOTH),
	KIND("proc-group-cwd", make_group_cwd, show_group_directory),
	KIND("proc-group-dropped", make_group_dropped, NULL,
	     .refused = "its rights do not permit|rlimit"),
	KIND("proc-group-above", make_group_above, show_read),
	KIND("proc-cwd", make_cwd, show_cwd),
	KIND("proc-cwd-self", make_cwd_self, show_cwd, .as = KIND_BOTH),
	KIND("proc-cwd-fd", make_cwd_fd, show_cwd),
	KIND("proc-cwd-thread", make_cwd_thread, show_cwd),
	KIND("proc-cwd-child", make_cwd_child, show_cwd, .as = KIND_BOTH),
	KIND("proc-cwd-sys", make_cwd_sys, show_cwd),
	KIND("proc-cwd-deleted", make_cwd_deleted, show_cwd, .as = KIND_BOTH),
	KIND("proc-cwd-closed", make_cwd_closed, show_cwd, .as = KIND_BOTH),
	KIND("proc-cwd-unmounted", make_cwd_unmounted, show_cwd),
	KIND("proc-cwd-covered", make_cwd_covered, show_cwd),
	KIND("proc-unmounted", make_unmounted, show_read),
	KIND("proc-covered", make_covered, show_read),
	KIND("proc-root", make_root_proc, show_cwd),
	KIND("proc-root-other", make_root, show_cwd),
	{ .name = NULL },
};
