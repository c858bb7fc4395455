// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * module.c - policies as loadable modules: finds, checks and calls them
 *
 * A module runs in a daemon of root. Therefore its file and all directories above must be trusted
 * (common/trust.h) before it is loaded. Then no other user can replace it between the check and
 * dlopen().
 *
 * The answer of a module is checked too: see policy_place().
 */
#include "policy/module.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/trust.h"

#define NAME_SIZE 32 /* with NUL */

/* leastcpu is linked in: this is the symbol that each module has. */
extern const struct vc_policy vc_policy;

struct module {
	struct module *next; /* policy_set::modules */
	char name[NAME_SIZE];
	void *handle;
	struct vc_policy policy; /* our copy, of our size */
};

struct policy_set {
	char **dirs;
	size_t n_dirs;
	struct module *modules;
};

struct names {
	char (*name)[NAME_SIZE];
	size_t n;
};

static void module_free(struct module *mod)
{
	if (!mod)
		return;
	if (mod->handle)
		dlclose(mod->handle);
	free(mod);
}

DEFINE_CLEANUP(struct module *, module_freep, module_free);

static void names_done(struct names *names)
{
	free(names->name);
}

void policy_set_free(struct policy_set *set)
{
	struct module *next;

	if (!set)
		return;
	for (struct module *mod = set->modules; mod; mod = next) {
		next = mod->next;
		module_free(mod);
	}
	for (size_t i = 0; i < set->n_dirs; i++)
		free(set->dirs[i]);
	free(set->dirs);
	free(set);
}

/* $VCRUN_POLICY_PATH is for uninstalled builds; it is root's environment that counts. */
static const char *policy_default_path(void)
{
	const char *env = getenv("VCRUN_POLICY_PATH");

	return env && *env ? env : VC_POLICYDIR;
}

