// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * shm-head.c - the place where the heads of segments are mapped
 *
 * A program chooses free addresses for its own attachments and does not know about the heads. So
 * they have a range of their own, with room for HEADS of them. Further ones are mapped anywhere.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "ipcmap/preload/sysv/shm-attach.h"

#define HEADS 64

static char *heads; /* PROT_NONE where no head is */
static uint64_t heads_used;

static char *heads_reserve(void)
{
	char *room = __atomic_load_n(&heads, __ATOMIC_ACQUIRE), *none = NULL;

	if (room)
		return room;
	room = mmap(NULL, HEADS * SEGMENT_HEAD_BYTES, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		return NULL;
	if (__atomic_compare_exchange_n(&heads, &none, room, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return room;
	munmap(room, HEADS * SEGMENT_HEAD_BYTES);
	return none;
}

/* NULL: no room is left. */
static char *head_take(void)
{
	char *room = heads_reserve();

	for (int i = 0; room && i < HEADS; i++) {
		uint64_t bit = UINT64_C(1) << i;

		if (!(__atomic_fetch_or(&heads_used, bit, __ATOMIC_ACQ_REL) & bit))
			return room + (size_t)i * SEGMENT_HEAD_BYTES;
	}
	return NULL;
}

struct segment_head *shm_map_head(int fd)
{
	struct segment_head *head;
	char *at;

	if ((fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDWR)
		return NULL;
	at = head_take();
	head = shm_mmap(at, SEGMENT_HEAD_BYTES, PROT_READ | PROT_WRITE,
			MAP_SHARED | (at ? MAP_FIXED : 0), fd, 0);
	return head == MAP_FAILED ? NULL : head;
}

void shm_unmap_head(struct segment_head *head)
{
	size_t at = (size_t)((char *)head - heads) / SEGMENT_HEAD_BYTES;

	if (!head)
		return;
	if (!heads || (char *)head < heads || at >= HEADS) {
		munmap(head, SEGMENT_HEAD_BYTES);
		return;
	}
	shm_mmap(head, SEGMENT_HEAD_BYTES, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	__atomic_fetch_and(&heads_used, ~(UINT64_C(1) << at), __ATOMIC_ACQ_REL);
}
