// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * tty.c - vcrun's terminal in front of a job's pty
 *
 * The master is non-blocking and the terminal is not: a job that does not read its input must still
 * get its output to the screen, but a slow terminal may delay vcrun.
 */
#include "cli/vcrun/tty.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void tty_init(struct tty *tty)
{
	*tty = (struct tty){ .fd = -1, .out_fd = -1, .master_fd = -1 };
	for (int i = 0; i < 3; i++)
		if (isatty(i))
			tty->mask |= 1u << i;
	if (!tty->mask)
		return;
	tty->fd = __builtin_ctz(tty->mask);
	if (tty->mask & 6)
		tty->out_fd = tty->mask & 2 ? 1 : 2;
	tty->transparent = (tty->mask & 3) == 3;
	tcgetattr(tty->fd, &tty->saved);
	tty->job_termios = tty->saved;
	if (!tty->transparent) {
		/* The outer terminal already echoes and converts line ends. */
		tty->job_termios.c_lflag &= (tcflag_t)~ECHO;
		tty->job_termios.c_oflag &= (tcflag_t)~OPOST;
	}
}

bool tty_size(const struct tty *tty, Vc__Resize *msg)
{
	struct winsize size;

	if (tty->fd < 0 || ioctl(tty->fd, TIOCGWINSZ, &size) < 0)
		return false;
	msg->rows = size.ws_row;
	msg->cols = size.ws_col;
	return true;
}

static bool tty_in_foreground(const struct tty *tty)
{
	return tcgetpgrp(tty->fd) == getpgrp();
}

void tty_enter(struct tty *tty)
{
	struct termios raw = tty->saved;

	if (tty->fd < 0 || !tty->transparent || tty->raw || !tty_in_foreground(tty))
		return;
	cfmakeraw(&raw);
	if (tcsetattr(tty->fd, TCSADRAIN, &raw) == 0)
		tty->raw = true;
}

void tty_leave(struct tty *tty)
{
	if (!tty->raw)
		return;
	tcsetattr(tty->fd, TCSADRAIN, &tty->saved);
	tty->raw = false;
}

bool tty_wants_input(const struct tty *tty)
{
	return tty->master_fd >= 0 && (tty->mask & 1) && !tty->input_ended && tty->n_pending == 0 &&
	       tty_in_foreground(tty);
}

void tty_read_input(struct tty *tty)
{
	ssize_t n = read(STDIN_FILENO, tty->pending, sizeof(tty->pending));

	if (n > 0) {
		tty->n_pending = (size_t)n;
	} else if (n == 0) {
		/* Ctrl-D on a terminal that is not raw: send the end-of-file character of the job's
		 * pty. */
		tty->pending[0] = (char)tty->job_termios.c_cc[VEOF];
		tty->n_pending = 1;
	} else if (errno != EINTR && errno != EAGAIN) {
		tty->input_ended = true;
	}
	tty_write_input(tty);
}

void tty_write_input(struct tty *tty)
{
	ssize_t n;

	if (tty->n_pending == 0)
		return;
	n = write(tty->master_fd, tty->pending, tty->n_pending);
	if (n > 0) {
		tty->n_pending -= (size_t)n;
		memmove(tty->pending, tty->pending + n, tty->n_pending);
	} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
		tty->n_pending = 0;
		tty->input_ended = true;
	}
}

bool tty_copy_output(struct tty *tty)
{
	char data[16384];
	ssize_t n = read(tty->master_fd, data, sizeof(data));
	char *at = data;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	while (n > 0 && tty->out_fd >= 0) {
		ssize_t written = write(tty->out_fd, at, (size_t)n);

		if (written < 0 && errno == EAGAIN) {
			/* Another process that shares the terminal made it non-blocking. */
			struct pollfd pfd = { .fd = tty->out_fd, .events = POLLOUT };

			poll(&pfd, 1, -1);
			continue;
		}
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		at += written;
		n -= written;
	}
	return true;
}
