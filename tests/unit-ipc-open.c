// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-ipc-open - opening: each error, exactly one that initialises, forks; shared memory
 */
#include "tests/ipc-test.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "ipcmap/handle.h"

static void *open_kind(int kind, const char *name, int flags)
{
	switch (kind) {
	case VCIPC_EVENT:
		return vcipc_event_open(name, flags, 0600);
	case VCIPC_SEM:
		return vcipc_sem_open(name, flags, 0600, 1);
	case VCIPC_MUTEX:
		return vcipc_mutex_open(name, flags, 0600);
	case VCIPC_MQ:
		return vcipc_mq_open(name, flags, 0600, NULL);
	default:
		return vcipc_shm_open(name, flags, 0600, 1000);
	}
}

static int close_kind(int kind, void *handle)
{
	switch (kind) {
	case VCIPC_EVENT:
		return vcipc_event_close(handle);
	case VCIPC_SEM:
		return vcipc_sem_close(handle);
	case VCIPC_MUTEX:
		return vcipc_mutex_close(handle);
	case VCIPC_MQ:
		return vcipc_mq_close(handle);
	default:
		return vcipc_shm_close(handle);
	}
}

static int open_and_close(int kind, const char *name, int flags)
{
	void *handle;

	errno = 0;
	handle = open_kind(kind, name, flags);
	if (!handle)
		return errno;
	return close_kind(kind, handle) < 0 ? -errno : 0;
}

/* The handle is freed all the same. */
static int close_without_door(int kind, const char *name)
{
	void *handle = open_kind(kind, name, 0);

	assert_non_null(handle);
	ipc_test_fail = ENOTCONN;
	return close_kind(kind, handle) < 0 ? -errno : 0;
}

static void test_errors_of_every_kind(void **state)
{
	static const int from_the_door[] = { EACCES, ENOSPC, EDQUOT, ENOTCONN, EPERM,
					     EAGAIN, ENOMEM, EMFILE, ENFILE,   EPROTO };
	char longest[VCIPC_NAME_MAX + 2];

	memset(longest, 'n', sizeof(longest));
	longest[VCIPC_NAME_MAX + 1] = '\0';
	for (int kind = VCIPC_EVENT; kind <= VCIPC_SHM; kind++) {
		int other = kind == VCIPC_EVENT ? VCIPC_SEM : VCIPC_EVENT;
		char name[64];

		strcpy(name, ipc_test_name());
		check("no name", open_and_close(kind, NULL, VCIPC_CREATE), EINVAL);
		check("empty name", open_and_close(kind, "", VCIPC_CREATE), EINVAL);
		check("unknown flag", open_and_close(kind, name, 1 << 20), EINVAL);
		check("read only", open_and_close(kind, name, VCIPC_CREATE | VCIPC_RDONLY), EINVAL);
		check("too long", open_and_close(kind, longest, VCIPC_CREATE), ENAMETOOLONG);
		check("not there", open_and_close(kind, name, 0), ENOENT);
		check("made", open_and_close(kind, name, VCIPC_CREATE | VCIPC_EXCL), 0);
		check("there", open_and_close(kind, name, 0), 0);
		check("there", open_and_close(kind, name, VCIPC_CREATE), 0);
		check("close", close_without_door(kind, name), -ENOTCONN);
		check("exclusive", open_and_close(kind, name, VCIPC_CREATE | VCIPC_EXCL), EEXIST);
		check("other kind", open_and_close(other, name, VCIPC_CREATE), EPROTOTYPE);
		check_errno(vcipc_unlink((enum vcipc_kind)other, name), EPROTOTYPE);
		for (size_t i = 0; i < sizeof(from_the_door) / sizeof(int); i++) {
			ipc_test_fail = from_the_door[i];
			check("door", open_and_close(kind, name, 0), from_the_door[i]);
			ipc_test_fail = from_the_door[i];
			check_errno(vcipc_unlink((enum vcipc_kind)kind, name), from_the_door[i]);
		}
		check_errno(vcipc_unlink((enum vcipc_kind)kind, name), 0);
		check_errno(vcipc_unlink((enum vcipc_kind)kind, name), ENOENT);
	}
	check_errno(vcipc_unlink(VCIPC_EVENT, longest), ENAMETOOLONG);
	check_errno(vcipc_unlink(VCIPC_EVENT, NULL), EINVAL);
	check_errno(vcipc_unlink(VCIPC_EVENT, ""), EINVAL);
	check_errno(vcipc_unlink((enum vcipc_kind)99, "x"), EINVAL);
}

