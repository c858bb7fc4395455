// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * wait-victim.c - processes that wait, each in one system call
 *
 * wait-victim DUE-MSEC: makes a process for each call of the table and each way of signals. It
 * says "ready TIME" when all wait, lets the infinite ones go 2500 ms after that, and prints a line
 * a process when all have returned: call, way, what it returned, how often its handler ran, and
 * after how many milliseconds. A signal is due DUE-MSEC after that time: somebody stops the
 * processes before, and lets them go on after.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MSEC 3000
#define END_MSEC 2500
#define ROWS_MAX 160

struct row {
	_Atomic int returned; /* 0: not yet */
	_Atomic int handled;
	long value;
	int error;
	long msec;
	uint32_t word, never; /* futexes: woken at the end, and never */
	int pid;
};

static struct row *rows, *row;
static struct timespec began;
static int end_pipe[2]; /* readable when the infinite waits are to end */
static char directory[] = "/tmp/wait-victim.XXXXXX";

static long since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

static struct timespec after(clockid_t clock, long msec)
{
	struct timespec at;

	clock_gettime(clock, &at);
	at.tv_sec += (at.tv_nsec / 1000000 + msec) / 1000;
	at.tv_nsec = (at.tv_nsec / 1000000 + msec) % 1000 * 1000000;
	return at;
}

static const struct timespec span = { .tv_sec = WAIT_MSEC / 1000 };

static long in_pause(void)
{
	return pause();
}

static long in_sigsuspend(void)
{
	sigset_t none;

	sigemptyset(&none);
	return sigsuspend(&none);
}

static long in_nanosleep(void)
{
	return syscall(SYS_nanosleep, &span, NULL);
}

/* The rest is in the same place, as sleep(3) has it; returned are the milliseconds left. */
static long in_nanosleep_rest(void)
{
	struct timespec time = span;
	long r = syscall(SYS_nanosleep, &time, &time);

	return r < 0 ? time.tv_sec * 1000 + time.tv_nsec / 1000000 : r;
}

static long in_clock_nanosleep(void)
{
	return syscall(SYS_clock_nanosleep, CLOCK_BOOTTIME, 0, &span, NULL);
}

static long in_clock_nanosleep_abs(void)
{
	struct timespec at = after(CLOCK_REALTIME, WAIT_MSEC);

	return syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL);
}

static long in_poll(void)
{
	return syscall(SYS_poll, NULL, 0, WAIT_MSEC);
}

static long in_poll_infinite(void)
{
	struct pollfd pfd = { .fd = end_pipe[0], .events = POLLIN };

	return syscall(SYS_poll, &pfd, 1, -1);
}

static long in_ppoll(void)
{
	struct timespec time = span;

	return syscall(SYS_ppoll, NULL, 0, &time, NULL, 8);
}

static long in_select(void)
{
	struct timeval time = { .tv_sec = WAIT_MSEC / 1000 };

	return syscall(SYS_select, 0, NULL, NULL, NULL, &time);
}

static long in_pselect(void)
{
	struct timespec time = span;

	return syscall(SYS_pselect6, 0, NULL, NULL, NULL, &time, NULL);
}

static long in_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = epoll_create1(0);

	epoll_ctl(fd, EPOLL_CTL_ADD, end_pipe[0], &event);
	return epoll_wait(fd, &event, 1, -1);
}

static long in_epoll_timed(void)
{
	struct epoll_event event;

	return epoll_wait(epoll_create1(0), &event, 1, WAIT_MSEC);
}

static long in_futex(void)
{
	return syscall(SYS_futex, &row->never, FUTEX_WAIT, 0, &span, NULL, 0);
}

static long in_futex_private(void)
{
	static uint32_t word;

	return syscall(SYS_futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &span, NULL, 0);
}

static long in_futex_abs(void)
{
	struct timespec at = after(CLOCK_MONOTONIC, WAIT_MSEC);

	return syscall(SYS_futex, &row->never, FUTEX_WAIT_BITSET, 0, &at, NULL, ~0u);
}

