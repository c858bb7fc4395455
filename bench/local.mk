bin_PROGRAMS += vcbench
pkglibexec_PROGRAMS += victim

vcbench_SOURCES = bench/vcbench.c bench/bench.h bench/bench-spawn.c bench/bench-move.c \
	bench/bench-reshape.c bench/bench-victim.c bench/bench-victim.h \
	bench/bench-stat.c bench/victim.h cli/table.c
vcbench_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(PROTOBUF_C_CFLAGS)
vcbench_LDADD = libmig.la libcommon.la $(JANSSON_LIBS) -lm

victim_SOURCES = bench/victim.c bench/victim.h
victim_LDADD = libcommon.la

dist_man_MANS += man/vcbench.1
