// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * file.c - rows of tests/move-kinds: descriptors of files, pipes and objects without a name
 */
#include "tests/kinds/kind.h"

#include <fcntl.h>
#include <linux/fanotify.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static int fd = -1, other = -1;

static void say_position(FILE *out, int which)
{
	kind_say(out, "flags", fcntl(which, F_GETFL));
	kind_say(out, "close on exec", fcntl(which, F_GETFD));
	kind_say(out, "position", lseek(which, 0, SEEK_CUR));
}

static void make_regular(void)
{
	kind_write_file("file", "0123456789");
	MUST((fd = open("file", O_RDWR)) >= 0);
	MUST(lseek(fd, 4, SEEK_SET) == 4);
	MUST((other = dup(fd)) >= 0);
}

static void show_regular(FILE *out)
{
	char byte;

	say_position(out, fd);
	/* One description: what the one reads the other has read. */
	MUST(read(fd, &byte, 1) == 1);
	kind_say(out, "position of the duplicate", lseek(other, 0, SEEK_CUR));
	lseek(fd, -1, SEEK_CUR);
}

static void make_append(void)
{
	MUST((fd = open("file", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) >= 0);
}

static void show_append(FILE *out)
{
	struct stat st;

	MUST(ftruncate(fd, 5) == 0 && lseek(fd, 0, SEEK_SET) == 0 && write(fd, "abc", 3) == 3);
	fstat(fd, &st);
	kind_say(out, "size", st.st_size);
	say_position(out, fd);
}

static void make_deleted(void)
{
	make_regular();
	MUST(unlink("file") == 0);
}

static void make_deleted_linked(void)
{
	make_regular();
	MUST(link("file", "second") == 0 && unlink("file") == 0);
}

static void make_directory(void)
{
	MUST((fd = open(".", O_RDONLY | O_DIRECTORY)) >= 0);
}

static void show_directory(FILE *out)
{
	say_position(out, fd);
	kind_say(out, "open below", faccessat(fd, "no-such", F_OK, 0));
}

static void make_path(void)
{
	kind_write_file("file", "0");
	MUST(symlink("file", "link") == 0);
	MUST((fd = open("file", O_PATH)) >= 0);
	MUST((other = open("link", O_PATH | O_NOFOLLOW)) >= 0);
}

static void show_path(FILE *out)
{
	struct stat st;

	kind_say(out, "flags", fcntl(fd, F_GETFL));
	kind_say(out, "flags of the link", fcntl(other, F_GETFL));
	fstat(other, &st);
	fprintf(out, "a link: %d\n", S_ISLNK(st.st_mode));
}

static void make_pipe(void)
{
	int ends[2];

	MUST(pipe(ends) == 0);
	fd = ends[0];
	other = ends[1];
	MUST(write(other, "in the pipe", 11) == 11);
	MUST(fcntl(other, F_SETPIPE_SZ, 1 << 17) > 0);
}

static void show_pipe(FILE *out)
{
	kind_say(out, "size", fcntl(fd, F_GETPIPE_SZ));
	kind_say_read(out, "read", fd);
	MUST(write(other, "in the pipe", 11) == 11);
}

static void make_fifo(void)
{
	MUST(mkfifo("fifo", 0600) == 0);
	MUST((fd = open("fifo", O_RDONLY | O_NONBLOCK)) >= 0);
	MUST((other = open("fifo", O_WRONLY)) >= 0);
	MUST(write(other, "in the pipe", 11) == 11);
}

static void make_memfd(void)
{
	MUST((fd = memfd_create("name", MFD_ALLOW_SEALING)) >= 0);
	MUST(write(fd, "0123456789", 10) == 10);
	MUST(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) == 0);
	other = fd;
}

static void show_memfd(FILE *out)
{
	say_position(out, fd);
	kind_say(out, "seals", fcntl(fd, F_GET_SEALS));
}

static void make_eventfd(void)
{
	MUST((fd = eventfd(3, EFD_NONBLOCK)) >= 0);
}

static void make_eventfd_semaphore(void)
{
	MUST((fd = eventfd(3, EFD_NONBLOCK | EFD_SEMAPHORE)) >= 0);
}

static void show_eventfd(FILE *out)
{
	uint64_t value;

	MUST(read(fd, &value, sizeof(value)) == sizeof(value));
	kind_say(out, "read", (long)value);
	MUST(write(fd, &value, sizeof(value)) == sizeof(value));
}

static void make_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u64 = 77 };

	make_pipe();
	MUST((fd = epoll_create1(0)) >= 0);
	MUST(epoll_ctl(fd, EPOLL_CTL_ADD, other - 1, &event) == 0);
}

