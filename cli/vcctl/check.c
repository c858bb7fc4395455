// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * check.c - checks that everything that vcrun needs exists and works
 *
 * Each line has a verdict, what was checked, what was found, and a remedy. CRIU is tested by a move
 * of a process (admin/trial.c), because its version says too little.
 */
#include "cli/vcctl/vcctl.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cli/vcctl/verdict.h"
#include "common/cleanup.h"
#include "common/file.h"
#include "common/proc.h"
#include "libmig/criu/criu.h"
#include "libmig/kernel/sight.h"
#include "partition/partition.h"

struct doctor {
	struct check check;
	int interrupted; /* the signal; 0: none */
};

/* If vcrun is not installed, the script is in the source tree. */
static const char *setup_remedy(void)
{
	return access(VC_LIBEXECDIR "/criu.sh", X_OK) == 0
		       ? "run " VC_LIBEXECDIR "/criu.sh: it finds a CRIU that works on this kernel"
		       : "run setup/criu.sh of the source tree: it finds a CRIU that works on this "
			 "kernel";
}

static void check_criu_move(struct doctor *doctor, const char *binary, unsigned int version)
{
	struct check *check = &doctor->check;
	uint64_t downtime_usec;
	struct vc_err err;
	int r = admin_trial(&downtime_usec, &doctor->interrupted, &err);

	if (doctor->interrupted)
		return;
	if (r == 0)
		check_line(check, CHECK_OK, "criu", NULL,
			   "%s, version %u.%u.%u: moved a test process, stopped for %.1f ms",
			   binary, version / 10000, version / 100 % 100, version % 100,
			   (double)downtime_usec / 1e3);
	else
		check_line(check, CHECK_FAIL, "criu", setup_remedy(),
			   "%s, version %u.%u.%u cannot move a test process: %s", binary,
			   version / 10000, version / 100 % 100, version % 100, err.text);
}

static void check_criu(struct doctor *doctor)
{
	struct check *check = &doctor->check;
	const char *binary = criu_find();
	unsigned int version = 0;
	struct vc_err err = { 0 };

	if (!binary)
		check_line(check, CHECK_FAIL, "criu", setup_remedy(),
			   "not found: no job can be moved");
	else if (criu_version(binary, &version, &err) < 0)
		check_line(check, CHECK_FAIL, "criu", setup_remedy(), "%s: %s", binary, err.text);
	else
		check_criu_move(doctor, binary, version);
}

static void check_kernel(struct check *check)
{
	struct utsname uts;
	unsigned int major = 0, minor = 0;

	uname(&uts);
	sscanf(uts.release, "%u.%u", &major, &minor);
	/* The newest features that vcrun needs: close_range() with CLOEXEC (5.11), mounts of
	 * files by statx() (5.8), pidfd_getfd() (5.6). */
	if (major < 5 || (major == 5 && minor < 11))
		check_line(check, CHECK_FAIL, "kernel", "use Linux 5.11 or newer",
			   "Linux %s is too old", uts.release);
	else
		check_line(check, CHECK_OK, "kernel", NULL, "Linux %s, %ld CPUs online",
			   uts.release, sysconf(_SC_NPROCESSORS_ONLN));
	if (access("/proc/self/task/1/children", F_OK) < 0 &&
	    access("/proc/thread-self/children", F_OK) < 0)
		check_line(check, CHECK_FAIL, "kernel", "use a kernel with CONFIG_PROC_CHILDREN",
			   "/proc/PID/task/TID/children is missing: trees cannot be walked");
}

static void check_deny(struct check *check, const struct cg *cg)
{
	const char *means = cg_deny_means(cg);

	if (means)
		check_line(check, CHECK_OK, "devices", NULL,
			   "the nodes of a partition's devices are denied to other partitions' "
			   "jobs by %s",
			   means);
	else
		check_line(check, CHECK_WARN, "devices",
			   "use a kernel with CONFIG_CGROUP_BPF, and allow root bpf(2); or mount "
			   "the devices controller of cgroup v1",
			   "the nodes of a partition's devices are open to all jobs");
}

