/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reach.h - whether the interposer reaches a program, asked before the program is executed
 *
 * The interposer is loaded by the C library's dynamic loader (LD_PRELOAD). A program without
 * that loader, or one for which the loader ignores LD_PRELOAD, uses the kernel's objects in
 * place of the mapped ones. vcrun(1) asks here for the program that it is to start, and the
 * interposer for each program that the job executes.
 */
#ifndef VC_IPCMAP_REACH_H
#define VC_IPCMAP_REACH_H

#include <stdbool.h>

/* name, why the interposer does not reach the program, what to do about it */
#define REACH_VERDICTS(X)                                                                          \
	X(MAPPED, "mapped", "", "")                                                                \
	X(STATIC, "static", "it is statically linked", "link it dynamically")                      \
	X(LOADER, "loader", "its loader is another C library's", "build it for the GNU C library") \
	X(MACHINE, "machine", "it is for another kind of machine than vcrun",                      \
	  "use a program of vcrun's own kind")                                                     \
	X(PRIVILEGED, "privileged",                                                                \
	  "it gains rights when it is executed (set-user-ID, set-group-ID or capabilities)",       \
	  "run it as the user whose rights it gains")                                              \
	X(GO, "go", "it is a Go program, which makes system calls without the C library",          \
	  "make its IPC calls through cgo")                                                        \
	X(UNREADABLE, "unreadable", "it cannot be read, so what it is cannot be found out",        \
	  "give the user read permission for it")

enum reach_verdict {
#define REACH_ENUM(name, text, why, remedy) REACH_##name,
	REACH_VERDICTS(REACH_ENUM)
#undef REACH_ENUM
		REACH_N_VERDICTS
};

#define REACH_PATH_MAX 256 /* the kernel reads no more of a script's first line */

struct reach {
	enum reach_verdict verdict;
	char script_of[REACH_PATH_MAX]; /* the interpreter that the verdict is about; "": none */
};

/*
 * What is to be expected of the program at path, as execve(2) takes it; for a script, of its
 * interpreter. MAPPED too for what execve(2) will refuse, or hand to an interpreter of
 * binfmt_misc. strict: one that could gain rights is PRIVILEGED too where no_new_privs keeps
 * it from that. Only system calls, no memory allocated, and less than 8 KiB of stack: it may be
 * called in a vfork's child. errno may change.
 */
void reach_check(const char *path, bool strict, struct reach *ret);

/*
 * One line for a person, without a line's end: what is not reached, why, what to do. size: 1024
 * hold any. Same constraints as above.
 */
void reach_explain(const char *path, const struct reach *reach, char *ret, unsigned long size);

#endif
