/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * exec.h - programs that the job executes
 *
 * The next program must have the interposer too, also if it is given another environment, as by
 * env -i; and if it cannot have it, somebody must hear of it.
 */
#ifndef VC_IPCMAP_PRELOAD_EXEC_H
#define VC_IPCMAP_PRELOAD_EXEC_H

#include <stdbool.h>

/* Notes what this process was given by vcrun. At the process' begin. */
void exec_begin(void);

/* Whether vcrun has set this up, so that somebody wants to hear of what is not reached; and whether
 * that must not run. */
bool exec_is_mapped(void);
bool exec_is_strict(void);

/*
 * As execve(2) and execveat(2), with what the interposer needs in the environment. A program
 * that it does not reach is named on standard error; with map,strict it is -EACCES. They may be
 * called in a vfork's child. -errno.
 */
int exec_path(const char *path, char *const argv[], char *const env[]);
int exec_at(int dir_fd, const char *path, char *const argv[], char *const env[], int flags);

/* One line of vcrun's on standard error, if that is one still. */
void exec_complain(const char *text);

#endif
