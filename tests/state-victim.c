// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * state-victim.c - a program that watches its own attributes while it is moved
 *
 *	state-victim ATTRIBUTE...    sets them, says "ready", and looks at them without a pause;
 *	                             at those in files only at SIGTERM: a descriptor in
 *	                             /proc would be another subject
 *	state-victim --thread ATTRIBUTE...   likewise, in a thread that is not the first
 *	state-victim --list
 *
 * One row a kind of attribute. Every change is a line on standard output
 * ("changed: mdwe: was 1, is 0"). SIGTERM: "done LOOKS" and, without a change, exit status 0.
 * An attribute that this kernel or user cannot have ends it with 77 and the reason.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mempolicy.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Younger than the headers of some of the systems that this is built on. */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif
#ifndef PR_MDWE_NO_INHERIT
#define PR_MDWE_NO_INHERIT 2
#endif
#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67
#define PR_GET_MEMORY_MERGE 68
#endif

#define VALUE_MAX 256

struct attribute {
	const char *name;
	/* 0 or -1 with errno. */
	int (*set)(void);
	void (*get)(char ret[VALUE_MAX]);
	bool at_end; /* looked at then only */
};

static volatile sig_atomic_t ended;

static void number(char ret[VALUE_MAX], long value)
{
	snprintf(ret, VALUE_MAX, "%ld", value < 0 ? -(long)errno : value);
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n < 0 ? -1 : 0;
}

static void read_file(const char *path, char ret[VALUE_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, VALUE_MAX - 1);

	if (fd >= 0)
		close(fd);
	ret[n < 0 ? 0 : n] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
}

/* --- what is a number to prctl(2) ------------------------------------------------------------- */

#define PRCTL(name, set_args, get_args)                                                            \
	static int set_##name(void)                                                                \
	{                                                                                          \
		return prctl set_args;                                                             \
	}                                                                                          \
	static void get_##name(char ret[VALUE_MAX])                                                \
	{                                                                                          \
		number(ret, prctl get_args);                                                       \
	}

PRCTL(slack, (PR_SET_TIMERSLACK, 123456, 0, 0, 0), (PR_GET_TIMERSLACK, 0, 0, 0, 0))
PRCTL(mce, (PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0), (PR_MCE_KILL_GET, 0, 0, 0, 0))
PRCTL(mdwe, (PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0), (PR_GET_MDWE, 0, 0, 0, 0))
PRCTL(mdwe_not_inherited, (PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN | PR_MDWE_NO_INHERIT, 0, 0, 0),
      (PR_GET_MDWE, 0, 0, 0, 0))
PRCTL(io_flusher, (PR_SET_IO_FLUSHER, 1, 0, 0, 0), (PR_GET_IO_FLUSHER, 0, 0, 0, 0))
PRCTL(no_huge_pages, (PR_SET_THP_DISABLE, 1, 0, 0, 0), (PR_GET_THP_DISABLE, 0, 0, 0, 0))
PRCTL(memory_merge, (PR_SET_MEMORY_MERGE, 1, 0, 0, 0), (PR_GET_MEMORY_MERGE, 0, 0, 0, 0))
PRCTL(store_bypass, (PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_DISABLE, 0, 0),
      (PR_GET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, 0, 0, 0))
PRCTL(indirect_branch, (PR_SET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH, PR_SPEC_DISABLE, 0, 0),
      (PR_GET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH, 0, 0, 0))
PRCTL(l1d_flush, (PR_SET_SPECULATION_CTRL, PR_SPEC_L1D_FLUSH, PR_SPEC_ENABLE, 0, 0),
      (PR_GET_SPECULATION_CTRL, PR_SPEC_L1D_FLUSH, 0, 0, 0))
PRCTL(dumpable, (PR_SET_DUMPABLE, 0, 0, 0, 0), (PR_GET_DUMPABLE, 0, 0, 0, 0))
PRCTL(keep_caps, (PR_SET_KEEPCAPS, 1, 0, 0, 0), (PR_GET_KEEPCAPS, 0, 0, 0, 0))
PRCTL(no_new_privs, (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0))
PRCTL(securebits, (PR_SET_SECUREBITS, 0x2f, 0, 0, 0), (PR_GET_SECUREBITS, 0, 0, 0, 0))

