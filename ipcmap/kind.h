/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kind.h - the kinds of objects, by number and by name
 *
 * The numbers are on the wire, in the table and in the first bytes of each object: never change
 * one. The kinds of libvcipc share one set of names: to open an event with the name of a queue is
 * an error. Each kind of the interposer has its own set of names, as in the interfaces that it
 * replaces: a POSIX queue "/x" and a POSIX semaphore "/x" are two objects.
 *
 * Only the configuration makes regions. Both interfaces for shared memory open a region by its
 * name. Its file has only the programs' data.
 */
#ifndef VC_IPCMAP_KIND_H
#define VC_IPCMAP_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IPC_KINDS(X)                                                                               \
	X(EVENT, 1, "event")                                                                       \
	X(SEM, 2, "sem")                                                                           \
	X(MUTEX, 3, "mutex")                                                                       \
	X(MQ, 4, "mq")                                                                             \
	X(SHM, 5, "shm")                                                                           \
	X(REGION, 6, "region")                                                                     \
	X(POSIX_MQ, 16, "posix-mq")                                                                \
	X(POSIX_SEM, 17, "posix-sem")                                                              \
	X(POSIX_SHM, 18, "posix-shm")                                                              \
	X(SYSV_MSG, 19, "sysv-msg")                                                                \
	X(SYSV_SEM, 20, "sysv-sem")                                                                \
	X(SYSV_SHM, 21, "sysv-shm")

enum ipc_kind {
#define X(id, number, name) IPC_KIND_##id = (number),
	IPC_KINDS(X)
#undef X
};

/* Each kind from this number on has its own set of names. */
#define IPC_KIND_OWN_NAMES 16

/* The kind's name; NULL: the number is no kind. */
static inline const char *ipc_kind_name(uint32_t kind)
{
	switch (kind) {
#define X(id, number, name)                                                                        \
	case IPC_KIND_##id:                                                                        \
		return name;
		IPC_KINDS(X)
#undef X
	default:
		return NULL;
	}
}

/* System V's kinds. All users may see their entries. */
static inline bool ipc_kind_is_sysv(uint32_t kind)
{
	return kind >= IPC_KIND_SYSV_MSG && kind <= IPC_KIND_SYSV_SHM;
}

/* The set of names that a kind's names belong to. */
static inline uint32_t ipc_kind_names(uint32_t kind)
{
	return kind < IPC_KIND_OWN_NAMES ? 0 : kind;
}

#endif
