// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-irq.c - where interrupts go, in a tree that looks like sys and proc
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "partition/device/irq.h"
#include "partition/device/irqbalance.h"

static const char tree[] =
	"set -e; mkdir -p sys/block sys/devices/system/cpu state\n"
	"echo 0-3 >sys/devices/system/cpu/online\n"
	"disk=devices/pci0000:00/0000:00:02.0; mkdir -p sys/$disk/msi_irqs sys/$disk/block/vda\n"
	"touch sys/$disk/msi_irqs/36 sys/$disk/msi_irqs/5; ln -s ../$disk/block/vda sys/block/vda\n"
	"for n in 5 11 36; do mkdir -p proc/irq/$n; echo 0-3 >proc/irq/$n/smp_affinity_list\n"
	"echo 2 >proc/irq/$n/effective_affinity_list; done\n"
	"printf '           CPU0       CPU1\\n  5:  1  2  PCI-MSI  1-edge  disk-config\\n"
	" 36:  10  4000000000  PCI-MSI  1-edge  disk-req.0\\nNMI: 0 0 x\\n' >proc/interrupts\n";

static char dir[] = "/tmp/vcrun-unit-irq.XXXXXX";
static int root = -1, notes = -1;

static int setup(void **state)
{
	char script[4096];

	if (!mkdtemp(dir))
		return -1;
	snprintf(script, sizeof(script), "cd %s && { %s }", dir, tree);
	if (system(script) != 0)
		return -1;
	root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	notes = openat(root, "state", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 || notes < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	close(root);
	close(notes);
	return file_remove_tree(AT_FDCWD, dir);
}

static int system_in(const char *commands)
{
	char script[1024];

	snprintf(script, sizeof(script), "cd %s && { %s; }", dir, commands);
	return system(script);
}

/* Gone astray, it is sent back; what cannot be sent is not tried again and again. */
static void test_watch(void **state)
{
	static const char *const file = "proc/irq/36/smp_affinity_list";
	struct irq_watch watch = { .n = 0 };
	char now[64];

	/* A write does not cut these files, as it would seem to with proc's. */
	assert_int_equal(
		system_in("for n in 11 36; do echo 3 >proc/irq/$n/smp_affinity_list; done"), 0);
	assert_int_equal(irq_watch_look(root, notes, "irq:36", "1", &watch), 1);
	assert_int_equal(irq_watch_look(root, notes, "irq:36", "1", &watch), 0);
	assert_int_equal(file_write(root, file, "3"), 0);
	assert_int_equal(irq_watch_look(root, notes, "irq:36", "1", &watch), 1);
	assert_true(file_read(root, file, now, sizeof(now)) > 0);
	assert_string_equal(now, "1");
	/* A device gets another interrupt. */
	assert_int_equal(irq_watch_look(root, notes, "irq:36 irq:11", "1", &watch), 1);
	/* Other CPUs. */
	assert_int_equal(irq_watch_look(root, notes, "irq:36 irq:11", "2", &watch), 2);
	/* One that stays where it is: tried once, and once more when a CPU comes. */
	assert_int_equal(system_in("rm proc/irq/36/smp_affinity_list;"
				   "ln -s /proc/version proc/irq/36/smp_affinity_list"),
			 0);
	assert_int_equal(irq_watch_look(root, notes, "irq:36", "2", &watch), 0);
	assert_int_equal(watch.n, 2);
	assert_int_equal(system_in("rm proc/irq/36/smp_affinity_list; echo 0-1 >sys/devices/system/"
				   "cpu/online; echo 3 >proc/irq/36/smp_affinity_list"),
			 0);
	assert_int_equal(irq_watch_look(root, notes, "irq:36", "2", &watch), 1);
	irq_watch_done(&watch);
	irq_restore_all(root, notes);
	assert_int_equal(
		system_in("for n in 11 36; do echo 0-3 >proc/irq/$n/smp_affinity_list; done"), 0);
}

static void test_route_and_back(void **state)
{
	struct irq_state now;

	assert_int_equal(irq_route_devices(root, notes, "block:vda net:none irq:11", "1"), 3);
	assert_int_equal(irq_route_devices(root, notes, "block:vda", "2-3"), 2);
	assert_int_equal(irq_read(root, 36, &now), 0);
	assert_string_equal(now.wanted, "2-3");
	assert_string_equal(now.effective, "2");
	assert_string_equal(now.name, "disk-req.0");
	assert_int_equal(now.n_cpus, 2);
	assert_true(now.count[0] == 10 && now.count[1] == UINT64_C(4000000000));
	/* Back to what was before the first of them. */
	irq_restore_devices(root, notes, "irq:11");
	assert_int_equal(irq_read(root, 11, &now), 0);
	assert_string_equal(now.wanted, "0-3");
	irq_restore_all(root, notes);
	assert_int_equal(irq_read(root, 36, &now), 0);
	assert_string_equal(now.wanted, "0-3");
	assert_int_equal(irq_read(root, 77, &now), -ENOENT);
}

static void test_irqbalance(void **state)
{
	static const struct {
		const char *cmdline;
		size_t left;
		unsigned int first;
	} row[] = {
		{ "irqbalance --foreground", 3, 5 },
		{ "irqbalance --banirq=5 -i 36", 1, 11 },
		{ "irqbalance -i11 --banirq 5", 1, 36 },
		{ "irqbalance --banirq=5 --banirq=11 --banirq=36", 0, 0 },
		{ "irqbalance --banirq", 3, 5 },
		{ "irqbalance --banirqs=5 --banirq=110", 3, 5 },
	};

	assert_int_equal(irqbalance_find(root), 0);
	assert_int_equal(system_in("mkdir -p proc/7 proc/88; echo sh >proc/7/comm;"
				   "echo irqbalance >proc/88/comm"),
			 0);
	assert_int_equal(irqbalance_find(root), 88);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		unsigned int irqs[] = { 5, 11, 36 };
		char command[256];
		size_t left;

		snprintf(command, sizeof(command),
			 "echo '%s' | tr ' \\n' '\\0\\0' >proc/88/cmdline", row[i].cmdline);
		assert_int_equal(system_in(command), 0);
		left = irqbalance_left(root, 88, irqs, ARRAY_SIZE(irqs));
		if (left != row[i].left || (left && irqs[0] != row[i].first))
			fail_msg("%s: %zu, first %u; expected %zu, %u", row[i].cmdline, left,
				 irqs[0], row[i].left, row[i].first);
	}
	assert_int_equal(irqbalance_left(root, 7, (unsigned int[]){ 5 }, 1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_route_and_back),
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_irqbalance),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
