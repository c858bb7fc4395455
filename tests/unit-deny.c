// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-deny.c - which device nodes are denied to whom, in a tree that looks like sys; and
 * that they are, on this machine's hierarchies, by each means that it has
 */
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "partition/cgroup/cgroup.h"
#include "partition/config/config.h"
#include "partition/device/deny.h"
#include "partition/device/device.h"

/* Character devices that do no harm. */
static const struct device_node full = { .major = 1, .minor = 7 };
static const struct device_node zero = { .major = 1, .minor = 5 };

/* Two NVMe namespaces of one PCI function; another disk. */
static const char tree[] =
	"set -e; mkdir -p sys/block sys/bus/pci/devices\n"
	"node() { mkdir -p $1; echo $2 >$1/dev; ln -s /sys/class/$3 $1/subsystem; }\n"
	"ctl=sys/devices/pci0/0000:00:06.0/nvme/nvme0; node $ctl 240:0 x\n"
	"for n in 1 2; do node $ctl/nvme0n$n 259:$n block; node $ctl/ng0n$n 241:$n x\n"
	"ln -s .. $ctl/nvme0n$n/device\n"
	"ln -s ../devices/pci0/0000:00:06.0/nvme/nvme0/nvme0n$n sys/block/nvme0n$n; done\n"
	"ln -s ../../../devices/pci0/0000:00:06.0 sys/bus/pci/devices/0000:00:06.0\n"
	"mkdir -p proc/irq/15; node sys/block/loop0 7:0 block\n";

static char dir[] = "/tmp/vcrun-unit-deny.XXXXXX";
static int root = -1;

static int setup_tree(void **state)
{
	char script[4096];

	if (!mkdtemp(dir))
		return -1;
	snprintf(script, sizeof(script), "cd %s && { %s }", dir, tree);
	if (system(script) != 0)
		return -1;
	root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? -1 : 0;
}

static int teardown_tree(void **state)
{
	close(root);
	return file_remove_tree(AT_FDCWD, dir);
}

/* "b8:0 c21:0", sorted as they come. */
static void format(const struct device_node *nodes, size_t n, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < n && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%c%u:%u", i ? " " : "",
					nodes[i].block ? 'b' : 'c', nodes[i].major, nodes[i].minor);
}