/* Whether CPUs can be dedicated and memory guaranteed, by the controllers' versions. */
static void check_reservation(struct check *check, int cpuset, int memory)
{
	if (cpuset == 2)
		check_line(check, CHECK_OK, "exclusive", NULL,
			   "CPUs can be dedicated (cpuset partitions of cgroup v2)");
	else if (cpuset == 1)
		check_line(
			check, CHECK_WARN, "exclusive",
			"for dedicated CPUs boot with cgroup v2 only "
			"(systemd.unified_cgroup_hierarchy=1)",
			"CPUs are advisory: vcctl gives them to no other partition, but with "
			"cpuset on "
			"cgroup v1 the rest of the system may run on them; the kernel can refuse "
			"them only to other groups (cpu_exclusive), if no group outside of vcrun "
			"has them");
	if (memory == 2)
		check_line(check, CHECK_OK, "fixed", NULL,
			   "memory can be guaranteed (memory.min) and kept out of swap");
	else if (memory == 1)
		check_line(
			check, CHECK_WARN, "fixed",
			"for guaranteed memory boot with cgroup v2 only "
			"(systemd.unified_cgroup_hierarchy=1)",
			"fixed memory is kept out of swap but not guaranteed: cgroup v1 has only a "
			"soft limit, which orders reclaim and guarantees nothing");
}

static void check_controllers(struct check *check)
{
	static const char *const needed[] = { "cpuset", "cpu", "memory", "pids" };
	_cleanup_(cg_freep) struct cg *cg = NULL;
	const struct cg_controller *list;
	struct vc_err err = { 0 };
	size_t n;
	int cpuset = 0, memory = 0;

	if (cg_open("vcrun", NULL, &cg, &err) < 0) {
		check_line(check, CHECK_FAIL, "cgroups", "mount the cgroup hierarchies", "%s",
			   err.text);
		return;
	}
	list = cg_controllers(cg, &n);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		const struct cg_controller *found = NULL;

		for (size_t k = 0; k < n; k++)
			if (!strcmp(list[k].name, needed[i]))
				found = &list[k];
		if (!found || found->version == 0) {
			bool must = !strcmp(needed[i], "cpuset") || !strcmp(needed[i], "memory");

			check_line(check, must ? CHECK_FAIL : CHECK_WARN, needed[i],
				   "enable the controller (kernel command line, or "
				   "cgroup.subtree_control of the root)",
				   "no cgroup hierarchy has the controller");
			continue;
		}
		check_line(check, CHECK_OK, needed[i], NULL, "cgroup v%d at %s", found->version,
			   found->mount);
		if (!strcmp(needed[i], "cpuset"))
			cpuset = found->version;
		if (!strcmp(needed[i], "memory"))
			memory = found->version;
	}
	check_deny(check, cg);
	check_reservation(check, cpuset, memory);
}

/* Compares what a partition asks for with what the kernel says. */
static void check_partition(struct check *check, struct cg *cg, const struct partition_spec *spec)
{
	enum cg_exclusive cpus = CG_SHARED;
	enum cg_memory_hold memory = CG_HOLD_NONE;
	bool cpus_fall_short, memory_falls_short;
	char size[32];

	if (cg_cpus_get_exclusive(cg, spec->name, spec->exclusive, &cpus) < 0 ||
	    cg_hold_get(cg, spec->name, &memory) < 0) {
		check_line(check, CHECK_WARN, spec->name, "run 'vcctl up': its daemon makes it",
			   "the kernel has no such group");
		return;
	}
	cpus_fall_short = spec->exclusive && cpus != CG_DEDICATED;
	memory_falls_short = spec->mode == MEMORY_FIXED && memory != CG_HOLD_FIXED;
	check_line(check, cpus_fall_short || memory_falls_short ? CHECK_WARN : CHECK_OK, spec->name,
		   NULL, "CPUs %s: %s%s; memory %s: %s%s", spec->cpus,
		   partition_exclusive_name(cpus),
		   cpus_fall_short ? ", not dedicated as asked" : "",
		   config_size_format(spec->memory_bytes, size, sizeof(size)),
		   partition_hold_name(memory), memory_falls_short ? ", not fixed as asked" : "");
}