static void get_nothing(char ret[VALUE_MAX])
{
	number(ret, 0);
}

/* Nobody but the kernel knows it then. */
static int set_io_flusher_kept(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (set_io_flusher() < 0 || syscall(SYS_capget, &head, data) < 0)
		return -1;
	data[0].permitted &= ~(1u << CAP_SYS_RESOURCE);
	data[0].effective &= ~(1u << CAP_SYS_RESOURCE);
	data[0].inheritable &= ~(1u << CAP_SYS_RESOURCE);
	return (int)syscall(SYS_capset, &head, data);
}
#define get_io_flusher_kept get_nothing

static int set_tsc(void)
{
	return prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0);
}

static void get_tsc(char ret[VALUE_MAX])
{
	int mode = -1, r = prctl(PR_GET_TSC, &mode, 0, 0, 0);

	number(ret, r < 0 ? r : mode);
}

static int set_parent_death(void)
{
	return prctl(PR_SET_PDEATHSIG, SIGWINCH, 0, 0, 0);
}

static void get_parent_death(char ret[VALUE_MAX])
{
	int signal = -1, r = prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0);

	number(ret, r < 0 ? r : signal);
}

static int set_subreaper(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

static void get_subreaper(char ret[VALUE_MAX])
{
	int is = -1, r = prctl(PR_GET_CHILD_SUBREAPER, &is, 0, 0, 0);

	number(ret, r < 0 ? r : is);
}

/* --- the others ---------------------------------------------------------------------------------
 */

#define IOPRIO_BEST_EFFORT_7 (2 << 13 | 7)

static int set_ioprio(void)
{
	return (int)syscall(SYS_ioprio_set, 1, 0, IOPRIO_BEST_EFFORT_7);
}

static void get_ioprio(char ret[VALUE_MAX])
{
	number(ret, syscall(SYS_ioprio_get, 1, 0));
}

static int set_corefilter(void)
{
	return write_file("/proc/self/coredump_filter", "0x7f");
}

static void get_corefilter(char ret[VALUE_MAX])
{
	read_file("/proc/self/coredump_filter", ret);
}

/* --- scheduling ---------------------------------------------------------------------------------
 */

struct sched_attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

static int set_sched(struct sched_attributes attributes)
{
	attributes.size = sizeof(attributes);
	return (int)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

static void get_sched(char ret[VALUE_MAX])
{
	struct sched_attributes is = { 0 };

	if (syscall(SYS_sched_getattr, 0, &is, sizeof(is), 0) < 0) {
		number(ret, -1);
		return;
	}
	snprintf(ret, VALUE_MAX, "policy %u flags %lu nice %d priority %u %lu/%lu/%lu util %u-%u",
		 is.policy, (unsigned long)is.flags, is.nice, is.priority,
		 (unsigned long)is.runtime, (unsigned long)is.deadline, (unsigned long)is.period,
		 is.util_min, is.util_max);
}

static int set_sched_slice(void)
{
	return set_sched((struct sched_attributes){ .policy = SCHED_OTHER, .runtime = 1700000 });
}
#define get_sched_slice get_sched

static int set_sched_reset(void)
{
	return set_sched((struct sched_attributes){
		.policy = SCHED_OTHER, .nice = 3, .flags = SCHED_FLAG_RESET_ON_FORK });
}
#define get_sched_reset get_sched

static int set_sched_batch(void)
{
	return set_sched((struct sched_attributes){ .policy = SCHED_BATCH, .nice = 5 });
}
#define get_sched_batch get_sched

static int set_sched_idle(void)
{
	return set_sched((struct sched_attributes){ .policy = SCHED_IDLE });
}
#define get_sched_idle get_sched

static int set_sched_deadline(void)
{
	return set_sched((struct sched_attributes){ .policy = SCHED_DEADLINE,
						    .runtime = 2000000,
						    .deadline = 90000000,
						    .period = 100000000 });
}
#define get_sched_deadline get_sched

static int set_sched_clamp(void)
{
	return set_sched((struct sched_attributes){ .policy = SCHED_OTHER,
						    .flags = SCHED_FLAG_UTIL_CLAMP_MIN |
							     SCHED_FLAG_UTIL_CLAMP_MAX,
						    .util_min = 100,
						    .util_max = 900 });
}
#define get_sched_clamp get_sched

static int set_core_cookie(void)
{
	return prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, 0, 0);
}

static void get_core_cookie(char ret[VALUE_MAX])
{
	unsigned long cookie = 0;

	prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, 0, 0, &cookie);
	number(ret, cookie != 0);
}

