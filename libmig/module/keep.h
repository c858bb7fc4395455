/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keep.h - the kept objects of a tree, in the criu that restores it (the module's own)
 */
#ifndef VC_LIBMIG_MODULE_KEEP_H
#define VC_LIBMIG_MODULE_KEEP_H

/* Receives the list of the objects from the mover, at the start of a restore. Returns 0 or -errno.
 */
int module_keep_take(void);
/* Makes criu treat sockets and pipes as files of an unknown kind, at the start of a dump. Returns 0
 * or -errno. */
int module_keep_hide(void);
/* criu's hook about a file of an unknown kind. Returns 0: the mover handles it. */
int module_keep_dump(int fd, int id);
/* criu's hook for the file with that id, in the process that gets it. Returns a descriptor or
 * -errno. */
int module_keep_restore(int id);
/* Closes criu's descriptors of the objects, when the restored tree has them. */
void module_keep_forget(void);

#endif
