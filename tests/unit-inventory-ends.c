// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-inventory-ends.c - libmig/inventory: what leads out of a tree
 *
 * The test holds the outside ends itself, and compares the keys and duplicates
 * it is given with its own descriptors.
 */
#include "libmig/inventory.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "tests/victim.h"

#define MIB (1u << 20)

static char scratch[] = "/tmp/unit-inventory-XXXXXX";
static uid_t job_uid; /* whose the job is said to be */
static int kept_a = KEPT, kept_b = KEPT + 1;

static void make_nothing(void)
{
}

/* Takes the inventory of a victim that can be carried, and ends the victim. */
static struct inventory *take(void (*setup)(void), const int *given, size_t n_given)
{
	struct inventory_given list[4];
	struct inventory *inv = NULL;
	struct vc_err err = { 0 };
	pid_t pid;
	int r;

	for (size_t i = 0; i < n_given; i++) {
		struct stat st;

		assert_return_code(fstat(given[i], &st), errno);
		list[i] = (struct inventory_given){ .dev = st.st_dev, .ino = st.st_ino };
	}
	pid = victim_start(setup);
	assert_int_not_equal(pid, 0);
	r = inventory_take(pid, job_uid, list, n_given, &inv, &err);
	victim_end(pid);
	if (r < 0)
		fail_msg("%s", err.text);
	return inv;
}

static const struct inventory_external *find_external(const struct inventory *inv, const char *key)
{
	for (size_t i = 0; i < inv->n_externals; i++)
		if (!strcmp(inv->externals[i].restore_key, key))
			return &inv->externals[i];
	fail_msg("no external %s among %zu, the first is %s", key, inv->n_externals,
		 inv->n_externals ? inv->externals[0].restore_key : "none");
	return NULL;
}

/* Makes a pair of descriptors that the victim keeps one or both of. */
static void keep(int a, int b)
{
	assert_int_equal(dup3(a, kept_a, O_CLOEXEC), kept_a);
	if (b >= 0)
		assert_int_equal(dup3(b, kept_b, O_CLOEXEC), kept_b);
	else
		close(kept_b);
}

static void forget(void)
{
	close(kept_a);
	close(kept_b);
}

static void check_key(int fd, const char *prefix, char *key, size_t size)
{
	struct stat st;

	assert_return_code(fstat(fd, &st), errno);
	snprintf(key, size, "%s[%lu]", prefix, (unsigned long)st.st_ino);
}

static void test_pipes(void **state)
{
	struct inventory *inv;
	char key[48], byte = 0;
	int fds[2];

	assert_return_code(pipe2(fds, O_CLOEXEC), errno);
	check_key(fds[0], "pipe:", key, sizeof(key));

	keep(fds[1], -1);
	inv = take(make_nothing, NULL, 0);
	assert_int_equal(inv->n_externals, 1);
	assert_null(inv->externals[0].dump_key);
	assert_int_equal(write(find_external(inv, key)->fd, "x", 1), 1);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	assert_int_equal(fcntl(inv->externals[0].fd, F_GETFD), FD_CLOEXEC);
	inventory_free(inv);

	/* With both ends in the tree it is the job's own, unless it was given. */
	keep(fds[0], fds[1]);
	inv = take(make_nothing, NULL, 0);
	assert_int_equal(inv->n_externals, 0);
	inventory_free(inv);
	inv = take(make_nothing, fds, 1);
	assert_int_equal(inv->n_externals, 1);
	find_external(inv, key);
	inventory_free(inv);
	forget();
	close(fds[0]);
	close(fds[1]);
}

static void test_sockets(void **state)
{
	struct inventory *inv;
	char key[48], dump[48];
	int fds[2];

	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), errno);
	check_key(fds[1], "socket:", key, sizeof(key));
	check_key(fds[1], "unix", dump, sizeof(dump));

	keep(fds[1], -1);
	inv = take(make_nothing, NULL, 0);
	assert_int_equal(inv->n_externals, 1);
	assert_string_equal(find_external(inv, key)->dump_key, dump);
	inventory_free(inv);

	/* Given, and its peer inside too: both must be inherited. */
	keep(fds[0], fds[1]);
	inv = take(make_nothing, fds, 0);
	assert_int_equal(inv->n_externals, 0);
	inventory_free(inv);
	inv = take(make_nothing, &fds[1], 1);
	assert_int_equal(inv->n_externals, 2);
	find_external(inv, key);
	inventory_free(inv);
	forget();
	close(fds[0]);
	close(fds[1]);
}