static void test_attributes_out_of_range(void **state)
{
	static const struct vcipc_mq_attr bad[] = {
		{ .maxmsg = 0, .msgsize = 1 },
		{ .maxmsg = 1, .msgsize = 0 },
		{ .maxmsg = VCIPC_MAXMSG_MAX + 1, .msgsize = 1 },
		{ .maxmsg = 1, .msgsize = VCIPC_MSGSIZE_MAX + 1 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(vcipc_mq_open(ipc_test_name(), VCIPC_CREATE, 0600, &bad[i]));
		check("attr", errno, EINVAL);
	}
	assert_null(vcipc_sem_open(ipc_test_name(), VCIPC_CREATE, 0600, VCIPC_COUNT_MAX + 1));
	check("value", errno, EINVAL);
	assert_null(vcipc_shm_open(ipc_test_name(), VCIPC_CREATE, 0600, UINT64_MAX));
	check("size", errno, EINVAL);
}

/* Memory that is not there is told when it is asked for, and no name stays. */
static void test_no_memory(void **state)
{
	const char *name = ipc_test_name();

	assert_null(vcipc_shm_open(name, VCIPC_CREATE, 0600, UINT64_C(1) << 45));
	check("errno", errno, ENOSPC);
	check("name", open_and_close(VCIPC_SHM, name, 0), ENOENT);
}

static int open_sem(void *arg)
{
	vcipc_sem *sem = vcipc_sem_open(arg, VCIPC_CREATE, 0600, 8);

	return sem && vcipc_sem_trywait(sem) == 0 ? 0 : 1;
}

static void test_only_one_initialises(void **state)
{
	for (int round = 0; round < 50; round++) {
		const char *name = ipc_test_name();
		unsigned int value = 99;
		pid_t children[8];
		vcipc_sem *sem;

		for (int i = 0; i < 8; i++)
			children[i] = ipc_test_child(open_sem, (void *)name);
		for (int i = 0; i < 8; i++)
			check("child", ipc_test_wait(children[i]), 0);
		sem = vcipc_sem_open(name, 0, 0, 0);
		assert_non_null(sem);
		vcipc_sem_getvalue(sem, &value);
		check("value", value, 0);
		vcipc_sem_close(sem);
	}
}

/* A maker that died at once, and one that died at it: the next to create takes its place. */
static void test_maker_died(void **state)
{
	uint32_t word = FUTEX_OWNER_DIED | 12345;

	for (int at_it = 0; at_it < 2; at_it++) {
		const char *name = ipc_test_name();
		off_t page = (off_t)handle_page_size();
		int fd = ipc_test_file(VCIPC_SEM, name);
		uint64_t begun = clock_mono_usec();
		unsigned int value = 0;
		vcipc_sem *sem;

		check("size", ftruncate(fd, page), 0);
		if (at_it)
			check("word", pwrite(fd, &word, 4, page - LOCK_OFFSET_FROM_END), 4);
		check("open", open_and_close(VCIPC_SEM, name, 0), ENOENT);
		check("it waited", clock_mono_usec() - begun >= 900000, 1);
		sem = vcipc_sem_open(name, VCIPC_CREATE, 0600, 3);
		assert_non_null(sem);
		vcipc_sem_getvalue(sem, &value);
		check("value", value, 3);
		vcipc_sem_close(sem);
		close(fd);
	}
}

static int open_with_7(void *arg)
{
	vcipc_sem *sem = vcipc_sem_open(arg, VCIPC_CREATE, 0600, 7);

	return sem && vcipc_sem_close(sem) == 0 ? 0 : 1;
}

/* Somebody else comes, waits in vain, and makes the object ready, before its maker goes on. */
static void overtake(const char *name)
{
	check("overtaken", ipc_test_wait(ipc_test_child(open_with_7, (void *)name)), 0);
}

/* The object is the other one's then: an exclusive maker has lost, and takes nothing away. */
static void test_maker_overtaken(void **state)
{
	for (int exclusive = 0; exclusive < 2; exclusive++) {
		const char *name = ipc_test_name();
		int closes = ipc_test_closes;
		unsigned int value = 0;
		vcipc_sem *sem;

		ipc_test_made = overtake;
		errno = 0;
		sem = vcipc_sem_open(name, VCIPC_CREATE | (exclusive ? VCIPC_EXCL : 0), 0600, 3);
		check("errno", sem ? 0 : errno, exclusive ? EEXIST : 0);
		check("closes", ipc_test_closes, closes + exclusive);
		if (!sem)
			sem = vcipc_sem_open(name, 0, 0, 0);
		assert_non_null(sem);
		vcipc_sem_getvalue(sem, &value);
		check("value", value, 7);
		vcipc_sem_close(sem);
	}
}

static void test_umask(void **state)
{
	const char *name = ipc_test_name();
	mode_t before = umask(027);
	struct stat st;
	int fd;

	vcipc_event_close(vcipc_event_open(name, VCIPC_CREATE, 0666));
	umask(before);
	fd = ipc_test_file(VCIPC_EVENT, name);
	fstat(fd, &st);
	check("mode", st.st_mode & 07777, 0640);
	close(fd);
}

static int forks_of_child(void *arg)
{
	return ipc_test_forks;
}

static void test_fork_is_told(void **state)
{
	vcipc_event *event = vcipc_event_open(ipc_test_name(), VCIPC_CREATE, 0600);
	int forks = ipc_test_forks, closes = ipc_test_closes;

	check("forks", ipc_test_wait(ipc_test_child(forks_of_child, NULL)), forks + 1);
	vcipc_event_close(event);
	check("closes", ipc_test_closes, closes + 1);
	check("forks", ipc_test_wait(ipc_test_child(forks_of_child, NULL)), forks);
}

/* --- shared memory --------------------------------------------------------------------------- */

static int add_to_memory(void *arg)
{
	vcipc_shm *shm = vcipc_shm_open(arg, 0, 0, 0);
	size_t size = 0;
	void *at = NULL;

	if (!shm || vcipc_shm_map(shm, &at, &size) < 0 || size != 10000)
		return 1;
	((char *)at)[9999]++;
	return vcipc_shm_unmap(at, size) < 0;
}

static void test_shm(void **state)
{
	const char *name = ipc_test_name();
	vcipc_shm *shm = vcipc_shm_open(name, VCIPC_CREATE, 0600, 10000), *reader;
	uint64_t bytes = 0;
	size_t size = 0;
	void *at = NULL, *read = NULL;

	assert_non_null(shm);
	check_errno(vcipc_shm_size(shm, &bytes), 0);
	check("bytes", bytes, 10000);
	check_errno(vcipc_shm_map(shm, &at, &size), 0);
	check("size", size, 10000);
	for (size_t i = 0; i < size; i++)
		check("zero", ((char *)at)[i], 0);
	check("child", ipc_test_wait(ipc_test_child(add_to_memory, (void *)name)), 0);
	check("seen", ((char *)at)[9999], 1);
	check_errno(vcipc_shm_resize(shm, 50000), 0);
	check_errno(vcipc_shm_unmap(at, size), 0);
	check_errno(vcipc_shm_map(shm, &at, &size), 0);
	check("size", size, 50000);
	check("kept", ((char *)at)[9999], 1);
	check("zero", ((char *)at)[49999], 0);

	reader = vcipc_shm_open(name, VCIPC_RDONLY, 0, 0);
	assert_non_null(reader);
	check_errno(vcipc_shm_map(reader, &read, &size), 0);
	check("read", ((char *)read)[9999], 1);
	check_errno(vcipc_shm_resize(reader, 1), EBADF);
	check_errno(vcipc_shm_unmap(read, size), 0);
	check_errno(vcipc_shm_close(reader), 0);

	check_errno(vcipc_shm_unmap(at, size), 0);
	check_errno(vcipc_shm_unmap((char *)at + 1, size), EINVAL);
	check_errno(vcipc_shm_resize(shm, UINT64_MAX), EFBIG);
	check_errno(vcipc_shm_resize(shm, UINT64_C(1) << 45), ENOSPC);
	check_errno(vcipc_shm_size(shm, &bytes), 0);
	check("bytes", bytes, 50000);
	check_errno(vcipc_shm_resize(shm, 0), 0);
	check_errno(vcipc_shm_map(shm, &at, &size), ENODATA);
	check_errno(vcipc_shm_close(shm), 0);
}

/* The process has no room for it. */
static void test_no_room(void **state)
{
	const rlim_t some = 64 << 20;
	vcipc_shm *shm = vcipc_shm_open(ipc_test_name(), VCIPC_CREATE, 0600, some);
	struct rlimit before, none;
	size_t size = 99;
	void *at = NULL;

	assert_non_null(shm);
	getrlimit(RLIMIT_AS, &before);
	none = (struct rlimit){ .rlim_cur = some / 2, .rlim_max = before.rlim_max };
	setrlimit(RLIMIT_AS, &none);
	check_errno(vcipc_shm_map(shm, &at, &size), ENOMEM);
	setrlimit(RLIMIT_AS, &before);
	check("untouched", size, 99);
	check_errno(vcipc_shm_close(shm), 0);
}

static void test_deadline(void **state)
{
	struct timespec now, deadline = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	assert_ptr_equal(vcipc_deadline(&deadline, 1999999), &deadline);
	check("whole", deadline.tv_nsec < 1000000000, 1);
	check("at least",
	      (deadline.tv_sec - now.tv_sec) * 1000000000 + deadline.tv_nsec - now.tv_nsec >=
		      1999999000,
	      1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors_of_every_kind),
		cmocka_unit_test(test_attributes_out_of_range),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_only_one_initialises),
		cmocka_unit_test(test_maker_died),
		cmocka_unit_test(test_maker_overtaken),
		cmocka_unit_test(test_umask),
		cmocka_unit_test(test_fork_is_told),
		cmocka_unit_test(test_shm),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_deadline),
	};

	return cmocka_run_group_tests(tests, ipc_test_begin, ipc_test_end);
}