static void show_epoll(FILE *out)
{
	struct epoll_event event = { .data.u64 = 0 };

	MUST(write(other, "x", 1) == 1);
	kind_say(out, "events", epoll_wait(fd, &event, 1, 0));
	kind_say(out, "data", (long)event.data.u64);
}

static void make_inotify(void)
{
	MUST((fd = inotify_init1(IN_NONBLOCK)) >= 0);
	MUST((other = inotify_add_watch(fd, ".", IN_CREATE | IN_DELETE)) > 0);
}

static void show_inotify(FILE *out)
{
	char buf[4096];

	kind_say(out, "watch", other);
	kind_write_file("made", "");
	MUST(unlink("made") == 0);
	kind_say(out, "bytes of events", read(fd, buf, sizeof(buf)));
}

/* What is read is made anew at the end. */
static void make_inotify_unread(void)
{
	make_inotify();
	kind_write_file("made", "");
	MUST(unlink("made") == 0);
}

static void show_inotify_unread(FILE *out)
{
	char buf[4096];

	kind_say(out, "bytes of events", read(fd, buf, sizeof(buf)));
	kind_write_file("made", "");
	MUST(unlink("made") == 0);
}

static void make_fanotify(void)
{
	NEED((fd = fanotify_init(FAN_CLASS_NOTIF, 0)) >= 0);
}

static void make_fanotify_asking(void)
{
	make_fanotify();
	close(fd);
	NEED((fd = fanotify_init(FAN_CLASS_CONTENT | FAN_NONBLOCK, O_RDONLY)) >= 0);
	kind_write_file("watched", "");
	NEED(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "watched") == 0);
}

static void make_signalfd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	MUST((fd = signalfd(-1, &set, SFD_NONBLOCK)) >= 0);
	raise(SIGUSR1);
}

static void show_signalfd(FILE *out)
{
	struct signalfd_siginfo info = { .ssi_signo = 0 };

	MUST(read(fd, &info, sizeof(info)) == sizeof(info));
	fprintf(out, "signal %u from %s\n", info.ssi_signo,
		(pid_t)info.ssi_pid == getpid() ? "me" : "?");
	raise(SIGUSR1);
}

static void do_nothing(void *arg)
{
	(void)arg;
}

static void make_pidfd(void)
{
	MUST((fd = (int)syscall(SYS_pidfd_open, kind_child(do_nothing, NULL), 0)) >= 0);
}

static void show_pidfd(FILE *out)
{
	kind_say(out, "signal", syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
}

static void make_flock(void)
{
	make_regular();
	MUST(flock(fd, LOCK_EX) == 0);
}

static void show_flock(FILE *out)
{
	int again = open("file", O_RDWR | O_CLOEXEC);

	kind_say(out, "another's lock", flock(again, LOCK_EX | LOCK_NB));
	close(again);
}

static void make_flock_twice(void)
{
	make_flock();
	MUST((other = open("file", O_RDONLY)) >= 0);
}

static void show_ofd(FILE *out)
{
	struct flock lock = { .l_type = F_WRLCK, .l_start = 2, .l_len = 3 };
	int again = open("file", O_RDWR | O_CLOEXEC);

	MUST(fcntl(again, F_OFD_GETLK, &lock) == 0);
	fprintf(out, "type %d from %ld, %ld long, of %s\n", lock.l_type, (long)lock.l_start,
		(long)lock.l_len,
		lock.l_pid == getpid() ? "me"
		: lock.l_pid == -1     ? "a description"
				       : "?");
	close(again);
}

static void make_ofd(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_start = 1, .l_len = 5 };

	make_regular();
	MUST(fcntl(fd, F_OFD_SETLK, &lock) == 0);
}

static void hold_posix(void *arg)
{
	struct flock lock = { .l_type = F_WRLCK, .l_start = 1, .l_len = 5 };

	(void)arg;
	MUST(fcntl(fd, F_SETLK, &lock) == 0);
}

static pid_t holder;

static void make_posix(void)
{
	make_regular();
	holder = kind_child(hold_posix, NULL);
}

static void show_posix(FILE *out)
{
	struct flock lock = { .l_type = F_WRLCK, .l_start = 2, .l_len = 3 };

	MUST(fcntl(fd, F_GETLK, &lock) == 0);
	fprintf(out, "type %d from %ld, %ld long, of %s\n", lock.l_type, (long)lock.l_start,
		(long)lock.l_len, lock.l_pid == holder ? "the child" : "?");
}

static void make_lease(void)
{
	kind_write_file("file", "0123456789");
	MUST((fd = open("file", O_RDONLY)) >= 0);
	NEED(fcntl(fd, F_SETLEASE, F_RDLCK) == 0);
}

