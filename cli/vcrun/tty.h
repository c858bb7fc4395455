/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tty.h - vcrun's terminal in front of a job's pty
 *
 * The job has a pty in place of each standard descriptor that was a terminal, and vcrun copies
 * between the pty and the terminal. If standard input and output are both the terminal, vcrun makes
 * it raw: every key goes to the job, also Ctrl-C and Ctrl-Z. Otherwise, for example in a pipeline,
 * the terminal keeps its mode, and the job gets lines.
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
/* Writes the terminal's size into msg. Returns false without a terminal. */
bool tty_size(const struct tty *tty, Vc__Resize *msg);
/* Makes the terminal raw if vcrun is in its foreground; tty_leave() restores it. */
void tty_enter(struct tty *tty);
void tty_leave(struct tty *tty);
/* Whether input should be read from the terminal now. */
bool tty_wants_input(const struct tty *tty);
void tty_read_input(struct tty *tty);
void tty_write_input(struct tty *tty);
/* Copies the output of the job. Returns false when no more will come. */
bool tty_copy_output(struct tty *tty);

#endif
