/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tty.h - vcrun's terminal in front of a job's pty
 *
 * The job has a pty of its own in place of each of its standard descriptors that
 * was a terminal. vcrun copies between the two. With standard input and output
 * both on the terminal it becomes transparent (raw): every key, Ctrl-C and Ctrl-Z
 * too, is the job's. Otherwise, in a pipeline, it stays as it is, and lines go through.
 */
#ifndef VC_CLI_TTY_H
#define VC_CLI_TTY_H

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#include "wire/vc.pb-c.h"

struct tty {
	uint32_t mask; /* bit i: descriptor i is a terminal */
	int fd;        /* one of them; -1: none */
	int out_fd;    /* where the job's output goes; -1: nowhere */
	int master_fd; /* -1 until the job has started */
	bool transparent;
	bool raw; /* now */
	bool input_ended;
	struct termios saved;
	struct termios job_termios; /* for the job's pty */
	char pending[4096];         /* read from the terminal, not yet taken by the job */
	size_t n_pending;
};

void tty_init(struct tty *tty);
/* The terminal's size into msg; false: there is none. */
bool tty_size(const struct tty *tty, Vc__Resize *msg);
/* Takes the terminal over if we are in its foreground; tty_leave() gives it back. */
void tty_enter(struct tty *tty);
void tty_leave(struct tty *tty);
/* Whether input should be read from the terminal now. */
bool tty_wants_input(const struct tty *tty);
void tty_read_input(struct tty *tty);
void tty_write_input(struct tty *tty);
/* Copies what the job wrote; false: nothing more will come. */
bool tty_copy_output(struct tty *tty);

#endif