/* Counts the exclusive partitions whose CPUs the kernel refuses to other groups. */
static void check_kept(struct check *check, struct cg *cg, const struct config *config)
{
	size_t wanted = 0, kept = 0;
	const char *keeper = NULL;

	for (size_t i = 0; i < config->n_parts; i++) {
		const struct partition_spec *spec = &config->parts[i];
		const char *by;

		if (spec_is_free(spec) || !spec->exclusive)
			continue;
		wanted++;
		by = cg_cpus_get_keeper(cg, spec->name);
		kept += by != NULL;
		keeper = by ? by : keeper;
	}
	if (wanted > 0)
		check_line(
			check, kept == wanted ? CHECK_OK : CHECK_WARN, "kept CPUs",
			kept == wanted ? NULL
				       : "leave a CPU for the daemons that is in no "
					 "exclusive partition, and make sure that no "
					 "other group has the partitions' CPUs",
			"the kernel refuses the CPUs of %zu of %zu exclusive partition%s to other "
			"groups%s%s%s",
			kept, wanted, wanted == 1 ? "" : "s", keeper ? " (" : "",
			keeper ? keeper : "", keeper ? ")" : "");
}

static void check_partitions(struct check *check, const struct instance *in)
{
	_cleanup_(cg_freep) struct cg *cg = NULL;
	struct vc_err err = { 0 };

	if (cg_open(NULL, in->cgroup_base, &cg, &err) < 0) {
		check_line(check, CHECK_FAIL, "groups", NULL, "%s", err.text);
		return;
	}
	for (size_t i = 0; i < in->config->n_parts; i++) {
		if (!spec_is_free(&in->config->parts[i]))
			check_partition(check, cg, &in->config->parts[i]);
	}
	check_kept(check, cg, in->config);
}

static void check_irqbalance(struct check *check, const struct instance *in)
{
	char found[256], remedy[1024];
	pid_t pid;

	if (admin_irqbalance(in, &pid, found, sizeof(found), remedy, sizeof(remedy)))
		check_line(check, CHECK_WARN, "irqbalance", remedy, "%s", found);
	else if (pid)
		check_line(check, CHECK_OK, "irqbalance", NULL,
			   "runs (pid %d), and leaves the partitions' devices alone", (int)pid);
	else
		check_line(check, CHECK_OK, "irqbalance", NULL, "does not run");
}

static void check_state_dir(struct check *check, const char *dir)
{
	_cleanup_(instance_freep) struct instance *in = NULL;
	struct vc_err err = { 0 };
	struct statfs fs;
	size_t alive = 0, wanted = 0;

	if (instance_open(dir, &in, &err) < 0) {
		bool tmpfs = statfs("/run", &fs) == 0 && fs.f_type == 0x01021994;

		check_line(check, CHECK_OK, "instance", NULL, "%s is not up%s", dir,
			   tmpfs ? ""
				 : "; /run is not a tmpfs, so 'vcctl up' will mount one there");
		return;
	}
	for (size_t i = 0; i < in->config->n_parts; i++) {
		alive += instance_daemon_pid(in, in->config->parts[i].name) > 0;
		wanted += !spec_is_free(&in->config->parts[i]);
	}
	if (alive == wanted)
		check_line(check, CHECK_OK, "instance", NULL, "%s is up, %zu partitions", in->dir,
			   alive);
	else
		check_line(check, CHECK_WARN, "instance",
			   "run 'vcctl up': it starts the missing ones",
			   "%s is up, but only %zu of %zu daemons live", in->dir, alive, wanted);
	check_partitions(check, in);
	check_irqbalance(check, in);
}

static void check_memory(struct check *check)
{
	char thp[128] = "";

	file_read(AT_FDCWD, "/sys/kernel/mm/transparent_hugepage/shmem_enabled", thp, sizeof(thp));
	if (strstr(thp, "[deny]"))
		check_line(check, CHECK_WARN, "huge pages",
			   "echo advise > /sys/kernel/mm/transparent_hugepage/shmem_enabled",
			   "denied for tmpfs: images of moves are written more slowly");
	else
		check_line(check, CHECK_OK, "huge pages", NULL, "%s",
			   *thp ? "available for the images of moves"
				: "not supported by this kernel; moves work without them");
}