/* What each of a, b and c is denied. */
static void test_lists(void **state)
{
	static const struct {
		const char *devices[3], *shares[3], *want[3];
	} row[] = {
		{ { "block:loop0" }, { NULL }, { "", "b7:0", "b7:0" } },
		{ { "block:loop0" }, { NULL, "block:loop0" }, { "", "", "b7:0" } },
		{ { NULL }, { NULL, "block:loop0", "block:loop0" }, { "b7:0", "", "" } },
		{ { "irq:15" }, { NULL }, { "", "", "" } },
		{ { "block:gone block:loop0" }, { NULL }, { "", "b7:0", "b7:0" } },
		/* What one may open counts more than what another one has. */
		{ { "pci:0000:00:06.0" },
		  { NULL, "block:nvme0n1" },
		  { "", "c240:0 c241:2 b259:2", "c240:0 c241:1 c241:2 b259:1 b259:2" } },
		{ { "block:nvme0n1", "block:nvme0n2" },
		  { NULL },
		  { "c241:2 b259:2", "c241:1 b259:1", "c241:1 c241:2 b259:1 b259:2" } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct partition_spec parts[3] = { { .cpus = NULL } };
		struct config config = { .parts = parts, .n_parts = 3 };

		for (size_t k = 0; k < 3; k++) {
			parts[k].devices = (char *)(uintptr_t)row[i].devices[k];
			parts[k].shares = (char *)(uintptr_t)row[i].shares[k];
		}
		for (size_t k = 0; k < 3; k++) {
			struct device_node nodes[DEVICE_NODES_MAX];
			char got[256];
			size_t n = 0;

			assert_int_equal(deny_list(root, &config, k, nodes, DEVICE_NODES_MAX, &n),
					 0);
			format(nodes, n, got, sizeof(got));
			if (strcmp(got, row[i].want[k]) != 0)
				fail_msg("row %zu, partition %zu: \"%s\", expected \"%s\"", i, k,
					 got, row[i].want[k]);
		}
	}
}

/* The errno with which a process of the group may not open it; 0: it may. */
static int open_in(struct cg *cg, const char *group, const char *path)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct vc_err err;

		if (cg_entry_attach(cg, group, 0, &err) < 0)
			_exit(255);
		_exit(open(path, O_RDONLY | O_CLOEXEC) < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static void assert_opens(struct cg *cg, const char *when, int want_full, int want_zero)
{
	static const char *const groups[] = { "vc0", "vc0/job-1" };

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		int got_full = open_in(cg, groups[i], "/dev/full");
		int got_zero = open_in(cg, groups[i], "/dev/zero");

		if (got_full != want_full || got_zero != want_zero)
			fail_msg("%s, in %s: full %d, expected %d; zero %d, expected %d", when,
				 groups[i], got_full, want_full, got_zero, want_zero);
	}
	assert_int_equal(open_in(cg, "vc1", "/dev/full"), 0);
}

static void deny_and_allow(struct cg *cg)
{
	const struct device_node both[] = { zero, full };
	struct vc_err err = { 0 };

	if (cg_group_create(cg, "vc0/job-1", &err) < 0 || cg_group_create(cg, "vc1", &err) < 0)
		fail_msg("%s", err.text);
	assert_opens(cg, "at first", 0, 0);
	if (cg_deny_nodes(cg, "vc0", &full, 1, &err) < 0)
		fail_msg("%s", err.text);
	assert_opens(cg, "full denied", EPERM, 0);
	assert_true(cg_deny_has_nodes(cg, "vc0", &full, 1));
	assert_false(cg_deny_has_nodes(cg, "vc0", both, 2));
	assert_true(cg_deny_has_nodes(cg, "vc1", NULL, 0));
	assert_int_equal(cg_deny_nodes(cg, "vc0", both, 2, &err), 0);
	assert_opens(cg, "both denied", EPERM, EPERM);
	/* A group that comes later is no way around it. */
	assert_int_equal(cg_group_create(cg, "vc0/job-2", &err), 0);
	assert_int_equal(open_in(cg, "vc0/job-2", "/dev/full"), EPERM);
	assert_int_equal(cg_deny_nodes(cg, "vc0", &zero, 1, &err), 0);
	assert_opens(cg, "zero denied", 0, EPERM);
	assert_int_equal(cg_deny_nodes(cg, "vc0", &zero, 1, &err), 0);
	assert_int_equal(cg_deny_nodes(cg, "vc0", NULL, 0, &err), 0);
	assert_opens(cg, "nothing denied", 0, 0);
	assert_true(cg_deny_has_nodes(cg, "vc0", NULL, 0));
	/* A block device of the same numbers is another one. */
	assert_int_equal(
		cg_deny_nodes(cg, "vc0",
			      &(struct device_node){ .block = true, .major = 1, .minor = 7 }, 1,
			      &err),
		0);
	assert_opens(cg, "a block device denied", 0, 0);
	assert_int_equal(cg_deny_nodes(cg, "nowhere", &full, 1, &err), -ENOENT);
}

/* With one hierarchy only, so that it is known by which means. */
static void deny_by(const char *controllers, int version)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	char base[512] = "", line[4096];
	struct vc_err err = { 0 };
	struct mntent entry;
	struct cg *cg;

	while (mounts && getmntent_r(mounts, &entry, line, sizeof(line))) {
		if (version == 2
			    ? !strcmp(entry.mnt_type, "cgroup2")
			    : !strcmp(entry.mnt_type, "cgroup") && hasmntopt(&entry, "devices"))
			snprintf(base, sizeof(base), "%s|%d|%s|vcrun-td%d", controllers, version,
				 entry.mnt_dir, (int)getpid());
	}
	if (mounts)
		endmntent(mounts);
	if (!*base || geteuid() != 0)
		skip();
	if (cg_open(NULL, base, &cg, &err) < 0)
		fail_msg("%s: %s", base, err.text);
	if (!cg_deny_means(cg) || cg_group_create(cg, "vc0", &err) < 0) {
		cg_free(cg);
		skip();
	}
	deny_and_allow(cg);
	if (cg_group_remove(cg, "", &err) < 0)
		fail_msg("left behind: %s", err.text);
	cg_free(cg);
}

static void test_deny_by_bpf(void **state)
{
	deny_by("", 2);
}

static void test_deny_by_v1(void **state)
{
	deny_by("devices", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_deny_by_bpf),
		cmocka_unit_test(test_deny_by_v1),
	};

	return cmocka_run_group_tests(tests, setup_tree, teardown_tree);
}
