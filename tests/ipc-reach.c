// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-reach.c - makes a semaphore set in one of the ways that there are to call the C library
 *
 *	ipc-reach KEY [WAY [ARGUMENT]]    WAY: what is in the table below; "call" if none is given
 *
 * The set stays. tests/ipc-reach.sh builds this as programs of all kinds.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "raw-call.h"

#ifdef GO_NOTE
/* What the Go linker puts into its programs. */
__asm__(".pushsection .note.go.buildid,\"a\",@note\n"
	".long 4, 4, 4\n.asciz \"Go\\0\"\n.ascii \"test\"\n.popsection\n");
#endif

typedef int (*make_fn)(key_t key, int n, int flags);

static const char *self, *argument;
static char key_text[16];
static char *again_argv[] = { NULL, key_text, NULL };
static char *again_env[] = { NULL };

static int way_call(key_t key)
{
	return semget(key, 1, IPC_CREAT | 0600);
}

static int way_function(key_t key, void *function)
{
	make_fn make;

	memcpy(&make, &function, sizeof(make));
	return make ? make(key, 1, IPC_CREAT | 0600) : -1;
}

static int way_dlsym(key_t key)
{
	return way_function(key, dlsym(dlopen("libc.so.6", RTLD_LAZY), "semget"));
}

static int way_dlsym_next(key_t key)
{
	return way_function(key, dlsym(RTLD_NEXT, "semget"));
}

#ifdef __GLIBC__
static int way_dlvsym(key_t key)
{
	static const char *const versions[] = { "GLIBC_2.2.5", "GLIBC_2.17" };
	void *libc = dlopen("libc.so.6", RTLD_LAZY), *function = NULL;

	for (int i = 0; i < 2 && !function; i++)
		function = dlvsym(libc, "semget", versions[i]);
	return way_function(key, function);
}

/* argument: a library of which plugin_make() calls semget(). */
static int way_deepbind(key_t key)
{
	void *plugin = dlopen(argument, RTLD_NOW | RTLD_DEEPBIND);

	return way_function(key, plugin ? dlsym(plugin, "plugin_make") : NULL);
}

static int way_dlmopen(key_t key)
{
	void *plugin = dlmopen(LM_ID_NEWLM, argument, RTLD_NOW);

	return way_function(key, plugin ? dlsym(plugin, "plugin_make") : NULL);
}
#endif

static int way_syscall(key_t key)
{
	return (int)syscall(SYS_semget, key, 1, IPC_CREAT | 0600);
}

static int way_assembly(key_t key)
{
	return (int)raw_call(SYS_semget, key, 1, IPC_CREAT | 0600, 0);
}

/* argument: a program, which is executed past the library that would have looked at it. */
static int way_assembly_execve(key_t key)
{
	char *argv[] = { (char *)argument, key_text, NULL };

	(void)key;
	return (int)raw_call(SYS_execve, (long)argument, (long)argv, (long)again_env, 0);
}

#ifdef __x86_64__
/* semget() of 32-bit code. */
static int way_int80(key_t key)
{
	int r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(393), "b"(key), "c"(1), "d"(IPC_CREAT | 0600)
			 : "r8", "r9", "r10", "r11", "memory");
	return r;
}
#endif

/* --- this program again, without an environment ------------------------------------------ */

static int again_wait(pid_t pid)
{
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 1 : -1;
}

static int way_execve(key_t key)
{
	(void)key;
	return execve(self, again_argv, again_env);
}

static int way_execvpe(key_t key)
{
	(void)key;
	return execvpe(self, again_argv, again_env);
}

static int way_execle(key_t key)
{
	(void)key;
	return execle(self, self, key_text, (char *)NULL, again_env);
}

static int way_fexecve(key_t key)
{
	(void)key;
	return fexecve(open(self, O_RDONLY | O_CLOEXEC), again_argv, again_env);
}

static int way_execveat(key_t key)
{
	(void)key;
	return (int)syscall(SYS_execveat, open(self, O_PATH | O_CLOEXEC), "", again_argv, again_env,
			    AT_EMPTY_PATH);
}

static int way_raw_execve(key_t key)
{
	(void)key;
	return (int)syscall(SYS_execve, self, again_argv, again_env);
}

static int way_vfork(key_t key)
{
	pid_t pid;

	(void)key;
	pid = vfork();
	if (pid == 0) {
		execve(self, again_argv, again_env);
		_exit(1);
	}
	return again_wait(pid);
}

static int way_posix_spawn(key_t key)
{
	pid_t pid = -1;

	(void)key;
	posix_spawn(&pid, self, NULL, NULL, again_argv, again_env);
	return again_wait(pid);
}

static int way_posix_spawnp(key_t key)
{
	pid_t pid = -1;

	(void)key;
	posix_spawnp(&pid, self, NULL, NULL, again_argv, again_env);
	return again_wait(pid);
}

static int way_system(key_t key)
{
	char line[300];

	(void)key;
	clearenv();
	snprintf(line, sizeof(line), "%s %s", self, key_text);
	return system(line) == 0 ? 1 : -1;
}

static int way_popen(key_t key)
{
	char line[300];
	FILE *pipe;

	(void)key;
	clearenv();
	snprintf(line, sizeof(line), "%s %s", self, key_text);
	pipe = popen(line, "r");
	return pipe && pclose(pipe) == 0 ? 1 : -1;
}

static const struct {
	const char *name;
	int (*make)(key_t key);
} ways[] = {
	{ "call", way_call },
	{ "dlsym", way_dlsym },
	{ "dlsym-next", way_dlsym_next },
#ifdef __GLIBC__
	{ "dlvsym", way_dlvsym },
	{ "deepbind", way_deepbind },
	{ "dlmopen", way_dlmopen },
#endif
	{ "syscall", way_syscall },
	{ "assembly", way_assembly },
	{ "assembly-execve", way_assembly_execve },
#ifdef __x86_64__
	{ "int80", way_int80 },
#endif
	{ "execve", way_execve },
	{ "execvpe", way_execvpe },
	{ "execle", way_execle },
	{ "fexecve", way_fexecve },
	{ "execveat", way_execveat },
	{ "raw-execve", way_raw_execve },
	{ "vfork", way_vfork },
	{ "posix_spawn", way_posix_spawn },
	{ "posix_spawnp", way_posix_spawnp },
	{ "system", way_system },
	{ "popen", way_popen },
};

int main(int argc, char **argv)
{
	const char *way = argc > 2 && argv[2][0] != '/' ? argv[2] : "call";

	if (argc < 2)
		return 2;
	self = argv[0];
	again_argv[0] = argv[0];
	snprintf(key_text, sizeof(key_text), "%s", argv[1]);
	argument = argc > 3 ? argv[3] : "";
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(ways[i].name, way)) {
			if (ways[i].make((key_t)strtol(argv[1], NULL, 0)) >= 0)
				return 0;
			perror(way);
			return 1;
		}
	return 2;
}
