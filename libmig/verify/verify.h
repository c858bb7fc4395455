/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * verify.h - checks that the images give the restored processes the rights of the frozen ones
 * (libmig's own)
 *
 * CRIU gets most data from code that runs in the job's own memory, its parasite. Each process of
 * the same user can write to this memory, also while the job is frozen, and so can forge the
 * images. It cannot forge the kernel's own view of the frozen processes.
 */
#ifndef VC_LIBMIG_VERIFY_H
#define VC_LIBMIG_VERIFY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/cleanup.h"
#include "common/err.h"

struct hold;
struct verify_filters;

/* Notes all seccomp filters of a tree that is frozen and held (hold.h). Free *ret with
 * verify_filters_free(). Returns 0, or -errno with err. */
int verify_filters_take(struct hold *hold, const pid_t *pids, size_t n_pids,
			struct verify_filters **ret, struct vc_err *err);
void verify_filters_free(struct verify_filters *filters); /* NULL is accepted */
DEFINE_CLEANUP(struct verify_filters *, verify_filters_freep, verify_filters_free);

/*
 * Compares the images in a directory with the frozen processes: ids, rights, and the owners of
 * signals. To be called when the images are complete and before the processes run. caps: the
 * capabilities that the restore has, so that no process may have others; 0: all.
 *
 * Returns 0 if all is equal. -EKEYREJECTED: a value differs or cannot be compared, and err names
 * it. -EAGAIN: a value differs that other processes may change at any time (limits, niceness), so
 * it may be an accident. Other: -errno.
 */
int verify_images(int images, const pid_t *pids, size_t n_pids,
		  const struct verify_filters *filters, uint64_t caps, struct vc_err *err);

#endif