static long in_futex_infinite(void)
{
	long r = syscall(SYS_futex, &row->word, FUTEX_WAIT, 0, NULL, NULL, 0);

	/* It may be woken before it waits again. */
	return r < 0 && errno == EAGAIN ? 0 : r;
}

static long in_read(void)
{
	char byte;

	return read(end_pipe[0], &byte, 0) < 0 ? -1 : read(end_pipe[0], &byte, 1);
}

static long in_write(void)
{
	static const char much[65536];
	int pair[2];

	return pipe(pair) < 0 || write(pair[1], much, sizeof(much)) < 0 ? -2
									: write(pair[1], much, 1);
}

static long in_eventfd(void)
{
	uint64_t value;

	return read(eventfd(0, 0), &value, sizeof(value));
}

static long in_inotify(void)
{
	char event[4096];
	int fd = inotify_init1(0);

	inotify_add_watch(fd, directory, IN_CREATE);
	return read(fd, event, sizeof(event)) > 0;
}

static long in_recv_timed(void)
{
	struct timeval time = { .tv_sec = WAIT_MSEC / 1000 };
	int pair[2];
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 ||
	    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) < 0)
		return -2;
	return recv(pair[0], &byte, 1, 0);
}

static long in_recv(void)
{
	int pair[2];
	char byte;

	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 ? -2 : recv(pair[0], &byte, 1, 0);
}

static long in_accept(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, 1) < 0)
		return -2;
	return accept(fd, NULL, NULL);
}

static long in_wait4(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		char byte;

		signal(SIGALRM, SIG_IGN);
		while (read(end_pipe[0], &byte, 1) < 0)
			;
		_exit(0);
	}
	return waitpid(pid, NULL, 0) == pid ? 1 : -1;
}

static int lock_fd(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/lock", directory);
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static long in_fcntl(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(lock_fd(), F_SETLKW, &lock);
}

static long in_semtimedop(void)
{
	struct sembuf take = { .sem_op = -1 };

	return semtimedop(semget(IPC_PRIVATE, 1, 0600), &take, 1, &span);
}

static long in_semop(void)
{
	struct sembuf take = { .sem_op = -1 };

	return semop(semget(IPC_PRIVATE, 1, 0600), &take, 1);
}

static long in_msgrcv(void)
{
	struct {
		long type;
		char text[8];
	} message;

	return msgrcv(msgget(IPC_PRIVATE, 0600), &message, sizeof(message.text), 0, 0);
}

static long in_sigtimedwait(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return sigtimedwait(&set, NULL, &span);
}

static long in_sleep(void)
{
	return sleep(WAIT_MSEC / 1000) * 1000;
}

static const struct call {
	const char *name;
	long (*wait)(void);
} calls[] = {
#define CALL(name)                                                                                 \
	{                                                                                          \
#name, in_##name                                                                   \
	}
	CALL(pause),          CALL(sigsuspend),      CALL(nanosleep),
	CALL(nanosleep_rest), CALL(clock_nanosleep), CALL(clock_nanosleep_abs),
	CALL(poll),           CALL(poll_infinite),   CALL(ppoll),
	CALL(select),         CALL(pselect),         CALL(epoll),
	CALL(epoll_timed),    CALL(futex),           CALL(futex_private),
	CALL(futex_abs),      CALL(futex_infinite),  CALL(read),
	CALL(write),          CALL(eventfd),         CALL(inotify),
	CALL(recv),           CALL(recv_timed),      CALL(accept),
	CALL(wait4),          CALL(fcntl),           CALL(semop),
	CALL(semtimedop),     CALL(msgrcv),          CALL(sigtimedwait),
	CALL(sleep),
};
#define N_CALLS (sizeof(calls) / sizeof(calls[0]))

/* No signal; one whose handler interrupts; one whose handler restarts. */
static const char *const ways[] = { "alone", "interrupt", "restart" };
#define N_WAYS 3

static void on_signal(int signal)
{
	(void)signal;
	row->handled++;
}

static void on_last_signal(int signal)
{
	(void)signal;
}

static void victim(const struct call *call, int way, int due_msec, int ready)
{
	struct itimerval due = { .it_value = { due_msec / 1000, due_msec % 1000 * 1000 } };
	struct sigaction action = { .sa_handler = on_signal };
	struct timespec start;

	if (way == 2)
		action.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &action, NULL);
	action = (struct sigaction){ .sa_handler = on_last_signal };
	sigaction(SIGUSR1, &action, NULL);
	if (way > 0)
		setitimer(ITIMER_REAL, &due, NULL);
	close(ready);
	clock_gettime(CLOCK_MONOTONIC, &start);
	row->value = call->wait();
	row->error = row->value < 0 ? errno : 0;
	row->msec = since(&start);
	row->returned = 1;
	_exit(0);
}

