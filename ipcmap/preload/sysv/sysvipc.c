// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sysvipc.c - the text of /proc/sysvipc: one line for each object, in the kernel's columns
 * (ipc/msg.c, sem.c, shm.c)
 */
#include "ipcmap/preload/sysv/sysvipc.h"

#include <string.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "ipcmap/object/segment.h"
#include "ipcmap/preload/preload.h"

static bool write_msg(int index, FILE *out)
{
	struct msqid_ds ds;
	int id = msgctl(index, MSG_STAT_ANY, &ds);

	if (id < 0)
		return false;
	fprintf(out, "%10d %10d  %4o  %10lu %10lu %5u %5u %5u %5u %5u %5u %10ld %10ld %10ld\n",
		ds.msg_perm.__key, id, ds.msg_perm.mode, (unsigned long)ds.__msg_cbytes,
		(unsigned long)ds.msg_qnum, (unsigned)ds.msg_lspid, (unsigned)ds.msg_lrpid,
		ds.msg_perm.uid, ds.msg_perm.gid, ds.msg_perm.cuid, ds.msg_perm.cgid, ds.msg_stime,
		ds.msg_rtime, ds.msg_ctime);
	return true;
}

static bool write_sem(int index, FILE *out)
{
	struct semid_ds ds;
	int id = semctl(index, 0, SEM_STAT_ANY, &ds);

	if (id < 0)
		return false;
	fprintf(out, "%10d %10d  %4o %10lu %5u %5u %5u %5u %10ld %10ld\n", ds.sem_perm.__key, id,
		ds.sem_perm.mode, (unsigned long)ds.sem_nsems, ds.sem_perm.uid, ds.sem_perm.gid,
		ds.sem_perm.cuid, ds.sem_perm.cgid, ds.sem_otime, ds.sem_ctime);
	return true;
}

/* The bytes of a segment that are in memory; 0 if the caller may not read it. */
static unsigned long shm_resident(int id)
{
	struct door_open req = { .kind = IPC_KIND_SYSV_SHM,
				 .id = (uint64_t)id,
				 .flags = DOOR_RDONLY | DOOR_NOCOUNT };
	off_t at = SEGMENT_HEAD_BYTES, end;
	struct door_object opened;
	unsigned long sum = 0;

	if (door_open(&req, &opened) < 0)
		return 0;
	while ((at = lseek(opened.fd, at, SEEK_DATA)) >= 0 &&
	       (end = lseek(opened.fd, at, SEEK_HOLE)) > at) {
		sum += (unsigned long)(end - at);
		at = end;
	}
	close(opened.fd);
	return sum;
}

static bool write_shm(int index, FILE *out)
{
	struct shmid_ds ds;
	int id = shmctl(index, SHM_STAT_ANY, &ds);

	if (id < 0)
		return false;
	fprintf(out,
		"%10d %10d  %4o %21lu %5u %5u  %5lu %5u %5u %5u %5u %10ld %10ld %10ld %21lu "
		"%21lu\n",
		ds.shm_perm.__key, id, ds.shm_perm.mode, (unsigned long)ds.shm_segsz,
		(unsigned)ds.shm_cpid, (unsigned)ds.shm_lpid, (unsigned long)ds.shm_nattch,
		ds.shm_perm.uid, ds.shm_perm.gid, ds.shm_perm.cuid, ds.shm_perm.cgid, ds.shm_atime,
		ds.shm_dtime, ds.shm_ctime, shm_resident(id), 0ul);
	return true;
}

static const struct sysvipc {
	const char *name, *head;
	uint32_t kind;
	bool (*write)(int index, FILE *out); /* false: it does not exist (any more) */
} sysvipc_files[] = {
	{ "msg",
	  "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid"
	  "      stime      rtime      ctime\n",
	  IPC_KIND_SYSV_MSG, write_msg },
	{ "sem",
	  "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n",
	  IPC_KIND_SYSV_SEM, write_sem },
	{ "shm",
	  "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  "
	  "cgid      atime      dtime      ctime                   rss                  swap\n",
	  IPC_KIND_SYSV_SHM, write_shm },
};

uint32_t sysvipc_kind(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(sysvipc_files); i++)
		if (!strcmp(name, sysvipc_files[i].name))
			return sysvipc_files[i].kind;
	return 0;
}

void sysvipc_write(uint32_t kind, FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(sysvipc_files); i++) {
		int n = sysvipc_files[i].kind == kind ? list_count(kind) : -1;

		if (n >= 0)
			fputs(sysvipc_files[i].head, out);
		for (int at = 0; at < n; at++)
			sysvipc_files[i].write(at, out);
	}
}
