noinst_LTLIBRARIES += libcommon.la
libcommon_la_SOURCES = common/array.h common/cleanup.h common/clock.h common/duration.c common/duration.h \
	common/err.c common/err.h common/file.c common/file.h common/log-bound.c \
	common/log-bound.h common/log.c common/log.h common/proc.c common/proc.h common/procdir.c \
	common/procdir.h common/statedir.h \
	common/subuid.c common/subuid.h common/text.c common/text.h common/trust.c common/trust.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit-text
TESTS += tests/unit-text
tests_unit_text_SOURCES = tests/unit-text.c
tests_unit_text_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_text_LDADD = libcommon.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit-duration
TESTS += tests/unit-duration
tests_unit_duration_SOURCES = tests/unit-duration.c
tests_unit_duration_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_duration_LDADD = libcommon.la $(CMOCKA_LIBS)
endif
