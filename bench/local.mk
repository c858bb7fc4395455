bin_PROGRAMS += vcbench
pkglibexec_PROGRAMS += victim vcwork vccalls

vcbench_SOURCES = bench/bench.h bench/calls.h bench/crew.c bench/crew.h bench/estimate.c \
	bench/estimate.h bench/ipc-calls.c bench/ipc-one.c bench/ipc.c bench/ipc.h bench/machine.c \
	bench/move.c bench/pace.c bench/pace.h bench/quiet.c bench/quiet.h bench/reshape.c \
	bench/spawn.c bench/stat.c bench/usl.c bench/usl.h bench/vcbench.c bench/victim.h \
	bench/watch.c bench/watch.h cli/columns.c bench/interfere/interfere.c \
	bench/interfere/interfere.h bench/interfere/table.c bench/interfere/ways.c \
	bench/lock/lock.c bench/lock/lock.h bench/lock/memcached.c bench/lock/places.c \
	bench/lock/postgres.c bench/lock/redis.c bench/lock/server.c bench/lock/server.h \
	bench/lock/table.c bench/report/cost.c bench/report/html.c bench/report/html.h \
	bench/report/interfere.c bench/report/ipc.c bench/report/law.c bench/report/lock.c \
	bench/report/noise.c bench/report/other.c bench/report/plot.c bench/report/plot.h \
	bench/report/report.c bench/report/report.h bench/work/crew.h
vcbench_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(PROTOBUF_C_CFLAGS) $(SMARTCOLS_CFLAGS)
vcbench_LDADD = libmig.la libvcipc.la libdoor.la libcommon.la $(JANSSON_LIBS) $(SMARTCOLS_LIBS) -lm -lrt -lpthread

victim_SOURCES = bench/victim.c bench/victim.h
victim_LDADD = libcommon.la

vccalls_SOURCES = bench/calls.c bench/calls.h
vccalls_LDADD = -lrt -lpthread

vcwork_SOURCES = bench/work/app.c bench/work/client.c bench/work/count.c bench/work/crew.h \
	bench/work/file.c bench/work/ipc.c bench/work/mem.c bench/work/noise.c bench/work/victim.c \
	bench/work/work.c bench/work/work.h
vcwork_CFLAGS = $(AM_CFLAGS) -pthread
vcwork_LDADD = libcommon.la

dist_man_MANS += man/vcbench.1

if HAVE_CMOCKA
check_PROGRAMS += tests/unit-estimate tests/unit-usl tests/unit-work-count
TESTS += tests/unit-estimate tests/unit-usl tests/unit-work-count

tests_unit_estimate_SOURCES = tests/unit-estimate.c bench/estimate.c bench/estimate.h bench/work/crew.h
tests_unit_estimate_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_estimate_LDADD = libcommon.la $(CMOCKA_LIBS) $(JANSSON_LIBS) -lm

tests_unit_usl_SOURCES = tests/unit-usl.c bench/usl.c bench/usl.h bench/estimate.c
tests_unit_usl_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_usl_LDADD = libcommon.la $(CMOCKA_LIBS) $(JANSSON_LIBS) -lm

tests_unit_work_count_SOURCES = tests/unit-work-count.c bench/work/count.c bench/work/work.h bench/work/crew.h
tests_unit_work_count_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_work_count_LDADD = libcommon.la $(CMOCKA_LIBS)
endif
