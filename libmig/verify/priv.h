/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - one comparison of images with the kernel, shared by the verify-*.c files
 *
 *	verify.c         the tree; of each process what its threads share
 *	thread.c         credentials, scheduling and seccomp of one thread
 *	dumpable.c         who may look into a process
 *	file.c           which files descriptors are of, and whom they signal; whose terminals are
 *	filters.c        which seccomp filters a thread has
 *	kernel.c         the kernel's view, parsed; what is said about a difference
 *	image.c          the images' view, parsed
 */
#ifndef VC_LIBMIG_VERIFY_PRIV_H
#define VC_LIBMIG_VERIFY_PRIV_H

#include <inttypes.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "libmig/criu/image.pb-c.h"
#include "libmig/verify/verify.h"

#define VERIFY_N_LIMITS 16

enum verify_caps { CAPS_INH, CAPS_PRM, CAPS_EFF, CAPS_BND, CAPS_AMB, N_CAPS };

/* One thread as the kernel sees it. */
struct verify_kernel {
	pid_t pid, tid;
	/* /proc/PID/task/TID/status; real, effective, saved, file system */
	uint32_t uid[4], gid[4];
	uint32_t *groups;
	size_t n_groups;
	uint64_t caps[N_CAPS];
	unsigned int no_new_privs, seccomp, n_filters, umask;
	bool has_filters; /* since Linux 5.9 it counts them */
	/* /proc/PID/task/TID/stat */
	char state;
	pid_t parent, group, session;
	unsigned int terminal; /* device; 0: none */
	pid_t foreground;
	int exit_code;
};

struct peek_task;

struct verify {
	int images;
	pid_t seen_pid; /* the process whose threads were looked at last */
	struct peek_task *seen;
	size_t n_seen;
	pid_t *pids; /* ascending */
	size_t n_pids;
	uint64_t caps;           /* 0: all */
	Image__Filters *filters; /* NULL: there are none */
	const struct verify_filters *kernel_filters;
	struct verify_entry *entries; /* of files.img */
	size_t n_entries;
	struct vc_err *err;
};

/* What is compared, and of which thread. */
struct verify_item {
	pid_t tid;
	const char *what;
	bool is_mask;      /* shown in hexadecimal */
	bool from_outside; /* other processes may change it, the job being frozen or not */
};

/* 0 when equal, else the error. */
int verify_equal(struct verify *verify, const struct verify_item *item, uint64_t image,
		 uint64_t kernel);
/* The images say something else, or something that this does not know. */
int verify_refuse(struct verify *verify, pid_t tid, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

bool verify_has_pid(const struct verify *verify, pid_t pid);

/*
 * What the kernel's own data says of a thread (sight.h). *ret is NULL where that cannot be seen; it
 * stays valid until another process is looked at. Takes a millisecond or two for a process.
 */
int verify_kernel_look(struct verify *verify, const struct verify_kernel *kernel,
		       const struct peek_task **ret);
/* Reads the kernel's view; verify_kernel_done() gives back what it took, on failure too. */
int verify_kernel_read(struct verify *verify, pid_t pid, pid_t tid, struct verify_kernel *ret);
void verify_kernel_done(struct verify_kernel *kernel);
/* "soft limit", "hard limit" of all resources; UINT64_MAX: unlimited. */
int verify_kernel_limits(struct verify *verify, pid_t pid, uint64_t soft[VERIFY_N_LIMITS],
			 uint64_t hard[VERIFY_N_LIMITS]);

/*
 * The first message of an image, by its name; the caller frees it. A message that must be "whole"
 * may have no field that the schema does not name. verify_image_find() returns 0 without *ret
 * when there is no such image.
 */
int verify_image_read(struct verify *verify, const ProtobufCMessageDescriptor *type, bool whole,
		      const char *name, ProtobufCMessage **ret);
int verify_image_find(struct verify *verify, const ProtobufCMessageDescriptor *type, bool whole,
		      const char *name, ProtobufCMessage **ret);
/* All messages of an image, one after the other. */
int verify_image_each(
	struct verify *verify, const ProtobufCMessageDescriptor *type, bool whole, const char *name,
	int (*each)(struct verify *verify, const ProtobufCMessage *message, void *ctx), void *ctx);
void verify_image_free(ProtobufCMessage **message);

int verify_thread(struct verify *verify, const struct verify_kernel *kernel,
		  const Image__Thread *thread, const Image__Thread *leader);

/* The filters of a thread of the images, each compared with that thread's: how many, and
 * whether they go to all threads of the process. */
int verify_filters_check(struct verify *verify, pid_t tid, const Image__Thread *thread,
			 size_t *ret_n, bool *ret_shared);

int verify_dumpable(struct verify *verify, const struct verify_kernel *kernel,
		    const Image__Memory *image);

/* Reads files.img, for verify_file_check(). */
int verify_file_read(struct verify *verify);
void verify_file_free(struct verify *verify);
int verify_file_check(struct verify *verify, pid_t pid);
int verify_file_check_terminals(struct verify *verify);

#endif