/* Containers and services often lack capabilities, which would show only when a move fails. */
static void check_capabilities(struct check *check)
{
	static const struct {
		unsigned int bit;
		enum verdict verdict;
		const char *name, *cost;
	} needed[] = {
		{ CAP_SYS_ADMIN, CHECK_FAIL, "CAP_SYS_ADMIN", "no job can be moved" },
		{ CAP_SYS_PTRACE, CHECK_FAIL, "CAP_SYS_PTRACE", "no job can be moved" },
		{ CAP_SETUID, CHECK_FAIL, "CAP_SETUID", "only root can have jobs" },
		{ CAP_SETGID, CHECK_FAIL, "CAP_SETGID", "only root can have jobs" },
		{ CAP_KILL, CHECK_FAIL, "CAP_KILL", "users' jobs cannot be ended" },
		{ CAP_NET_ADMIN, CHECK_WARN, "CAP_NET_ADMIN",
		  "jobs with TCP connections cannot be moved" },
		{ CAP_SYS_RESOURCE, CHECK_WARN, "CAP_SYS_RESOURCE",
		  "a move lowers the limits of a job that are above those of vcrun's daemons, and "
		  "jobs with pipes larger than fs.pipe-max-size cannot be moved" },
		{ CAP_SYS_NICE, CHECK_WARN, "CAP_SYS_NICE",
		  "jobs with real-time or higher priority cannot be moved" },
		{ CAP_IPC_LOCK, CHECK_WARN, "CAP_IPC_LOCK",
		  "jobs with locked memory may not be restored" },
	};
	unsigned long long has;
	bool missing = false;

	if (proc_scan(0, "CapEff", "%llx", &has) != 1)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (has >> needed[i].bit & 1)
			continue;
		missing = true;
		check_line(check, needed[i].verdict, "capabilities",
			   "start vcrun with it; in a container, give it to the container",
			   "%s is missing: %s", needed[i].name, needed[i].cost);
	}
	if (!missing)
		check_line(check, CHECK_OK, "capabilities", NULL,
			   "all capabilities that moves need are available");
}

/* Checks what vcrun can read only from the kernel's own data, by BPF. */
static void check_sight(struct check *check)
{
	const struct sight *sight = sight_get();

	if (!sight->peek)
		check_line(
			check, CHECK_WARN, "waits",
			"use Linux 6.1 or newer with CONFIG_DEBUG_INFO_BTF, and give CAP_BPF and "
			"CAP_PERFMON",
			"waits with a timeout start again after a move: %s", sight->why.text);
	else
		check_line(check, CHECK_OK, "waits", NULL,
			   "waits with a timeout keep their end in a move");
	if (sight->landlock_off)
		check_line(check, CHECK_OK, "landlock", NULL, "not in use");
	else if (!sight->sees_landlock)
		check_line(
			check, CHECK_WARN, "landlock",
			"use Linux 6.1 or newer with CONFIG_DEBUG_INFO_BTF, and give CAP_BPF and "
			"CAP_PERFMON",
			"jobs with no_new_privs are not moved, because they may be in a sandbox: "
			"%s",
			sight->why.text);
	else
		check_line(check, CHECK_OK, "landlock", NULL,
			   "jobs in a Landlock sandbox are detected");
}

int vcctl_check(const struct vcctl *opts)
{
	struct doctor doctor = { 0 };
	struct check *check = &doctor.check;

	check_begin(check, opts->json);
	check_kernel(check);
	check_controllers(check);
	check_memory(check);
	check_capabilities(check);
	check_sight(check);
	check_criu(&doctor);
	if (doctor.interrupted) {
		json_decref(check->list);
		return 128 + doctor.interrupted;
	}
	check_state_dir(check, opts->admin.state_dir);
	return check_end(check);
}
