// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * processor.c - rows of tests/move-state: attributes of the processor
 */
#include "tests/state/state.h"

#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
#include <asm/ldt.h>

static int set_ldt(void)
{
	struct user_desc entry = { .entry_number = 3, .base_addr = 0x1000, .limit = 4095 };

	return (int)syscall(SYS_modify_ldt, 0x11, &entry, sizeof(entry));
}

static void get_ldt(char ret[STATE_VALUE])
{
	unsigned long entries[8] = { 0 };
	long n = syscall(SYS_modify_ldt, 0, entries, sizeof(entries));

	snprintf(ret, STATE_VALUE, "%ld bytes, %lx", n, entries[3]);
}

static int set_cpuid_fault(void)
{
	return (int)syscall(SYS_arch_prctl, 0x1012, 0);
}

static void get_cpuid_fault(char ret[STATE_VALUE])
{
	state_number(ret, syscall(SYS_arch_prctl, 0x1011, 0));
}

static int set_io_ports(void)
{
	return (int)syscall(SYS_ioperm, 0x80, 1, 1);
}

static void get_io_ports(char ret[STATE_VALUE])
{
	__asm__ volatile("outb %%al, $0x80" : : "a"(0));
	state_number(ret, 1);
}
#endif

const struct state_row state_processor[] = {
#ifdef __x86_64__
	STATE_ROW(ldt),
	STATE_ROW(cpuid_fault),
	STATE_ROW(io_ports),
#endif
	{ .name = NULL },
};
