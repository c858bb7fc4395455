// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sandbox-learn.c - where the kernel keeps the signs of a sandbox
 *
 * The Landlock domain is a pointer in the security modules' data of a thread's credentials. Its
 * place depends on the modules. PR_SET_MDWE is a bit in the flags of the memory. Both are found by
 * experiment with three children: one restricts itself, one is a child of that one, and one does
 * nothing. The sign is equal in the first two, and is equal in the third and this process.
 */
#include "libmig/kernel/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/kernel/peek.h"

/* Linux 6.3 */
#define SANDBOX_SET_MDWE 65
#define SANDBOX_MDWE_REFUSE_EXEC_GAIN 1

#define SANDBOX_TRIES 3 /* the memory behind the data may not be readable */

bool sandbox_no_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 0 &&
	       (errno == ENOSYS || errno == EOPNOTSUPP);
}

static bool sandbox_enter_landlock(void)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE };
	int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	return fd >= 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       syscall(SYS_landlock_restrict_self, fd, 0) == 0;
}

static void sandbox_restrict(void)
{
	sandbox_enter_landlock();
	prctl(SANDBOX_SET_MDWE, SANDBOX_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0);
}

/* The children write their numbers into one pipe, and live until the other one is closed. */
struct sandbox_pipes {
	int said[2], end[2];
};

static void sandbox_child_wait(const struct sandbox_pipes *pipes)
{
	pid_t pid = getpid();
	char byte;

	if (write(pipes->said[1], &pid, sizeof(pid)) == sizeof(pid))
		while (read(pipes->end[0], &byte, 1) < 0 && errno == EINTR)
			;
}

static void sandbox_child(const struct sandbox_pipes *pipes, bool restricted)
{
	pid_t pid = -1;

	close(pipes->end[1]);
	if (restricted) {
		sandbox_restrict();
		pid = fork();
	}
	if (!restricted || pid >= 0)
		sandbox_child_wait(pipes);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	_exit(0);
}

static pid_t sandbox_fork(const struct sandbox_pipes *pipes, bool restricted)
{
	pid_t pid = fork();

	if (pid == 0)
		sandbox_child(pipes, restricted);
	return pid;
}

/* Returns the number of the restricted child's child; 0: there is none. */
static pid_t sandbox_hear(struct sandbox_pipes *pipes, pid_t plain, pid_t restricted)
{
	pid_t pid, found = 0;

	/* The pipe ends when all have written or have ended. */
	close(steal_fd(&pipes->said[1]));
	for (int i = 0; i < 3; i++) {
		if (read(pipes->said[0], &pid, sizeof(pid)) != sizeof(pid))
			return 0;
		if (pid != plain && pid != restricted)
			found = pid;
	}
	return found;
}

static bool sandbox_learn_look(const struct peek *peek, pid_t pid, struct peek_task *ret)
{
	return peek_thread(peek, pid, ret, NULL) == 0 && ret->lsm_known;
}

static bool sandbox_compare(const struct peek *peek, pid_t plain, pid_t restricted, pid_t child,
			    struct sandbox_signs *ret)
{
	struct peek_task our, of_plain, of_restricted, of_child;

	if (!sandbox_learn_look(peek, getpid(), &our) ||
	    !sandbox_learn_look(peek, plain, &of_plain) ||
	    !sandbox_learn_look(peek, restricted, &of_restricted) ||
	    !sandbox_learn_look(peek, child, &of_child))
		return false;
	ret->word = -1;
	for (int i = 0; i < PEEK_LSM_WORDS && ret->word < 0; i++)
		if (of_plain.lsm[i] == our.lsm[i] && of_restricted.lsm[i] != our.lsm[i] &&
		    of_child.lsm[i] == of_restricted.lsm[i])
			ret->word = i;
	ret->mdwe = of_restricted.mm_flags & of_child.mm_flags & ~of_plain.mm_flags & ~our.mm_flags;
	return true;
}

static bool sandbox_learn_once(const struct peek *peek, struct sandbox_signs *ret)
{
	struct sandbox_pipes pipes = { { -1, -1 }, { -1, -1 } };
	pid_t plain = -1, restricted = -1, child;
	bool learned = false;

	if (pipe2(pipes.said, O_CLOEXEC) == 0 && pipe2(pipes.end, O_CLOEXEC) == 0) {
		plain = sandbox_fork(&pipes, false);
		restricted = sandbox_fork(&pipes, true);
		child = sandbox_hear(&pipes, plain, restricted);
		if (plain > 0 && restricted > 0 && child > 0)
			learned = sandbox_compare(peek, plain, restricted, child, ret);
	}
	for (int i = 0; i < 2; i++) {
		closep(&pipes.said[i]);
		closep(&pipes.end[i]);
	}
	if (plain > 0)
		waitpid(plain, NULL, 0);
	if (restricted > 0)
		waitpid(restricted, NULL, 0);
	return learned;
}

bool sandbox_learn(const struct peek *peek, struct sandbox_signs *ret)
{
	for (int i = 0; i < SANDBOX_TRIES; i++)
		if (sandbox_learn_once(peek, ret))
			return true;
	return false;
}
