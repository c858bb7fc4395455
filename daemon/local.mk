pkglibexec_PROGRAMS += vcd

vcd_SOURCES = daemon/alive.c daemon/alive.h daemon/balancer.c daemon/balancer.h daemon/daemon.h \
	daemon/decide.c daemon/decide.h daemon/devices.c daemon/main.c daemon/open.c daemon/part.h \
	daemon/sample.c daemon/sample.h daemon/conn/conn.c daemon/conn/conn.h daemon/conn/kept.c \
	daemon/conn/kept.h daemon/conn/listen.c daemon/conn/turn.c daemon/conn/turn.h daemon/event/fire.c \
	daemon/event/trigger.c daemon/event/trigger.h daemon/event/witness.c daemon/ipc/file.c \
	daemon/ipc/ipc.c daemon/ipc/ipc.h daemon/ipc/list.c daemon/ipc/region.c daemon/ipc/request.c \
	daemon/ipc/request.h daemon/ipc/undo.c daemon/job/job.c daemon/job/job.h daemon/job/moves.c \
	daemon/job/moves.h daemon/job/order.c daemon/job/order.h daemon/job/orphan.c daemon/job/orphan.h \
	daemon/job/pool.c daemon/job/pool.h daemon/job/usage.c daemon/job/usage.h daemon/request/arrive.c \
	daemon/request/job-state.c daemon/request/move.c daemon/request/place.c daemon/request/request.c \
	daemon/request/request.h daemon/request/run.c daemon/request/status.c daemon/snapshot/device.c \
	daemon/snapshot/region.c daemon/snapshot/snapshot.c daemon/snapshot/snapshot.h
vcd_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(PROTOBUF_C_CFLAGS) $(JANSSON_CFLAGS)
# Policies are modules; -export-dynamic is not needed, they call nothing of ours.
vcd_LDADD = libboard.la libipctable.la libsysv.la libpolicy.la libmig.la libpartition.la libmoved.la \
	libwire.la libcommon.la $(EVENT_LIBS) \
	$(JANSSON_LIBS) -lm
