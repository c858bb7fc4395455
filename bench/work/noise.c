// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * noise.c - noisy neighbours: memory, forks, files, interrupts
 */
#include "bench/work/work.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOG_BYTES (64u << 20) /* a thread: more than a share of any cache */
#define HOG_STEP (1u << 20)
#define IO_BYTES (256u << 10)
#define IO_DIR "/var/tmp" /* on a disk, where there is one */
#define IRQ_PACKETS 64

struct hog {
	unsigned char *memory;
	size_t at;
};

static int hog_enter(struct worker *worker)
{
	struct hog *hog = calloc(1, sizeof(*hog));

	if (!hog)
		return -ENOMEM;
	worker->own = hog;
	hog->memory = mmap(NULL, HOG_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	return hog->memory == MAP_FAILED ? -errno : 0;
}

/* A stream of writes through memory: the caches and the way to memory are full of it. */
static uint64_t hog_once(struct worker *worker)
{
	struct hog *hog = worker->own;

	memset(hog->memory + hog->at, (int)hog->at >> 20, HOG_STEP);
	hog->at = (hog->at + HOG_STEP) % HOG_BYTES;
	return 0;
}

static void hog_leave(struct worker *worker)
{
	struct hog *hog = worker->own;

	munmap(hog->memory, HOG_BYTES);
	free(hog);
}

WORK(hog, .enter = hog_enter, .once = hog_once, .leave = hog_leave);

/* Programs that begin and end: exec, so that there is an image to load. */
static uint64_t storm_once(struct worker *worker)
{
	work_child(worker, "/bin/true");
	return 0;
}

WORK(storm, .once = storm_once);

static int io_enter(struct worker *worker)
{
	int fd = open(IO_DIR, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	worker->own = work_box(fd);
	return fd < 0 ? -errno : 0;
}

static uint64_t io_once(struct worker *worker)
{
	static const char block[IO_BYTES];
	int fd = work_unbox(worker->own);

	if (pwrite(fd, block, sizeof(block), (off_t)(work_random(worker) % 64 * IO_BYTES)) < 0 ||
	    fdatasync(fd) < 0)
		work_die(IO_DIR, errno);
	return 0;
}

static void noise_close(struct worker *worker)
{
	close(work_unbox(worker->own));
}

WORK(io, .enter = io_enter, .once = io_once, .leave = noise_close);

static int irq_enter(struct worker *worker)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	worker->own = work_box(fd);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0 ||
	    connect(fd, (struct sockaddr *)&address, size) < 0)
		return -errno;
	return 0;
}

/* Packets to oneself over the loopback raise the network's soft interrupt, and a short
 * sleep a timer's hard one, on the CPU where they are sent. */
static uint64_t irq_once(struct worker *worker)
{
	struct timespec pause = { .tv_nsec = 20000 };
	int fd = work_unbox(worker->own);
	char packet[64] = "";

	for (int i = 0; i < IRQ_PACKETS; i++)
		send(fd, packet, sizeof(packet), MSG_DONTWAIT);
	while (recv(fd, packet, sizeof(packet), MSG_DONTWAIT) > 0)
		;
	clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	return 0;
}

WORK(irq, .enter = irq_enter, .once = irq_once, .leave = noise_close);
