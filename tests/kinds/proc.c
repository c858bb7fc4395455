// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * proc.c - rows of tests/move-kinds: descriptors and directories in procfs, sysfs and cgroupfs
 */
#include "tests/kinds/kind.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int fd = -1;

static void open_file(const char *path)
{
	NEED((fd = open(path, O_RDONLY)) >= 0);
}

/* Whether it can be read, and how its first word ends. */
static void show_read(FILE *out)
{
	char buf[64] = "";
	ssize_t len = pread(fd, buf, sizeof(buf) - 1, 0);

	kind_say(out, "read", len > 0 ? 1 : len);
}

static void make_self(void)
{
	open_file("/proc/self/statm");
}

static void make_sys(void)
{
	open_file("/proc/sys/kernel/ostype");
}

static void do_nothing(void *arg)
{
	(void)arg;
}

static void make_child(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", kind_child(do_nothing, NULL));
	open_file(path);
}

static void make_sysfs(void)
{
	open_file("/sys/kernel/mm/transparent_hugepage/enabled");
}

static void make_cwd(void)
{
	MUST(chdir("/proc/self") == 0);
}

static void make_cwd_plain(void)
{
	MUST(chdir("/proc") == 0);
}

static void make_cwd_deleted(void)
{
	MUST(chdir("/tmp") == 0);
	NEED(access("/tmp", W_OK) == 0);
}

static void show_cwd(FILE *out)
{
	kind_say(out, "stat here", access("stat", R_OK));
}

const struct kind kinds_proc[] = {
	KIND("proc-self", make_self, show_read, .as = KIND_BOTH),
	KIND("proc-child", make_child, show_read, .as = KIND_BOTH),
	KIND("proc-sys", make_sys, show_read, .as = KIND_BOTH),
	KIND("proc-sysfs", make_sysfs, show_read),
	KIND("proc-cwd", make_cwd_plain, show_cwd),
	KIND("proc-cwd-self", make_cwd, show_cwd, .todo = "parked for ever"),
	KIND("proc-cwd-tmp", make_cwd_deleted, show_cwd),
	{ .name = NULL },
};
