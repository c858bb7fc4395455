// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-device.c - a device's name gives its nodes and its interrupts: in a tree that looks like
 * sys, and of this machine
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
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "partition/device/device.h"

/*
 * As the kernel lays it out: dev makes a device, class gives it a link from its class, and all
 * that has a number one from dev/char.
 *
 *	02 virtio disk        08 SATA: a disk, its generic nodes     0a virtio-mmio disk
 *	03 virtio network     09 xHCI: a disk behind two hubs        pnp0: serial ports, a clock
 *	04 virtio generator   1c bridge: 01:00 NVMe, 01:01 a card    i8042: keyboard and mouse
 *	05 virtio console        with two ports and RDMA
 *	06 vfio                  07 NVMe with several paths          1f legacy IDE
 */
static const char tree[] =
	"set -e; mkdir -p sys/block sys/bus/pci/devices sys/class/net sys/dev/char proc/irq\n"
	"v=sys/devices/virtual; p=sys/devices/pci0000:00\n"
	/* dev PATH CLASS [MAJOR:MINOR] */
	"dev() { mkdir -p $1; : >$1/uevent; ln -s /sys/class/$2 $1/subsystem\n"
	"	case $2 in block) mkdir -p sys/block; ln -s ../../$1 sys/block/${1##*/};;\n"
	"	net) ln -s ../../../$1 sys/class/net/${1##*/};; esac\n"
	"	[ -z \"$3\" ] || echo $3 >$1/dev; }\n"
	"part() { mkdir -p $1; : >$1/uevent; ln -s /sys/class/block $1/subsystem; echo $2 >$1/dev; "
	"}\n"
	/* pci PATH [MSI]... */
	"pci() { pci=$1; dev $1 ../bus/pci; ln -s ../../../../$1 sys/bus/pci/devices/${1##*/}\n"
	"	shift; [ $# -eq 0 ] || mkdir $pci/msi_irqs\n"
	"	for n; do : >$pci/msi_irqs/$n; mkdir -p proc/irq/$n; done; echo ${1:-0} >$pci/irq; "
	"}\n"
	"line() { mkdir -p proc/irq/$2 sys/kernel/irq/$2; echo $2 >$1/irq; }\n"
	"handler() { mkdir -p proc/irq/$1 sys/kernel/irq/$1; echo $2 >sys/kernel/irq/$1/actions; "
	"}\n"
	"pci $p/0000:00:02.0 36 5; dev $p/0000:00:02.0/virtio1 x\n"
	"dev $p/0000:00:02.0/virtio1/block/vda block 254:0; part "
	"$p/0000:00:02.0/virtio1/block/vda/vda1 254:1\n"
	"pci $p/0000:00:03.0; line $p/0000:00:03.0 11; dev $p/0000:00:03.0/virtio2 x\n"
	"dev $p/0000:00:03.0/virtio2/net/eth0 net\n"
	"ln -s ../.. $p/0000:00:03.0/virtio2/net/eth0/device\n"
	"pci $p/0000:00:04.0 33 34; dev $p/0000:00:04.0/virtio4 x; dev $v/misc/hw_random misc "
	"10:183\n"
	"echo virtio_rng.0 >$v/misc/hw_random/rng_current; mkdir -p "
	"sys/bus/virtio/drivers/virtio_rng\n"
	"ln -s ../../../../devices/pci0000:00/0000:00:04.0/virtio4 "
	"sys/bus/virtio/drivers/virtio_rng/virtio4\n"
	"pci $p/0000:00:05.0 40; dev $p/0000:00:05.0/virtio5 x; dev $v/tty/hvc0 tty 229:0\n"
	"dev $p/0000:00:05.0/virtio5/virtio-ports/vport5p1 virtio-ports 245:1\n"
	"dev $v/tty/tty1 tty 4:1; mkdir -p sys/bus/virtio/drivers/virtio_console\n"
	"ln -s ../../../../devices/pci0000:00/0000:00:05.0/virtio5 "
	"sys/bus/virtio/drivers/virtio_console/virtio5\n"
	"pci $p/0000:00:06.0 50; dev $v/vfio/7 vfio 243:0; mkdir -p "
	"sys/kernel/iommu_groups/7/devices\n"
	"dev $p/0000:00:06.0/vfio-dev/vfio0 vfio-dev 242:0\n"
	"ln -s ../../../../devices/pci0000:00/0000:00:06.0 "
	"sys/kernel/iommu_groups/7/devices/0000:00:06.0\n"
	"pci $p/0000:00:07.0 60 61; dev $p/0000:00:07.0/nvme/nvme1 nvme 240:1; "
	"s=$v/nvme-subsystem/nvme-subsys1\n"
	"dev $s nvme-subsystem; ln -s ../../../pci0000:00/0000:00:07.0/nvme/nvme1 $s/nvme1\n"
	"dev $s/nvme1n1 block 259:8; part $s/nvme1n1/nvme1n1p1 259:9; dev $s/ng1n1 nvme-generic "
	"241:8\n"
	"ln -s .. $s/nvme1n1/device\n"
	"pci $p/0000:00:08.0 70; l=$p/0000:00:08.0/ata1/host0/target0:0:0/0:0:0:0; dev $l x\n"
	"dev $l/block/sda block 8:0; part $l/block/sda/sda1 8:1; ln -s ../.. $l/block/sda/device\n"
	"dev $l/scsi_generic/sg0 scsi_generic 21:0; dev $l/bsg/0:0:0:0 bsg 247:0\n"
	"pci $p/0000:00:09.0 80; u=$p/0000:00:09.0/usb1; dev $u usb 189:0; u=$u/1-2/1-2.3; dev $u "
	"usb 189:2\n"
	"l=$u/1-2.3:1.0/host1/target1:0:0/1:0:0:0; dev $l x; dev $l/block/sdb block 8:16\n"
	"ln -s ../.. $l/block/sdb/device; dev $l/scsi_generic/sg1 scsi_generic 21:1\n"
	"m=sys/devices/platform/virtio-mmio.0/virtio7; dev $m x; dev $m/block/vdb block 254:16; "
	"handler 90 virtio7\n"
	"ln -s ../.. $m/block/vdb/device\n"
	"t=sys/devices/pnp0/00:00/00:00:0/00:00:0.0/tty/ttyS0; dev $t tty 4:64; echo 4 >$t/type; "
	"line $t 26\n"
	"t=sys/devices/platform/serial8250/tty/ttyS1; dev $t tty 4:65; echo 0 >$t/type; line $t 3\n"
	"dev sys/devices/pnp0/00:04/rtc/rtc0 rtc 252:0; handler 8 rtc0\n"
	"k=sys/devices/platform/i8042; dev $k x; dev $k/serio0/input/input0/event0 input 13:64\n"
	"handler 1 i8042; handler 12 other,i8042\n"
	"pci $p/0000:00:1c.0 100; b=$p/0000:00:1c.0; pci $b/0000:01:00.0 101 102\n"
	"c=$b/0000:01:00.0/nvme/nvme0; dev $c nvme 240:0\n"
	"for n in 1 2; do dev $c/nvme0n$n block 259:$n; dev $c/ng0n$n nvme-generic 241:$n\n"
	"ln -s .. $c/nvme0n$n/device; done\n"
	"pci $b/0000:01:01.0 110 111; for n in 1 2; do dev $b/0000:01:01.0/net/ib$n net\n"
	"ln -s ../.. $b/0000:01:01.0/net/ib$n/device; done\n"
	"dev $b/0000:01:01.0/infiniband_verbs/uverbs0 x 231:192; dev $b/0000:01:01.0/ptp/ptp0 ptp "
	"249:0\n"
	"pci $b/0000:01:02.0; dev $b/0000:01:02.0/net/eth9 net\n"
	"pci $p/0000:00:1f.1; d=$p/0000:00:1f.1; mkdir -p sys/bus/pci/drivers/ata_piix\n"
	"ln -s ../../../bus/pci/drivers/ata_piix $d/driver; handler 14 ata_piix; handler 15 "
	"ata_piix\n"
	"dev $d/ata2/host2/block/sr0 block 11:0\n"
	"dev $v/block/loop0 block 7:0; dev $v/net/lo net; dev $v/net/macvtap0 net\n"
	"dev $v/net/macvtap0/tap9 macvtap 244:9; dev $v/mem/full mem 1:7; mkdir -p proc/irq/15\n"
	/* Links that lead nowhere, or in a circle. */
	"ln -s nowhere sys/block/gone; ln -s . sys/block/loop; ln -s ../.. $v/net/macvtap0/up\n";

