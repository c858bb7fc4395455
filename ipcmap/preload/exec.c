// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * exec.c - execve() and similar; every way of the C library to run a program ends here
 *
 * The caller can be the child of vfork(), or of posix_spawn() with its small stack and its parent's
 * memory. So nothing is allocated or locked here.
 */
#include "ipcmap/preload/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ipcmap/door/reach.h"
#include "ipcmap/preload/env.h"
#include "ipcmap/preload/preload.h"
#include "ipcmap/preload/raw.h"

#define EXEC_ENV_MAX 512 /* variables that a program can lack */
#define EXEC_LIST_MAX 1024

/* The variables that a program needs. In a list, our item comes after those of others. */
static struct exec_variable {
	const char *name;
	bool list;
	char value[PATH_MAX];
} exec_variables[] = {
	{ .name = ENV_PRELOAD, .list = true },
	{ .name = ENV_ASAN, .list = true },
	{ .name = ENV_STATE_DIR },
	{ .name = ENV_IPC },
};

#define EXEC_VARIABLES (sizeof(exec_variables) / sizeof(exec_variables[0]))

/* The item of a list that ends in the text; NULL: there is none. */
static const char *exec_item(const char *list, const char *what, size_t *ret_len)
{
	for (size_t len; *list; list += len) {
		list += strspn(list, ": ");
		len = strcspn(list, ": ");
		if (len >= strlen(what) &&
		    !strncmp(list + len - strlen(what), what, strlen(what))) {
			*ret_len = len;
			return list;
		}
	}
	return NULL;
}

void exec_begin(void)
{
	static const char *const ours[EXEC_VARIABLES] = { "/" ENV_LIBRARY, ENV_ASAN_OPTION };

	for (size_t i = 0; i < EXEC_VARIABLES; i++) {
		struct exec_variable *variable = &exec_variables[i];
		const char *value = getenv(variable->name), *item = value;
		size_t len = value ? strlen(value) : 0;

		if (value && variable->list)
			item = exec_item(value, ours[i], &len);
		if (item && len < sizeof(variable->value))
			memcpy(variable->value, item, len);
	}
}

static const char *exec_how(void)
{
	return exec_variables[EXEC_VARIABLES - 1].value;
}

bool exec_is_mapped(void)
{
	return *exec_how() != '\0';
}

bool exec_is_strict(void)
{
	return !strcmp(exec_how(), ENV_IPC_STRICT);
}

/* The program may have closed it and opened a file of its own there. */
static bool exec_has_stderr(void)
{
	int flags = fcntl(STDERR_FILENO, F_GETFL);
	struct stat st;

	return flags >= 0 && fstat(STDERR_FILENO, &st) == 0 &&
	       (!S_ISREG(st.st_mode) || (flags & O_ACCMODE) == O_WRONLY);
}

void exec_complain(const char *text)
{
	char line[1200];
	int n = snprintf(line, sizeof(line), "vcrun: %s\n", text);

	if (n >= (int)sizeof(line))
		n = sizeof(line) - 1;
	if (exec_has_stderr())
		(void)!write(STDERR_FILENO, line, (size_t)n);
}

/* --- the environment --------------------------------------------------------------------- */

static char **exec_find(char **env, const char *name)
{
	size_t len = strlen(name);

	for (; *env; env++)
		if (!strncmp(*env, name, len) && (*env)[len] == '=')
			return env;
	return NULL;
}

/* Whether the program gets the variable as it is. */
static bool exec_has(char *const *env, const struct exec_variable *variable)
{
	char **at = exec_find((char **)env, variable->name);
	const char *value = at ? *at + strlen(variable->name) + 1 : NULL;
	size_t len;

	if (!*variable->value)
		return true;
	return value && (!variable->list || exec_item(value, variable->value, &len));
}

static bool exec_has_all(char *const *env)
{
	for (size_t i = 0; i < EXEC_VARIABLES; i++)
		if (!exec_has(env, &exec_variables[i]))
			return false;
	return true;
}

