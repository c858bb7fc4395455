// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * tty.c - rows of tests/move-kinds: terminals
 */
#include "tests/kinds/kind.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
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

const struct kind kinds_tty[] = {
	KIND("tty-pty", make_pty, show_pty, .as = KIND_BOTH),
	KIND("tty-no-master", make_no_master, show_slave),
	KIND("tty-no-slave", make_no_slave, show_master),
	KIND("tty-read-only", make_read_only, show_pty),
	KIND("tty-locked", make_locked, show_master),
	KIND("tty-packets", make_packets, show_pty),
	KIND("tty-exclusive", make_exclusive, show_pty),
	{ .name = NULL },
};