static int set_autogroup(void)
{
	return write_file("/proc/self/autogroup", "7");
}

static void get_autogroup(char ret[VALUE_MAX])
{
	char text[VALUE_MAX], *nice;

	read_file("/proc/self/autogroup", text);
	nice = strstr(text, "nice ");
	snprintf(ret, VALUE_MAX, "%s", nice ? nice : "none");
}

static int set_oom(void)
{
	return write_file("/proc/self/oom_score_adj", "345");
}

static void get_oom(char ret[VALUE_MAX])
{
	read_file("/proc/self/oom_score_adj", ret);
}

/* --- keys ---------------------------------------------------------------------------------------
 */

#define KEY_SESSION (-3)
#define KEY_PROCESS (-2)
#define KEY_THREAD (-1)
#define KEY_USER (-4)
#define KEY_GET 0
#define KEY_JOIN 1
#define KEY_SEARCH 10

static int add_key(int keyring)
{
	return (int)syscall(SYS_add_key, "user", "state-victim", "secret", 6, keyring);
}

static void get_keyring(char ret[VALUE_MAX], int keyring)
{
	long serial = syscall(SYS_keyctl, KEY_GET, keyring, 0);
	long key = syscall(SYS_keyctl, KEY_SEARCH, keyring, "user", "state-victim", 0);

	snprintf(ret, VALUE_MAX, "keyring %ld key %ld", serial, key);
}

static int set_session_keyring(void)
{
	return syscall(SYS_keyctl, KEY_JOIN, NULL) < 0 ? -1 : add_key(KEY_SESSION);
}

static void get_session_keyring(char ret[VALUE_MAX])
{
	get_keyring(ret, KEY_SESSION);
}

static int set_given_keyring(void)
{
	return add_key(KEY_SESSION);
}

static void get_given_keyring(char ret[VALUE_MAX])
{
	get_keyring(ret, KEY_SESSION);
}

static int set_process_keyring(void)
{
	return add_key(KEY_PROCESS);
}

/* Its own number is not carried. */
static void get_process_keyring(char ret[VALUE_MAX])
{
	number(ret, syscall(SYS_keyctl, KEY_SEARCH, KEY_PROCESS, "user", "state-victim", 0));
}

static int set_thread_keyring(void)
{
	return add_key(KEY_THREAD);
}

static void get_thread_keyring(char ret[VALUE_MAX])
{
	number(ret, syscall(SYS_keyctl, KEY_SEARCH, KEY_THREAD, "user", "state-victim", 0));
}

/* --- memory -------------------------------------------------------------------------------------
 */

#define AREA (64 << 10)

static char *area;

static int make_area(int advice)
{
	area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		return -1;
	memset(area, 1, AREA);
	return advice < 0 ? 0 : madvise(area, AREA, advice);
}

/* What /proc/self/FILE has about the area. */
static void get_area(char ret[VALUE_MAX], const char *path, const char *key)
{
	char line[1024], start[32];
	FILE *file = fopen(path, "re");
	bool inside = false;

	snprintf(start, sizeof(start), "%lx", (unsigned long)area);
	while (file && fgets(line, sizeof(line), file)) {
		char *c = line;

		/* A line of a mapping's own begins with a lower-case number. */
		if (strspn(line, "0123456789abcdef") >= 8)
			inside = !strncmp(line, start, strlen(start));
		if (!inside || strncmp(line, key, strlen(key)))
			continue;
		/* Counts of pages change by themselves. */
		if (!*key)
			c[strcspn(c, "=\n")] = '\0';
		snprintf(ret, VALUE_MAX, "%.200s", c);
		break;
	}
	ret[strcspn(ret, "\n")] = '\0';
	if (file)
		fclose(file);
}

