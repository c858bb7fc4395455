## SPDX-License-Identifier: LGPL-2.1-or-later
## tests/move-kinds: the rows, a file for each group of kinds, and what runs them as jobs.

EXTRA_DIST += tests/kinds/drive.py
check_PROGRAMS += tests/kinds/kinds
tests_kinds_kinds_SOURCES = tests/kinds/file.c tests/kinds/ipc.c tests/kinds/kind.c \
	tests/kinds/kind.h tests/kinds/mapping.c tests/kinds/odd.c tests/kinds/option.c \
	tests/kinds/proc.c tests/kinds/process.c tests/kinds/session.c tests/kinds/socket.c \
	tests/kinds/timer.c tests/kinds/tty.c tests/kinds/wait.c
tests_kinds_kinds_CFLAGS = $(WARN_CFLAGS) -O1 -pthread
tests_kinds_kinds_LDFLAGS = -pthread