/* An abstract name of this test's own, or a path in the scratch directory. */
static socklen_t name_socket(struct sockaddr_un *at, bool abstract)
{
	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (abstract)
		return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				   (size_t)snprintf(at->sun_path + 1, 100, "%s", scratch));
	snprintf(at->sun_path, sizeof(at->sun_path), "%s/socket", scratch);
	return sizeof(*at);
}

static void take_refused(const int *given, size_t n_given, const char *words)
{
	struct inventory_given list[1];
	struct inventory *inv = NULL;
	struct vc_err err = { 0 };
	struct stat st;
	pid_t pid;
	int r;

	if (n_given) {
		assert_return_code(fstat(*given, &st), errno);
		list[0] = (struct inventory_given){ .dev = st.st_dev, .ino = st.st_ino };
	}
	pid = victim_start(make_nothing);
	r = inventory_take(pid, job_uid, list, n_given, &inv, &err);
	victim_end(pid);
	if ((r != -EOPNOTSUPP && r != -EAGAIN) || !strstr(err.text, words))
		fail_msg("%d \"%s\" for \"… %s …\"", r, err.text, words);
}

static void test_connections(void **state)
{
	for (int abstract = 0; abstract < 2; abstract++) {
		struct sockaddr_un at;
		socklen_t len = name_socket(&at, abstract);
		int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		struct inventory *inv;
		char key[48];
		int accepted;

		assert_return_code(bind(server, (struct sockaddr *)&at, len), errno);
		assert_return_code(listen(server, 4), errno);
		assert_return_code(connect(client, (struct sockaddr *)&at, len), errno);

		keep(client, -1);
		take_refused(NULL, 0, "has not accepted it yet");
		keep(server, -1);
		take_refused(NULL, 0, "1 connections wait to be accepted");

		/* Accepted, the client's end can be inherited. */
		accepted = accept4(server, NULL, NULL, SOCK_CLOEXEC);
		keep(client, -1);
		inv = take(make_nothing, NULL, 0);
		check_key(client, "socket:", key, sizeof(key));
		find_external(inv, key);
		inventory_free(inv);

		/* The server's end as well, unless that would cost the server its path. */
		keep(accepted, -1);
		if (!abstract) {
			take_refused(NULL, 0, "socket file a move would remove");
		} else {
			inv = take(make_nothing, NULL, 0);
			check_key(accepted, "socket:", key, sizeof(key));
			find_external(inv, key);
			inventory_free(inv);
		}

		/* A server that moves with its connection keeps its path by itself. */
		keep(accepted, server);
		inv = take(make_nothing, NULL, 0);
		assert_int_equal(inv->n_externals, 1);
		inventory_free(inv);
		forget();
		close(accepted);
		close(client);
		close(server);
		unlink(at.sun_path);
	}
}

static void test_datagrams(void **state)
{
	struct sockaddr_un at;
	socklen_t len = name_socket(&at, true);
	int server = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct inventory *inv;
	int pair[2];

	assert_return_code(bind(server, (struct sockaddr *)&at, len), errno);
	assert_return_code(connect(client, (struct sockaddr *)&at, len), errno);
	keep(client, -1);
	inv = take(make_nothing, NULL, 0);
	assert_int_equal(inv->n_externals, 0);
	assert_true(inv->ext_unix_sk);
	inventory_free(inv);

	assert_return_code(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), errno);
	keep(pair[0], -1);
	take_refused(NULL, 0, "is a datagram socket");
	forget();
	close(pair[0]);
	close(pair[1]);
	close(server);
	close(client);
}

static void make_tcp(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);

	NEED(bind(server, (struct sockaddr *)&at, len) == 0 && listen(server, 4) == 0 &&
	     getsockname(server, (struct sockaddr *)&at, &len) == 0 &&
	     connect(client, (struct sockaddr *)&at, len) == 0 && accept(server, NULL, NULL) >= 0);
}

