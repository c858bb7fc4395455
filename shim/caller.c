// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * caller.c - who asked for the program, as the kernel says
 *
 * What a caller must not be able to lie about is read here, of a process whose PID is known from
 * its socket. One that does not wait for our answer gets no program: its PID might be another's by
 * now.
 */
#include "shim/caller.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/proc.h"
#include "libmig/kernel/sandbox.h"
#include "shim/launch.h"

#define CALLER_LIMITS_COLUMN 26
#define CALLER_SO_PEERPIDFD 77 /* Linux 6.5, newer than Debian 12's headers */

/*
 * The program will live in our mount, PID, user and network namespaces and under our
 * root directory. A caller that has others (a container, a chroot) would find
 * itself outside of them, which it must not by our help.
 */
static int caller_check_namespaces(pid_t pid, struct vc_err *err)
{
	static const char *const places[] = { "ns/mnt", "ns/pid", "ns/user", "ns/net", "root" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char theirs[64], ours[64];
		struct stat a, b;

		snprintf(theirs, sizeof(theirs), "/proc/%d/%s", (int)pid, places[i]);
		snprintf(ours, sizeof(ours), "/proc/self/%s", places[i]);
		if (stat(theirs, &a) < 0 || stat(ours, &b) < 0)
			return err_sys(err, errno, "look at your %s", places[i]);
		if (a.st_dev != b.st_dev || a.st_ino != b.st_ino)
			return err_set(err, EPERM,
				       "your %s is not vcd's; run vcrun outside of your container",
				       strcmp(places[i], "root") ? places[i] : "root directory");
	}
	return 0;
}

/* Returns the number of seccomp filters of a process; 0 also where the kernel does not show it. */
static unsigned int caller_seccomp_filters(pid_t pid)
{
	unsigned int n = 0;

	proc_scan(pid, "Seccomp_filters", "%u", &n);
	return n;
}

/* Nor may a caller that is confined (seccomp, Landlock, PR_SET_MDWE, AppArmor, SELinux) leave its
 * confinement by having us start a program. */
static int caller_check_confinement(const struct launch *how, struct vc_err *err)
{
	char path[64], theirs[256] = "", ours[256] = "";
	struct vc_err why = { 0 };
	int r;

	if (how->start->creds->uid == 0)
		return 0;
	if (caller_seccomp_filters(how->start->peer_pid) > caller_seccomp_filters(0))
		return err_set(
			err, EPERM,
			"you are under a seccomp filter that the program would not be under");
	r = sandbox_check_landlock(how->start->peer_pid, &why);
	if (r < 0)
		return err_set(err, EPERM,
			       "the caller of vcrun %s, and the program would not be; run vcrun "
			       "outside of it",
			       r == -ESRCH ? "is gone" : why.text);
	if (sandbox_has_mdwe(how->start->peer_pid))
		return err_set(
			err, EPERM,
			"the caller of vcrun is under PR_SET_MDWE, and the program would not "
			"be; run vcrun outside of it");
	if (sandbox_has_securebits(how->start->peer_pid))
		return err_set(
			err, EPERM,
			"the caller of vcrun has securebits that the program would not have; "
			"run vcrun without them");
	snprintf(path, sizeof(path), "/proc/%d/attr/current", (int)how->start->peer_pid);
	if (file_read(AT_FDCWD, "/proc/self/attr/current", ours, sizeof(ours)) > 0 &&
	    !strcmp(ours, "unconfined") && file_read(AT_FDCWD, path, theirs, sizeof(theirs)) > 0 &&
	    strcmp(theirs, ours) != 0)
		return err_set(err, EPERM, "you are confined (%s), and the program would not be",
			       theirs);
	return 0;
}

static rlim_t caller_parse_limit(const char *text)
{
	return strcmp(text, "unlimited") ? (rlim_t)strtoull(text, NULL, 10) : RLIM_INFINITY;
}