int policy_set_new(const char *path, struct policy_set **ret, struct vc_err *err)
{
	_cleanup_(policy_set_freep) struct policy_set *set = calloc(1, sizeof(*set));
	_cleanup_free_ char *copy = strdup(path ? path : policy_default_path());
	char *save = NULL;

	if (!set || !copy)
		return err_sys(err, ENOMEM, "policy path");
	for (char *dir = strtok_r(copy, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		char **grown;

		if (dir[0] != '/')
			return err_set(err, EINVAL,
				       "policy directory '%s' is not absolute: give its full path",
				       dir);
		grown = reallocarray(set->dirs, set->n_dirs + 1, sizeof(*grown));
		if (!grown)
			return err_sys(err, ENOMEM, "policy path");
		set->dirs = grown;
		set->dirs[set->n_dirs] = strdup(dir);
		if (!set->dirs[set->n_dirs])
			return err_sys(err, ENOMEM, "policy path");
		set->n_dirs++;
	}
	*ret = steal_ptr(set);
	return 0;
}

const struct vc_policy *policy_fallback(void)
{
	return &vc_policy;
}

static bool name_is_valid(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789");

	return len > 0 && len < NAME_SIZE && name[len] == '\0' && name[0] >= 'a';
}

/* trust_open() that says nothing about what is not there. */
static int open_trusted(const char *path, int flags, char *ret_path, struct vc_err *err)
{
	struct vc_err why;
	int fd = trust_open(path, flags, ret_path, &why);

	if (fd < 0 && fd != -ENOENT && err)
		*err = why;
	return fd;
}

/* A policy directory's canonical path; -ENOENT without a word when it is not there. */
static int check_dir(const char *dir, char *ret_path, struct vc_err *err)
{
	_cleanup_close_ int fd = open_trusted(dir, O_PATH | O_DIRECTORY, ret_path, err);

	if (fd == -EPERM)
		err_add(err, "policies in %s are not used", dir);
	return fd < 0 ? fd : 0;
}

/* The canonical path of the first file of that name; -ENOENT without a word. */
static int find_module(const struct policy_set *set, const char *name, char *ret_path,
		       struct vc_err *err)
{
	for (size_t i = 0; i < set->n_dirs; i++) {
		_cleanup_close_ int fd = -1;
		char dir[PATH_MAX], file[PATH_MAX];
		struct stat st;
		int r;

		r = check_dir(set->dirs[i], dir, err);
		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		if (snprintf(file, sizeof(file), "%s/%s.so", dir, name) >= (int)sizeof(file))
			return err_sys(err, ENAMETOOLONG, "policy directory %s", dir);
		fd = open_trusted(file, O_RDONLY, ret_path, err);
		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			return fd;
		if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
			return err_set(err, EPERM, "%s is no regular file", file);
		return 0;
	}
	return -ENOENT;
}

/* Checks what the symbol points to, and copies it at our size. */
static int check_policy(const struct vc_policy *theirs, const char *name, const char *path,
			struct vc_policy *ret, struct vc_err *err)
{
	const size_t needed = offsetof(struct vc_policy, rebalance);
	const ElfW(Sym) *sym = NULL;
	struct vc_policy ours = { .api = 0 };
	Dl_info info;
	size_t size;

	/* The linker's word for the object's size: theirs->size is only what they claim. */
	if (!dladdr1(theirs, &info, (void **)&sym, RTLD_DL_SYMENT) || !sym ||
	    sym->st_size < offsetof(struct vc_policy, name))
		return err_set(err, ENOEXEC, "%s: its symbol vc_policy is no policy", path);
	if (theirs->api != VC_POLICY_API)
		return err_set(err, ENOEXEC,
			       "%s was built for policy API %u, this is %u: build it anew", path,
			       theirs->api, VC_POLICY_API);
	if (theirs->size < needed || theirs->size > sym->st_size)
		return err_set(err, ENOEXEC,
			       "%s: size %u of its policy is wrong (at least %zu, at most the "
			       "symbol's %zu): define it with VC_POLICY()",
			       path, theirs->size, needed, (size_t)sym->st_size);
	size = theirs->size < sizeof(ours) ? theirs->size : sizeof(ours);
	memcpy(&ours, theirs, size);
	if (!ours.name || strcmp(ours.name, name) != 0)
		return err_set(err, ENOEXEC,
			       "%s holds policy '%s': file and policy must have one name", path,
			       ours.name ? ours.name : "");
	if (!ours.place)
		return err_set(err, ENOEXEC, "%s has no place(): every policy needs one", path);
	if (!ours.summary)
		ours.summary = "";
	ours.size = sizeof(ours);
	*ret = ours;
	return 0;
}

static int load_module(const struct policy_set *set, const char *name, struct module **ret,
		       struct vc_err *err)
{
	_cleanup_(module_freep) struct module *mod = calloc(1, sizeof(*mod));
	const struct vc_policy *theirs;
	char path[PATH_MAX];
	int r;

	if (!mod)
		return err_sys(err, ENOMEM, "policy '%s'", name);
	snprintf(mod->name, sizeof(mod->name), "%s", name);
	r = find_module(set, name, path, err);
	if (r < 0)
		return r;
	mod->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!mod->handle)
		return err_set(err, ENOEXEC, "%s cannot be loaded: %s", path, dlerror());
	theirs = dlsym(mod->handle, "vc_policy");
	if (!theirs)
		return err_set(err, ENOEXEC,
			       "%s has no symbol vc_policy: define it with VC_POLICY()", path);
	r = check_policy(theirs, name, path, &mod->policy, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(mod);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int names_add(struct names *names, const char *name)
{
	void *grown;

	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->name[i], name) == 0)
			return 0;
	grown = reallocarray(names->name, names->n + 1, sizeof(*names->name));
	if (!grown)
		return -ENOMEM;
	names->name = grown;
	snprintf(names->name[names->n++], NAME_SIZE, "%s", name);
	return 0;
}

/* What could be a policy by its file's name, and the one linked in; sorted. */
static int names_find(const struct policy_set *set, struct names *names, struct vc_err *err)
{
	int r = names_add(names, vc_policy.name);

	for (size_t i = 0; i < set->n_dirs && r == 0; i++) {
		_cleanup_closedir_ DIR *dir = NULL;
		struct dirent *entry;
		char path[PATH_MAX];

		/* A directory that may not be used offers nothing. */
		if (check_dir(set->dirs[i], path, NULL) < 0)
			continue;
		dir = opendir(path);
		while (dir && r == 0 && (entry = readdir(dir))) {
			char name[sizeof(entry->d_name)];
			char *dot;

			snprintf(name, sizeof(name), "%s", entry->d_name);
			dot = strrchr(name, '.');
			if (!dot || strcmp(dot, ".so") != 0)
				continue;
			*dot = '\0';
			if (name_is_valid(name))
				r = names_add(names, name);
		}
	}
	if (r < 0)
		return err_sys(err, -r, "list of policies");
	qsort(names->name, names->n, sizeof(*names->name), compare_names);
	return 0;
}