/* The list is the C library's own: an item that does not fit is left out with a warning. */
static bool exec_add(char **env, const struct exec_variable *variable, char *text, size_t size)
{
	char **at = exec_find(env, variable->name);
	const char *others = at ? *at + strlen(variable->name) + 1 : "";

	if (snprintf(text, size, "%s=%s%s%s", variable->name, others, *others ? ":" : "",
		     variable->value) >= (int)size)
		return false;
	if (!at) {
		for (at = env; *at; at++)
			;
		at[1] = NULL;
	}
	*at = text;
	return true;
}

/* Executes a program with the missing variables added to its environment. */
static long exec_with(long nr, long args[6], char *const *env, int env_at)
{
	char text[EXEC_VARIABLES][EXEC_LIST_MAX], *all[EXEC_ENV_MAX + EXEC_VARIABLES + 1];
	size_t n = 0;

	while (env && env[n] && n < EXEC_ENV_MAX) {
		all[n] = env[n];
		n++;
	}
	if (env && env[n])
		return -E2BIG;
	all[n] = NULL;
	for (size_t i = 0; i < EXEC_VARIABLES; i++)
		if (!exec_has(all, &exec_variables[i]) &&
		    !exec_add(all, &exec_variables[i], text[i], sizeof(text[i])))
			return -E2BIG;
	args[env_at] = (long)all;
	return raw_kernel(nr, args);
}

/* --- the calls --------------------------------------------------------------------------- */

/* Returns 0, or an error if the program must not run. */
static int exec_check(const char *path)
{
	struct reach reach;
	char text[1024];

	reach_check(path, exec_is_strict(), &reach);
	if (reach.verdict == REACH_MAPPED)
		return 0;
	reach_explain(path, &reach, text, sizeof(text));
	exec_complain(text);
	return exec_is_strict() ? -EACCES : 0;
}

static int exec_call(long nr, long args[6], const char *path, char *const *env, int env_at)
{
	static char *const none[] = { NULL };
	int r = exec_is_mapped() ? exec_check(path) : 0;
	long done;

	if (r < 0)
		return r;
	if (exec_has_all(env ? env : none))
		return (int)raw_kernel(nr, args);
	done = exec_with(nr, args, env, env_at);
	if (done != -E2BIG)
		return (int)done;
	exec_complain("--ipc=map: there is no room in the environment of a program that is "
		      "executed; it is not mapped");
	return exec_is_strict() ? -E2BIG : (int)raw_kernel(nr, args);
}

int exec_path(const char *path, char *const argv[], char *const env[])
{
	long args[6] = { (long)path, (long)argv, (long)env };

	return exec_call(SYS_execve, args, path, env, 2);
}

int exec_at(int dir_fd, const char *path, char *const argv[], char *const env[], int flags)
{
	long args[6] = { dir_fd, (long)path, (long)argv, (long)env, flags };
	char proc[PATH_MAX];

	/* A path to the file. */
	if (dir_fd == AT_FDCWD || !path || path[0] == '/')
		snprintf(proc, sizeof(proc), "%s", path ? path : "");
	else
		snprintf(proc, sizeof(proc), "/proc/self/fd/%d%s%s", dir_fd, *path ? "/" : "",
			 path);
	return exec_call(SYS_execveat, args, proc, env, 3);
}

INTERPOSE int execve(const char *path, char *const argv[], char *const env[])
{
	return preload_result(exec_path(path, argv, env));
}

INTERPOSE int execveat(int dir_fd, const char *path, char *const argv[], char *const env[],
		       int flags)
{
	return preload_result(exec_at(dir_fd, path, argv, env, flags));
}

/* The check of fexecve(); the header's attributes would remove it there. */
static int exec_fd(int fd, char *const argv[], char *const env[])
{
	return fd < 0 || !argv || !env ? -EINVAL : exec_at(fd, "", argv, env, AT_EMPTY_PATH);
}

INTERPOSE int fexecve(int fd, char *const argv[], char *const env[])
{
	return preload_result(exec_fd(fd, argv, env));
}
