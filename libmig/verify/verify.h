/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * verify.h - the images must give the restored processes the rights that the frozen ones have
 *
 * CRIU asks most of what it writes of code that runs in the job's own memory, its parasite. Each
 * process of the same user can write there, also while the job is frozen, and can so make the
 * images say what he likes. The kernel's own view of the frozen processes cannot be forged.
 */
#ifndef VC_LIBMIG_VERIFY_H
#define VC_LIBMIG_VERIFY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

struct hold;
struct verify_filters;

/* Notes all seccomp filters of a tree that is frozen and held (hold.h). 0 or the error. */
int verify_filters_take(struct hold *hold, const pid_t *pids, size_t n_pids,
			struct verify_filters **ret, struct vc_err *err);
void verify_filters_free(struct verify_filters *filters); /* NULL is accepted */

/*
 * Compares the images in a directory with the frozen processes: who they are, what they may do,
 * and whom they signal. To be called when the images are complete and the processes have not run
 * since. caps: with which the restore works, so that no process may have others; 0: all.
 *
 * 0: all is equal. -EKEYREJECTED: something is not, or cannot be compared, and err says what.
 * -EAGAIN: so too, but another process may change it at any time (limits, niceness), so that it
 * may have been an accident. Otherwise -errno of what went wrong.
 */
int verify_images(int images, const pid_t *pids, size_t n_pids,
		  const struct verify_filters *filters, uint64_t caps, struct vc_err *err);

#endif
