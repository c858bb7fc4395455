// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * fault-victim.c - a program that notices if anything happened to it
 *
 *	fault-victim DIRECTORY MEBIBYTES | PIPE
 *
 * It holds memory with a known content, two threads that count, a child that sends
 * it numbers through a pipe (this program as well), a file open once and a file open twice, and
 *counts a hundred times a second, on standard output and in DIRECTORY/beat. On SIGTERM it looks at
 *all of it and exits: 42 all is well, 40 the child was killed, otherwise it says what is wrong and
 *exits 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILE_SIZE 4096
#define EXIT_WELL 42
#define EXIT_CHILD_KILLED 40

static volatile sig_atomic_t stop;
static atomic_ullong counted;

static void on_term(int signal)
{
	(void)signal;
	stop = 1;
}

static _Noreturn void __attribute__((format(printf, 1, 2))) wrong(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static void pause_msec(long msec)
{
	struct timespec left = { .tv_nsec = msec * 1000000 };

	/* CRIU interrupts a sleep, which then has EINTR and the rest of its time. */
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

static void *count(void *arg)
{
	(void)arg;
	for (;;) {
		atomic_fetch_add(&counted, 1);
		pause_msec(1);
	}
	return NULL;
}

/* A word that depends on its place. */
static uint64_t word(size_t i)
{
	uint64_t x = i * 0x9e3779b97f4a7c15u + 1;

	x ^= x >> 29;
	return x * 0xbf58476d1ce4e5b9u;
}

static int open_file(const char *dir, const char *name, int flags)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, flags | O_CREAT, 0644);
	if (fd < 0)
		wrong("%s: %s", path, strerror(errno));
	return fd;
}

static int open_data(const char *dir, const char *name)
{
	char block[FILE_SIZE];
	int fd = open_file(dir, name, O_RDWR);

	memset(block, name[0], sizeof(block));
	if (pwrite(fd, block, sizeof(block), 0) != FILE_SIZE || lseek(fd, 100, SEEK_SET) != 100)
		wrong("%s: %s", name, strerror(errno));
	return fd;
}

/* Whatever its name has come to, the file can be written and read, and the offset stands. */
static void check_file(int fd, const char *name, off_t offset)
{
	char mark[8] = "mark", back[8] = "";

	if (lseek(fd, 0, SEEK_CUR) != offset)
		wrong("%s: offset is %lld, was %lld", name, (long long)lseek(fd, 0, SEEK_CUR),
		      (long long)offset);
	if (pwrite(fd, mark, sizeof(mark), 0) != sizeof(mark) ||
	    pread(fd, back, sizeof(back), 0) != sizeof(back) || strcmp(mark, back))
		wrong("%s: cannot be used any more: %s", name, strerror(errno));
}

static _Noreturn void child(int out)
{
	signal(SIGTERM, SIG_DFL);
	for (uint64_t n = 1;; n++) {
		if (write(out, &n, sizeof(n)) != sizeof(n))
			_exit(1);
		pause_msec(2);
	}
}

/* Numbers come in order; at the pipe's end the child is gone. */
static uint64_t read_numbers(int in, uint64_t last)
{
	struct pollfd pfd = { .fd = in, .events = POLLIN };
	uint64_t n;

	while (poll(&pfd, 1, 0) > 0 && read(in, &n, sizeof(n)) == (ssize_t)sizeof(n)) {
		if (n != last + 1)
			wrong("the child's number after %llu is %llu", (unsigned long long)last,
			      (unsigned long long)n);
		last = n;
	}
	return last;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_term };
	size_t words = argc == 3 ? (strtoul(argv[2], NULL, 10) << 20) / sizeof(uint64_t) : 0;
	uint64_t *memory = calloc(words, sizeof(*memory)), beats = 0, last = 0, seen;
	int pair[2], once, twice, again, beat, status;
	pthread_t threads[2];
	char text[64];
	pid_t pid;

	if (argc == 2)
		child(atoi(argv[1]));
	if (words == 0 || !memory)
		wrong("usage: fault-victim DIRECTORY MEBIBYTES");
	for (size_t i = 0; i < words; i++)
		memory[i] = word(i);
	sigaction(SIGTERM, &action, NULL);
	once = open_data(argv[1], "once");
	twice = open_data(argv[1], "twice");
	again = open_file(argv[1], "twice", O_RDWR);
	lseek(again, 200, SEEK_SET);
	beat = open_file(argv[1], "beat", O_WRONLY);
	if (pipe(pair) < 0)
		wrong("pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		/* Run anew it shares no memory with this one. */
		snprintf(text, sizeof(text), "%d", pair[1]);
		execl("/proc/self/exe", argv[0], text, NULL);
		_exit(127);
	}
	close(pair[1]);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, count, NULL) != 0)
			wrong("no thread");
	while (!stop) {
		int len = snprintf(text, sizeof(text), "%llu %d %d\n", (unsigned long long)++beats,
				   (int)getpid(), (int)pid);

		if (pwrite(beat, text, (size_t)len, 0) != len)
			wrong("beat: %s", strerror(errno));
		len = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)beats);
		if (write(1, text, (size_t)len) != len)
			wrong("standard output: %s", strerror(errno));
		last = read_numbers(pair[0], last);
		pause_msec(10);
	}
	seen = atomic_load(&counted);
	pause_msec(50);
	if (atomic_load(&counted) == seen)
		wrong("the threads have stopped counting");
	for (size_t i = 0; i < words; i++)
		if (memory[i] != word(i))
			wrong("word %zu of the memory has changed", i);
	check_file(once, "once", 100);
	check_file(twice, "twice", 100);
	check_file(again, "twice, its second descriptor", 200);
	kill(pid, SIGTERM);
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
		wrong("the child ended by itself: %x", (unsigned int)status);
	read_numbers(pair[0], last);
	return WTERMSIG(status) == SIGTERM ? EXIT_WELL : EXIT_CHILD_KILLED;
}
