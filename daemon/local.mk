pkglibexec_PROGRAMS += vcd
noinst_LTLIBRARIES += libboard.la

libboard_la_SOURCES = daemon/board.c daemon/board.h

vcd_SOURCES = daemon/main.c daemon/daemon.h daemon/listen.c daemon/conn.c daemon/kept.c daemon/turn.c daemon/request.c daemon/moves.c \
	daemon/req-place.c daemon/req-run.c daemon/req-move.c daemon/req-status.c \
	daemon/decide.c daemon/alive.c daemon/req-arrive.c daemon/load.c daemon/job.c daemon/usage.c daemon/pool.c daemon/balance.c \
	daemon/plan.c daemon/plan-order.c daemon/plan-priv.h daemon/witness.c \
	daemon/devices.c daemon/status-devices.c daemon/status-regions.c \
	daemon/ipc.c daemon/ipc.h daemon/ipc-file.c daemon/ipc-region.c daemon/ipc-undo.c \
	daemon/req-ipc.c daemon/req-ipc.h daemon/req-ipc-list.c
vcd_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(PROTOBUF_C_CFLAGS) $(JANSSON_CFLAGS)
# Policies are modules; -export-dynamic is not needed, they call nothing of ours.
vcd_LDADD = libboard.la libipctable.la libsysv.la libpolicy.la libmig.la libpartition.la libwire.la libcommon.la $(EVENT_LIBS) \
	$(JANSSON_LIBS) -lm
