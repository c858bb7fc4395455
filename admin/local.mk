noinst_LTLIBRARIES += libadmin.la
libadmin_la_SOURCES = admin/add.c admin/admin.h admin/audit-files.c admin/audit-priv.h admin/audit.c \
	admin/audit.h admin/cancel.c admin/daemons.c admin/down.c admin/event.c admin/ipc-dir.c \
	admin/irqbalance.c admin/jobs.c admin/lock.c admin/priv.h admin/say.c admin/set.c admin/shape.c \
	admin/trial.c admin/up.c admin/wish.c
libadmin_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
