/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keep.h - the objects that a tree keeps, in the criu that restores it (module.c's own)
 */
#ifndef VC_LIBMIG_MODULE_KEEP_H
#define VC_LIBMIG_MODULE_KEEP_H

/* At the start of a restore: hears from the mover what there is. 0 or -errno. */
int module_keep_take(void);
/* At the start of a dump: criu takes sockets and pipes for what it does not know. 0 or -errno. */
int module_keep_hide(void);
/* criu's hook for what it does not know: 0, the mover says what becomes of it. */
int module_keep_dump(int fd, int id);
/* criu's hook for a file of that id, in the process that is to have it: a descriptor or -errno. */
int module_keep_restore(int id);
/* The restored tree has what it needs: criu has no descriptors of it from here on. */
void module_keep_forget(void);

#endif
