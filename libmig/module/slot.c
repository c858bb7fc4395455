// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * slot.c - the addresses by which criu calls the C library
 *
 * A program calls a library function by an address that the dynamic linker has written into a slot
 * of the program. Tables in the program's memory say which slot belongs to which name.
 */
#include "libmig/module/slot.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if __ELF_NATIVE_CLASS == 64
#define SLOT_SYMBOL ELF64_R_SYM
#else
#define SLOT_SYMBOL ELF32_R_SYM
#endif

/* The program's tables for the dynamic linker. */
struct slot_tables {
	const ElfW(Rela) * list[2]; /* of calls, of data */
	size_t size[2];
	const ElfW(Sym) * symbols;
	const char *names;
};

/* Most C libraries replace the offsets in this table by addresses. */
static const void *slot_address(const struct dl_phdr_info *info, ElfW(Addr) at)
{
	return (const void *)(at < info->dlpi_addr ? info->dlpi_addr + at : at);
}

static void slot_read_tables(const struct dl_phdr_info *info, const ElfW(Dyn) * entry,
			     struct slot_tables *ret)
{
	for (; entry->d_tag != DT_NULL; entry++) {
		const void *at = slot_address(info, entry->d_un.d_ptr);

		switch (entry->d_tag) {
		case DT_JMPREL:
			ret->list[0] = at;
			break;
		case DT_PLTRELSZ:
			ret->size[0] = entry->d_un.d_val;
			break;
		case DT_RELA:
			ret->list[1] = at;
			break;
		case DT_RELASZ:
			ret->size[1] = entry->d_un.d_val;
			break;
		case DT_SYMTAB:
			ret->symbols = at;
			break;
		case DT_STRTAB:
			ret->names = at;
			break;
		default:
			break;
		}
	}
}

static bool slot_set(const struct dl_phdr_info *info, ElfW(Addr) offset, slot_function *f)
{
	uintptr_t at = info->dlpi_addr + offset, page = (uintptr_t)sysconf(_SC_PAGESIZE);
	void *start = (void *)(at & ~(page - 1));

	/* The linker may have made it read-only. */
	if (mprotect(start, page, PROT_READ | PROT_WRITE) < 0)
		return false;
	memcpy((void *)at, &f, sizeof(f));
	return true;
}

struct slot_order {
	const char *name;
	slot_function *f;
	bool done;
};

/* For dl_iterate_phdr(3), which begins with the program. Ends the search after it. */
static int slot_search(struct dl_phdr_info *info, size_t size, void *ctx)
{
	struct slot_tables tables = { .symbols = NULL };
	struct slot_order *order = ctx;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			slot_read_tables(
				info, (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr),
				&tables);
	for (int k = 0; k < 2 && tables.symbols && tables.names; k++)
		for (size_t i = 0; tables.list[k] && i < tables.size[k] / sizeof(ElfW(Rela)); i++) {
			const ElfW(Rela) *slot = &tables.list[k][i];
			size_t symbol = SLOT_SYMBOL(slot->r_info);

			if (symbol && !slot->r_addend &&
			    !strcmp(tables.names + tables.symbols[symbol].st_name, order->name))
				order->done |= slot_set(info, slot->r_offset, order->f);
		}
	return 1;
}

bool slot_replace(const char *name, slot_function *f)
{
	struct slot_order order = { .name = name, .f = f };

	dl_iterate_phdr(slot_search, &order);
	return order.done;
}
