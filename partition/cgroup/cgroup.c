// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * cgroup.c - which hierarchy has which controllers, and where our base groups are
 *
 * "vcctl up" detects this once and writes it into one line, with a part for each hierarchy. Daemons
 * and shims get that line:
 *
 *	controllers|version|mount point|base group;...
 *	cpuset|1|/sys/fs/cgroup/cpuset|vcrun;|2|/sys/fs/cgroup/unified|vcrun
 *
 * With the line nothing is detected, and only the mount points are opened. The line also keeps the
 * base the same for a process that runs inside a job.
 */
#include "partition/cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "partition/cgroup/priv.h"

const char *const cg_controller_names[CG_INDEX_N] = {
#define X(id, name) [CG_INDEX_##id] = name,
	CG_CONTROLLERS(X)
#undef X
};

const struct cg_hier *cg_hier_of(const struct cg *cg, enum cg_bit bit)
{
	for (size_t i = 0; i < cg->n; i++) {
		if (cg->hier[i].bits & bit)
			return &cg->hier[i];
	}
	return NULL;
}

const struct cg_hier *cg_tracking(const struct cg *cg)
{
	for (size_t i = 0; i < cg->n; i++) {
		if (cg->hier[i].version == 2)
			return &cg->hier[i];
	}
	return &cg->hier[0];
}

static const char *const shown_names[CG_SHOWN] = { "cpuset", "cpu", "memory", "pids", "freezer" };

void cg_show(struct cg *cg, const char *name, const char *mount, int version)
{
	for (size_t i = 0; i < ARRAY_SIZE(cg->shown); i++) {
		if (strcmp(shown_names[i], name) || strlen(mount) >= sizeof(cg->shown[i].mount))
			continue;
		cg->shown[i].version = version;
		strcpy(cg->shown[i].mount, mount);
	}
}

/* Returns whether a list of names like "cpu,cpuacct" has one of hier's controllers. */
static bool cg_names_hier(const struct cg_hier *hier, const char *names, size_t len)
{
	for (size_t i = 0; i < CG_INDEX_N; i++) {
		const char *name = cg_controller_names[i];
		const char *p = names;

		if (!(hier->bits & (1u << i)))
			continue;
		while (p < names + len) {
			size_t n = strcspn(p, ",:");

			if (n == strlen(name) && !strncmp(p, name, n))
				return true;
			p += n + 1;
		}
	}
	return false;
}

int cg_proc_group(const struct cg_hier *hier, const char *text, char *ret, size_t size)
{
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");
		const char *names = memchr(line, ':', len);
		const char *group =
			names ? memchr(names + 1, ':', len - (size_t)(names + 1 - line)) : NULL;

		if (group) {
			size_t n_names = (size_t)(group - names) - 1;
			size_t n_group = len - (size_t)(group + 1 - line);

			names++, group++;
			if (hier->version == 2 ? n_names == 0 && line[0] == '0'
					       : cg_names_hier(hier, names, n_names)) {
				while (n_group && *group == '/')
					group++, n_group--;
				if (n_group >= size)
					return -ENAMETOOLONG;
				memcpy(ret, group, n_group);
				ret[n_group] = '\0';
				return 0;
			}
		}
		line += len + (line[len] == '\n');
	}
	return -ENOENT;
}

