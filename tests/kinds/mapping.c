// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mapping.c - rows of tests/move-kinds: memory mappings
 */
#include "tests/kinds/kind.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIZE (4 << 20)

static char *memory;
static size_t size = SIZE;

static void fill(void)
{
	for (size_t i = 0; i < size; i += 4096)
		memory[i] = (char)(i >> 12);
}

static void make_private(void)
{
	MUST((memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0)) != MAP_FAILED);
	fill();
}

static void show_memory(FILE *out)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < size; i += 4096)
		sum = sum * 31 + (unsigned char)memory[i];
	fprintf(out, "sum %u\n", sum);
}

static void write_shared(void *arg)
{
	(void)arg;
	memory[1 << 20] = 77;
}

static void make_shared(void)
{
	MUST((memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			    0)) != MAP_FAILED);
	fill();
	kind_child(write_shared, NULL);
}

static void make_file(int flags, bool deleted)
{
	int fd = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	MUST(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	MUST((memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0)) != MAP_FAILED);
	close(fd);
	fill();
	if (deleted)
		MUST(unlink("file") == 0);
}

static void make_file_private(void)
{
	make_file(MAP_PRIVATE, false);
}

static void make_file_shared(void)
{
	make_file(MAP_SHARED, false);
}

static void make_file_deleted(void)
{
	make_file(MAP_SHARED, true);
}

static void make_none(void)
{
	MUST((memory = mmap(NULL, (size_t)1 << 34, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) != MAP_FAILED);
	MUST(mprotect(memory, size, PROT_READ | PROT_WRITE) == 0);
	fill();
}

static void make_memfd(void)
{
	int fd = memfd_create("name", MFD_CLOEXEC);

	MUST(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	MUST((memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) != MAP_FAILED);
	close(fd);
	fill();
}

/* It could not be mapped like this any more. */
static void make_sealed(void)
{
	int fd = memfd_create("name", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	MUST(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	MUST((memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) != MAP_FAILED);
	MUST(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0);
	close(fd);
	fill();
}

static void make_sealed_hidden(void)
{
	make_sealed();
	MUST(mprotect(memory, size, PROT_READ) == 0);
}

/* As who receives such memory does it. */
static void make_sealed_before(void)
{
	int fd = memfd_create("name", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	MUST(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	MUST(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0);
	MUST((memory = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0)) != MAP_FAILED);
	close(fd);
}

static int segment;

static void attach(int flags)
{
	segment = shmget(IPC_PRIVATE, size, IPC_CREAT | 0700);
	MUST(segment >= 0 && (memory = shmat(segment, NULL, flags)) != (char *)-1);
}

static void make_sysv_end(void)
{
	attach(0);
	MUST(munmap(memory + size / 2, size / 2) == 0);
}

static void make_sysv_beginning(void)
{
	attach(0);
	MUST(munmap(memory, size / 2) == 0);
}

static void make_sysv_hole(void)
{
	attach(0);
	MUST(munmap(memory + size / 4, size / 4) == 0);
}

static void make_sysv_protected(void)
{
	attach(0);
	fill();
	MUST(mprotect(memory + size / 4, size / 4, PROT_READ) == 0);
}

static void make_sysv(void)
{
	segment = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);

	MUST(segment >= 0 && (memory = shmat(segment, NULL, 0)) != (char *)-1);
	MUST(shmctl(segment, IPC_RMID, NULL) == 0);
	fill();
}

/* It goes with the last process that has it. */
static void show_sysv(FILE *out)
{
	struct shmid_ds ds;

	MUST(shmctl(segment, IPC_STAT, &ds) == 0);
	fprintf(out, "mode %o, attached %lu times\n", ds.shm_perm.mode,
		(unsigned long)ds.shm_nattch);
	show_memory(out);
}

static void make_huge(void)
{
	NEED((memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0)) != MAP_FAILED);
	fill();
}

static void make_locked(void)
{
	make_private();
	NEED(mlock(memory, 1 << 16) == 0);
}

/* One file, mapped by a descriptor that may write and by one that may not. */
static void make_file_twice(void)
{
	int writes = open("twice", O_RDWR | O_CREAT, 0600), reads = open("twice", O_RDONLY);

	size = 4096;
	MUST(writes >= 0 && reads >= 0 && ftruncate(writes, (off_t)size) == 0);
	MUST(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, writes, 0) != MAP_FAILED);
	MUST((memory = mmap(NULL, size, PROT_READ, MAP_SHARED, reads, 0)) != MAP_FAILED);
	close(writes);
	close(reads);
}

static void show_protection(FILE *out)
{
	kind_say(out, "made writable", mprotect(memory, size, PROT_READ | PROT_WRITE));
}

/* As of a sniffer. */
static void make_ring(void)
{
	struct tpacket_req ring = {
		.tp_block_size = 16384, .tp_frame_size = 2048, .tp_block_nr = 4, .tp_frame_nr = 32
	};
	int fd;

	NEED((fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL))) >= 0);
	MUST(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)) == 0);
	size = (size_t)ring.tp_block_size * ring.tp_block_nr;
	MUST((memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) != MAP_FAILED);
}

/* A packet sent over the loopback device comes to the ring. */
static void show_ring(FILE *out)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_port = htons(9),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	bool any = false;

	MUST(sendto(fd, "x", 1, 0, (struct sockaddr *)&name, sizeof(name)) == 1);
	close(fd);
	for (size_t i = 0; i < size; i += 2048) {
		volatile struct tpacket_hdr *head = (void *)(memory + i);

		any |= head->tp_status & TP_STATUS_USER;
		head->tp_status = TP_STATUS_KERNEL;
	}
	fprintf(out, "packets come in: %d\n", any);
}

const struct kind kinds_mapping[] = {
	KIND("mapping-private", make_private, show_memory),
	KIND("mapping-shared", make_shared, show_memory),
	KIND("mapping-file-private", make_file_private, show_memory),
	KIND("mapping-file-shared", make_file_shared, show_memory, .as = KIND_BOTH),
	KIND("mapping-file-deleted", make_file_deleted, show_memory),
	KIND("mapping-none", make_none, show_memory),
	KIND("mapping-memfd", make_memfd, show_memory),
	KIND("mapping-sysv", make_sysv, show_sysv, .as = KIND_BOTH),
	KIND("mapping-sealed", make_sealed, NULL, .refused = "was sealed afterwards",
	     .as = KIND_BOTH),
	KIND("mapping-sealed-hidden", make_sealed_hidden, NULL, .refused = "was sealed afterwards"),
	KIND("mapping-sealed-before", make_sealed_before, show_protection),
	KIND("mapping-sysv-end", make_sysv_end, NULL, .refused = "a part is unmapped"),
	KIND("mapping-sysv-beginning", make_sysv_beginning, NULL, .refused = "a part is unmapped"),
	KIND("mapping-sysv-hole", make_sysv_hole, NULL, .refused = "a part is unmapped",
	     .as = KIND_BOTH),
	KIND("mapping-sysv-protected", make_sysv_protected, show_memory),
	KIND("mapping-huge", make_huge, show_memory),
	KIND("mapping-locked", make_locked, show_memory),
	KIND("mapping-file-twice", make_file_twice, show_protection, .as = KIND_BOTH),
	KIND("mapping-ring", make_ring, show_ring),
	{ .name = NULL },
};
