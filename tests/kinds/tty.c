// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * tty.c - rows of tests/move-kinds: terminals
 */
#include "tests/kinds/kind.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int master = -1, slave = -1;

static void make_pty(void)
{
	struct winsize size = { .ws_row = 11, .ws_col = 22 };
	struct termios termios;

	MUST((master = posix_openpt(O_RDWR | O_NOCTTY)) >= 0);
	MUST(grantpt(master) == 0 && unlockpt(master) == 0);
	MUST((slave = open(ptsname(master), O_RDWR | O_NOCTTY)) >= 0);
	MUST(ioctl(slave, TIOCSWINSZ, &size) == 0);
	MUST(tcgetattr(slave, &termios) == 0);
	termios.c_lflag &= ~(tcflag_t)ECHO;
	MUST(tcsetattr(slave, TCSANOW, &termios) == 0);
}

static void say_terminal(FILE *out, const char *what, int fd)
{
	struct winsize size = { .ws_row = 0 };
	struct termios termios = { .c_lflag = 0 };
	int value = -1;

	fprintf(out, "-- %s\n", what);
	kind_say(out, "flags", fcntl(fd, F_GETFL));
	kind_say(out, "size", ioctl(fd, TIOCGWINSZ, &size));
	fprintf(out, "%d x %d\n", size.ws_row, size.ws_col);
	kind_say(out, "settings", tcgetattr(fd, &termios));
	fprintf(out, "%x %x %x %x\n", termios.c_iflag, termios.c_oflag, termios.c_cflag,
		termios.c_lflag);
	kind_say(out, "queue", ioctl(fd, FIONREAD, &value));
	fprintf(out, "%d\n", value);
	kind_say(out, "exclusive", ioctl(fd, TIOCGEXCL, &value));
	fprintf(out, "%d\n", value);
	kind_say(out, "session", tcgetsid(fd));
	kind_say(out, "group", tcgetpgrp(fd));
}

static void say_master(FILE *out)
{
	int value = -1;

	say_terminal(out, "master", master);
	kind_say(out, "number", ioctl(master, TIOCGPTN, &value));
	fprintf(out, "%d\n", value);
	kind_say(out, "locked", ioctl(master, TIOCGPTLCK, &value));
	fprintf(out, "%d\n", value);
	kind_say(out, "packets", ioctl(master, TIOCGPKT, &value));
	fprintf(out, "%d\n", value);
}

static void show_pty(FILE *out)
{
	say_master(out);
	say_terminal(out, "slave", slave);
	MUST(write(master, "line\n", 5) == 5);
	kind_say_read(out, "to the slave", slave);
	MUST(write(slave, "out", 3) == 3);
	kind_say_read(out, "to the master", master);
}

static void make_no_master(void)
{
	make_pty();
	close(master);
	master = -1;
}

static void show_slave(FILE *out)
{
	say_terminal(out, "slave", slave);
	kind_say_read(out, "read", slave);
}

static void make_no_slave(void)
{
	make_pty();
	close(slave);
	slave = -1;
}

static void show_master(FILE *out)
{
	say_master(out);
	kind_say_read(out, "read", master);
}

static void make_read_only(void)
{
	make_pty();
	MUST(open(ptsname(master), O_RDONLY | O_NOCTTY | O_NONBLOCK) >= 0);
}

static void make_locked(void)
{
	MUST((master = posix_openpt(O_RDWR | O_NOCTTY)) >= 0);
}

static void make_packets(void)
{
	int on = 1;

	make_pty();
	MUST(ioctl(master, TIOCPKT, &on) == 0);
}

static void make_exclusive(void)
{
	make_pty();
	MUST(ioctl(slave, TIOCEXCL) == 0);
}

/* --- what is in it ------------------------------------------------------------------------- */

static int say_queue(FILE *out, const char *what, int fd)
{
	int bytes = -1;

	kind_say(out, what, ioctl(fd, FIONREAD, &bytes) < 0 ? -1 : bytes);
	return bytes;
}

/* The kernel hands it on some time after the write. */
static void await_bytes(int fd, int least)
{
	int bytes = 0;

	for (int i = 0; i < 10000 && bytes < least; i++) {
		MUST(ioctl(fd, FIONREAD, &bytes) == 0);
		usleep(100);
	}
}

static void fill_queues(void)
{
	MUST(write(master, "in\n", 3) == 3);
	await_bytes(slave, 3);
	MUST(write(slave, "out\nlines\n", 10) == 10);
	await_bytes(master, 10);
}

static void make_unread(void)
{
	make_pty();
	fill_queues();
}

static void show_unread(FILE *out)
{
	say_queue(out, "bytes for the slave", slave);
	say_queue(out, "bytes for the master", master);
	kind_say_read(out, "to the slave", slave);
	kind_say_read(out, "to the master", master);
	fill_queues();
}