static int cg_open_hier(struct cg_hier *hier, struct vc_err *err)
{
	hier->fd = open(hier->mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (hier->fd < 0)
		return err_sys(err, errno, "cannot open the cgroup hierarchy %s", hier->mount);
	return 0;
}

static bool cg_ends_with(const char *text, size_t len, const char *end)
{
	return len > strlen(end) && !strncmp(text + len - strlen(end), end, strlen(end));
}

/*
 * Where our base is on v2, and its name. Only a group directly below the root can have dedicated
 * CPUs, and a session or service of systemd may end at any time. So under systemd it is a slice of
 * our own. Otherwise it is the group that this process is in, or the next one above without
 * processes, because a group with processes cannot pass controllers on.
 */
static const char *cg_v2_home(const struct cg_hier *hier, const char *instance,
			      char own[static CG_GROUP_MAX])
{
	size_t first = strcspn(own, "/");
	char pid[32];

	if (cg_ends_with(own, first, ".slice") || cg_ends_with(own, first, ".scope")) {
		own[0] = '\0';
		return strcmp(instance, "vcrun") ? instance : "vc.slice";
	}
	while (*own && cg_file_read(hier, own, "cgroup.procs", pid, sizeof(pid)) > 0) {
		char parent[CG_GROUP_MAX];

		cg_group_parent(own, parent);
		strcpy(own, parent);
	}
	return instance;
}

static int cg_find_base(struct cg_hier *hier, const char *instance, const char *proc,
			struct vc_err *err)
{
	char own[CG_GROUP_MAX];
	struct stat st;
	int n, r = cg_proc_group(hier, proc, own, sizeof(own));

	if (r < 0)
		return err_sys(err, -r, "cannot tell this process's group in %s", hier->mount);
	if (!strncmp(own, "..", 2) || (*own && fstatat(hier->fd, own, &st, 0) < 0))
		return err_set(err, ENOENT,
			       "this process's group /%s is not visible below %s: run vcrun in a "
			       "cgroup namespace of its own, or outside of the container",
			       own, hier->mount);
	if (hier->version == 2 && hier->bits)
		instance = cg_v2_home(hier, instance, own);
	n = snprintf(hier->base, sizeof(hier->base), "%s%s%s", own, *own ? "/" : "", instance);
	if (n + CG_TAIL_MAX >= (int)sizeof(hier->base) || strpbrk(hier->base, "|;\n") ||
	    strpbrk(hier->mount, "|;\n"))
		return err_set(err, EINVAL, "the group %s%s/%s has a name that vcrun cannot use",
			       hier->mount, own, instance);
	return 0;
}

/*
 * Leaves out hierarchies that cost more than they give. The unified one counts CPU time, so cpuacct
 * is not needed beside it; devices is not needed where BPF works. A new v1 cpu group has no
 * real-time budget where the kernel has real-time groups: a job in it could not use SCHED_FIFO.
 */
static bool cg_wants_hier(const struct cg_hier *hier, bool unified)
{
	if (hier->version == 2)
		return unified;
	if (hier->bits & ~(unsigned int)(CG_CPU | CG_CPUACCT | CG_DEVICES))
		return true;
	if (hier->bits & CG_DEVICES)
		return !unified || !cg_bpf_usable();
	if (hier->bits & CG_CPUACCT)
		return !unified;
	return !cg_file_exists(hier, "", "cpu.rt_runtime_us");
}

static bool cg_has_usable_unified(const struct cg *cg)
{
	const struct cg_hier *hier = cg_tracking(cg);

	return hier->version == 2 &&
	       (hier->bits || faccessat(hier->fd, ".", W_OK, AT_EACCESS) == 0);
}

static int cg_hier_order(const void *a, const void *b)
{
	const struct cg_hier *ha = a, *hb = b;

	return (int)(hb->bits & CG_CPUSET) - (int)(ha->bits & CG_CPUSET);
}

static int cg_detect(struct cg *cg, const char *instance, struct vc_err *err)
{
	_cleanup_free_ char *proc = NULL;
	ssize_t len;
	size_t kept = 0;
	bool unified;
	int r = cg_lib_discover(cg, err);

	if (r < 0)
		return r;
	len = file_read_all(AT_FDCWD, "/proc/self/cgroup", CG_PROC_MAX, &proc);
	if (len < 0)
		return err_sys(err, (int)-len, "cannot read /proc/self/cgroup");
	for (size_t i = 0; i < cg->n; i++) {
		r = cg_open_hier(&cg->hier[i], err);
		if (r < 0)
			return r;
	}
	unified = cg->n > 0 && cg_has_usable_unified(cg);
	for (size_t i = 0; i < cg->n; i++) {
		if (cg_wants_hier(&cg->hier[i], unified))
			cg->hier[kept++] = cg->hier[i];
		else
			close(cg->hier[i].fd);
	}
	cg->n = kept;
	if (cg->n == 0)
		return err_set(err, EOPNOTSUPP, "this machine has no cgroup controllers");
	qsort(cg->hier, cg->n, sizeof(cg->hier[0]), cg_hier_order);
	for (size_t i = 0; i < cg->n; i++) {
		r = cg_find_base(&cg->hier[i], instance, proc, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int cg_write_text(struct cg *cg)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool bad;

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < cg->n; i++) {
		const struct cg_hier *hier = &cg->hier[i];
		const char *comma = "";

		fputs(i ? ";" : "", out);
		for (size_t c = 0; c < CG_INDEX_N; c++) {
			if (!(hier->bits & (1u << c)))
				continue;
			fprintf(out, "%s%s", comma, cg_controller_names[c]);
			comma = ",";
		}
		fprintf(out, "|%d|%s|%s", hier->version, hier->mount, hier->base);
	}
	bad = ferror(out);
	if (fclose(out) || bad)
		return -ENOMEM;
	cg->text = steal_ptr(text);
	return 0;
}

static int cg_parse_names(char *names, unsigned int *ret)
{
	unsigned int bits = 0;
	char *save, *name;

	for (name = strtok_r(names, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
		size_t i = 0;

		while (i < CG_INDEX_N && strcmp(name, cg_controller_names[i]))
			i++;
		if (i == CG_INDEX_N)
			return -EINVAL;
		bits |= 1u << i;
	}
	*ret = bits;
	return 0;
}

/* Reads one part of the line, and changes it. */
static int cg_parse_hier(char *part, struct cg_hier *ret)
{
	struct cg_hier hier = { .fd = -1 };
	char *rest = part;
	const char *names = strsep(&rest, "|"), *version = strsep(&rest, "|");
	const char *mount = strsep(&rest, "|"), *base = strsep(&rest, "|");

	if (!base || rest || (strcmp(version, "1") && strcmp(version, "2")))
		return -EINVAL;
	hier.version = version[0] - '0';
	if (mount[0] != '/' || strlen(mount) >= sizeof(hier.mount))
		return -EINVAL;
	if (base[0] == '/' || base[0] == '\0' || strlen(base) + CG_TAIL_MAX >= sizeof(hier.base))
		return -EINVAL;
	strcpy(hier.mount, mount);
	strcpy(hier.base, base);
	if (cg_parse_names((char *)(uintptr_t)names, &hier.bits) < 0)
		return -EINVAL;
	*ret = hier;
	return 0;
}

static int cg_read_text(struct cg *cg, const char *text, struct vc_err *err)
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *part;

	if (!copy)
		return err_sys(err, ENOMEM, "cannot read the base groups");
	while ((part = strsep(&rest, ";"))) {
		struct cg_hier *hier = &cg->hier[cg->n];
		int r;

		if (cg->n == ARRAY_SIZE(cg->hier) || cg_parse_hier(part, hier) < 0)
			return err_set(err, EINVAL, "the base groups are badly written: \"%s\"",
				       text);
		cg->n++;
		r = cg_open_hier(hier, err);
		if (r < 0)
			return r;
		for (size_t i = 0; i < CG_INDEX_N; i++) {
			if (hier->bits & (1u << i))
				cg_show(cg, cg_controller_names[i], hier->mount, hier->version);
		}
		if (hier->version == 2)
			cg_show(cg, "freezer", hier->mount, hier->version);
	}
	return 0;
}

int cg_open(const char *instance, const char *base, struct cg **ret, struct vc_err *err)
{
	struct cg *cg = calloc(1, sizeof(*cg));
	int r;

	if (!cg)
		return err_sys(err, ENOMEM, "cannot open the cgroups");
	for (size_t i = 0; i < ARRAY_SIZE(cg->hier); i++)
		cg->hier[i].fd = -1;
	for (size_t i = 0; i < ARRAY_SIZE(cg->shown); i++)
		cg->shown[i].name = shown_names[i];
	r = base ? cg_read_text(cg, base, err) : cg_detect(cg, instance, err);
	if (r == 0 && cg_write_text(cg) < 0)
		r = err_sys(err, ENOMEM, "cannot write down the base groups");
	if (r < 0) {
		cg_free(cg);
		return r;
	}
	*ret = cg;
	return 0;
}

void cg_free(struct cg *cg)
{
	if (!cg)
		return;
	for (size_t i = 0; i < cg->n; i++)
		closep(&cg->hier[i].fd);
	free(cg->text);
	free(cg);
}

const char *cg_base(const struct cg *cg)
{
	return cg->text;
}

const struct cg_controller *cg_controllers(const struct cg *cg, size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(cg->shown);
	return cg->shown;
}