#define AREA_ROW(name, advice, key)                                                                \
	static int set_##name(void)                                                                \
	{                                                                                          \
		return make_area(advice);                                                          \
	}                                                                                          \
	static void get_##name(char ret[VALUE_MAX])                                                \
	{                                                                                          \
		get_area(ret, "/proc/self/smaps", key);                                            \
	}

AREA_ROW(dont_fork, MADV_DONTFORK, "VmFlags:")
AREA_ROW(dont_dump, MADV_DONTDUMP, "VmFlags:")
AREA_ROW(wipe_on_fork, MADV_WIPEONFORK, "VmFlags:")
AREA_ROW(mergeable, MADV_MERGEABLE, "VmFlags:")
AREA_ROW(huge_page, MADV_HUGEPAGE, "VmFlags:")
AREA_ROW(no_huge_page, MADV_NOHUGEPAGE, "VmFlags:")
AREA_ROW(random, MADV_RANDOM, "VmFlags:")
AREA_ROW(sequential, MADV_SEQUENTIAL, "VmFlags:")

static int set_locked(void)
{
	return make_area(-1) < 0 ? -1 : mlock(area, AREA);
}

static void get_locked(char ret[VALUE_MAX])
{
	get_area(ret, "/proc/self/smaps", "VmFlags:");
}

static int set_locked_on_fault(void)
{
	area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED || mlock2(area, AREA, MLOCK_ONFAULT) < 0)
		return -1;
	area[0] = 1;
	return 0;
}

static void get_locked_on_fault(char ret[VALUE_MAX])
{
	get_area(ret, "/proc/self/smaps", "Locked:");
}

static void get_locked_future(char ret[VALUE_MAX]);

static int set_locked_future(void)
{
	return mlockall(MCL_CURRENT | MCL_FUTURE);
}

static char *heap;

static int set_locked_later(void)
{
	heap = sbrk(0);
	return mlockall(MCL_FUTURE);
}

/* Nothing is locked before or after. */
static void get_locked_later(char ret[VALUE_MAX])
{
	get_locked_future(ret);
	munlock(heap, (size_t)((char *)sbrk(0) - heap));
}

static int set_locked_later_on_fault(void)
{
	heap = sbrk(0);
	return mlockall(MCL_FUTURE | MCL_ONFAULT);
}

/* Likewise, and it may not lock anything any more. */
static int set_locked_full(void)
{
	/* No limit is root's. */
	if (geteuid() == 0) {
		errno = ENOTSUP;
		return -1;
	}
	return mlockall(MCL_FUTURE) < 0 ? -1 : setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ 0, 0 });
}
#define get_locked_full get_nothing

static void get_locked_future(char ret[VALUE_MAX])
{
	make_area(-1);
	get_area(ret, "/proc/self/smaps", "VmFlags:");
	munmap(area, AREA);
}

static void get_locked_later_on_fault(char ret[VALUE_MAX])
{
	char *c = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *other = area;

	c[0] = 1;
	area = c;
	get_area(ret, "/proc/self/smaps", "Locked:");
	area = other;
	munmap(c, AREA);
	munlock(heap, (size_t)((char *)sbrk(0) - heap));
}

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

static int set_sealed(void)
{
	return make_area(-1) < 0 ? -1 : (int)syscall(SYS_mseal, area, AREA, 0);
}

static void get_sealed(char ret[VALUE_MAX])
{
	number(ret, mprotect(area, AREA, PROT_READ));
}

static int set_area_name(void)
{
	return make_area(-1) < 0
		       ? -1
		       : prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, area, AREA, "state-victim");
}

static void get_area_name(char ret[VALUE_MAX])
{
	get_area(ret, "/proc/self/maps", "");
}

#define MADV_GUARD 102

static int set_guarded(void)
{
	return make_area(-1) < 0 ? -1 : madvise(area + 4096, 4096, MADV_GUARD);
}

static void get_guarded(char ret[VALUE_MAX])
{
	int fds[2];
	ssize_t n;

	if (pipe(fds) < 0)
		return;
	n = write(fds[1], area + 4096, 1);
	number(ret, n);
	close(fds[0]);
	close(fds[1]);
}

