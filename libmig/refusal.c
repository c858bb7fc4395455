// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * refusal.c - descriptors that a move cannot take along, and why
 *
 * An object is kept (keep.h), whatever it is, unless it is bound to the memory or the threads
 * of the processes that die, or CRIU does not get its dump past it. An object of a kind that
 * is not listed here is taken for bound.
 */
#include "libmig/refusal.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "common/cleanup.h"

#define DEVICE "device"
#define BLOCK "block"
#define OBJECT "object"
#define NO_DUMP "CRIU does not dump it"

static const struct refusal refusals[] = {
	{ "anon_inode:[eventfd]", NULL, NULL, NULL },
	{ "anon_inode:[eventpoll]", NULL, NULL, NULL },
	{ "anon_inode:[signalfd]", NULL, NULL, NULL },
	{ "anon_inode:[timerfd]", NULL, NULL, NULL },
	{ "anon_inode:inotify", NULL, NULL, NULL },
	{ "anon_inode:[fanotify]", NULL, NULL, NULL },
	{ "anon_inode:bpf-map", NULL, NULL, NULL },
	{ "anon_inode:bpf-prog", NULL, NULL, NULL },
	{ "anon_inode:bpf_link", NULL, NULL, NULL },
	{ "anon_inode:btf", NULL, NULL, NULL },
	{ "anon_inode:[pidfd]", NULL, NULL, NULL },
	{ "anon_inode:[io_uring]", "an io_uring instance", "its memory is the process's",
	  "have the program use epoll or threads instead (programs built on libuv: "
	  "UV_USE_IO_URING=0 in the environment)" },
	{ "anon_inode:[userfaultfd]", "a userfaultfd", "it belongs to the process's memory",
	  "end what handles page faults there" },
	{ "anon_inode:[perf_event]", "a performance counter", "it counts for threads that end",
	  "end the profiler or counter" },
	{ "anon_inode:seccomp notify", "a seccomp listener", "its filter ends with the process",
	  "end the supervisor that holds it" },
	{ "anon_inode:kvm-vm", "a virtual machine of KVM", "its memory is the process's",
	  "run virtual machines outside of jobs" },
	{ "anon_inode:kvm-vcpu", "a virtual CPU of KVM", "its memory is the process's",
	  "run virtual machines outside of jobs" },
	{ "/secretmem", "secret memory (memfd_secret)", "no other process can read it",
	  "close and unmap it for the move" },
	{ OBJECT, "a kernel object", "it may be bound to the process", "close it for the move" },
	{ DEVICE, "a device", "its driver may have bound it to the process",
	  "close it for the move" },
	{ BLOCK, "a block device", "it may belong to the partition", "close it for the move" },
	{ REFUSAL_THREAD, "a pidfd of a single thread", NO_DUMP, "close it for the move" },
	{ REFUSAL_OUTSIDE, "a pidfd of a process outside the job", NO_DUMP,
	  "close it for the move" },
	{ REFUSAL_ALARM, "a timerfd of a clock that wakes the machine", NO_DUMP,
	  "close it for the move, or use CLOCK_BOOTTIME or CLOCK_REALTIME" },
	{ REFUSAL_TARGET, "in an epoll instance, but not open in that process any more", NO_DUMP,
	  "remove it from the epoll instance before it is closed" },
	{ REFUSAL_NOTICE, "a message queue with mq_notify in effect",
	  "the kernel drops the notification with the process", "cancel it for the move" },
	{ REFUSAL_CHANGES, "a directory with F_NOTIFY in effect",
	  "the kernel drops the notification with the process",
	  "cancel it for the move (F_NOTIFY with 0, then F_SETOWN with 0), or use inotify" },
	{ REFUSAL_ASKS, "a fanotify group that grants or denies the opening of files",
	  "its files could not be opened while the job is stopped",
	  "remove its marks for the move" },
	{ REFUSAL_FLIGHT, "a socket with descriptors that were sent but not received yet",
	  "their receiver would get dead descriptors", "receive them before the move" },
};

/* Character devices: what is open is in the file alone. */
static const struct {
	unsigned int major;
	int minor; /* -1: all */
} refusal_devices[] = {
	{ 1, 3 },    /* null */
	{ 1, 5 },    /* zero */
	{ 1, 7 },    /* full */
	{ 1, 8 },    /* random */
	{ 1, 9 },    /* urandom */
	{ 1, 11 },   /* kmsg */
	{ 4, -1 },   /* consoles and serial lines */
	{ 5, -1 },   /* tty, console, ptmx */
	{ 10, 223 }, /* uinput */
	{ 10, 229 }, /* fuse */
	{ 10, 237 }, /* loop-control */
	{ 13, -1 },  /* input */
	{ 188, -1 }, /* USB serial lines */
};

const struct refusal *refusal_get(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		if (!strcmp(refusals[i].key, key))
			return &refusals[i];
	return refusal_get(OBJECT);
}

static bool refusal_is_kept_device(const struct stat *st)
{
	unsigned int maj = major(st->st_rdev), min = minor(st->st_rdev);

	if (maj >= 136 && maj <= 143) /* slaves of pseudoterminals */
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(refusal_devices); i++)
		if (refusal_devices[i].major == maj &&
		    (refusal_devices[i].minor < 0 || (unsigned int)refusal_devices[i].minor == min))
			return true;
	return false;
}

const struct refusal *refusal_of(const char *link, const struct stat *st)
{
	const struct refusal *row = NULL;

	if (!strncmp(link, "anon_inode:", 11))
		row = refusal_get(link);
	else if (!strcmp(link, "/secretmem") || !strncmp(link, "/secretmem ", 11))
		row = refusal_get("/secretmem");
	else if (S_ISBLK(st->st_mode))
		row = refusal_get(BLOCK);
	else if (S_ISCHR(st->st_mode) && !refusal_is_kept_device(st))
		row = refusal_get(DEVICE);
	return row && row->what ? row : NULL;
}
