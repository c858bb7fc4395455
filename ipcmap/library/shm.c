// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * shm.c - shared memory: the object's file from its second page on; of a region all of it
 *
 * The size of the file is the only record of the size. The file stays open as long as the handle,
 * to be mapped and resized. CRIU carries the descriptor by the file's path, which is the same in
 * every partition.
 */
#include "ipcmap/vcipc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipcmap/handle.h"

struct vcipc_shm {
	bool readonly;
	struct handle handle;
};

vcipc_shm *vcipc_shm_open(const char *name, int flags, mode_t mode, uint64_t size)
{
	struct handle_request request = { .kind = VCIPC_SHM,
					  .name = name,
					  .flags = flags,
					  .mode = mode,
					  .controls = 1,
					  .size = size };
	vcipc_shm *shm = calloc(1, sizeof(*shm));
	int r = !shm ? -ENOMEM : size > INT64_MAX - handle_page_size() ? -EINVAL : 0;

	if (r == 0)
		r = handle_open(&shm->handle, &request);
	if (r < 0) {
		free(shm);
		errno = -r;
		return NULL;
	}
	shm->readonly = flags & VCIPC_RDONLY;
	return shm;
}

int vcipc_shm_close(vcipc_shm *shm)
{
	int r = handle_close(&shm->handle);

	free(shm);
	return handle_result(r);
}

/* Bytes of the file before the program's memory. */
static uint64_t shm_head(const vcipc_shm *shm)
{
	return shm->handle.region ? 0 : handle_page_size();
}

static int shm_size(const vcipc_shm *shm, uint64_t *ret)
{
	uint64_t head = shm_head(shm);
	struct stat st;

	if (fstat(shm->handle.fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size < head)
		return -EUCLEAN;
	*ret = (uint64_t)st.st_size - head;
	return 0;
}

int vcipc_shm_size(vcipc_shm *shm, uint64_t *size)
{
	return handle_result(shm_size(shm, size));
}

int vcipc_shm_map(vcipc_shm *shm, void **addr, size_t *size)
{
	uint64_t bytes = 0;
	int r = shm_size(shm, &bytes);
	void *at;

	if (r == 0 && bytes == 0)
		r = -ENODATA;
	if (r < 0)
		return handle_result(r);
	at = mmap(NULL, bytes, shm->readonly ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED,
		  shm->handle.fd, (off_t)shm_head(shm));
	if (at == MAP_FAILED)
		return -1;
	*addr = at;
	*size = bytes;
	return 0;
}

int vcipc_shm_unmap(void *addr, size_t size)
{
	return munmap(addr, size);
}

int vcipc_shm_resize(vcipc_shm *shm, uint64_t size)
{
	uint64_t had = 0, head = shm_head(shm);
	int r = shm_size(shm, &had);

	if (r < 0)
		return handle_result(r);
	if (shm->readonly)
		return handle_result(-EBADF);
	if (shm->handle.region)
		return handle_result(-EPERM);
	if (size > INT64_MAX - head)
		return handle_result(-EFBIG);
	/* Memory first: a file that grows without memory would raise SIGBUS. */
	if (size > had)
		return handle_result(handle_allocate(shm->handle.fd, head + had, size - had));
	return ftruncate(shm->handle.fd, (off_t)(head + size));
}