static void get_policy(char ret[VALUE_MAX])
{
	unsigned long nodes[16] = { 0 };
	int mode = -1;

	if (syscall(SYS_get_mempolicy, &mode, nodes, sizeof(nodes) * 8, NULL, 0) < 0)
		number(ret, -1);
	else
		snprintf(ret, VALUE_MAX, "mode %d nodes %lx", mode, nodes[0]);
}

#define POLICY_ROW(name, mode)                                                                     \
	static int set_##name(void)                                                                \
	{                                                                                          \
		unsigned long nodes = 1;                                                           \
		bool none = (mode) == MPOL_LOCAL;                                                  \
                                                                                                   \
		return (int)syscall(SYS_set_mempolicy, mode, none ? NULL : &nodes, none ? 0 : 64); \
	}                                                                                          \
	static void get_##name(char ret[VALUE_MAX])                                                \
	{                                                                                          \
		get_policy(ret);                                                                   \
	}

POLICY_ROW(policy_bind, MPOL_BIND)
POLICY_ROW(policy_preferred, MPOL_PREFERRED)
POLICY_ROW(policy_interleave, MPOL_INTERLEAVE)
POLICY_ROW(policy_local, MPOL_LOCAL)
POLICY_ROW(policy_static, MPOL_BIND | MPOL_F_STATIC_NODES)
POLICY_ROW(policy_relative, MPOL_BIND | MPOL_F_RELATIVE_NODES)

static int set_area_policy(void)
{
	unsigned long nodes = 1;

	return make_area(-1) < 0 ? -1
				 : (int)syscall(SYS_mbind, area, AREA, MPOL_BIND, &nodes, 64, 0);
}

static void get_area_policy(char ret[VALUE_MAX])
{
	unsigned long nodes[16] = { 0 };
	int mode = -1;

	if (syscall(SYS_get_mempolicy, &mode, nodes, sizeof(nodes) * 8, area, MPOL_F_ADDR) < 0)
		number(ret, -1);
	else
		snprintf(ret, VALUE_MAX, "mode %d nodes %lx", mode, nodes[0]);
}

#define SYS_home_node 450

static int set_area_home(void)
{
	unsigned long nodes = 1;

	area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED || syscall(SYS_mbind, area, AREA, MPOL_BIND, &nodes, 64, 0) < 0)
		return -1;
	return (int)syscall(SYS_home_node, area, AREA / 2, 0, 0);
}

/* No call tells it. But mappings side by side become one when nothing else sets them apart. */
static void get_area_home(char ret[VALUE_MAX])
{
	char line[1024];
	unsigned long start;
	long mappings = 0;
	FILE *file;

	mprotect(area, AREA, PROT_READ);
	mprotect(area, AREA, PROT_READ | PROT_WRITE);
	file = fopen("/proc/self/maps", "re");
	while (file && fgets(line, sizeof(line), file)) {
		start = strtoul(line, NULL, 16);
		mappings += start >= (unsigned long)area && start < (unsigned long)area + AREA;
	}
	if (file)
		fclose(file);
	number(ret, mappings);
}

static int set_membarrier(void)
{
	return (int)syscall(SYS_membarrier, 1 << 4, 0, 0);
}

static void get_membarrier(char ret[VALUE_MAX])
{
	number(ret, syscall(SYS_membarrier, 1 << 9, 0, 0));
}

/* --- the processor ------------------------------------------------------------------------------
 */

#ifdef __x86_64__
#include <asm/ldt.h>

static int set_ldt(void)
{
	struct user_desc entry = { .entry_number = 3, .base_addr = 0x1000, .limit = 4095 };

	return (int)syscall(SYS_modify_ldt, 0x11, &entry, sizeof(entry));
}

static void get_ldt(char ret[VALUE_MAX])
{
	unsigned long entries[8] = { 0 };
	long n = syscall(SYS_modify_ldt, 0, entries, sizeof(entries));

	snprintf(ret, VALUE_MAX, "%ld bytes, %lx", n, entries[3]);
}

static int set_cpuid_fault(void)
{
	return (int)syscall(SYS_arch_prctl, 0x1012, 0);
}

