/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * log.h - messages of daemon, shim and commands on stderr
 *
 * Each message is one line, "program[pid]: text", without terminal control characters. Libraries
 * never print; they return a struct vc_err. VCRUN_LOG=error|warn|info|debug or log_open() sets the
 * level. log_stage() logs the stages of a request at level debug, with the names of
 * docs/JOURNEY.md.
 */
#ifndef VC_COMMON_LOG_H
#define VC_COMMON_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

#define LOG_BYTES_MAX (4u << 20)

/*
 * For programs that run for long and share a log file in memory. From now on, a log file (vcd.log
 * on stderr) larger than LOG_BYTES_MAX is copied to vcd.log.1 and emptied. Only some messages of a
 * burst are written, and the rest is counted. Errors are all written, and at level debug everything
 * is. Log files must be open for appending.
 */
void log_bound(void);

/* Keeps the pointer name. The environment overrides level. */
void log_open(const char *name, enum log_level level);
void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
/* Logs a stage of docs/JOURNEY.md for the job of that id (0: none yet). */
#define log_stage(stage, job) log_write(LOG_LEVEL_DEBUG, "stage %s job %u", stage, (unsigned)(job))

/* Prints and exits with 1. Call it only in a command, or before an event loop runs. */
_Noreturn void fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
