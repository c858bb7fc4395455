// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * fill.c - takes CRIU's userfaultfds and sees to it that everything is copied
 *
 * The restore connects to lazy-pages.socket in the directory of the images and
 * sends, for each process, its PID as an int and then the userfaultfd; for a
 * zombie -PID alone; at its end a magic number. (CRIU's criu/uffd.c; unchanged
 * since 3.0.) That a process is registered with its userfaultfd is certain only
 * when it is restored, so the copying waits for that. Until then faults are served
 * page by page: the kernel itself writes to a thread's rseq area, for example.
 *
 * The helper is a fork of the mover that entered the target's groups before the
 * freeze. It gets the plan and the descriptors in one message, works, answers with
 * one byte, and ends when the socket does.
 */
#include "libmig/fill/fill.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "libmig/fill/priv.h"

#define FILL_SOCKET "lazy-pages.socket"
#define FILL_END_OF_RESTORE 0x52535446
#define FILL_HELPER_FD 3
#define FILL_FDS_MAX (1 + 2 * FILL_TASKS_MAX)
/* Between the parts of one message of CRIU's, and for the helper to be through with a
 * segment of 1 MiB. Both take less than a millisecond on an idle CPU. */
#define FILL_PATIENCE_SEC 10
#define FILL_FEATURES                                                                              \
	(UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_UNMAP |           \
	 UFFD_FEATURE_EVENT_REMOVE)

struct fill {
	pid_t helper;
	int helper_sock;
	int epfd, listener, conn;
	int plan_fd;
	struct fill_plan *plan;
	size_t plan_size;
	struct fill_task tasks[FILL_TASKS_MAX];
	uint32_t n_tasks;
	bool broken; /* what CRIU sent was not understood */
};

DEFINE_CLEANUP(struct fill *, fill_freep, fill_free);

/* What CRIU demands of the kernel for a lazy restore. */
static bool fill_is_possible(void)
{
	_cleanup_close_ int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	struct uffdio_api api = { .api = UFFD_API };

	return fd >= 0 && ioctl(fd, UFFDIO_API, &api) == 0 &&
	       (api.features & FILL_FEATURES) == FILL_FEATURES;
}

static struct fill_plan *fill_map_plan(int fd, size_t *ret_size)
{
	struct stat st;
	void *plan;

	if (fstat(fd, &st) < 0)
		return NULL;
	plan = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	*ret_size = (size_t)st.st_size;
	return plan == MAP_FAILED ? NULL : plan;
}

