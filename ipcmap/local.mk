## SPDX-License-Identifier: LGPL-2.1-or-later
## IPC objects across partitions: the way to the daemons.

## What every client of the daemons' table is linked with; not installed by itself.
noinst_LTLIBRARIES += libdoor.la
libdoor_la_SOURCES = ipcmap/door/door.c ipcmap/door/conn.c ipcmap/door/conn.h ipcmap/door/door.h \
	ipcmap/kind.h
libdoor_la_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS) -fvisibility=hidden
libdoor_la_LIBADD = libwire.la libcommon.la

## What the interposer reaches; of the interposer itself and of vcrun.
noinst_LTLIBRARIES += libreach.la
libreach_la_SOURCES = ipcmap/door/reach.c ipcmap/door/reach.h
libreach_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden

## The table itself: of daemons, vcctl and tests.
noinst_LTLIBRARIES += libipctable.la
libipctable_la_SOURCES = ipcmap/table/check.c ipcmap/table/entry.c ipcmap/table/hash.c \
	ipcmap/table/hash.h ipcmap/table/item.c ipcmap/table/layout.h ipcmap/table/opener.c \
	ipcmap/table/repair.c ipcmap/table/table.c ipcmap/table/table.h ipcmap/table/user.c
libipctable_la_CFLAGS = $(AM_CFLAGS) -pthread

if HAVE_CMOCKA
check_PROGRAMS += tests/unit-reach
TESTS += tests/unit-reach
tests_unit_reach_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_reach_LDADD = libreach.la libcommon.la $(CMOCKA_LIBS)
ipctable_tests = tests/unit-ipctable-entry tests/unit-ipctable-file tests/unit-ipctable-kill \
	tests/unit-ipctable-opener
check_PROGRAMS += $(ipctable_tests)
TESTS += $(ipctable_tests)
IPCTABLE_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
IPCTABLE_LIBS = libipctable.la libcommon.la $(CMOCKA_LIBS)
tests_unit_ipctable_entry_SOURCES = tests/unit-ipctable-entry.c tests/ipctable-fixture.h
tests_unit_ipctable_entry_CFLAGS = $(IPCTABLE_CFLAGS)
tests_unit_ipctable_entry_LDADD = $(IPCTABLE_LIBS)
tests_unit_ipctable_file_SOURCES = tests/unit-ipctable-file.c tests/ipctable-fixture.h
tests_unit_ipctable_file_CFLAGS = $(IPCTABLE_CFLAGS)
tests_unit_ipctable_file_LDADD = $(IPCTABLE_LIBS)
tests_unit_ipctable_kill_CFLAGS = $(IPCTABLE_CFLAGS)
tests_unit_ipctable_kill_LDADD = $(IPCTABLE_LIBS)
tests_unit_ipctable_opener_SOURCES = tests/unit-ipctable-opener.c tests/ipctable-fixture.h
tests_unit_ipctable_opener_CFLAGS = $(IPCTABLE_CFLAGS)
tests_unit_ipctable_opener_LDADD = $(IPCTABLE_LIBS)
endif

## A program that opens objects as it is told, for the end-to-end tests.
check_PROGRAMS += tests/ipc-client
tests_ipc_client_LDADD = libdoor.la libwire.la libcommon.la
check_PROGRAMS += tests/ipc-burst
tests_ipc_burst_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS) -pthread
tests_ipc_burst_LDADD = libdoor.la libwire.la libcommon.la
check_PROGRAMS += tests/ipc-wreck
tests_ipc_wreck_LDADD = libdoor.la libsysv.la libwire.la libcommon.la
ipc_end_to_end = tests/ipc-burst.sh tests/ipc-wreck.sh tests/ipc-crowd.sh tests/ipc-burst-move.sh tests/ipc-objects.sh tests/ipc-users.sh tests/ipc-openers.sh tests/ipc-move.sh \
	tests/ipc-limits.sh tests/ipc-commands.sh tests/ipc-remove.sh tests/ipc-check.sh \
	tests/ipc-parked.sh
dist_check_SCRIPTS += $(ipc_end_to_end)
TESTS += $(ipc_end_to_end)
EXTRA_DIST += tests/lib-ipc.sh

if FUZZERS
noinst_PROGRAMS += tests/fuzz-ipctable
tests_fuzz_ipctable_CFLAGS = $(AM_CFLAGS) -fsanitize=fuzzer
tests_fuzz_ipctable_LDADD = libipctable.la libcommon.la
tests_fuzz_ipctable_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
