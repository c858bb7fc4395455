/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * exec.h - programs that the job executes
 *
 * The next program needs the interposer too, also with another environment, as with env -i. If it
 * cannot have it, the user gets a warning.
 */
#ifndef VC_IPCMAP_PRELOAD_EXEC_H
#define VC_IPCMAP_PRELOAD_EXEC_H

#include <stdbool.h>

/* Records the settings that vcrun gave this process, when the process begins. */
void exec_begin(void);

/* Whether vcrun started this, so that warnings are wanted; and whether a program that is not
 * reached must not run. */
bool exec_is_mapped(void);
bool exec_is_strict(void);

/*
 * As execve(2) and execveat(2), with the variables of the interposer added. Prints a warning on
 * standard error for a program that is not reached; with map,strict: -EACCES. May be called in the
 * child of vfork(). -errno.
 */
int exec_path(const char *path, char *const argv[], char *const env[]);
int exec_at(int dir_fd, const char *path, char *const argv[], char *const env[], int flags);

/* Prints a line of vcrun on standard error, if that is still the same file. */
void exec_complain(const char *text);

#endif
