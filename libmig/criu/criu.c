// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * criu.c - one criu process that serves one request: the only file that knows CRIU
 *
 * "criu swrk FD" speaks protobuf messages over a SOCK_SEQPACKET socket that it
 * inherits. libcriu would do as well, but it starts criu only when the request
 * is there, and has no call for what we set. Facts that shape this file:
 *
 * - images_dir_fd is a number in this process.
 * - If criu dies, a helper of its may still hold the socket: watch the pidfd.
 * - manage_cgroups IGNORE with rst_sibling makes the restored root this process's
 *   child, in the cgroups of the criu process.
 * - criu is never killed during a dump: tasks it had seized could die with it.
 */
#include "libmig/criu/criu.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/criu/explain.h"
#include "libmig/criu/external.h"
#include "libmig/criu/hold-wire.h"
#include "libmig/criu/hold.h"
#include "libmig/criu/rpc.pb-c.h"
#include "libmig/inventory/inventory.h"
#include "libmig/module/rights.h"
#include "libmig/namespace.h"

#define CRIU_SOCKET_FD 99
#define CRIU_BEHIND_FD 100 /* no descriptor from here on has a place of its own */
#define CRIU_MESSAGE_MAX 65536
/* How long a restore may take: many times what was ever measured (about 1 ms/MiB). */
#define CRIU_RESTORE_MSEC 20000
#define CRIU_RESTORE_BYTES_PER_MSEC (64u << 10)
#define CRIU_END_MSEC 2000
#define CRIU_WAIT_MSEC 1000

struct criu {
	pid_t pid;
	int pidfd;
	int sock;
	int patience_msec; /* between two of its messages; -1: for ever */
	bool asked;        /* the restore's request has been sent */
	bool begun;        /* and the objects that the tree keeps */
	struct criu_aside aside;
	struct hold *hold;               /* NULL: none; borrowed */
	const struct external *external; /* likewise */
	int silent_msec;                 /* waited since its last message */
	char said[512];                  /* the line of its log behind its last error; "": none */
	bool known;                      /* explain.c knows it, or there is none */
};

DEFINE_CLEANUP(struct criu *, criu_freep, criu_free);

