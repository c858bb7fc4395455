## SPDX-License-Identifier: LGPL-2.1-or-later
## IPC objects across partitions: the way to the daemons.

## What every client of the daemons' table is linked with; not installed by itself.
noinst_LTLIBRARIES += libdoor.la
libdoor_la_SOURCES = ipcmap/door.c ipcmap/door.h ipcmap/kind.h
libdoor_la_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS) -fvisibility=hidden
libdoor_la_LIBADD = libwire.la libcommon.la

## The table itself: of daemons, vcctl and tests.
noinst_LTLIBRARIES += libipctable.la
libipctable_la_SOURCES = ipcmap/table.c ipcmap/table.h ipcmap/table-layout.h ipcmap/table-pool.c \
	ipcmap/table-entry.c ipcmap/table-opener.c ipcmap/table-repair.c ipcmap/table-check.c \
	ipcmap/table-hash.c ipcmap/table-hash.h
libipctable_la_CFLAGS = $(AM_CFLAGS) -pthread

if HAVE_CMOCKA
check_PROGRAMS += tests/unit-ipctable tests/unit-ipctable-kill
TESTS += tests/unit-ipctable tests/unit-ipctable-kill
tests_unit_ipctable_SOURCES = tests/unit-ipctable.c
tests_unit_ipctable_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_ipctable_LDADD = libipctable.la libcommon.la $(CMOCKA_LIBS)
tests_unit_ipctable_kill_SOURCES = tests/unit-ipctable-kill.c
tests_unit_ipctable_kill_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_ipctable_kill_LDADD = libipctable.la libcommon.la $(CMOCKA_LIBS)
endif
