// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * prctl.c - rows of tests/move-state: attributes of prctl(2) and personality(2)
 */
#include "tests/state/state.h"

#include <linux/capability.h>
#include <linux/prctl.h>
#include <signal.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Younger than the headers of some of the systems that this is built on. */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif
#ifndef PR_MDWE_NO_INHERIT
#define PR_MDWE_NO_INHERIT 2
#endif
#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67
#define PR_GET_MEMORY_MERGE 68
#endif

#define PRCTL(name, set_args, get_args)                                                            \
	static int set_##name(void)                                                                \
	{                                                                                          \
		return prctl set_args;                                                             \
	}                                                                                          \
	static void get_##name(char ret[STATE_VALUE])                                              \
	{                                                                                          \
		state_number(ret, prctl get_args);                                                 \
	}

PRCTL(slack, (PR_SET_TIMERSLACK, 123456, 0, 0, 0), (PR_GET_TIMERSLACK, 0, 0, 0, 0))
PRCTL(mce, (PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0), (PR_MCE_KILL_GET, 0, 0, 0, 0))
PRCTL(mdwe, (PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0), (PR_GET_MDWE, 0, 0, 0, 0))
PRCTL(mdwe_not_inherited, (PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN | PR_MDWE_NO_INHERIT, 0, 0, 0),
      (PR_GET_MDWE, 0, 0, 0, 0))
PRCTL(io_flusher, (PR_SET_IO_FLUSHER, 1, 0, 0, 0), (PR_GET_IO_FLUSHER, 0, 0, 0, 0))
PRCTL(no_huge_pages, (PR_SET_THP_DISABLE, 1, 0, 0, 0), (PR_GET_THP_DISABLE, 0, 0, 0, 0))
PRCTL(memory_merge, (PR_SET_MEMORY_MERGE, 1, 0, 0, 0), (PR_GET_MEMORY_MERGE, 0, 0, 0, 0))
PRCTL(store_bypass, (PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_DISABLE, 0, 0),
      (PR_GET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, 0, 0, 0))
PRCTL(indirect_branch, (PR_SET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH, PR_SPEC_DISABLE, 0, 0),
      (PR_GET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH, 0, 0, 0))
PRCTL(l1d_flush, (PR_SET_SPECULATION_CTRL, PR_SPEC_L1D_FLUSH, PR_SPEC_ENABLE, 0, 0),
      (PR_GET_SPECULATION_CTRL, PR_SPEC_L1D_FLUSH, 0, 0, 0))
PRCTL(dumpable, (PR_SET_DUMPABLE, 0, 0, 0, 0), (PR_GET_DUMPABLE, 0, 0, 0, 0))
PRCTL(keep_caps, (PR_SET_KEEPCAPS, 1, 0, 0, 0), (PR_GET_KEEPCAPS, 0, 0, 0, 0))
PRCTL(no_new_privs, (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0))
PRCTL(securebits, (PR_SET_SECUREBITS, 0x2f, 0, 0, 0), (PR_GET_SECUREBITS, 0, 0, 0, 0))

/* Nobody but the kernel knows it then. */
static int set_io_flusher_kept(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (set_io_flusher() < 0 || syscall(SYS_capget, &head, data) < 0)
		return -1;
	data[0].permitted &= ~(1u << CAP_SYS_RESOURCE);
	data[0].effective &= ~(1u << CAP_SYS_RESOURCE);
	data[0].inheritable &= ~(1u << CAP_SYS_RESOURCE);
	return (int)syscall(SYS_capset, &head, data);
}
#define get_io_flusher_kept state_get_nothing

static int set_tsc(void)
{
	return prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0);
}

static void get_tsc(char ret[STATE_VALUE])
{
	int mode = -1, r = prctl(PR_GET_TSC, &mode, 0, 0, 0);

	state_number(ret, r < 0 ? r : mode);
}

static int set_parent_death(void)
{
	return prctl(PR_SET_PDEATHSIG, SIGWINCH, 0, 0, 0);
}

static void get_parent_death(char ret[STATE_VALUE])
{
	int signal = -1, r = prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0);

	state_number(ret, r < 0 ? r : signal);
}

static int set_subreaper(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

static void get_subreaper(char ret[STATE_VALUE])
{
	int is = -1, r = prctl(PR_GET_CHILD_SUBREAPER, &is, 0, 0, 0);

	state_number(ret, r < 0 ? r : is);
}

static int set_personality(void)
{
	return personality(ADDR_NO_RANDOMIZE | UNAME26);
}

static void get_personality(char ret[STATE_VALUE])
{
	state_number(ret, personality(0xffffffff));
}

const struct state_row state_prctl[] = {
	STATE_ROW(slack),         STATE_ROW(mce),
	STATE_ROW(mdwe),          STATE_ROW(mdwe_not_inherited),
	STATE_ROW(io_flusher),    STATE_ROW(io_flusher_kept),
	STATE_ROW(no_huge_pages), STATE_ROW(memory_merge),
	STATE_ROW(store_bypass),  STATE_ROW(indirect_branch),
	STATE_ROW(l1d_flush),     STATE_ROW(dumpable),
	STATE_ROW(keep_caps),     STATE_ROW(no_new_privs),
	STATE_ROW(securebits),    STATE_ROW(tsc),
	STATE_ROW(parent_death),  STATE_ROW(subreaper),
	STATE_ROW(personality),   { .name = NULL },
};