const char *criu_find(void)
{
	static const char *const places[] = { VC_CRIU_PREFIX "/criu",
					      "/usr/local/lib/vcrun/criu/criu", "/usr/sbin/criu",
					      "/usr/local/sbin/criu", "/usr/bin/criu" };
	const char *env = getenv("VCRUN_CRIU");

	if (env && *env)
		return env;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

/* Best effort: it only saves time. */
static void criu_run_beside(pid_t pid)
{
	unsigned long cpus[8192 / (8 * sizeof(unsigned long))];
	long size = syscall(SYS_sched_getaffinity, pid, sizeof(cpus), cpus);

	if (size > 0)
		syscall(SYS_sched_setaffinity, 0, (size_t)size, cpus);
}

/*
 * Puts the descriptors where criu is told they are. Each may stand where another is to
 * go, so all of them move behind that place first. 0 or errno.
 */
static int criu_place_fds(const struct hold *hold, int *sock, int *failed)
{
	int held = -1;

	*failed = fcntl(*failed, F_DUPFD_CLOEXEC, CRIU_BEHIND_FD);
	*sock = fcntl(*sock, F_DUPFD_CLOEXEC, CRIU_BEHIND_FD);
	if (hold)
		held = fcntl(hold_child_fd(hold), F_DUPFD_CLOEXEC, CRIU_BEHIND_FD);
	if (*failed < 0 || *sock < 0 || (hold && held < 0))
		return errno;
	if (dup2(*sock, CRIU_SOCKET_FD) < 0)
		return errno;
	return hold ? hold_child_setup(held) : 0;
}

/* The descriptors that a job keeps are criu's for a while. */
static void criu_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* In the child, between fork and exec. *failed: where the error will be written. */
static int criu_child(const struct criu_start *how, const char *binary, int sock, int *failed)
{
	char number[16], caps[32];
	char *argv[] = { (char *)"criu", (char *)"swrk", number, NULL };
	sigset_t none;
	int null, code;

	if (how->enter) {
		int r = how->enter(how->ctx);

		if (r < 0)
			return -r;
	}
	/* What the mover ignores, criu must not: it ends helpers of its own by SIGTERM. */
	for (int i = 1; i < _NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* The job stands still for as long as this one waits for a CPU. What it
	 * restores gets its own niceness back from the images. */
	setpriority(PRIO_PROCESS, 0, -20);
	criu_raise_limit();
	if (how->beside)
		criu_run_beside(how->beside);
	if (how->namespaces) {
		int r = namespaces_enter(how->namespaces);

		if (r < 0)
			return -r;
	}
	code = criu_place_fds(how->hold, &sock, failed);
	if (code == 0 && how->hides_sockets)
		code = -namespaces_make_empty_net(HOLD_NET_FD);
	if (code != 0)
		return code;
	/* Restored tasks take nothing of these; criu itself logs into the images. */
	null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		return errno;
	if (null > 2)
		close(null);
	snprintf(caps, sizeof(caps), "%" PRIx64, how->caps);
	if (how->caps)
		setenv(RIGHTS_ENV, caps, 1);
	snprintf(number, sizeof(number), "%d", CRIU_SOCKET_FD);
	/* Debian's criu resolves each function at its first call, most of which come while the
	 * job stands still; this has it done at the start. */
	setenv("LD_BIND_NOW", "1", 1);
	execv(binary, argv);
	return errno;
}

int criu_start(const struct criu_start *how, struct criu **ret, struct vc_err *err)
{
	const char *binary = how->binary ? how->binary : criu_find();
	_cleanup_(criu_freep) struct criu *criu = NULL;
	_cleanup_close_ int theirs = -1, failed_read = -1, failed_write = -1;
	int pair[2], failed[2], code = 0;

	if (!binary)
		return err_set(err, ENOENT, "criu is not installed: run 'vcctl check'");
	criu = calloc(1, sizeof(*criu));
	if (!criu)
		return err_sys(err, ENOMEM, "criu");
	criu->sock = criu->pidfd = criu->patience_msec = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "criu: socketpair");
	criu->sock = pair[0];
	theirs = pair[1];
	if (pipe2(failed, O_CLOEXEC) < 0)
		return err_sys(err, errno, "criu: pipe");
	failed_read = failed[0];
	failed_write = failed[1];
	criu->pid = fork();
	if (criu->pid < 0)
		return err_sys(err, errno, "criu: fork");
	if (criu->pid == 0) {
		code = criu_child(how, binary, theirs, &failed_write);
		if (write(failed_write, &code, sizeof(code)) < 0)
			_exit(126);
		_exit(127);
	}
	criu->pidfd = (int)syscall(SYS_pidfd_open, criu->pid, 0);
	criu->hold = how->hold;
	if (how->hold)
		hold_started(how->hold);
	close(steal_fd(&failed_write));
	if (read(failed_read, &code, sizeof(code)) == sizeof(code))
		return err_sys(err, code, "start %s", binary);
	if (criu->pidfd < 0)
		return err_sys(err, errno, "criu: pidfd_open");
	*ret = steal_ptr(criu);
	return 0;
}

pid_t criu_pid(const struct criu *criu)
{
	return criu->pid;
}

unsigned int criu_silent_sec(const struct criu *criu)
{
	return (unsigned int)criu->silent_msec / 1000;
}

const char *criu_said(const struct criu *criu, bool *ret_known)
{
	*ret_known = criu->known;
	return criu->said;
}

void criu_free(struct criu *criu)
{
	if (!criu)
		return;
	/* Closing the socket is how a swrk without a request is told to go. */
	if (criu->sock >= 0)
		close(criu->sock);
	if (criu->pid > 0) {
		struct pollfd pfd = { .fd = criu->pidfd, .events = POLLIN };
		int n;

		/* A child of the job that ends meanwhile is a signal that interrupts this. */
		do
			n = criu->pidfd < 0 ? 0 : poll(&pfd, 1, CRIU_END_MSEC);
		while (n < 0 && errno == EINTR);
		if (n <= 0)
			kill(criu->pid, SIGKILL);
		while (waitpid(criu->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (criu->pidfd >= 0)
		close(criu->pidfd);
	free(criu);
}

static int criu_ended(const struct criu *criu, struct vc_err *err)
{
	return err_set(err, ECONNRESET, "criu (pid %d) ended without an answer; was it killed?",
		       (int)criu->pid);
}

static int criu_send(struct criu *criu, const Criu__Req *req, struct vc_err *err)
{
	size_t size = criu__req__get_packed_size(req);
	_cleanup_free_ uint8_t *data = malloc(size);

	if (!data)
		return err_sys(err, ENOMEM, "criu request");
	criu__req__pack(req, data);
	if (send(criu->sock, data, size, MSG_NOSIGNAL) < 0)
		return errno == EPIPE || errno == ECONNRESET ? criu_ended(criu, err)
							     : err_sys(err, errno, "criu request");
	return 0;
}

/* Until it has something to say, or is dead. What goes on aside is served meanwhile. */
static int criu_await(struct criu *criu, criu_notify_fn *notify, void *ctx, struct vc_err *err)
{
	struct pollfd pfds[] = { { .fd = criu->sock, .events = POLLIN },
				 { .fd = criu->pidfd, .events = POLLIN },
				 { .fd = criu->aside.serve ? criu->aside.fd : -1,
				   .events = POLLIN },
				 { .fd = -1, .events = POLLIN } };

	for (criu->silent_msec = 0;;) {
		int n;

		/* Its end closes it. */
		pfds[3].fd = criu->hold ? hold_fd(criu->hold) : -1;
		n = poll(pfds, ARRAY_SIZE(pfds), CRIU_WAIT_MSEC);
		if (n > 0 && pfds[2].revents)
			criu->aside.serve(criu->aside.ctx);
		if (n > 0 && pfds[3].revents)
			hold_serve(criu->hold);
		if (n > 0 && (pfds[0].revents || pfds[1].revents))
			return 0;
		if (n < 0 && errno != EINTR)
			return err_sys(err, errno, "criu: poll");
		if (n != 0)
			continue;
		criu->silent_msec += CRIU_WAIT_MSEC;
		if (criu->patience_msec >= 0 && criu->silent_msec >= criu->patience_msec)
			return err_set(err, ETIMEDOUT, "criu has made no progress for %d s",
				       criu->silent_msec / 1000);
		if (notify)
			notify(CRIU_WAITING, ctx);
	}
}

/* Receives one message, or finds the process dead. */
static int criu_receive(struct criu *criu, criu_notify_fn *notify, void *ctx, Criu__Resp **ret,
			struct vc_err *err)
{
	_cleanup_free_ uint8_t *data = malloc(CRIU_MESSAGE_MAX);
	ssize_t n;
	int r;

	if (!data)
		return err_sys(err, ENOMEM, "criu answer");
	r = criu_await(criu, notify, ctx, err);
	if (r < 0)
		return r;
	/* What it said before it died still counts. */
	n = recv(criu->sock, data, CRIU_MESSAGE_MAX, MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN && errno != ECONNRESET)
		return err_sys(err, errno, "criu answer");
	if (n <= 0)
		return criu_ended(criu, err);
	*ret = criu__resp__unpack(NULL, (size_t)n, data);
	return *ret ? 0 : err_set(err, EPROTO, "criu sent what is no answer");
}

static void criu_explain(struct criu *criu, const struct criu_images *images, struct vc_err *err)
{
	char text[sizeof(err->text)];

	criu->said[0] = '\0';
	criu->known =
		criu_explain_find(images->dirfd, images->log, criu->said, sizeof(criu->said)) < 0;
	if (criu->known)
		return;
	criu->known = criu_explain_line(criu->said, criu->asked, text, sizeof(text));
	err_set(err, err && err->code ? err->code : EIO, "%s", text);
}

/* Serves a request's notifications until the answer is there. */
static int criu_serve(struct criu *criu, const struct criu_images *images, criu_notify_fn *notify,
		      void *ctx, Criu__Resp **ret, struct vc_err *err)
{
	int r = 0;

	while (r == 0) {
		Criu__Req answer = CRIU__REQ__INIT;
		Criu__Opts opts = CRIU__OPTS__INIT;
		Criu__Resp *resp = NULL;

		r = criu_receive(criu, notify, ctx, &resp, err);
		if (r < 0)
			break;
		if (resp->type != CRIU__REQ_TYPE__NOTIFY) {
			if (resp->success) {
				*ret = resp;
				return 0;
			}
			r = err_set(err, resp->cr_errno > 0 ? resp->cr_errno : EIO,
				    "CRIU failed without a reason");
			criu__resp__free_unpacked(resp, NULL);
			break;
		}
		answer.type = CRIU__REQ_TYPE__NOTIFY;
		answer.has_notify_success = true;
		answer.notify_success =
			!notify || !resp->notify || notify(resp->notify->script, ctx) >= 0;
		if (criu->external) {
			opts.n_external = criu->external->n;
			opts.external = criu->external->names;
			answer.opts = &opts;
			criu->external = NULL;
		}
		criu__resp__free_unpacked(resp, NULL);
		r = criu_send(criu, &answer, err);
	}
	if (images)
		criu_explain(criu, images, err);
	return r;
}

static int criu_converse(struct criu *criu, Criu__Req *req, const struct criu_images *images,
			 criu_notify_fn *notify, void *ctx, Criu__Resp **ret, struct vc_err *err)
{
	int r = criu_send(criu, req, err);

	return r < 0 ? r : criu_serve(criu, images, notify, ctx, ret, err);
}

static void criu_common_opts(Criu__Opts *opts, const struct criu_images *images)
{
	opts->images_dir_fd = images->dirfd;
	opts->log_file = (char *)images->log;
	opts->has_log_level = true;
	opts->log_level = getenv("VCRUN_CRIU_LOG") ? atoi(getenv("VCRUN_CRIU_LOG")) : 1;
	opts->has_notify_scripts = opts->notify_scripts = true;
	opts->has_manage_cgroups_mode = true;
	opts->manage_cgroups_mode = CRIU__CG_MODE__IGNORE;
}

void criu_set_external(struct criu *criu, const struct external *external)
{
	criu->external = external;
}

static void criu_tree_opts(Criu__Opts *opts, const struct inventory *inv)
{
	opts->has_shell_job = opts->shell_job = inv->shell_job;
	/* One may be taken at any moment until the freeze. */
	opts->has_file_locks = opts->file_locks = true;
	opts->has_network_lock = true;
	opts->network_lock = CRIU__NETWORK_LOCK__SKIP;
}

int criu_dump(struct criu *criu, pid_t root, const struct inventory *inv,
	      const struct criu_images *images, const char *freezer, criu_notify_fn *notify,
	      void *ctx, struct vc_err *err)
{
	Criu__Req req = CRIU__REQ__INIT;
	Criu__Opts opts = CRIU__OPTS__INIT;
	Criu__Resp *resp = NULL;
	int r;

	criu_common_opts(&opts, images);
	criu_tree_opts(&opts, inv);
	opts.has_pid = true;
	opts.pid = root;
	opts.freeze_cgroup = (char *)freezer;
	req.type = CRIU__REQ_TYPE__DUMP;
	req.opts = &opts;
	r = criu_converse(criu, &req, images, notify, ctx, &resp, err);
	if (resp)
		criu__resp__free_unpacked(resp, NULL);
	return r;
}

int criu_restore_ask(struct criu *criu, const struct inventory *inv,
		     const struct criu_images *images, bool lazy, struct vc_err *err)
{
	Criu__Req req = CRIU__REQ__INIT;
	Criu__Opts opts = CRIU__OPTS__INIT;
	int r;

	criu_common_opts(&opts, images);
	criu_tree_opts(&opts, inv);
	opts.has_rst_sibling = opts.rst_sibling = true;
	opts.has_lazy_pages = opts.lazy_pages = lazy;
	/* It can hang, and ending it is safe here, where the images are whole. */
	criu->patience_msec =
		CRIU_RESTORE_MSEC + (int)(inv->mem_bytes / CRIU_RESTORE_BYTES_PER_MSEC);
	req.type = CRIU__REQ_TYPE__RESTORE;
	req.opts = &opts;
	r = criu_send(criu, &req, err);
	criu->asked = r == 0;
	return r;
}

int criu_restore_begin(struct criu *criu, const struct inventory *inv, const struct keep *keep,
		       const struct criu_images *images, const struct criu_aside *aside,
		       struct vc_err *err)
{
	int r = criu->asked ? 0 : criu_restore_ask(criu, inv, images, aside != NULL, err);

	if (aside)
		criu->aside = *aside;
	criu->begun = r == 0;
	if (r == 0 && criu->hold) {
		r = hold_give(criu->hold, keep);
		if (r < 0)
			return err_sys(err, -r, "hand the job's files to criu");
	}
	return r;
}

int criu_restore(struct criu *criu, const struct inventory *inv, const struct keep *keep,
		 const struct criu_images *images, criu_notify_fn *notify, void *ctx,
		 pid_t *ret_root, struct vc_err *err)
{
	Criu__Resp *resp = NULL;
	int r = criu->begun ? 0 : criu_restore_begin(criu, inv, keep, images, NULL, err);

	if (r == 0)
		r = criu_serve(criu, images, notify, ctx, &resp, err);
	if (r == 0 && !resp->restore)
		r = err_set(err, EPROTO, "criu: restored, but did not say which process");
	if (r == 0)
		*ret_root = resp->restore->pid;
	if (resp)
		criu__resp__free_unpacked(resp, NULL);
	return r;
}

int criu_version(const char *binary, unsigned int *ret, struct vc_err *err)
{
	struct criu_start how = { .binary = binary };
	_cleanup_(criu_freep) struct criu *criu = NULL;
	Criu__Req req = CRIU__REQ__INIT;
	Criu__Resp *resp = NULL;
	int r = criu_start(&how, &criu, err);

	if (r < 0)
		return r;
	req.type = CRIU__REQ_TYPE__VERSION;
	r = criu_converse(criu, &req, NULL, NULL, NULL, &resp, err);
	if (r < 0)
		return r;
	if (resp->version)
		*ret = (unsigned int)(resp->version->major_number * 10000 +
				      resp->version->minor_number * 100 + resp->version->sublevel);
	else
		r = err_set(err, EPROTO, "criu does not tell its version");
	criu__resp__free_unpacked(resp, NULL);
	return r;
}
