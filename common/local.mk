noinst_LTLIBRARIES += libcommon.la
libcommon_la_SOURCES = \
	common/cleanup.h common/clock.h \
	common/err.c common/err.h common/text.h \
	common/file.c common/file.h \
	common/log.c common/log.h common/proc.c common/proc.h \
	common/statedir.h \
	common/trust.c common/trust.h
