bin_PROGRAMS += vcbench
pkglibexec_PROGRAMS += victim

vcbench_SOURCES = bench/vcbench.c bench/bench.h bench/bench-spawn.c bench/bench-move.c \
	bench/bench-ipc.c bench/bench-ipc-one.c bench/bench-ipc.h \
	bench/bench-stat.c bench/victim.h cli/table.c
vcbench_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(PROTOBUF_C_CFLAGS)
vcbench_LDADD = libmig.la libvcipc.la libdoor.la libcommon.la $(JANSSON_LIBS) -lm -lrt -lpthread

victim_SOURCES = bench/victim.c bench/victim.h
victim_LDADD = libcommon.la

dist_man_MANS += man/vcbench.1
