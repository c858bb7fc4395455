// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hold-lead.c - restored session leaders get their terminals back
 */
#include "libmig/hold-lead.h"

#include <errno.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libmig/module-keep.h"

#if defined(__x86_64__)
#define LEAD_JUMP_SLOT R_X86_64_JUMP_SLOT
#define LEAD_GLOBAL R_X86_64_GLOB_DAT
#elif defined(__aarch64__)
#define LEAD_JUMP_SLOT R_AARCH64_JUMP_SLOT
#define LEAD_GLOBAL R_AARCH64_GLOB_DAT
#else
#error "hold-lead: add the relocations of this architecture"
#endif

struct lead {
	pid_t leader;
	uint32_t id;
};

static struct lead *leads;
static size_t n_leads;

/* In criu's children, in place of setsid(2). */
static pid_t lead_setsid(void)
{
	pid_t session = (pid_t)syscall(SYS_setsid);
	int code = errno;

	for (size_t i = 0; session > 0 && i < n_leads; i++) {
		int fd;

		if (leads[i].leader != session)
			continue;
		fd = module_keep_restore((int)leads[i].id);
		/* 0: it is not taken from another session. If one has it now, the restore fails. */
		if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) < 0) {
			code = fd < 0 ? -fd : errno;
			session = -1;
		}
		if (fd >= 0)
			close(fd);
	}
	errno = code;
	return session;
}

/* --- criu's table -------------------------------------------------------------------------- */

struct lead_table {
	const ElfW(Sym) * symbols;
	const char *names;
	const ElfW(Rela) * relocations[2]; /* for calls, and for addresses */
	size_t n[2];
};

static void *lead_search(const struct dl_phdr_info *info, const struct lead_table *table)
{
	for (int k = 0; k < 2; k++) {
		for (size_t i = 0; i < table->n[k]; i++) {
			const ElfW(Rela) *at = &table->relocations[k][i];
			unsigned long type = ELF64_R_TYPE(at->r_info);

			if ((type == LEAD_JUMP_SLOT || type == LEAD_GLOBAL) &&
			    !strcmp(table->names + table->symbols[ELF64_R_SYM(at->r_info)].st_name,
				    "setsid"))
				return (void *)(info->dlpi_addr + at->r_offset);
		}
	}
	return NULL;
}

/* For dl_iterate_phdr(3): the program comes first, and is all that is looked at. */
static int lead_look(struct dl_phdr_info *info, size_t size, void *ctx)
{
	struct lead_table table = { .symbols = NULL };
	const ElfW(Dyn) *dynamic = NULL;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			dynamic = (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	for (; dynamic && dynamic->d_tag != DT_NULL; dynamic++) {
		/* The loader makes addresses of them, or does not. */
		uint64_t value = dynamic->d_un.d_val;
		const void *at =
			(const void *)(value < info->dlpi_addr ? value + info->dlpi_addr : value);

		switch (dynamic->d_tag) {
		case DT_SYMTAB:
			table.symbols = at;
			break;
		case DT_STRTAB:
			table.names = at;
			break;
		case DT_JMPREL:
			table.relocations[0] = at;
			break;
		case DT_PLTRELSZ:
			table.n[0] = value / sizeof(ElfW(Rela));
			break;
		case DT_RELA:
			table.relocations[1] = at;
			break;
		case DT_RELASZ:
			table.n[1] = value / sizeof(ElfW(Rela));
			break;
		}
	}
	if (table.symbols && table.names)
		*(void **)ctx = lead_search(info, &table);
	return 1;
}

static void **lead_find(void)
{
	void *slot = NULL;

	dl_iterate_phdr(lead_look, &slot);
	return slot;
}

bool lead_is_possible(void)
{
	return lead_find() != NULL;
}

int lead_add(pid_t leader, uint32_t id)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	void **slot = lead_find();
	struct lead *grown;

	if (!slot)
		return -EOPNOTSUPP;
	grown = reallocarray(leads, n_leads + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	leads = grown;
	leads[n_leads++] = (struct lead){ .leader = leader, .id = id };
	/* It may have been made read-only after its start. */
	if (mprotect((void *)((uintptr_t)slot & ~(page - 1)), page, PROT_READ | PROT_WRITE) < 0)
		return -errno;
	*slot = (void *)lead_setsid;
	return 0;
}