static void get_cpuid_fault(char ret[VALUE_MAX])
{
	number(ret, syscall(SYS_arch_prctl, 0x1011, 0));
}

static int set_io_ports(void)
{
	return (int)syscall(SYS_ioperm, 0x80, 1, 1);
}

static void get_io_ports(char ret[VALUE_MAX])
{
	__asm__ volatile("outb %%al, $0x80" : : "a"(0));
	number(ret, 1);
}
#endif

/* --- descriptors and accounts -------------------------------------------------------------------
 */

static volatile sig_atomic_t notified;
static int watched_dir = -1;

static void on_notify(int signal)
{
	notified++;
}

static int set_dnotify(void)
{
	signal(SIGIO, on_notify);
	watched_dir = open("/tmp", O_RDONLY | O_DIRECTORY);
	return fcntl(watched_dir, F_NOTIFY, DN_CREATE | DN_MULTISHOT);
}

static void get_dnotify(char ret[VALUE_MAX])
{
	char name[64];

	notified = 0;
	snprintf(name, sizeof(name), "/tmp/state-victim.%d", getpid());
	close(open(name, O_CREAT | O_WRONLY, 0600));
	unlink(name);
	number(ret, notified);
}

/* It is told of nothing any more. */
static int set_dnotify_over(void)
{
	return set_dnotify() < 0 || fcntl(watched_dir, F_NOTIFY, 0) < 0
		       ? -1
		       : fcntl(watched_dir, F_SETOWN, 0);
}
#define get_dnotify_over get_dnotify

#define ADVISED (1 << 20)
#define ADVISED_PAGE 4096

static int advised = -1;

/* Pages that are there after one byte was read: those that were read ahead are among them. */
static void get_file_advice(char ret[VALUE_MAX])
{
	static unsigned char there[ADVISED / ADVISED_PAGE];
	long pages = 0;
	char byte;
	void *map;

	posix_fadvise(advised, 0, ADVISED, POSIX_FADV_DONTNEED);
	if (pread(advised, &byte, 1, 0) != 1)
		pages = 10000;
	map = mmap(NULL, ADVISED, PROT_READ, MAP_SHARED, advised, 0);
	if (map == MAP_FAILED || mincore(map, ADVISED, there) < 0)
		pages = 20000;
	else
		munmap(map, ADVISED);
	for (size_t i = 0; i < sizeof(there); i++)
		pages += there[i] & 1;
	number(ret, pages);
}

static int set_file_advice(void)
{
	char name[] = "/var/tmp/state-victim.XXXXXX", usual[VALUE_MAX], is[VALUE_MAX];
	static const char text[ADVISED];

	advised = mkstemp(name);
	if (advised < 0 || unlink(name) < 0 || write(advised, text, ADVISED) != ADVISED ||
	    fsync(advised) < 0)
		return -1;
	get_file_advice(usual);
	errno = posix_fadvise(advised, 0, 0, POSIX_FADV_RANDOM);
	if (errno)
		return -1;
	get_file_advice(is);
	if (strcmp(usual, is) != 0)
		return 0;
	/* Nothing is read ahead here. */
	errno = ENOTSUP;
	return -1;
}