static void make_raw_unread(void)
{
	struct termios termios;

	make_pty();
	MUST(tcgetattr(slave, &termios) == 0);
	cfmakeraw(&termios);
	MUST(tcsetattr(slave, TCSANOW, &termios) == 0);
	fill_queues();
}

/* A line that is not complete can be read by nobody yet. */
static void make_half_line(void)
{
	make_pty();
	MUST(write(master, "half", 4) == 4);
}

static void show_half_line(FILE *out)
{
	kind_say_read(out, "before its end", slave);
	MUST(write(master, " a line\n", 8) == 8);
	kind_say_read(out, "after it", slave);
	MUST(write(master, "half", 4) == 4);
}

static void make_stopped_output(void)
{
	make_pty();
	MUST(tcflow(slave, TCOOFF) == 0);
}

static void show_stopped_output(FILE *out)
{
	int flags = fcntl(slave, F_GETFL);

	fcntl(slave, F_SETFL, flags | O_NONBLOCK);
	kind_say(out, "write while it is stopped", write(slave, "x", 1));
	fcntl(slave, F_SETFL, flags);
	kind_say_read(out, "to the master", master);
}

static void make_many(void)
{
	make_pty();
	MUST(dup(slave) >= 0 && open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC) >= 0);
	MUST(open(ptsname(master), O_WRONLY | O_NOCTTY | O_NONBLOCK) >= 0);
	MUST(dup(master) >= 0);
}

static void make_several_ptys(void)
{
	for (int i = 0; i < 20; i++)
		make_pty();
}

static void show_number(FILE *out)
{
	int number = -1, again;

	kind_say(out, "number", ioctl(master, TIOCGPTN, &number));
	fprintf(out, "%d\n", number);
	again = open(ptsname(master), O_RDWR | O_NOCTTY);
	kind_say(out, "another of its slave", again < 0 ? -1 : 0);
	close(again);
}

/* As when the last window of a session is closed; only root may. */
static void hang_up(void *arg)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	(void)arg;
	sigaction(SIGHUP, &ignore, NULL);
	MUST(setsid() == getpid() && ioctl(slave, TIOCSCTTY, 0) == 0);
	NEED(syscall(SYS_vhangup) == 0);
}

static void make_crowd(void)
{
	for (int i = 0; i < 70; i++)
		make_pty();
}

static void make_hung_up(void)
{
	make_pty();
	kind_child(hang_up, NULL);
}

static void show_hung_up(FILE *out)
{
	say_terminal(out, "slave", slave);
	kind_say_read(out, "read", slave);
	kind_say(out, "write", write(slave, "x", 1));
	say_master(out);
}

/* --- sessions that have one ---------------------------------------------------------------- */

static pid_t leader, member;
static volatile sig_atomic_t hangups;

static void wait_in_group(void *arg)
{
	setpgid(0, 0);
	if (arg)
		tcsetpgrp(slave, getpid());
}

static void take_terminal(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGTTOU, &ignore, NULL);
	MUST(setsid() == getpid());
	MUST(ioctl(slave, TIOCSCTTY, 0) == 0);
}

/* A shell: a leader, one job in the foreground, one in the background. */
static void run_shell(void *arg)
{
	(void)arg;
	take_terminal();
	close(master);
	kind_child(wait_in_group, NULL);
	kind_child(wait_in_group, &slave);
}

static void make_shell(void)
{
	make_pty();
	leader = kind_child(run_shell, NULL);
}

static void show_session(FILE *out)
{
	show_pty(out);
	kind_say(out, "session", tcgetsid(master));
	kind_say(out, "foreground", tcgetpgrp(master));
	kind_say(out, "leader", leader);
}

static void make_shells(void)
{
	for (int i = 0; i < 5; i++)
		make_shell();
}

/* Nobody in the session has a descriptor of it but a child. */
static void run_without_fd(void *arg)
{
	(void)arg;
	take_terminal();
	kind_child(wait_in_group, NULL);
	close(slave);
	close(master);
}

static void make_without_fd(void)
{
	make_pty();
	leader = kind_child(run_without_fd, NULL);
}

static void open_dev_tty(void *arg)
{
	(void)arg;
	MUST(open("/dev/tty", O_RDWR) >= 0);
}

static void run_dev_tty(void *arg)
{
	(void)arg;
	take_terminal();
	kind_child(open_dev_tty, NULL);
}

static void make_dev_tty(void)
{
	make_pty();
	leader = kind_child(run_dev_tty, NULL);
}

static void give_up(void *arg)
{
	(void)arg;
	MUST(ioctl(slave, TIOCNOTTY) == 0);
}

/* Members that have none though their leader has. */
static void run_given_up(void *arg)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	(void)arg;
	sigaction(SIGHUP, &ignore, NULL);
	MUST(setsid() == getpid());
	kind_child(wait_in_group, NULL);
	MUST(ioctl(slave, TIOCSCTTY, 0) == 0);
	kind_child(give_up, NULL);
}

