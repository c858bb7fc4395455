/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * log.h - what daemon, shim and commands say on stderr
 *
 * One line a message, "program[pid]: text", without characters that a terminal may take for
 * commands. Libraries never print; they return
 * a struct vc_err. The level comes from VCRUN_LOG=error|warn|info|debug, or from
 * log_open(). log_stage() is the debug log's thread through a request: its stage
 * names are those of docs/JOURNEY.md.
 */
#ifndef VC_COMMON_LOG_H
#define VC_COMMON_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

#define LOG_BYTES_MAX (4u << 20)

/*
 * For programs that live long and share a log file that lies in memory: from now on, a log file
 * (vcd.log on stderr) that is larger than LOG_BYTES_MAX is copied to vcd.log.1 and emptied, and a
 * burst of messages of one level is cut off; what was left out is counted. Errors are all written,
 * and with level debug everything is. Log files must be open for appending.
 */
void log_bound(void);

/* name is kept, not copied. The environment overrides level. */
void log_open(const char *name, enum log_level level);
void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
/* A stage of docs/JOURNEY.md, reached for the job of that id (0: none yet). */
#define log_stage(stage, job) log_write(LOG_LEVEL_DEBUG, "stage %s job %u", stage, (unsigned)(job))

/* Prints and exits with 1: only before an event loop runs, or in a command. */
_Noreturn void fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