static int burn(double seconds)
{
	struct rusage usage;

	do
		getrusage(RUSAGE_SELF, &usage);
	while ((double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec * 1e-6 +
		       (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec * 1e-6 <
	       seconds);
	return 0;
}

static int set_cpu_clock(void)
{
	return burn(0.3);
}

/* It never runs backwards. */
static void get_cpu_clock(char ret[VALUE_MAX])
{
	static double latest;
	struct timespec t;
	double is;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	is = (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
	snprintf(ret, VALUE_MAX, "%s", is < latest ? "back" : "on");
	latest = is;
}

static int semaphores;

static int use_semaphores(void)
{
	struct sembuf ops[2] = { { 0, -2, SEM_UNDO }, { 2, 3, SEM_UNDO } };

	return semop(semaphores, ops, 2);
}

static int set_sem_undo(void)
{
	unsigned short values[3] = { 5, 6, 7 };

	semaphores = semget(IPC_PRIVATE, 3, 0600);
	return semaphores < 0 || semctl(semaphores, 0, SETALL, values) < 0 ? -1 : use_semaphores();
}

/* Before and after the kernel has undone what there was; it is done again then. */
static void get_sem_undo(char ret[VALUE_MAX])
{
	unsigned short was[3] = { 0 }, is[3] = { 0 };

	semctl(semaphores, 0, GETALL, was);
	if (unshare(CLONE_SYSVSEM) < 0)
		is[0] = 999;
	semctl(semaphores, 0, GETALL, is);
	snprintf(ret, VALUE_MAX, "%u %u %u, undone %u %u %u", was[0], was[1], was[2], is[0], is[1],
		 is[2]);
	if (use_semaphores() < 0)
		number(ret, -1);
}

/* Its list is not empty, but there is nothing to undo. */
static int set_sem_undone(void)
{
	struct sembuf ops[2] = { { 0, 2, SEM_UNDO }, { 2, -3, SEM_UNDO } };

	return set_sem_undo() < 0 ? -1 : semop(semaphores, ops, 2);
}

static void get_sem_undone(char ret[VALUE_MAX])
{
	unsigned short is[3] = { 0 };

	semctl(semaphores, 0, GETALL, is);
	snprintf(ret, VALUE_MAX, "%u %u %u", is[0], is[1], is[2]);
}

/* One has the greatest value that there is, so nothing can be added for a moment. */
static int set_sem_full(void)
{
	struct sembuf fill = { 0, 32767 - 3, 0 };

	return set_sem_undo() < 0 ? -1 : semop(semaphores, &fill, 1);
}
#define get_sem_full get_sem_undone

/* Another process shares the list: who of the two undoes it depends on which ends last. */
static int set_sem_shared(void)
{
	if (set_sem_undo() < 0)
		return -1;
	if (syscall(SYS_clone, CLONE_SYSVSEM | SIGCHLD, 0, 0, 0, 0) == 0)
		for (;;)
			pause();
	return 0;
}
#define get_sem_shared get_sem_undone

#define set_sem_threads set_sem_undo

static pthread_t sharer;
static volatile pid_t sharer_tid;

static void *share_list(void *arg)
{
	sharer_tid = (pid_t)syscall(SYS_gettid);
	for (;;)
		pause();
	return NULL;
}

/* All threads share the list; the last one to go undoes what is there. */
static void get_sem_threads(char ret[VALUE_MAX])
{
	char path[64];

	if (sharer_tid) {
		pthread_cancel(sharer);
		pthread_join(sharer, NULL);
		snprintf(path, sizeof(path), "/proc/self/task/%d", sharer_tid);
		while (access(path, F_OK) == 0)
			sched_yield();
	}
	get_sem_undo(ret);
	sharer_tid = 0;
	pthread_create(&sharer, NULL, share_list, NULL);
	while (!sharer_tid)
		sched_yield();
}

static int set_personality(void)
{
	return personality(ADDR_NO_RANDOMIZE | UNAME26);
}

static void get_personality(char ret[VALUE_MAX])
{
	number(ret, personality(0xffffffff));
}

#define ROW(name)                                                                                  \
	{                                                                                          \
#name, set_##name, get_##name, false                                               \
	}
#define FILE_ROW(name)                                                                             \
	{                                                                                          \
#name, set_##name, get_##name, true                                                \
	}

static const struct attribute attributes[] = {
	/* prctl(2) */
	ROW(slack),
	ROW(mce),
	ROW(mdwe),
	ROW(mdwe_not_inherited),
	ROW(io_flusher),
	ROW(io_flusher_kept),
	ROW(no_huge_pages),
	ROW(memory_merge),
	ROW(store_bypass),
	ROW(indirect_branch),
	ROW(l1d_flush),
	ROW(dumpable),
	ROW(keep_caps),
	ROW(no_new_privs),
	ROW(securebits),
	ROW(tsc),
	ROW(parent_death),
	ROW(subreaper),
	ROW(personality),
	/* scheduling */
	ROW(ioprio),
	ROW(sched_slice),
	ROW(sched_reset),
	ROW(sched_batch),
	ROW(sched_idle),
	ROW(sched_deadline),
	ROW(sched_clamp),
	ROW(core_cookie),
	FILE_ROW(autogroup),
	FILE_ROW(oom),
	FILE_ROW(corefilter),
	/* keys */
	ROW(session_keyring),
	ROW(given_keyring),
	ROW(process_keyring),
	ROW(thread_keyring),
	/* memory */
	FILE_ROW(dont_fork),
	FILE_ROW(dont_dump),
	FILE_ROW(wipe_on_fork),
	FILE_ROW(mergeable),
	FILE_ROW(huge_page),
	FILE_ROW(no_huge_page),
	FILE_ROW(random),
	FILE_ROW(sequential),
	FILE_ROW(locked),
	FILE_ROW(locked_on_fault),
	FILE_ROW(locked_future),
	FILE_ROW(locked_later),
	FILE_ROW(locked_later_on_fault),
	ROW(locked_full),
	ROW(sealed),
	FILE_ROW(area_name),
	FILE_ROW(guarded),
	ROW(policy_bind),
	ROW(policy_preferred),
	ROW(policy_interleave),
	ROW(policy_local),
	ROW(policy_static),
	ROW(policy_relative),
	ROW(area_policy),
	FILE_ROW(area_home),
	ROW(membarrier),
#ifdef __x86_64__
	ROW(ldt),
	ROW(cpuid_fault),
	ROW(io_ports),
#endif
	/* descriptors and accounts */
	FILE_ROW(dnotify),
	FILE_ROW(dnotify_over),
	FILE_ROW(file_advice),
	ROW(cpu_clock),
	/* System V IPC */
	FILE_ROW(sem_undo),
	FILE_ROW(sem_threads),
	ROW(sem_undone),
	ROW(sem_shared),
	ROW(sem_full),
};

#define N_ATTRIBUTES (sizeof(attributes) / sizeof(attributes[0]))

static void on_term(int signal)
{
	ended = 1;
}

static const struct attribute *find(const char *name)
{
	for (size_t i = 0; i < N_ATTRIBUTES; i++)
		if (!strcmp(attributes[i].name, name))
			return &attributes[i];
	fprintf(stderr, "state-victim: there is no attribute %s\n", name);
	exit(2);
}

static bool look(const struct attribute *attribute, char was[VALUE_MAX])
{
	char is[VALUE_MAX] = "";

	attribute->get(is);
	if (!strcmp(is, was))
		return false;
	printf("changed: %s: was %s, is %s\n", attribute->name, was, is);
	strcpy(was, is);
	return true;
}

struct names {
	int n;
	char **names;
};

/* Sets these attributes, and watches them. The exit status. */
static int watch(int n, char **names)
{
	static const struct attribute *watched[N_ATTRIBUTES];
	static char was[N_ATTRIBUTES][VALUE_MAX];
	unsigned long looks = 0, changes = 0;

	if ((size_t)n > N_ATTRIBUTES)
		return 2;
	for (int i = 0; i < n; i++) {
		watched[i] = find(names[i]);
		errno = 0;
		if (watched[i]->set() < 0) {
			printf("skipped: %s: %s\n", watched[i]->name, strerror(errno));
			return 77;
		}
	}
	for (int i = 0; i < n; i++)
		watched[i]->get(was[i]);
	puts("ready");
	for (bool last = false; !last; looks++) {
		last = ended;
		for (int i = 0; i < n; i++)
			changes += (!watched[i]->at_end || last) && look(watched[i], was[i]);
	}
	printf("done %lu\n", looks);
	return changes > 0;
}

static void *watch_in_thread(void *arg)
{
	const struct names *names = arg;

	exit(watch(names->n, names->names));
}

int main(int argc, char **argv)
{
	struct names names = { argc - 2, argv + 2 };
	pthread_t thread;

	if (argc == 2 && !strcmp(argv[1], "--list")) {
		for (size_t i = 0; i < N_ATTRIBUTES; i++)
			puts(attributes[i].name);
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTERM, on_term);
	if (argc < 2 || strcmp(argv[1], "--thread") != 0)
		return watch(argc - 1, argv + 1);
	if (pthread_create(&thread, NULL, watch_in_thread, &names) != 0)
		return 1;
	pthread_join(thread, NULL);
	return 1;
}
