// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * lease.c - which daemon watches the clock for all
 *
 *	word:  epoch, 16 bits | holder, 8 bits | renewed, 40 bits: milliseconds since boot
 *
 * 40 bits of milliseconds last for 34 years. A renewed time of 0 means that the lease was given
 * back.
 */
#include "partition/change/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/statedir.h"
#include "common/trust.h"

#define EPOCH_SHIFT 48
#define HOLDER_SHIFT 40
#define MSEC_MASK ((UINT64_C(1) << HOLDER_SHIFT) - 1)

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "64-bit atomics work between processes");

struct layout {
	_Atomic uint64_t word;
	_Atomic uint64_t noted_usec;
};

struct lease {
	struct layout *map;
	uint64_t word; /* as we wrote it last; 0: never */
};

int lease_open(int dirfd, struct lease **ret, struct vc_err *err)
{
	_cleanup_close_ int fd = trust_openat(dirfd, STATE_LEASE, O_RDWR | O_CREAT, 0600);
	struct lease *lease;
	void *map;
	int r;

	if (fd < 0)
		return err_sys(err, -fd, "cannot open " STATE_LEASE);
	/* Memory that a full tmpfs lacks later would cause SIGBUS. */
	r = posix_fallocate(fd, 0, sizeof(struct layout));
	if (r > 0)
		return err_sys(err, r, "cannot allocate " STATE_LEASE);
	map = mmap(NULL, sizeof(struct layout), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return err_sys(err, errno, "cannot map " STATE_LEASE);
	lease = calloc(1, sizeof(*lease));
	if (!lease) {
		munmap(map, sizeof(struct layout));
		return err_sys(err, ENOMEM, "lease");
	}
	lease->map = map;
	*ret = lease;
	return 0;
}

void lease_free(struct lease *lease)
{
	if (!lease)
		return;
	munmap(lease->map, sizeof(struct layout));
	free(lease);
}

static uint32_t lease_epoch_of(uint64_t word)
{
	return (uint32_t)(word >> EPOCH_SHIFT);
}

/* A time in the future is invalid, unless another process read the clock a moment after us. */
static bool lease_overdue(uint64_t word, uint64_t now_msec)
{
	uint64_t renewed = word & MSEC_MASK;

	if (renewed == 0)
		return true;
	return now_msec > renewed ? now_msec - renewed > LEASE_USEC / 1000
				  : renewed - now_msec > LEASE_USEC / 1000;
}

static uint64_t lease_word_of(uint32_t epoch, uint8_t holder, uint64_t now_msec)
{
	return (uint64_t)epoch << EPOCH_SHIFT | (uint64_t)holder << HOLDER_SHIFT |
	       (now_msec & MSEC_MASK);
}

uint32_t lease_hold(struct lease *lease, uint8_t holder, uint64_t now_usec)
{
	uint64_t old = atomic_load(&lease->map->word), now_msec = now_usec / 1000, word;
	uint32_t epoch = lease_epoch_of(old);

	if (!lease->word || old != lease->word) {
		lease->word = 0;
		if (!lease_overdue(old, now_msec))
			return 0;
		epoch = epoch == UINT16_MAX ? 1 : epoch + 1;
	}
	word = lease_word_of(epoch, holder, now_msec);
	if (!atomic_compare_exchange_strong(&lease->map->word, &old, word)) {
		lease->word = 0;
		return 0;
	}
	lease->word = word;
	return epoch;
}

void lease_give_back(struct lease *lease)
{
	uint64_t ours = lease->word;

	lease->word = 0;
	if (ours)
		atomic_compare_exchange_strong(&lease->map->word, &ours, ours & ~MSEC_MASK);
}

bool lease_is_current(const struct lease *lease, uint32_t epoch)
{
	return lease_epoch_of(atomic_load(&lease->map->word)) == epoch;
}

uint64_t lease_noted(const struct lease *lease)
{
	return atomic_load(&lease->map->noted_usec);
}

void lease_note(struct lease *lease, uint64_t usec)
{
	atomic_store(&lease->map->noted_usec, usec);
}
