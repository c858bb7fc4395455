/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pages.h - which anonymous pages a process has, and how they can be charged anew
 */
#ifndef VC_LIBMIG_LIVE_PAGES_H
#define VC_LIBMIG_LIVE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGES_BLOCK (2u << 20) /* of a huge page */

struct pages_range {
	uint64_t start, end;
};

struct pages_list {
	struct pages_range *list;
	size_t n;
	uint64_t bytes;
};

/* The private anonymous pages of a process that no other process shares. */
struct pages {
	struct pages_list blocks; /* whole blocks of a huge page's size */
	struct pages_list small;  /* all others */
	uint64_t shared_bytes;    /* shared with another process since a fork: in neither list */
};

/* 0 and *ret, which the caller gives to pages_done(); or -errno. -ESRCH: it has ended. skip_huge:
 * without the blocks that are huge pages (Linux 6.7; before that, without any). */
int pages_look(pid_t pid, bool skip_huge, struct pages *ret);
void pages_done(struct pages *pages);

/* Appends a range; it is joined with the last one if that ends there. 0 or -ENOMEM. */
int pages_add(struct pages_list *list, uint64_t start, uint64_t end);

#endif