/* One byte and what descriptors come with it, FILL_FDS_MAX at most; how many, 0: none. */
static int fill_receive_fds(int sock, int fds[FILL_FDS_MAX])
{
	union {
		char data[CMSG_SPACE(FILL_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.data,
			      .msg_controllen = sizeof(control.data) };
	struct cmsghdr *head;
	size_t len;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != 1)
		return 0;
	head = CMSG_FIRSTHDR(&msg);
	if (!head || head->cmsg_type != SCM_RIGHTS)
		return 0;
	len = head->cmsg_len - CMSG_LEN(0);
	memcpy(fds, CMSG_DATA(head), len);
	return (int)(len / sizeof(int));
}

/* --- the helper --------------------------------------------------------------------- */

/* Its one message brings the plan, then images of pages, then userfaultfds. */
static void fill_help(int sock)
{
	struct fill_task tasks[FILL_TASKS_MAX];
	int fds[FILL_FDS_MAX];
	int n = fill_receive_fds(sock, fds), n_tasks = n / 2;
	struct fill_plan *plan;
	size_t size;

	if (n < 3)
		return;
	plan = fill_map_plan(fds[0], &size);
	if (!plan)
		return;
	for (int i = 0; i < n_tasks; i++)
		tasks[i] = (struct fill_task){ .pages = fds[1 + i], .uffd = fds[1 + n_tasks + i] };
	fill_copy_all(plan, tasks);
	/* The last one to close a userfaultfd sets the memory free of it. */
	for (int i = 0; i < n_tasks; i++)
		close(tasks[i].uffd);
	if (write(sock, "", 1) == 1)
		(void)!read(sock, &(char){ 0 }, 1);
}

static _Noreturn void fill_run_helper(int sock, int (*enter)(void *ctx), void *ctx)
{
	sigset_t none;

	if (enter && enter(ctx) < 0)
		_exit(1);
	for (int i = 1; i < _NSIG; i++)
		signal(i, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpriority(PRIO_PROCESS, 0, -20);
	if (dup2(sock, FILL_HELPER_FD) < 0 || close_range(FILL_HELPER_FD + 1, ~0U, 0) < 0)
		_exit(1);
	fill_help(FILL_HELPER_FD);
	_exit(0);
}

struct fill *fill_new(int (*enter)(void *ctx), void *ctx)
{
	_cleanup_(fill_freep) struct fill *fill = NULL;
	int pair[2];

	if (!fill_is_possible())
		return NULL;
	fill = calloc(1, sizeof(*fill));
	if (!fill)
		return NULL;
	fill->helper_sock = fill->listener = fill->conn = fill->plan_fd = -1;
	fill->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (fill->epfd < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return NULL;
	fill->helper_sock = pair[0];
	fill->helper = fork();
	if (fill->helper == 0)
		fill_run_helper(pair[1], enter, ctx);
	close(pair[1]);
	return fill->helper < 0 ? NULL : steal_ptr(fill);
}

/* --- what CRIU sends ------------------------------------------------------------------ */

static int fill_watch(struct fill *fill, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(fill->epfd, EPOLL_CTL_ADD, fd, &event);
}

static int fill_listen(struct fill *fill, int dirfd)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/" FILL_SOCKET, dirfd);
	unlinkat(dirfd, FILL_SOCKET, 0);
	fill->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fill->listener < 0 ||
	    bind(fill->listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(fill->listener, 1) < 0)
		return -errno;
	return fill_watch(fill, fill->listener);
}

bool fill_begin(struct fill *fill, int dirfd, const pid_t *pids, size_t n)
{
	fill->plan_fd = fill_plan_make(dirfd, pids, n, fill->tasks);
	if (fill->plan_fd < 0)
		return false;
	fill->plan = fill_map_plan(fill->plan_fd, &fill->plan_size);
	if (!fill->plan)
		return false;
	fill->n_tasks = fill->plan->n_tasks;
	return fill_listen(fill, dirfd) == 0;
}

static void fill_accept(struct fill *fill)
{
	struct timeval patience = { .tv_sec = FILL_PATIENCE_SEC };
	int conn = accept4(fill->listener, NULL, NULL, SOCK_CLOEXEC);

	if (conn < 0)
		return;
	if (fill->conn >= 0) {
		close(conn);
		return;
	}
	fill->conn = conn;
	setsockopt(conn, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	fill->broken |= fill_watch(fill, conn) < 0;
}

/* All processes of a lazy restore send one; those of which nothing is left out too. */
static void fill_receive_task(struct fill *fill)
{
	int pid = 0, fds[FILL_FDS_MAX], fd;
	ssize_t n = recv(fill->conn, &pid, sizeof(pid), MSG_WAITALL);

	if (n != sizeof(pid) || pid == FILL_END_OF_RESTORE) {
		epoll_ctl(fill->epfd, EPOLL_CTL_DEL, fill->conn, NULL);
		return;
	}
	if (pid < 0)
		return;
	fd = fill_receive_fds(fill->conn, fds) == 1 ? fds[0] : -1;
	for (uint32_t i = 0; fd >= 0 && i < fill->n_tasks; i++) {
		if (fill->tasks[i].pid != pid || fill->tasks[i].uffd >= 0)
			continue;
		fill->tasks[i].uffd = fd;
		fill->broken |= fill_watch(fill, fd) < 0;
		return;
	}
	if (fd < 0)
		fill->broken = true;
	else
		close(fd);
}

static void fill_serve_fault(struct fill *fill, int uffd)
{
	struct uffd_msg msg;

	if (read(uffd, &msg, sizeof(msg)) != sizeof(msg) || msg.event != UFFD_EVENT_PAGEFAULT)
		return;
	for (uint32_t i = 0; i < fill->n_tasks; i++)
		if (fill->tasks[i].uffd == uffd &&
		    fill_copy_page(fill->plan, fill->tasks, i, msg.arg.pagefault.address) < 0)
			fill->broken = true;
}

int fill_fd(const struct fill *fill)
{
	return fill->epfd;
}

void fill_serve(void *ctx)
{
	struct fill *fill = ctx;
	struct epoll_event events[16];
	int n = epoll_wait(fill->epfd, events, ARRAY_SIZE(events), 0);

	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == fill->listener)
			fill_accept(fill);
		else if (events[i].data.fd == fill->conn)
			fill_receive_task(fill);
		else
			fill_serve_fault(fill, events[i].data.fd);
	}
}

/* --- the copying ---------------------------------------------------------------------- */

static int fill_send_work(struct fill *fill)
{
	union {
		char data[CMSG_SPACE(FILL_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { .iov_base = (char[]){ 0 }, .iov_len = 1 };
	size_t n = 1 + 2 * (size_t)fill->n_tasks;
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.data,
			      .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
	int fds[FILL_FDS_MAX] = { fill->plan_fd };

	for (uint32_t i = 0; i < fill->n_tasks; i++) {
		fds[1 + i] = fill->tasks[i].pages;
		fds[1 + fill->n_tasks + i] = fill->tasks[i].uffd;
	}
	*head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS,
				  .cmsg_len = CMSG_LEN(n * sizeof(int)) };
	memcpy(CMSG_DATA(head), fds, n * sizeof(int));
	return sendmsg(fill->helper_sock, &msg, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

/* The helper may be in the middle of its last segment, or may be gone. */
static void fill_await_helper(struct fill *fill)
{
	struct pollfd pfd = { .fd = fill->helper_sock, .events = POLLIN };
	int n;

	do
		n = poll(&pfd, 1, FILL_PATIENCE_SEC * 1000);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		kill(fill->helper, SIGKILL);
}

int fill_finish(struct fill *fill, struct vc_err *err)
{
	struct fill_plan *plan = fill->plan;
	bool helped;
	int r;

	/* What was sent before the last process was restored is here by now. */
	fill_serve(fill);
	for (uint32_t i = 0; i < fill->n_tasks; i++)
		if (fill->tasks[i].uffd < 0)
			fill->broken = true;
	if (fill->broken)
		return err_set(err, EPROTO, "criu's lazy restore is not as it is known to be");
	/* A helper that did not get into the target is one less, no more. */
	helped = fill_send_work(fill) == 0;
	fill_copy_all(plan, fill->tasks);
	if (helped)
		fill_await_helper(fill);
	for (uint32_t i = 0; i < fill->n_tasks; i++)
		close(steal_fd(&fill->tasks[i].uffd));
	r = atomic_load(&plan->error);
	/* A segment that nobody finished was the helper's, one of a process that is gone
	 * gives ESRCH: nobody but the kernel kills them. */
	if (r == -ESRCH || r == -ENOMEM || atomic_load(&plan->done) != plan->n_segments)
		return err_set(err, ENOMEM,
			       "the job's memory could not be filled; has the partition too "
			       "little memory?");
	return r < 0 ? err_sys(err, -r, "fill the job's memory") : 0;
}

void fill_free(struct fill *fill)
{
	if (!fill)
		return;
	if (fill->helper_sock >= 0)
		close(fill->helper_sock);
	if (fill->helper > 0)
		while (waitpid(fill->helper, NULL, 0) < 0 && errno == EINTR)
			;
	for (uint32_t i = 0; i < fill->n_tasks; i++) {
		closep(&fill->tasks[i].pages);
		closep(&fill->tasks[i].uffd);
		if (fill->tasks[i].data)
			munmap(fill->tasks[i].data, fill->tasks[i].size);
	}
	if (fill->plan)
		munmap(fill->plan, fill->plan_size);
	closep(&fill->plan_fd);
	closep(&fill->conn);
	closep(&fill->listener);
	closep(&fill->epfd);
	free(fill);
}
