/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fill.h - a restored tree's memory, filled by the CPUs of both partitions
 *
 * CRIU restores pages one process on one CPU: each is faulted in, cleared, then
 * overwritten. Most of a move's downtime goes there. Its lazy restore leaves the
 * anonymous pages out and hands over a userfaultfd for each process; meant for
 * fetching pages while the program runs. Here everything is copied through
 * it (UFFDIO_COPY: nothing is cleared first) before the tree runs, by as many threads
 * as the source and the target have CPUs. So the tree never depends on anybody, and what goes
 * wrong is a failed restore like any other: the images are whole.
 *
 * The life of one:
 *
 *	fill_new()     before the freeze    a helper process waits in the target
 *	fill_begin()   at the commit point  what there is to copy; is it worth it?
 *	fill_serve()   during the restore   descriptors arrive; early faults are served
 *	fill_finish()  restored, stopped    everything is copied
 *	fill_free()
 */
#ifndef VC_LIBMIG_FILL_H
#define VC_LIBMIG_FILL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct vc_err;
struct fill;

/* enter(ctx) is called in the helper and puts it into the target's groups. NULL: the
 * kernel cannot do it, or something is short; then CRIU restores the pages. */
struct fill *fill_new(int (*enter)(void *ctx), void *ctx);

/*
 * The images are whole, the tree is frozen; its processes in pids. Whether the
 * restore is to be asked for lazily; false: there is too little to copy, or all of it
 * may be shared between parent and child, which only CRIU restores as shared.
 * Changes the pages' flags in the images, which only a lazy restore looks at.
 */
bool fill_begin(struct fill *fill, int dirfd, const pid_t *pids, size_t n);

/* Readable: fill_serve() is to be called, which does not wait. */
int fill_fd(const struct fill *fill);
void fill_serve(void *fill);

/* Every process is restored and none runs. 0, or -errno with err: not all is there,
 * and the tree must not run. */
int fill_finish(struct fill *fill, struct vc_err *err);

void fill_free(struct fill *fill);

#endif