static void make_given_up(void)
{
	make_pty();
	leader = kind_child(run_given_up, NULL);
}

/* An orphan of the session, in the background. */
static void orphan_between(void *arg)
{
	(void)arg;
	kind_child(wait_in_group, NULL);
	_exit(0);
}

static void run_with_orphan(void *arg)
{
	pid_t pid;

	(void)arg;
	take_terminal();
	pid = kind_child(orphan_between, NULL);
	MUST(waitpid(pid, NULL, 0) == pid);
}

static void make_with_orphan(void)
{
	make_pty();
	leader = kind_child(run_with_orphan, NULL);
}

static void count_hangups(int signal)
{
	(void)signal;
	hangups++;
}

/* The one that reads its terminal from the background is stopped by the kernel. */
static void run_background_reader(void *arg)
{
	char byte;

	(void)arg;
	setpgid(0, 0);
	kind_is_ready();
	if (read(slave, &byte, 1) < 0)
		pause();
}

static void *sleep_in_thread(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

/* And one that changes its terminal there, all its threads with it. */
static void run_background_writer(void *arg)
{
	struct termios termios;
	pthread_t thread;

	(void)arg;
	MUST(pthread_create(&thread, NULL, sleep_in_thread, NULL) == 0);
	signal(SIGTTOU, SIG_DFL);
	setpgid(0, 0);
	kind_is_ready();
	MUST(tcgetattr(slave, &termios) == 0 && tcsetattr(slave, TCSANOW, &termios) == 0);
	pause();
}

static bool is_stopped(void *arg)
{
	siginfo_t info = { .si_pid = 0 };

	MUST(waitid(P_PID, (id_t) * (pid_t *)arg, &info, WSTOPPED | WNOWAIT | WNOHANG) == 0);
	return info.si_pid != 0;
}

static void run_stopped_by_terminal(void *arg)
{
	(void)arg;
	take_terminal();
	member = kind_child(run_background_reader, NULL);
	kind_until(is_stopped, &member);
}

static void run_stopped_writer(void *arg)
{
	(void)arg;
	take_terminal();
	member = kind_child(run_background_writer, NULL);
	kind_until(is_stopped, &member);
}

static void make_stopped_writer(void)
{
	make_pty();
	leader = kind_child(run_stopped_writer, NULL);
}

static void make_stopped_by_terminal(void)
{
	make_pty();
	leader = kind_child(run_stopped_by_terminal, NULL);
}

/* The victim has SIGHUP counted: a move must not send any. */
static void make_hangup_count(void)
{
	struct sigaction count = { .sa_handler = count_hangups, .sa_flags = SA_RESTART };

	sigaction(SIGHUP, &count, NULL);
	make_shell();
}

static void show_hangup_count(FILE *out)
{
	show_session(out);
	kind_say(out, "hangups", hangups);
}

static void make_console(void)
{
	static const char *const names[] = { "/dev/tty1", "/dev/tty0", "/dev/ttyS0",
					     "/dev/console" };
	int opened = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		opened += open(names[i], O_RDONLY | O_NOCTTY | O_NONBLOCK) >= 0;
	NEED(opened > 0);
}

const struct kind kinds_tty[] = {
	KIND("tty-pty", make_pty, show_pty, .as = KIND_BOTH),
	KIND("tty-no-master", make_no_master, show_slave),
	KIND("tty-no-slave", make_no_slave, show_master),
	KIND("tty-read-only", make_read_only, show_pty),
	KIND("tty-locked", make_locked, show_master),
	KIND("tty-packets", make_packets, show_pty),
	KIND("tty-exclusive", make_exclusive, show_pty),
	KIND("tty-hung-up", make_hung_up, show_hung_up),
	KIND("tty-unread", make_unread, show_unread, .as = KIND_BOTH),
	KIND("tty-unread-raw", make_raw_unread, show_unread),
	KIND("tty-half-line", make_half_line, show_half_line),
	KIND("tty-stopped-output", make_stopped_output, show_stopped_output),
	KIND("tty-many-descriptors", make_many, show_pty),
	KIND("tty-several", make_several_ptys, show_number),
	KIND("tty-crowd", make_crowd, show_number, .refused = "more than 64 open terminals"),
	KIND("tty-session", make_shell, show_session, .as = KIND_BOTH),
	KIND("tty-sessions", make_shells, show_session),
	KIND("tty-session-without-fd", make_without_fd, show_pty),
	KIND("tty-session-dev-tty", make_dev_tty, show_session),
	KIND("tty-session-given-up", make_given_up, show_session),
	KIND("tty-session-orphan", make_with_orphan, show_session, .as = KIND_BOTH),
	KIND("tty-session-stopped", make_stopped_by_terminal, show_session),
	KIND("tty-session-stopped-writer", make_stopped_writer, show_session),
	KIND("tty-session-hangups", make_hangup_count, show_hangup_count),
	KIND("tty-console", make_console, NULL),
	{ .name = NULL },
};
