// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * flight.c - descriptors that wait in a socket to be received
 *
 * The kernel shows their number (scm_fds in fdinfo, Linux 5.14). A look at the first message
 * (MSG_PEEK) returns duplicates of its descriptors and leaves it in the queue. Later messages, and
 * connections that wait to be accepted, cannot be seen without a change of the socket.
 *
 * The duplicates must be closed. If one is a file of a FUSE server, the kernel then waits for an
 * answer of the server. So the mover does not look at messages of other users, whose server could
 * stop the move.
 */
#include "libmig/inventory/flight.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/proc.h"
#include "libmig/refusal.h"

#define FLIGHT_FDS_MAX 253 /* the kernel's SCM_MAX_FD */
#define FLIGHT_DEPTH_MAX 4
#define FLIGHT_FDINFO_MAX (1 << 16)

struct flight {
	const pid_t *pids;
	size_t n;
	uid_t uid; /* of the process that would receive it */
	char *ret;
	size_t size;
};

static int flight_look(const struct flight *flight, int socket, int depth);

unsigned int flight_count(const char *fdinfo)
{
	uint64_t n = 0;

	proc_number(fdinfo, "scm_fds", 10, &n);
	return (unsigned int)n;
}

static bool flight_is_ours(const struct flight *flight, pid_t pid)
{
	for (size_t i = 0; i < flight->n; i++)
		if (flight->pids[i] == pid)
			return true;
	return false;
}

static int flight_refuse(const struct flight *flight, const char *what)
{
	snprintf(flight->ret, flight->size, "%s", what);
	return -EOPNOTSUPP;
}

static ssize_t flight_read_fdinfo(int fd, char **ret)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return file_read_all(AT_FDCWD, path, FLIGHT_FDINFO_MAX, ret);
}

static int flight_look_at_pidfd(const struct flight *flight, int fd)
{
	_cleanup_free_ char *fdinfo = NULL;
	uint64_t pid;

	return flight_read_fdinfo(fd, &fdinfo) >= 0 && proc_number(fdinfo, "Pid", 10, &pid) &&
			       flight_is_ours(flight, (pid_t)pid)
		       ? flight_refuse(flight, "a pidfd of a process of the job")
		       : 0;
}

/* Checks a duplicate of a waiting descriptor. */
static int flight_look_at(const struct flight *flight, int fd, int depth)
{
	char path[48], link[256];
	const struct refusal *why;
	struct stat st = { 0 };
	struct statx stx;
	ssize_t len;
	int owner;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, link, sizeof(link) - 1);
	/* No synchronization: a frozen process may serve the file system. */
	if (len < 0 || statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &stx) < 0)
		return 0;
	link[len] = '\0';
	st.st_mode = stx.stx_mode;
	st.st_rdev = makedev(stx.stx_rdev_major, stx.stx_rdev_minor);
	if (!strncmp(link, "socket:[", 8))
		return flight_look(flight, fd, depth + 1);
	if (!strcmp(link, "anon_inode:[pidfd]"))
		return flight_look_at_pidfd(flight, fd);
	/* It may contain one of the others. */
	if (!strcmp(link, "anon_inode:[eventpoll]"))
		return flight_refuse(flight, "an epoll instance");
	if (sscanf(link, "/proc/%d", &owner) == 1 && flight_is_ours(flight, owner))
		return flight_refuse(flight, "a file of a process of the job in /proc");
	why = refusal_of(link, &st);
	return why ? flight_refuse(flight, why->what) : 0;
}

/* Checks and closes the descriptors of a message. *ret_n: how many were sent. */
static int flight_look_at_all(const struct flight *flight, struct msghdr *message, int depth,
			      unsigned int *ret_n)
{
	int r = 0;

	*ret_n = 0;
	for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head;
	     head = CMSG_NXTHDR(message, head)) {
		size_t n = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int *fds = (int *)(void *)CMSG_DATA(head);
		bool sent = head->cmsg_type == SCM_RIGHTS;

		/* 4: SCM_PIDFD, which the kernel creates for each receiver. */
		if (head->cmsg_level != SOL_SOCKET || (!sent && head->cmsg_type != 4))
			continue;
		for (size_t i = 0; i < n; i++) {
			if (sent && r == 0)
				r = flight_look_at(flight, fds[i], depth);
			*ret_n += sent;
			close(fds[i]);
		}
	}
	return r;
}

/* SO_PEEK_OFF of the socket: -1 means that MSG_PEEK returns the first message. */
static bool flight_can_look(int socket)
{
	int offset = 0;
	socklen_t len = sizeof(offset);

	return getsockopt(socket, SOL_SOCKET, SO_PEEK_OFF, &offset, &len) == 0 && offset < 0;
}

/* Whether the peer has the receiver's user id. Every process can send to a socket that is not
 * connected. */
static bool flight_is_own(const struct flight *flight, int socket)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.pid != 0 &&
	       peer.uid == flight->uid;
}

static int flight_look(const struct flight *flight, int socket, int depth)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * FLIGHT_FDS_MAX) + 256];
	_cleanup_free_ char *fdinfo = NULL;
	char byte;
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	unsigned int waiting, seen = 0;
	int r = 0;

	if (flight_read_fdinfo(socket, &fdinfo) < 0)
		return 0;
	waiting = flight_count(fdinfo);
	if (waiting == 0)
		return 0;
	if (!flight_is_own(flight, socket))
		return flight_refuse(flight, "of another user, or of an unknown one");
	if (depth < FLIGHT_DEPTH_MAX && flight_can_look(socket) &&
	    recvmsg(socket, &message, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC) >= 0)
		r = flight_look_at_all(flight, &message, depth, &seen);
	return r < 0 || seen >= waiting ? r : flight_refuse(flight, "more than can be looked at");
}

static bool flight_read_uid(pid_t pid, uid_t *ret)
{
	_cleanup_free_ char *status = NULL;
	uint32_t ids[4];

	if (proc_status(pid, &status) < 0 || !proc_ids(status, "Uid", ids))
		return false;
	*ret = ids[0];
	return true;
}

int flight_check(pid_t pid, int fd, const pid_t *pids, size_t n, char *ret, size_t size)
{
	struct flight flight = { .pids = pids, .n = n, .ret = ret, .size = size };
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), copy = -1;

	/* -1: the process has ended, or has closed the socket. */
	copy = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	return copy < 0 || !flight_read_uid(pid, &flight.uid) ? 0 : flight_look(&flight, copy, 0);
}