/* What still waits at its end is interrupted, so that every row returns. */
static void end_all(void)
{
	for (bool all = false; !all;) {
		all = true;
		for (size_t i = 0; i < N_CALLS * N_WAYS; i++)
			if (!rows[i].returned) {
				all = false;
				if (rows[i].pid > 0)
					kill(rows[i].pid, SIGUSR1);
			}
		usleep(50000);
	}
}

/* Sleeps until so many milliseconds after the start, and notes when nothing of this process ran. */
static void watch_until(long msec)
{
	static struct {
		long start, length;
	} gaps[64];
	static size_t n;
	long last = since(&began), now;

	for (; last < msec; last = now) {
		usleep(10000);
		now = since(&began);
		if (now - last >= 30 && n < sizeof(gaps) / sizeof(gaps[0])) {
			gaps[n].start = last;
			gaps[n++].length = now - last;
		}
	}
	if (msec > END_MSEC)
		for (size_t i = 0; i < n; i++)
			printf("gap %ld %ld\n", gaps[i].start, gaps[i].length);
}

static void on_sandbox_signal(int signal)
{
	uint64_t device_nodes = 1 << 6;
	int fd = (int)syscall(444 /* landlock_create_ruleset */, &device_nodes,
			      sizeof(device_nodes), 0);

	(void)signal;
	if (fd < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(446 /* landlock_restrict_self */, fd, 0) < 0)
		abort();
	close(fd);
}

int main(int argc, char **argv)
{
	int due_msec = argc > 1 ? atoi(argv[1]) : 1200, ready[2], locked;
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct timespec now;
	char path[64];
	pid_t pid;

	rows = mmap(NULL, ROWS_MAX * sizeof(*rows), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (rows == MAP_FAILED || pipe(end_pipe) < 0 || pipe(ready) < 0 || !mkdtemp(directory))
		return 1;
	locked = lock_fd();
	fcntl(locked, F_SETLK, &lock);
	for (size_t i = 0; i < N_CALLS * N_WAYS; i++) {
		row = &rows[i];
		pid = fork();
		if (pid < 0)
			return 1;
		if (pid > 0)
			row->pid = pid;
		if (pid == 0) {
			close(ready[0]);
			close(end_pipe[1]);
			victim(&calls[i / N_WAYS], (int)(i % N_WAYS), due_msec, ready[1]);
		}
	}
	close(ready[1]);
	signal(SIGUSR2, on_sandbox_signal);
	/* All have closed it. */
	if (read(ready[0], path, 1) != 0)
		return 1;
	close(ready[0]);
	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_MONOTONIC, &began);
	printf("ready %ld.%03ld\n", (long)now.tv_sec, now.tv_nsec / 1000000);
	fflush(stdout);
	watch_until(END_MSEC);
	for (size_t i = 0; i < N_CALLS * N_WAYS; i++) {
		rows[i].word = 1;
		syscall(SYS_futex, &rows[i].word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	}
	close(end_pipe[1]);
	watch_until(WAIT_MSEC * 2);
	end_all();
	for (size_t i = 0; i < N_CALLS * N_WAYS; i++)
		printf("%s %s %ld %s %d %ld\n", calls[i / N_WAYS].name, ways[i % N_WAYS],
		       rows[i].value, rows[i].error ? strerrorname_np(rows[i].error) : "-",
		       rows[i].handled, rows[i].msec);
	close(locked);
	snprintf(path, sizeof(path), "%s/lock", directory);
	unlink(path);
	rmdir(directory);
	return 0;
}
