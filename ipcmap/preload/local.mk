## SPDX-License-Identifier: LGPL-2.1-or-later
## System V's and POSIX's own objects: their memory, and the interposer that maps them.

## What lies in the objects' memory; of the interposer, of the daemons (undo.h) and of tests.
noinst_LTLIBRARIES += libsysv.la
libsysv_la_SOURCES = ipcmap/guard.c ipcmap/guard.h ipcmap/wait.h \
	ipcmap/semset.c ipcmap/semset.h \
	ipcmap/msgq.c ipcmap/msgq.h ipcmap/msgq-blocks.c ipcmap/msgq-notify.c ipcmap/msgq-priv.h \
	ipcmap/segment.c ipcmap/segment.h \
	ipcmap/undo.c ipcmap/undo.h
libsysv_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