static void show_lease(FILE *out)
{
	kind_say(out, "lease", fcntl(fd, F_GETLEASE));
}

static void make_owner(void)
{
	make_pipe();
	MUST(fcntl(fd, F_SETOWN, getpid()) == 0 && fcntl(fd, F_SETSIG, SIGRTMIN) == 0);
}

static void show_owner(FILE *out)
{
	fprintf(out, "owner %s, signal %d\n", fcntl(fd, F_GETOWN) == getpid() ? "me" : "?",
		fcntl(fd, F_GETSIG));
}

static void wait_for_end(void *arg)
{
	(void)arg;
}

/* What the epoll instance waits for is open in the child only. */
static void make_epoll_closed(void)
{
	make_epoll();
	kind_child(wait_for_end, NULL);
	close(other - 1);
}

static void make_timerfd_alarm(void)
{
	NEED((fd = timerfd_create(CLOCK_BOOTTIME_ALARM, 0)) >= 0);
}

static void make_mqueue(void)
{
	NEED((fd = mq_open("/vcrun-kind", O_RDWR | O_CREAT, 0600, NULL)) >= 0);
	mq_unlink("/vcrun-kind");
}

static void make_mqueue_notify(void)
{
	struct sigevent signal = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGURG };

	make_mqueue();
	MUST(mq_notify(fd, &signal) == 0);
}

static void make_devices(void)
{
	static const char *const names[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/urandom",
					     "/dev/random" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		NEED(open(names[i], O_RDWR | O_NONBLOCK) >= 0);
}

/* Devices of the system, and of input and screens if there are any. */
static void make_loop_control(void)
{
	NEED(open("/dev/loop-control", O_RDWR) >= 0);
}

static void make_fuse(void)
{
	NEED(open("/dev/fuse", O_RDWR) >= 0);
}

static void make_kmsg(void)
{
	NEED(open("/dev/kmsg", O_RDONLY | O_NONBLOCK) >= 0);
}

static void make_block_device(void)
{
	NEED((fd = open("/dev/loop0", O_RDONLY)) >= 0 || (fd = open("/dev/sda", O_RDONLY)) >= 0 ||
	     (fd = open("/dev/vda", O_RDONLY)) >= 0);
}

const struct kind kinds_file[] = {
	KIND("file-regular", make_regular, show_regular, .as = KIND_BOTH),
	KIND("file-append", make_append, show_append),
	KIND("file-deleted", make_deleted, show_regular),
	KIND("file-deleted-linked", make_deleted_linked, show_regular),
	KIND("file-directory", make_directory, show_directory),
	KIND("file-o-path", make_path, show_path),
	KIND("file-pipe", make_pipe, show_pipe, .as = KIND_BOTH),
	KIND("file-fifo", make_fifo, show_pipe),
	KIND("file-memfd", make_memfd, show_memfd),
	KIND("file-eventfd", make_eventfd, show_eventfd),
	KIND("file-eventfd-semaphore", make_eventfd_semaphore, show_eventfd),
	KIND("file-epoll", make_epoll, show_epoll),
	KIND("file-inotify", make_inotify, show_inotify),
	KIND("file-inotify-unread", make_inotify_unread, show_inotify_unread),
	KIND("file-fanotify", make_fanotify, NULL),
	KIND("file-fanotify-asking", make_fanotify_asking, NULL,
	     .refused = "grants or denies the opening of files"),
	KIND("file-signalfd", make_signalfd, show_signalfd),
	KIND("file-pidfd", make_pidfd, show_pidfd),
	KIND("file-flock", make_flock, show_flock),
	KIND("file-flock-twice", make_flock_twice, show_flock),
	KIND("file-lock-ofd", make_ofd, show_ofd),
	KIND("file-lock-posix", make_posix, show_posix),
	KIND("file-lease", make_lease, show_lease),
	KIND("file-owner", make_owner, show_owner),
	KIND("file-epoll-closed", make_epoll_closed, NULL,
	     .refused = "not open in that process any more"),
	KIND("file-timerfd-alarm", make_timerfd_alarm, NULL,
	     .refused = "a clock that wakes the machine"),
	KIND("file-mqueue", make_mqueue, NULL),
	KIND("file-mqueue-notify", make_mqueue_notify, NULL, .refused = "mq_notify",
	     .as = KIND_BOTH),
	KIND("file-devices", make_devices, NULL),
	KIND("file-loop-control", make_loop_control, NULL),
	KIND("file-fuse", make_fuse, NULL),
	KIND("file-kmsg", make_kmsg, NULL),
	KIND("file-block-device", make_block_device, NULL, .refused = "a block device"),
	{ .name = NULL },
};
