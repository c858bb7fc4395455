bin_PROGRAMS += vcbench
pkglibexec_PROGRAMS += victim vcwork vccalls

vcbench_SOURCES = bench/vcbench.c bench/bench.h bench/bench-spawn.c bench/bench-move.c \
	bench/bench-reshape.c bench/bench-victim.c bench/bench-victim.h \
	bench/bench-stat.c bench/victim.h cli/table.c \
	bench/bench-ipc.c bench/bench-ipc-one.c bench/bench-ipc-calls.c bench/bench-ipc.h bench/calls.h \
	bench/bench-crew.c bench/bench-crew.h bench/crew.h bench/estimate.c bench/estimate.h \
	bench/usl.c bench/usl.h bench/bench-lock.c bench/bench-lock.h bench/bench-lock-report.c \
	bench/bench-server.c bench/bench-server.h bench/bench-redis.c bench/bench-memcached.c \
	bench/bench-postgres.c bench/bench-places.c bench/bench-machine.c bench/bench-quiet.c \
	bench/bench-quiet.h bench/bench-pace.c bench/bench-pace.h bench/bench-interfere.c bench/bench-interfere.h \
	bench/bench-interfere-ways.c bench/bench-interfere-report.c \
	bench/report.c bench/report.h bench/report-html.c bench/report-html.h bench/report-plot.c \
	bench/report-plot.h bench/report-lock.c bench/report-law.c bench/report-interfere.c \
	bench/report-noise.c bench/report-cost.c bench/report-ipc.c bench/report-other.c
vcbench_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(PROTOBUF_C_CFLAGS)
vcbench_LDADD = libmig.la libvcipc.la libdoor.la libcommon.la $(JANSSON_LIBS) -lm -lrt -lpthread

victim_SOURCES = bench/victim.c bench/victim.h
victim_LDADD = libcommon.la

vccalls_SOURCES = bench/calls.c bench/calls.h
vccalls_LDADD = -lrt -lpthread

vcwork_SOURCES = bench/work.c bench/work.h bench/crew.h bench/work-count.c bench/work-app.c bench/work-mem.c \
	bench/work-ipc.c bench/work-file.c bench/work-victim.c bench/work-noise.c bench/work-client.c
vcwork_CFLAGS = $(AM_CFLAGS) -pthread
vcwork_LDADD = libcommon.la

dist_man_MANS += man/vcbench.1

if HAVE_CMOCKA
check_PROGRAMS += tests/unit-estimate tests/unit-usl tests/unit-work-count
TESTS += tests/unit-estimate tests/unit-usl tests/unit-work-count

tests_unit_estimate_SOURCES = tests/unit-estimate.c bench/estimate.c bench/estimate.h bench/crew.h
tests_unit_estimate_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_estimate_LDADD = libcommon.la $(CMOCKA_LIBS) $(JANSSON_LIBS) -lm

tests_unit_usl_SOURCES = tests/unit-usl.c bench/usl.c bench/usl.h bench/estimate.c
tests_unit_usl_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_usl_LDADD = libcommon.la $(CMOCKA_LIBS) $(JANSSON_LIBS) -lm

tests_unit_work_count_SOURCES = tests/unit-work-count.c bench/work-count.c bench/work.h bench/crew.h
tests_unit_work_count_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_work_count_LDADD = libcommon.la $(CMOCKA_LIBS)
endif
