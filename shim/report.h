/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * report.h - what vcinit tells its shim, through the one pipe between them
 *
 * Eight bytes a report, so that each is one atomic write. vcinit is free of the C
 * library; this header must be too.
 */
#ifndef VC_SHIM_REPORT_H
#define VC_SHIM_REPORT_H

enum report_kind {
	REPORT_STARTED = 1, /* value: the program's pid; it has been executed */
	REPORT_FAILED,      /* value: errno of the execve; vcinit ends */
	REPORT_STOPPED,     /* value: the signal that stopped the program */
	REPORT_CONTINUED,   /* value: 0 */
	REPORT_EXITED,      /* value: the program's status, as wait(2) has it */
};

struct report {
	int kind;
	int value;
};

#define REPORT_FD 3

#endif