/*
 * prlimit() of another user's process takes CAP_SYS_RESOURCE, which root in a
 * container may lack; /proc/PID/limits takes nothing. Its lines stand in the order
 * of the RLIMIT_ numbers, the limits begin at a fixed column.
 */
static void caller_read_limits(pid_t pid, struct caller *ret)
{
	_cleanup_free_ char *text = NULL;
	char soft[32], hard[32];
	const char *line;

	for (int i = 0; i < RLIM_NLIMITS; i++) {
		ret->limit_known[i] = prlimit(pid, i, NULL, &ret->limits[i]) == 0;
		if (!ret->limit_known[i] && errno == EPERM)
			break;
		if (i + 1 == RLIM_NLIMITS)
			return;
	}
	if (proc_read_all(pid, "limits", 65536, &text) < 0)
		return;
	line = strchr(text, '\n');
	for (int i = 0; line && i < RLIM_NLIMITS; i++, line = strchr(line + 1, '\n')) {
		if (strnlen(line + 1, CALLER_LIMITS_COLUMN) < CALLER_LIMITS_COLUMN ||
		    sscanf(line + 1 + CALLER_LIMITS_COLUMN, "%31s %31s", soft, hard) != 2)
			return;
		ret->limits[i] = (struct rlimit){ .rlim_cur = caller_parse_limit(soft),
						  .rlim_max = caller_parse_limit(hard) };
		ret->limit_known[i] = true;
	}
}

/* Whether the process that connected lives still. Before Linux 6.5 nobody can tell. */
static bool caller_waits(int client)
{
	struct pollfd pfd = { .events = POLLIN };
	_cleanup_close_ int pidfd = -1;
	socklen_t len = sizeof(pidfd);

	if (getsockopt(client, SOL_SOCKET, CALLER_SO_PEERPIDFD, &pidfd, &len) < 0)
		return errno == ENOPROTOOPT;
	pfd.fd = pidfd;
	return poll(&pfd, 1, 0) == 0;
}

/* Its status comes last: what says then that it is the caller's says so of all the rest. */
static int caller_read_status(const struct launch *how, struct caller *ret, struct vc_err *err)
{
	pid_t pid = how->start->peer_pid;
	unsigned int real, effective, saved, uid = how->start->creds->uid;
	unsigned long long bounding;
	_cleanup_free_ char *status = NULL;
	const char *uids, *caps, *privs;

	caller_read_limits(pid, ret);
	errno = 0;
	ret->nice = getpriority(PRIO_PROCESS, (id_t)pid);
	if (errno)
		ret->nice = 0;
	ret->ioprio = (int)syscall(SYS_ioprio_get, 1 /* IOPRIO_WHO_PROCESS */, pid);
	if (proc_read(pid, "oom_score_adj", ret->oom_score_adj, sizeof(ret->oom_score_adj)) < 0)
		strcpy(ret->oom_score_adj, "0");
	if (proc_status(pid, &status) < 0 || !caller_waits(how->client))
		return err_set(err, ESRCH, "who asked for the program is gone");
	uids = proc_field(status, "Uid");
	caps = proc_field(status, "CapBnd");
	privs = proc_field(status, "NoNewPrivs");
	if (!uids || sscanf(uids, "%u %u %u", &real, &effective, &saved) != 3 || !caps ||
	    sscanf(caps, "%llx", &bounding) != 1)
		return err_set(err, EPROTO, "/proc/%d/status lacks Uid or CapBnd", (int)pid);
	if (uid != 0 && (real != uid || effective != uid || saved != uid))
		return err_set(err, EPERM,
			       "pid %d, who asked for the program, is not wholly user %u", (int)pid,
			       uid);
	ret->bounding = bounding;
	ret->no_new_privs = privs && *privs == '1';
	return 0;
}

int caller_read(const struct launch *how, struct caller *ret, struct vc_err *err)
{
	int r = caller_check_namespaces(how->start->peer_pid, err);

	if (r == 0)
		r = caller_check_confinement(how, err);
	return r < 0 ? r : caller_read_status(how, ret, err);
}
