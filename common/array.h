/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * array.h - appending to an array on the heap
 *
 * The array has room for its length rounded up to a power of two, so it needs no third variable.
 */
#ifndef VC_COMMON_ARRAY_H
#define VC_COMMON_ARRAY_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline void *array_add_bytes(void *array, size_t *n, size_t size)
{
	char *at;

	memcpy(&at, array, sizeof(at));
	if ((*n & (*n - 1)) == 0) {
		if (*n > SIZE_MAX / 2)
			return NULL;
		at = reallocarray(at, *n ? 2 * *n : 1, size);
		if (!at)
			return NULL;
		memcpy(array, &at, sizeof(at));
	}
	return memset(at + (*n)++ * size, 0, size);
}

/*
 * Appends a zeroed element to *array, which has *n elements and may be NULL. Returns the element,
 * or NULL when there is no memory; then nothing has changed. The caller frees *array.
 */
#define array_add(array, n) ((__typeof__(*(array)))array_add_bytes((array), (n), sizeof(**(array))))

#endif