static char dir[] = "/tmp/vcrun-unit-device.XXXXXX";
static int root = -1;

static int setup(void **state)
{
	static char script[sizeof(tree) + 64];

	if (!mkdtemp(dir))
		return -1;
	snprintf(script, sizeof(script), "cd %s && { %s }", dir, tree);
	if (system(script) != 0)
		return -1;
	root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	close(root);
	return file_remove_tree(AT_FDCWD, dir);
}

/* "5 36 : c21:0 b8:0", nodes sorted; or the error's name. */
static void describe(int at, const char *name, char *buf, size_t size)
{
	struct device_node nodes[DEVICE_NODES_MAX];
	unsigned int irqs[DEVICE_IRQS_MAX];
	struct vc_err err = { 0 };
	size_t n_irqs = 0, n_nodes = 0, len;
	int r = device_irqs(at, name, irqs, DEVICE_IRQS_MAX, &n_irqs, &err);
	int r2 = device_nodes(at, name, nodes, DEVICE_NODES_MAX, &n_nodes, NULL);

	if (r < 0 || r2 < 0) {
		snprintf(buf, size, "%s%s", strerrorname_np(-r), r == r2 ? "" : ", not for both");
		return;
	}
	buf[0] = '\0';
	len = 0;
	for (size_t i = 0; i < n_irqs && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%u ", irqs[i]);
	len += (size_t)snprintf(buf + len, size - len, ":");
	qsort(nodes, n_nodes, sizeof(nodes[0]), device_node_order);
	for (size_t i = 0; i < n_nodes && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, " %c%u:%u",
					nodes[i].block ? 'b' : 'c', nodes[i].major, nodes[i].minor);
}

static void test_names(void **state)
{
	static const struct {
		const char *name, *want;
	} row[] = {
		{ "block:vda", "5 36 : b254:0 b254:1" },
		{ "block:vdb", "90 : b254:16" },
		{ "block:sda", "70 : c21:0 c247:0 b8:0 b8:1" },
		{ "block:sdb", "80 : c21:1 b8:16" },
		{ "block:sr0", "14 15 : b11:0" },
		{ "block:nvme0n1", "101 102 : c241:1 b259:1" },
		{ "block:nvme1n1", "60 61 : c241:8 b259:8 b259:9" },
		{ "block:loop0", ": b7:0" },
		{ "net:eth0", "11 :" },
		{ "net:eth9", ":" },
		{ "net:ib1", "110 111 : c231:192 c249:0" },
		{ "net:lo", ":" },
		{ "net:macvtap0", ": c244:9" },
		{ "pci:0000:00:02.0", "5 36 : b254:0 b254:1" },
		{ "pci:0000:00:03.0", "11 :" },
		{ "pci:0000:00:04.0", "33 34 : c10:183" },
		{ "pci:0000:00:05.0", "40 : c229:0 c245:1" },
		{ "pci:0000:00:06.0", "50 : c242:0 c243:0" },
		{ "pci:0000:00:07.0", "60 61 : c240:1 c241:8 b259:8 b259:9" },
		{ "pci:0000:00:08.0", "70 : c21:0 c247:0 b8:0 b8:1" },
		{ "pci:0000:00:09.0", "80 : c21:1 c189:0 c189:2 b8:16" },
		{ "pci:0000:00:1c.0",
		  "100 101 102 110 111 : c231:192 c240:0 c241:1 c241:2 c249:0 b259:1 b259:2" },
		{ "pci:0000:01:00.0", "101 102 : c240:0 c241:1 c241:2 b259:1 b259:2" },
		{ "pci:0000:01:02.0", ":" },
		{ "pci:0000:00:1f.1", "14 15 : b11:0" },
		{ "irq:15", "15 :" },
		{ "irq:36", "36 :" },
		{ "irq:99", "ENODEV" },
		{ "irq:x", "EINVAL" },
		{ "irq:-1", "EINVAL" },
		{ "irq: 36", "EINVAL" },
		{ "irq:", "EINVAL" },
		{ "block:sdz", "ENODEV" },
		{ "block:gone", "ENODEV" },
		{ "block:loop", ":" },
		{ "block:../../etc", "EINVAL" },
		{ "block:.", "EINVAL" },
		{ "block:", "EINVAL" },
		{ "block:a b", "EINVAL" },
		{ "vda", "EINVAL" },
		{ "char:/dev/none", "ENODEV" },
		{ "char:null", "EINVAL" },
		{ "char:/dev/../etc/passwd", "EINVAL" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		char got[512];

		describe(root, row[i].name, got, sizeof(got));
		if (strcmp(got, row[i].want) != 0)
			fail_msg("%s: \"%s\", expected \"%s\"", row[i].name, got, row[i].want);
	}
}

/* A tree of one's own has no nodes without root's rights: these are made if they can be. */
static void test_chars(void **state)
{
	static const struct {
		const char *path;
		unsigned int major, minor;
		const char *place, *want;
	} row[] = {
		{ "hwrng", 10, 183, "virtual/misc/hw_random", "33 34 : c10:183" },
		{ "ttyS0", 4, 64, "pnp0/00:00/00:00:0/00:00:0.0/tty/ttyS0", "26 : c4:64" },
		{ "ttyS1", 4, 65, "platform/serial8250/tty/ttyS1", ": c4:65" },
		{ "tty1", 4, 1, "virtual/tty/tty1", ": c4:1" },
		{ "hvc0", 229, 0, "virtual/tty/hvc0", "40 : c229:0" },
		{ "rtc0", 252, 0, "pnp0/00:04/rtc/rtc0", "8 : c252:0" },
		{ "event0", 13, 64, "platform/i8042/serio0/input/input0/event0", "1 12 : c13:64" },
		{ "vfio7", 243, 0, "virtual/vfio/7", "50 : c243:0" },
		{ "nvme1", 240, 1, "pci0000:00/0000:00:07.0/nvme/nvme1", "60 61 : c240:1" },
		{ "ng1n1", 241, 8, "virtual/nvme-subsystem/nvme-subsys1/ng1n1", "60 61 : c241:8" },
		{ "sg1", 21, 1,
		  "pci0000:00/0000:00:09.0/usb1/1-2/1-2.3/1-2.3:1.0/host1/target1:0:0/1:0:0:0/"
		  "scsi_generic/sg1",
		  "80 : c21:1" },
		{ "uverbs0", 231, 192,
		  "pci0000:00/0000:00:1c.0/0000:01:01.0/infiniband_verbs/uverbs0",
		  "110 111 : c231:192" },
		{ "full", 1, 7, "virtual/mem/full", ": c1:7" },
	};

	assert_true(mkdirat(root, "dev", 0755) == 0 || errno == EEXIST);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		char name[64], link[64], place[256], got[256];

		snprintf(name, sizeof(name), "dev/%s", row[i].path);
		if (mknodat(root, name, S_IFCHR | 0600, makedev(row[i].major, row[i].minor)) < 0)
			skip();
		snprintf(link, sizeof(link), "sys/dev/char/%u:%u", row[i].major, row[i].minor);
		snprintf(place, sizeof(place), "../../devices/%s", row[i].place);
		assert_int_equal(symlinkat(place, root, link), 0);
		snprintf(name, sizeof(name), "char:/dev/%s", row[i].path);
		describe(root, name, got, sizeof(got));
		if (strcmp(got, row[i].want) != 0)
			fail_msg("%s: \"%s\", expected \"%s\"", name, got, row[i].want);
	}
}

static int system_in(const char *commands)
{
	char script[1024];

	snprintf(script, sizeof(script), "cd %s && { %s; }", dir, commands);
	return system(script);
}

static void assert_is(const char *name, const char *when, const char *want)
{
	char got[256];

	describe(root, name, got, sizeof(got));
	if (strcmp(got, want) != 0)
		fail_msg("%s %s: \"%s\", expected \"%s\"", name, when, got, want);
}

/* What the kernel may say of the generator. */
static void test_generators(void **state)
{
	static const char *const name = "pci:0000:00:04.0", *const other = "pci:0000:00:05.0";
	static const char *const without = "33 34 :", *const with = "33 34 : c10:183";

	assert_int_equal(system_in("echo none >sys/devices/virtual/misc/hw_random/rng_current"), 0);
	assert_is(name, "without a generator", without);
	assert_int_equal(
		system_in("echo ../virtio >sys/devices/virtual/misc/hw_random/rng_current"), 0);
	assert_is(name, "with a path for a name", without);
	/* As its device is called. */
	assert_int_equal(
		system_in("mkdir -p sys/bus/virtio/devices; ln -s ../../../devices/pci0000:00/"
			  "0000:00:04.0/virtio4 sys/bus/virtio/devices/virtio4; "
			  "echo virtio4 >sys/devices/virtual/misc/hw_random/rng_current"),
		0);
	assert_is(name, "named like its device", with);
	/* Two of one driver. */
	assert_int_equal(
		system_in("ln -s ../../../../devices/pci0000:00/0000:00:05.0/virtio5 "
			  "sys/bus/virtio/drivers/virtio_rng/virtio5; "
			  "echo virtio_rng.1 >sys/devices/virtual/misc/hw_random/rng_current"),
		0);
	assert_is(name, "one of two", with);
	assert_is(other, "one of two", "40 : c10:183 c229:0 c245:1");
	assert_int_equal(system_in("rm sys/bus/virtio/drivers/virtio_rng/virtio5; "
				   "echo virtio_rng.0 >sys/devices/virtual/misc/hw_random/"
				   "rng_current"),
			 0);
}

static void test_too_many(void **state)
{
	struct device_node nodes[2];
	unsigned int irqs[1];
	size_t n;

	assert_int_equal(device_nodes(root, "block:sda", nodes, 2, &n, NULL), -E2BIG);
	assert_int_equal(device_irqs(root, "block:vda", irqs, 1, &n, NULL), 0);
	assert_int_equal(n, 1);
}

/* Of this machine: what has its own interrupts in /proc/interrupts by one name has them by the
 * other. */
static void test_machine(void **state)
{
	_cleanup_close_ int here = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char link[PATH_MAX], name[64], by_char[512], by_pci[512];
	char driver[] = "/sys/bus/virtio/drivers/virtio_rng/virtio?";
	struct stat st;
	char *slash;
	ssize_t len = -1;

	for (char c = '0'; len < 0 && c <= '9'; c++) {
		driver[sizeof(driver) - 2] = c;
		len = readlink(driver, link, sizeof(link) - 1);
	}
	if (len < 0 || stat("/dev/hwrng", &st) < 0)
		skip();
	link[len] = '\0';
	slash = strrchr(link, '/');
	*slash = '\0';
	slash = strrchr(link, '/');
	if (!strstr(link, "/pci"))
		skip();
	snprintf(name, sizeof(name), "pci:%.32s", slash + 1);
	describe(here, name, by_pci, sizeof(by_pci));
	describe(here, "char:/dev/hwrng", by_char, sizeof(by_char));
	if (strcmp(by_pci, by_char) != 0 || by_pci[0] == ':' || !strstr(by_pci, "c10:183"))
		fail_msg("%s: \"%s\"; char:/dev/hwrng: \"%s\"", name, by_pci, by_char);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),    cmocka_unit_test(test_chars),
		cmocka_unit_test(test_too_many), cmocka_unit_test(test_generators),
		cmocka_unit_test(test_machine),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
