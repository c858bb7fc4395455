// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * takeover.c - redirects the C library's own functions to the interposed ones
 *
 * Preloading a library is enough for programs that are linked with a function by name. It is not
 * enough for functions that are looked up in the C library itself: by dlsym(3) and dlvsym(3) on its
 * handle, by a library loaded with RTLD_DEEPBIND, and by the C library's calls of its own execve().
 * So the first bytes of these functions are replaced by a jump to ours, once, before main(). The
 * list has only functions whose original is not needed any more.
 *
 * This is impossible where executable memory cannot be written (SELinux' execmod, PR_SET_MDWE). A
 * warning then says so.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <mqueue.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#include "common/text.h"
#include "ipcmap/preload/exec.h"
#include "ipcmap/preload/preload.h"
#include "ipcmap/preload/real.h"

mqd_t __mq_open_2(const char *name, int oflag);

/* clang-format off */
#define TAKEOVER_FUNCTIONS(X) \
	X(_exit) X(__mq_open_2) X(execve) X(execveat) X(fexecve) X(mq_close) \
	X(mq_getattr) X(mq_notify) X(mq_open) X(mq_receive) X(mq_send) X(mq_setattr) \
	X(mq_timedreceive) X(mq_timedsend) X(mq_unlink) X(msgctl) X(msgget) X(msgrcv) \
	X(msgsnd) X(sem_close) X(sem_open) X(sem_unlink) X(semctl) X(semget) X(semop) \
	X(semtimedop) X(shm_open) X(shm_unlink) X(shmat) X(shmctl) X(shmdt) X(shmget) \
	X(syscall)
/* clang-format on */

static const struct {
	const char *name;
	uintptr_t ours;
} takeover_functions[] = {
#define TAKEOVER_ROW(name) { #name, (uintptr_t)(name) },
	TAKEOVER_FUNCTIONS(TAKEOVER_ROW)
};

#define TAKEOVER_N (sizeof(takeover_functions) / sizeof(takeover_functions[0]))

/* --- the jump ---------------------------------------------------------------------------- */

/* Writes one instruction: the shortest of these functions have two. Libraries are mapped near each
 * other, so the distance fits. Returns the number of bytes; 0: the distance does not fit. */
#if defined(__x86_64__)
/* jmp DISTANCE */
static size_t takeover_jump(uintptr_t from, uintptr_t to, unsigned char ret[8])
{
	int64_t distance = (int64_t)(to - (from + 5));
	int32_t rel32 = (int32_t)distance;

	if (distance != rel32)
		return 0;
	ret[0] = 0xe9;
	memcpy(ret + 1, &rel32, sizeof(rel32));
	return 5;
}
#elif defined(__aarch64__)
/* b DISTANCE */
static size_t takeover_jump(uintptr_t from, uintptr_t to, unsigned char ret[8])
{
	int64_t distance = (int64_t)(to - from) / 4;
	uint32_t code = 0x14000000u | ((uint32_t)distance & 0x3ffffffu);

	if (distance < -(1 << 25) || distance >= 1 << 25)
		return 0;
	memcpy(ret, &code, sizeof(code));
	return sizeof(code);
}
#endif

/* --- the C library ----------------------------------------------------------------------- */

struct takeover_text {
	uintptr_t within;     /* an address in it */
	uintptr_t start, end; /* the segment that is executed */
};

static int takeover_find(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct takeover_text *text = arg;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + header->p_vaddr, end = start + header->p_memsz;

		if (header->p_type == PT_LOAD && header->p_flags & PF_X && text->within >= start &&
		    text->within < end) {
			text->start = start;
			text->end = end;
			return 1;
		}
	}
	return 0;
}

/* -ERANGE: one of them is too far away. */
static int takeover_write(void *libc, const struct takeover_text *text)
{
	int r = 0;

	for (size_t i = 0; i < TAKEOVER_N; i++) {
		void *function = dlsym(libc, takeover_functions[i].name);
		uintptr_t at = (uintptr_t)function;
		unsigned char jump[8];
		size_t len = takeover_jump(at, takeover_functions[i].ours, jump);

		/* Older C libraries have some of them elsewhere. */
		if (at < text->start || at + len > text->end)
			continue;
		if (len == 0) {
			r = -ERANGE;
			continue;
		}
		memcpy(function, jump, len);
		__builtin___clear_cache((char *)function, (char *)function + len);
	}
	return r;
}

/*
 * A new namespace has its own C library, with an errno that the interposed functions cannot set.
 * The caller is passed on, because the search for the library can depend on its path.
 */
INTERPOSE void *dlmopen(Lmid_t namespace, const char *path, int flags)
{
	char text[512];

	if (namespace == LM_ID_BASE || !exec_is_mapped())
		return REAL(dlmopen)(namespace, path, flags);
	snprintf(text, sizeof(text),
		 "--ipc=map does not reach %s: it is loaded by dlmopen(3), with a C library of its "
		 "own; load it by dlopen(3)",
		 path ? path : "a library");
	text_hide_controls(text);
	exec_complain(text);
	/* Sets the message of dlerror(3). */
	return exec_is_strict()
		       ? REAL(dlmopen)(LM_ID_BASE, "/refused/by/--ipc=map,strict", RTLD_LAZY)
		       : REAL(dlmopen)(namespace, path, flags);
}

int takeover_begin(void)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	struct takeover_text text = { 0 };
	int r;

	if (libc)
		text.within = (uintptr_t)dlsym(libc, "shmget");
	/* The handle stays open, so the library stays loaded. */
	if (!text.within || !dl_iterate_phdr(takeover_find, &text))
		return -ENOENT;
	text.start &= ~(page - 1);
	text.end = (text.end + page - 1) & ~(page - 1);
	if (mprotect((void *)text.start, text.end - text.start,
		     PROT_READ | PROT_WRITE | PROT_EXEC) < 0)
		return -errno;
	r = takeover_write(libc, &text);
	mprotect((void *)text.start, text.end - text.start, PROT_READ | PROT_EXEC);
	return r;
}
