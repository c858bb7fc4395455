/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - one comparison of images with the kernel, shared by the files of verify/
 *
 *	verify.c       the tree; what the threads of a process share; errors about differences
 *	thread.c       credentials, scheduling and seccomp of one thread
 *	dumpable.c     whether its user may look into a process
 *	file.c         files of descriptors, owners of their signals, sessions of terminals
 *	filters.c      seccomp filters
 *	kernel.c       the kernel's view of a thread
 *	image.c        the images, as messages
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

/* One thread in the kernel's view. */
struct verify_kernel {
	pid_t pid, tid;
	/* /proc/PID/task/TID/status; real, effective, saved, file system */
	uint32_t uid[4], gid[4];
	uint32_t *groups;
	size_t n_groups;
	uint64_t caps[N_CAPS];
	unsigned int no_new_privs, seccomp, n_filters, umask;
	bool has_filters; /* n_filters is known, since Linux 5.9 */
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
	pid_t seen_pid; /* the process of seen */
	struct peek_task *seen;
	size_t n_seen;
	pid_t *pids; /* ascending */
	size_t n_pids;
	uint64_t caps;           /* 0: all */
	Image__Filters *filters; /* NULL: none */
	const struct verify_filters *kernel_filters;
	struct verify_entry *entries; /* of files.img */
	size_t n_entries;
	struct vc_err *err;
};

/* A value that is compared, and its thread. */
struct verify_item {
	pid_t tid;
	const char *what;
	bool is_mask;      /* shown in hexadecimal */
	bool from_outside; /* other processes may change it while the job is frozen */
};

/* Each function below with a result returns 0, or -errno with verify->err. */

/* Compares two values. -EKEYREJECTED: they differ. -EAGAIN: they differ, and the item is from
 * outside. */
int verify_equal(struct verify *verify, const struct verify_item *item, uint64_t image,
		 uint64_t kernel);
/* Writes the error about an image. Returns -EKEYREJECTED. */
int verify_refuse(struct verify *verify, pid_t tid, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

bool verify_has_pid(const struct verify *verify, pid_t pid);

/* Finds the kernel's own data about a thread (sight.h), valid until the next process. *ret is NULL
 * if it cannot be read. Takes 1 to 2 ms for each process. */
int verify_kernel_look(struct verify *verify, const struct verify_kernel *kernel,
		       const struct peek_task **ret);
/* Reads the kernel's view. verify_kernel_done() frees it, also after a failure. */
int verify_kernel_read(struct verify *verify, pid_t pid, pid_t tid, struct verify_kernel *ret);
void verify_kernel_done(struct verify_kernel *kernel);
/* Reads the limits of all resources; UINT64_MAX: unlimited. */
int verify_kernel_limits(struct verify *verify, pid_t pid, uint64_t soft[VERIFY_N_LIMITS],
			 uint64_t hard[VERIFY_N_LIMITS]);

/*
 * Reads the first message of an image. The caller frees it with verify_image_free(). whole: fields
 * that are not in the schema are an error. A missing image is an error for verify_image_read();
 * verify_image_find() then leaves *ret.
 */
int verify_image_read(struct verify *verify, const ProtobufCMessageDescriptor *type, bool whole,
		      const char *name, ProtobufCMessage **ret);
int verify_image_find(struct verify *verify, const ProtobufCMessageDescriptor *type, bool whole,
		      const char *name, ProtobufCMessage **ret);
/* Calls each() for all messages of an image, until it fails. */
int verify_image_each(
	struct verify *verify, const ProtobufCMessageDescriptor *type, bool whole, const char *name,
	int (*each)(struct verify *verify, const ProtobufCMessage *message, void *ctx), void *ctx);
void verify_image_free(ProtobufCMessage **message);

int verify_thread(struct verify *verify, const struct verify_kernel *kernel,
		  const Image__Thread *thread, const Image__Thread *leader);

/* Compares the filters of a thread with the kernel's. Returns their number, and whether they apply
 * to all threads of the process. */
int verify_filters_check(struct verify *verify, pid_t tid, const Image__Thread *thread,
			 size_t *ret_n, bool *ret_shared);

int verify_dumpable(struct verify *verify, const struct verify_kernel *kernel,
		    const Image__Memory *image);

/* Reads files.img, for verify_file_check(). verify_file_free() frees it, also after a failure. */
int verify_file_read(struct verify *verify);
void verify_file_free(struct verify *verify);
int verify_file_check(struct verify *verify, pid_t pid);
int verify_file_check_terminals(struct verify *verify);

#endif