static void test_network(void **state)
{
	struct inventory *inv = take(make_tcp, NULL, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(inv->tcp_established);
	inventory_free(inv);
	keep(fd, -1);
	inv = take(make_nothing, NULL, 0);
	assert_false(inv->tcp_established);
	inventory_free(inv);
	take_refused(&fd, 1, "shared with the outside");
	forget();
	close(fd);
}

static void test_terminals(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
	struct inventory *inv;
	struct stat st;
	char key[64];

	assert_return_code(master, errno);
	assert_return_code(grantpt(master), errno);
	assert_return_code(unlockpt(master), errno);
	slave = open(ptsname(master), O_RDONLY | O_NOCTTY | O_CLOEXEC);
	assert_return_code(slave, errno);
	assert_return_code(fstat(slave, &st), errno);
	snprintf(key, sizeof(key), "tty[%lx:%lx]", (unsigned long)st.st_rdev,
		 (unsigned long)st.st_dev);

	keep(slave, -1);
	inv = take(make_nothing, NULL, 0);
	assert_int_equal(inv->n_externals, 1);
	assert_string_equal(find_external(inv, key)->dump_key, key);
	/* One for all descriptors of the terminal, so it can do both. */
	assert_int_equal(fcntl(inv->externals[0].fd, F_GETFL) & O_ACCMODE, O_RDWR);
	assert_false(inv->shell_job);
	inventory_free(inv);

	keep(slave, master);
	inv = take(make_nothing, NULL, 0);
	assert_int_equal(inv->n_externals, 0);
	inventory_free(inv);
	forget();
	close(slave);
	close(master);
}

static int open_scratch(int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/file", scratch);
	fd = open(path, flags | O_CREAT | O_CLOEXEC, 0600);
	assert_return_code(fd, errno);
	return fd;
}

static void test_files(void **state)
{
	int fd = open_scratch(O_RDWR), again, append;
	struct inventory *inv;
	char key[64], path[64];

	snprintf(path, sizeof(path), "%s/file", scratch);
	snprintf(key, sizeof(key), "%s", path + 1);
	keep(fd, -1);
	/* Given: the same open description, so one offset. */
	inv = take(make_nothing, &fd, 1);
	assert_int_equal(inv->n_externals, 1);
	assert_int_equal(inv->ghost_bytes, 0);
	assert_false(inv->file_locks);
	assert_int_equal(lseek(find_external(inv, key)->fd, 17, SEEK_SET), 17);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 17);
	lseek(fd, 0, SEEK_SET);
	inventory_free(inv);

	/* Not given and being written: it may be a program soon, and nobody may have it open. */
	inv = take(make_nothing, NULL, 0);
	assert_int_equal(inv->n_externals, 0);
	inventory_free(inv);
	assert_return_code(flock(fd, LOCK_EX), errno);
	inv = take(make_nothing, NULL, 0);
	assert_int_equal(inv->n_externals, 1);
	inventory_free(inv);
	flock(fd, LOCK_UN);
	append = open_scratch(O_WRONLY | O_APPEND);
	keep(append, -1);
	inv = take(make_nothing, NULL, 0);
	assert_int_equal(inv->n_externals, 1);
	inventory_free(inv);
	close(append);

	/* Opened twice: one path cannot stand for both. */
	again = open_scratch(O_RDONLY);
	keep(fd, again);
	inv = take(make_nothing, NULL, 0);
	assert_int_equal(inv->n_externals, 0);
	inventory_free(inv);
	take_refused(&fd, 1, "opened a second time");
	append = open_scratch(O_WRONLY | O_APPEND);
	keep(append, again);
	inv = take(make_nothing, &append, 1);
	assert_int_equal(inv->n_externals, 0);
	inventory_free(inv);
	close(again);
	close(append);

	keep(fd, -1);
	assert_return_code(flock(fd, LOCK_EX), errno);
	assert_return_code(ftruncate(fd, 12345), errno);
	unlink(path);
	inv = take(make_nothing, &fd, 1);
	assert_true(inv->file_locks);
	assert_int_equal(inv->ghost_bytes, 12345);
	assert_false(inv->link_remap);
	find_external(inv, key);
	inventory_free(inv);
	forget();
	close(fd);
}