static int refuse_unknown(const struct policy_set *set, const char *name, struct vc_err *err)
{
	_cleanup_(names_done) struct names names = { .n = 0 };
	char list[512] = "";
	size_t len = 0;
	int r = names_find(set, &names, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < names.n && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, " %s", names.name[i]);
	return err_set(err, ENOENT, "there is no policy '%s'; there are:%s", name, list);
}

int policy_get(struct policy_set *set, const char *name, const struct vc_policy **ret,
	       struct vc_err *err)
{
	struct module *mod = NULL;
	int r;

	if (!name_is_valid(name))
		return err_set(err, EINVAL,
			       "'%.64s' is no name for a policy: lower case letters and digits, "
			       "a letter first, at most %d",
			       name, NAME_SIZE - 1);
	for (mod = set->modules; mod; mod = mod->next) {
		if (strcmp(mod->name, name) == 0) {
			*ret = &mod->policy;
			return 0;
		}
	}
	/* The built-in one does not depend on what the directories hold. */
	if (strcmp(name, vc_policy.name) == 0) {
		r = load_module(set, name, &mod, NULL);
		if (r < 0) {
			*ret = &vc_policy;
			return 0;
		}
	} else {
		r = load_module(set, name, &mod, err);
	}
	if (r == -ENOENT)
		return refuse_unknown(set, name, err);
	if (r < 0)
		return r;
	mod->next = set->modules;
	set->modules = mod;
	*ret = &mod->policy;
	return 0;
}

int policy_list(struct policy_set *set, struct policy_info **ret, size_t *ret_n, struct vc_err *err)
{
	_cleanup_(names_done) struct names names = { .n = 0 };
	struct policy_info *info;
	size_t n = 0;
	int r = names_find(set, &names, err);

	if (r < 0)
		return r;
	info = calloc(names.n, sizeof(*info));
	if (!info)
		return err_sys(err, ENOMEM, "list of policies");
	for (size_t i = 0; i < names.n; i++) {
		const struct vc_policy *policy;

		if (policy_get(set, names.name[i], &policy, NULL) < 0)
			continue;
		info[n].name = policy->name;
		info[n].summary = policy->summary;
		n++;
	}
	*ret = info;
	*ret_n = n;
	return 0;
}

static bool is_up(const struct vc_view *view, int index)
{
	return index >= 0 && (uint32_t)index < view->n && vc_up(view, (uint32_t)index);
}

/* An answer that may be used, or -1 with the reason in err. */
static int ask(const struct vc_policy *policy, const struct vc_view *view, struct vc_err *err)
{
	bool moving = view->current >= 0 && vc_leaving(view) < 0 && policy->rebalance;
	int index;

	if (!policy->place) {
		err_set(err, ENOEXEC, "policy '%s' has no place()", policy->name);
		return -1;
	}
	index = moving ? policy->rebalance(view) : policy->place(view);
	if (moving && index == -1)
		index = view->current;
	if (is_up(view, index) || (index >= 0 && index == vc_leaving(view)))
		return index;
	if (index == -1)
		err_set(err, ENODATA, "policy '%s' finds no partition fit", policy->name);
	else if (index < 0 || (uint32_t)index >= view->n)
		err_set(err, ERANGE, "policy '%s' answers %d, which is no partition (0 to %u)",
			policy->name, index, view->n - 1);
	else
		err_set(err, ENODEV, "policy '%s' answers partition %d, which is down",
			policy->name, index);
	return -1;
}

int policy_place(const struct vc_policy *policy, const struct vc_view *view, struct vc_err *err)
{
	int index;

	if (vc_count_up(view) == 0)
		return err_set(err, EAGAIN, "no partition is up");
	index = ask(policy, view, err);
	if (index >= 0)
		return index;
	if (err) {
		size_t len = strlen(err->text);

		snprintf(err->text + len, sizeof(err->text) - len, "; %s decides instead",
			 vc_policy.name);
	}
	index = ask(&vc_policy, view, NULL);
	if (index >= 0)
		return index;
	/* The job's own partition is down, or the samples are no numbers. */
	index = vc_least_demand(view, -1);
	return index >= 0 ? index : vc_nth_up(view, 0);
}
