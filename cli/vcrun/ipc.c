// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc.c - puts the interposer into a program's environment
 *
 * The path in LD_PRELOAD contains $LIB, which only the loader of the GNU C library replaces. musl's
 * loader finds no such file and starts its programs without the interposer, which would not work in
 * them.
 */
#include "cli/vcrun/ipc.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "ipcmap/door/reach.h"
#include "ipcmap/preload/env.h"

#define IPC_PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin" /* the same as in vcinit */

bool ipc_parse(const char *how, struct ipc_how *ret)
{
	static const struct {
		const char *text;
		struct ipc_how how;
	} hows[] = {
		{ "private", { .map = false } },
		{ "map", { .map = true } },
		{ "map,strict", { .map = true, .strict = true } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(hows); i++)
		if (!strcmp(how, hows[i].text)) {
			*ret = hows[i].how;
			return true;
		}
	fprintf(stderr, "vcrun: --ipc=%s: give map, map,strict or private\n", how);
	return false;
}

/* --- the program ------------------------------------------------------------------------- */

static bool ipc_can_execute(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Finds the program as execvp(3) will. Returns false if there is none; the shim reports that. */
static bool ipc_find(const char *program, char ret[PATH_MAX])
{
	const char *path = getenv("PATH"), *next;

	if (strchr(program, '/'))
		return snprintf(ret, PATH_MAX, "%s", program) < PATH_MAX;
	for (path = path ? path : IPC_PATH_DEFAULT;; path = next + 1) {
		next = strchrnul(path, ':');
		if (snprintf(ret, PATH_MAX, "%.*s%s%s", (int)(next - path), path,
			     next > path ? "/" : "", program) < PATH_MAX &&
		    ipc_can_execute(ret))
			return true;
		if (!*next)
			return false;
	}
}

static int ipc_check(const struct ipc_how *how, const char *program, struct vc_err *err)
{
	char path[PATH_MAX], text[1024];
	struct reach reach;

	if (!ipc_find(program, path))
		return 0;
	reach_check(path, how->strict, &reach);
	if (reach.verdict == REACH_MAPPED)
		return 0;
	reach_explain(path, &reach, text, sizeof(text));
	if (how->strict)
		return err_set(err, EACCES, "%s", text);
	fprintf(stderr, "vcrun: %s\n", text);
	return 0;
}

/* --- the environment --------------------------------------------------------------------- */

/* The loader replaces $LIB by one of these (ipcmap/preload/local.mk). */
static bool ipc_is_there(const char *library)
{
	static const char *const libs[] = { "lib", "lib64", ("lib/" VC_MULTIARCH) };
	const char *token = strstr(library, "$LIB");
	char path[PATH_MAX];

	if (!token)
		return access(library, R_OK) == 0;
	for (size_t i = 0; i < ARRAY_SIZE(libs); i++)
		if (snprintf(path, sizeof(path), "%.*s%s%s", (int)(token - library), library,
			     libs[i], token + strlen("$LIB")) < (int)sizeof(path) &&
		    access(path, R_OK) == 0)
			return true;
	return false;
}

/* Appends more to a list in the environment. */
static int ipc_append(const char *name, const char *more)
{
	const char *others = getenv(name);
	_cleanup_free_ char *all = NULL;

	if (others && *others && asprintf(&all, "%s:%s", others, more) < 0) {
		all = NULL;
		return -ENOMEM;
	}
	return setenv(name, all ? all : more, 1) < 0 ? -errno : 0;
}

/* Takes the interposer out of a list. */
static void ipc_remove(char *list)
{
	static const char ours[] = "/" ENV_LIBRARY;
	char *to = list;

	for (size_t len; *list; list += len) {
		size_t gap = strspn(list, ": ");

		len = gap + strcspn(list + gap, ": ");
		if (len - gap >= strlen(ours) &&
		    !strncmp(list + len - strlen(ours), ours, strlen(ours)))
			continue;
		memmove(to, list, len);
		to += len;
	}
	*to = '\0';
}

void ipc_clear(void)
{
	const char *list = getenv(ENV_PRELOAD);
	_cleanup_free_ char *others = list && getenv(ENV_IPC) ? strdup(list) : NULL;

	if (!others)
		return;
	unsetenv(ENV_IPC);
	ipc_remove(others);
	if (*others)
		setenv(ENV_PRELOAD, others, 1);
	else
		unsetenv(ENV_PRELOAD);
}

int ipc_prepare(const struct ipc_how *how, const char *state_dir, const char *program,
		struct vc_err *err)
{
	const char *env = getenv("VCRUN_PRELOAD"), *library = env ? env : VC_PRELOAD;
	_cleanup_free_ char *dir = NULL;
	int r = ipc_check(how, program, err);

	if (r < 0)
		return r;
	if (!ipc_is_there(library))
		return err_sys(err, errno, "--ipc=map needs %s, which is part of vcrun; install it",
			       library);
	dir = realpath(state_dir, NULL);
	if (!dir)
		return err_sys(err, errno, "%s", state_dir);
	r = ipc_append(ENV_PRELOAD, library);
	if (r == 0)
		r = ipc_append(ENV_ASAN, ENV_ASAN_OPTION);
	if (r == 0 && (setenv(ENV_STATE_DIR, dir, 1) < 0 ||
		       setenv(ENV_IPC, how->strict ? ENV_IPC_STRICT : ENV_IPC_MAP, 1) < 0))
		r = -errno;
	return r < 0 ? err_sys(err, -r, "--ipc=map") : 0;
}