static void test_other_link(void **state)
{
	char path[64], other[64];
	int fd = open_scratch(O_RDWR);
	struct inventory *inv;

	snprintf(path, sizeof(path), "%s/file", scratch);
	snprintf(other, sizeof(other), "%s/other", scratch);
	assert_return_code(link(path, other), errno);
	unlink(path);
	keep(fd, -1);
	inv = take(make_nothing, NULL, 0);
	assert_true(inv->link_remap);
	assert_int_equal(inv->ghost_bytes, 0);
	inventory_free(inv);
	unlink(other);
	forget();
	close(fd);
}

static void test_fifo(void **state)
{
	char path[64], byte = 0;
	struct inventory *inv;
	int fd, reader;

	snprintf(path, sizeof(path), "%s/fifo", scratch);
	assert_return_code(mkfifo(path, 0600), errno);
	fd = open(path, O_RDWR | O_CLOEXEC);
	reader = open(path, O_RDONLY | O_CLOEXEC);
	keep(reader, -1);
	inv = take(make_nothing, NULL, 0);
	assert_int_equal(inv->n_externals, 1);
	assert_int_equal(write(fd, "y", 1), 1);
	assert_int_equal(read(find_external(inv, path + 1)->fd, &byte, 1), 1);
	assert_int_equal(byte, 'y');
	inventory_free(inv);
	forget();
	close(fd);
	close(reader);
	unlink(path);
}

static void make_memory(void)
{
	char *private =
		mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared =
		mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	memset(private, 1, 4 * MIB);
	memset(shared, 1, 8 * MIB);
	/* Shared memory counts once, however many share it. */
	for (int i = 0; i < 2; i++)
		if (fork() == 0)
			victim_wait();
}

static void test_memory(void **state)
{
	struct inventory *inv = take(make_nothing, NULL, 0);
	uint64_t before = inv->mem_bytes;
	int memfd = memfd_create("shared", MFD_CLOEXEC);

	inventory_free(inv);
	inv = take(make_memory, NULL, 0);
	assert_int_equal(inv->n_pids, 3);
	/* The private part three times, as fork has it in each; the shared part once. */
	assert_in_range(inv->mem_bytes, 3 * 4 * MIB + 8 * MIB, 3 * (4 * MIB + before) + 9 * MIB);
	inventory_free(inv);

	keep(memfd, -1);
	take_refused(NULL, 0, "shares a memfd with pid");
	forget();
	close(memfd);
}

static int setup(void **state)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return mkdtemp(scratch) ? 0 : -1;
}

static int teardown(void **state)
{
	victim_end(victim_current);
	return file_remove_tree(AT_FDCWD, scratch);
}

static int bind_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_return_code(sock, errno);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	assert_return_code(bind(sock, (struct sockaddr *)&addr, sizeof(addr)), errno);
	assert_return_code(listen(sock, 1), errno);
	return sock;
}

/* The restore removes and makes a socket's name, as root: so a user must not be able
 * to put another directory in its directory's place meanwhile. */
static void test_replaceable_directory(void **state)
{
	char own[64], below[80], path[96];
	struct inventory *inv;
	int safe, unsafe;

	snprintf(own, sizeof(own), "%s/own", scratch);
	snprintf(below, sizeof(below), "%s/below", own);
	assert_return_code(mkdir(own, 0755), errno);
	assert_return_code(mkdir(below, 0755), errno);
	assert_return_code(chown(own, 65534, 65534), errno);
	assert_return_code(chown(below, 65534, 65534), errno);
	snprintf(path, sizeof(path), "%s/sock", own);
	safe = bind_at(path);
	snprintf(path, sizeof(path), "%s/sock", below);
	unsafe = bind_at(path);

	job_uid = 65534;
	keep(safe, -1);
	inv = take(make_nothing, NULL, 0);
	inventory_free(inv);
	keep(unsafe, -1);
	take_refused(NULL, 0, "below is a directory that its user could replace");
	job_uid = 0;
	inv = take(make_nothing, NULL, 0);
	inventory_free(inv);

	forget();
	close(safe);
	close(unsafe);
	unlink(path);
	snprintf(path, sizeof(path), "%s/sock", own);
	unlink(path);
	rmdir(below);
	rmdir(own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipes),
		cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_datagrams),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_terminals),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_other_link),
		cmocka_unit_test(test_replaceable_directory),
		cmocka_unit_test(test_fifo),
		cmocka_unit_test(test_memory),
	};

	if (geteuid() != 0) {
		puts("skipped: looking into other processes needs root");
		return 77;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
