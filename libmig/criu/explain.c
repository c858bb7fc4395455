// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * explain.c - what an error of CRIU's means for whoever asked for the move
 *
 * CRIU's messages are for those who write it. Here each that is known has what failed, why
 * it did, and what can be done. The patterns are the texts of CRIU 4.2.1, with * where it
 * puts something in; $1 to $4 in a sentence are what stood there. Most of what is here is
 * refused by the inventory before CRIU is asked; it is left for what comes into being
 * between the inventory and the freeze, and for other versions of CRIU.
 *
 * The first row that matches counts, so rows with less text come later.
 */
#include "libmig/criu/explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"

#define EXPLAIN_LOG_MAX (1 << 20)
#define EXPLAIN_CAPTURES 4

struct explain {
	const char *pattern;
	const char *what, *why, *remedy; /* why: NULL when what says it */
};

#define AGAIN "move it again"
#define NO_MEMORY "give the partition or the machine more memory, or end something"
#define NO_SIGHT                                                                                   \
	"root is refused the file, as on a FUSE file system mounted without allow_root, or on an " \
	"NFS export with root_squash"
#define MOVE_FILE "close the file for the move, or keep it on another file system"

/* clang-format off */
static const struct explain explain_rows[] = {
	/* stopping the tree */
	{ "Timeout reached*", "its processes did not all stop within 10 s",
	  "one of them waits in the kernel (state D in ps), or many compute on few CPUs",
	  "move it when it is less busy" },
	{ "Unable to freeze cgroup*", "its processes did not all stop within 10 s",
	  "one of them waits in the kernel (state D in ps)", "move it when that has ended" },
	{ "zombie * found while seizing*", "one of its processes was ending just then", NULL, AGAIN },
	{ "SEIZE *: *", "process $1 could not be stopped",
	  "it ended just then, or a debugger has got hold of it", "detach the debugger, or " AGAIN },
	{ "Unexpected exit code * of *", "process $2 ended while it was being stopped", NULL, AGAIN },
	{ "Zombie* with threads*", "the main thread of a process has ended while others run", NULL,
	  "let the main thread wait for the others" },
	{ "Zombie thread*", "a thread was ending just then", NULL, AGAIN },
	{ "Individually stopped threads*", "a single thread of a process is stopped",
	  "a debugger has left it so", "continue it" },
	{ "Zombie with children*", "a process that has ended still has children", NULL, AGAIN },
	{ "*session leader of *(*) is outside*", "process $2 is in a session of the outside", NULL,
	  "start it by setsid(1)" },
	{ "A root task is dead*", "it ended just then", NULL, "see 'vcstat jobs'" },

	/* entering a process */
	{ "*remote mmap() failed*", "one of its processes has no room for CRIU",
	  "its address space, or the number of its mappings, is limited",
	  "raise the limit, with prlimit --as, or vm.max_map_count" },
	{ "Can't create memfd in victim*", "one of its processes can open no more descriptors",
	  "its limit (RLIMIT_NOFILE) is reached", "raise the limit, with prlimit --nofile" },
	{ "Message reply from daemon is trimmed*", "one of its processes can open no more descriptors",
	  "its limit (RLIMIT_NOFILE) is nearly reached", "raise the limit, with prlimit --nofile" },
	{ "Command * for daemon failed*", "one of its processes did not do what CRIU asked",
	  "it is short of descriptors or memory, or a system call filter (seccomp) is in the way",
	  "raise the process's limits, or " AGAIN },
	{ "Parasite *", "one of its processes did not do what CRIU asked",
	  "it is short of descriptors or memory", "raise the process's limits, or " AGAIN },
	{ "Can't infect*", "CRIU could not enter process $1", "it ended or was changed just then", AGAIN },
	{ "Task pid reused*", "a process ended just then and another has its PID", NULL, AGAIN },
	{ "The task is not in parasite code*", "a signal came between", NULL, AGAIN },
	{ "Can't dump the * thread with a pending SIGTRAP*",
	  "a thread has a SIGTRAP that it has not taken yet", "a debugger has been at it",
	  "continue it under the debugger and detach" },
	{ "*an't get rlimit*", "the limits of a process cannot be read",
	  "vcrun's daemons lack CAP_SYS_RESOURCE", "see 'vcctl check'" },

	/* namespaces */
	{ "Task * with SysVIPC shmem map*", "process $1 has a System V segment of another IPC namespace",
	  NULL, "detach the segment for the move" },
	{ "*an't lookup mount=* for fd=* path=*", "the file $4 is on a mount that CRIU does not find",
	  "the process is in another mount namespace, or the file system was unmounted lazily",
	  "close the file for the move" },
	{ "Open files on overmounted mounts*path=*", "the file $2 is hidden by another mount", NULL,
	  "close the file for the move, or unmount what hides it" },
	{ "*doesn't live in*namespace*", "a process is in a namespace of its own", NULL,
	  "start the program without unshare, sandbox or container" },
	{ "Can't resolve * namespace*", "a process is in a $1 namespace of its own", NULL,
	  "start the program without unshare, sandbox or container" },

	/* processes that share */
	{ "Can't make VM id for *", "process $1 shares its memory with another one",
	  "vfork or clone with CLONE_VM", "move it when it has executed a program" },
	{ "Can't make FS id for *", "process $1 shares its current directory with another one",
	  "clone with CLONE_FS", "end one of the two" },
	{ "Can't make SIGHAND id for *", "process $1 shares its signal handlers with another one",
	  "clone with CLONE_SIGHAND", "end one of the two" },

	/* files */
	{ "Unknown clock type *", "a timerfd goes by a clock that wakes the machine", NULL,
	  "close it for the move" },
	{ "Dump eventpoll *", "an epoll instance waits for a file that its process has closed",
	  "another process still has that file", "close the epoll instance for the move" },
	{ "Can't open ghost original file*", "an unlinked file of its cannot be read", NO_SIGHT, MOVE_FILE },
	{ "Can't dump ghost file * of *", "the unlinked file $1 is too large to come along", NULL,
	  "close the file for the move" },
	{ "Can't link remap to *", "no name can be made for the unlinked file $1",
	  "its directory is gone, or its file system has no links or does not let root make any", MOVE_FILE },
	{ "Can't create link remap for *", "no name can be made for the unlinked file $1", NULL, MOVE_FILE },
	{ "Can't stat*: Permission denied*", "one of its files cannot be looked at", NO_SIGHT, MOVE_FILE },
	{ "Can't statfs fd*", "one of its files cannot be looked at",
	  "its file system does not answer, or refuses root", MOVE_FILE },
	{ "Can't stat path*", "the path of one of its files leads nowhere",
	  "the file was removed or replaced just then", AGAIN },
	{ "Unaccessible path opened *", "the path of one of its files leads to another file",
	  "the file was replaced, or another one is mounted over it", "close the file, or " AGAIN },
	{ "Build-ID*can't open the file*", "one of its programs or libraries cannot be read", NO_SIGHT,
	  MOVE_FILE },
	{ "Can't dump file * of that type*", "descriptor $1 is of a kind that cannot be carried", NULL,
	  "close it for the move" },
	{ "Unsupported mapping found *", "memory that is mapped at $1 cannot be carried",
	  "it is of a device, or of a file that the kernel makes up (in /sys, for one)",
	  "unmap it for the move" },
	{ "Unsupported*", "it has something that cannot be carried", NULL, "end it for the move" },
	{ "Some file locks are hold*", "it has taken a file lock just then", NULL, AGAIN },
	{ "Can't get lease type*", "a lease of its was being broken just then", NULL, AGAIN },
	{ "The bfd buffer is too small*", "the path of a mapped file, or the list of a process's groups, "
	  "is too long for CRIU", NULL, "use a directory less deep, or fewer groups" },
	{ "The file name is too long*", "a file's path is too long for CRIU", NULL,
	  "close the file for the move" },

	/* pipes and sockets */
	{ "OOM storing pipe*", "there is no memory for what is unread in its pipes",
	  "the machine's memory, or that for the images, is used up", NO_MEMORY },
	{ "Can't create pipe for stealing data*", "there is no memory for what is unread in its pipes",
	  "the user has too many pipes (fs.pipe-user-pages-soft), or memory is used up", NO_MEMORY },
	{ "The packetized mode*", "a pipe of its is in packet mode (O_DIRECT)", NULL,
	  "close it for the move" },
	{ "External socket*", "a Unix socket of its is connected to a process outside",
	  "it was connected or handed over just then", AGAIN ", or close the connection" },
	{ "Can't dump half of stream unix connection*", "a Unix socket of its is connected to a process "
	  "outside", "it was connected or handed over just then", AGAIN ", or close the connection" },
	{ "Can't dump name-less external socket*", "a Unix socket of its is connected to a process outside",
	  "it was connected or handed over just then", AGAIN ", or close the connection" },
	{ "*n-flight connection*", "a connection waits to be accepted",
	  "it came while the job was being stopped", AGAIN },
	{ "Found a closed in-flight socket*", "a connection waits to be accepted", NULL, AGAIN },
	{ "Connected TCP socket*", "a TCP connection was made just then", NULL, AGAIN },
	{ "Can't turn TCP repair mode ON*", "a TCP connection of its cannot be taken over",
	  "vcrun's daemons lack CAP_NET_ADMIN, or another one repairs it", "see 'vcctl check'" },
	{ "*queued data overflow*", "more is unread on a terminal than CRIU carries", NULL,
	  "let the program read it first" },
	{ "Can't get socket filter*", "a socket's filter cannot be read", NULL, "close the socket" },

	/* restoring */
	{ "*PR_SET_MM_MAP* failed with -13", "its program may not be executed any more",
	  "somebody changed its mode, or mounted its file system with noexec",
	  "make it executable again" },
	{ "Can't open file * on restore*", "the file $1 cannot be opened again",
	  "it was removed, or its rights changed, while the job stood still", "put it back as it was" },
	{ "File * has bad *", "the file $1 is not as it was",
	  "somebody changed it while the job stood still", AGAIN },
	{ "Can't open *tty*", "a terminal of its cannot be opened again",
	  "another program has taken its number, or its rights changed", AGAIN },
	{ "Can't obtain ptmx index*", "a terminal's number is taken by another program", NULL, AGAIN },
	{ "Can't obtain current index*", "a terminal's number is taken by another program", NULL, AGAIN },
	{ "Unable to open /dev/ptmx with specified index*",
	  "a terminal's number is taken by another program", NULL, AGAIN },
	{ "Can't bind inet socket*", "a port of its is taken by another program", NULL,
	  "end the one that has it; ss -lp shows it" },
	{ "Can't bind id * ino * addr *: *", "the address $3 of a Unix socket is taken", NULL,
	  "remove what has the name" },
	{ "Can't bind*", "the address of a socket is taken by another program", NULL,
	  "end the one that has it" },
	{ "Pid * do* not match*", "its PID $1 is taken by another process", NULL, AGAIN },
	{ "*an't fork for *: Resource temporarily unavailable*", "no process could be made for PID $2",
	  "the target's limit of processes (pids.max), or the user's, is reached", "raise it, or end processes" },
	{ "*an't fork for *: *", "PID $2 could not be had", "another process has it", AGAIN },
	{ "*: File exists*", "something that it had is taken by another program", NULL, AGAIN },
	{ "* killed by signal 9*", "a process was killed while it was being restored",
	  "the target has too little memory", NO_MEMORY },
	{ "Can't mmap shmem*", "its shared memory cannot be had a second time",
	  "memory, or the pool of huge pages, is used up", NO_MEMORY },
	{ "Can't restore * mapping with *", "its memory at $1 cannot be mapped again",
	  "memory, or the pool of huge pages, is used up", NO_MEMORY },
	{ "Unable to map ANON_VMA*", "its memory cannot be mapped again", "memory is used up", NO_MEMORY },
	{ "Unable to reserve memory*", "its memory cannot be mapped again", "memory is used up", NO_MEMORY },
	{ "Failed to create shm set*", "a System V segment of its cannot be had again",
	  "memory, the pool of huge pages, or kernel.shmmni is used up", NO_MEMORY },
	{ "Can't set*lease*", "a lease of its cannot be taken again",
	  "another process has opened the file", AGAIN },
	{ "Can not set*lock*", "a file lock of its cannot be taken again",
	  "another process has taken it", "end the one that has it; lslocks shows it" },

	/* whatever it was, by its errno */
	{ "*: Cannot allocate memory*", "memory is used up", NULL, NO_MEMORY },
	{ "*: No space left on device*", "the images do not fit",
	  "the file system of the state directory, a tmpfs, is full", NO_MEMORY },
	{ "Can't write img file*", "the images cannot be written",
	  "the file system of the state directory, a tmpfs, is full", NO_MEMORY },
	{ "*: Too many open files*", "there are no descriptors left",
	  "the machine's limit (fs.file-max) or CRIU's is reached", "raise fs.file-max" },
	{ "*: Permission denied*", "root was refused something", NO_SIGHT, MOVE_FILE },
	{ "*: Operation not permitted*", "root was refused something",
	  "a capability is missing, or a security module forbids it", "see 'vcctl check'" },
	{ "*: No such process*", "one of its processes ended just then", NULL, AGAIN },
	{ "*: Input/output error*", "a file of its cannot be read", "its device or server fails",
	  "see the kernel's log" },
	{ "*: Stale file handle*", "a file of its is gone from its server", NULL, "close the file" },
	{ "*: Transport endpoint is not connected*", "a file system that it uses is gone",
	  "the program that serves it (FUSE) has ended", "close its files, and unmount it" },
};
/* clang-format on */

struct capture {
	const char *at;
	size_t len;
};

/* * matches anything, as little as possible; the last one takes the rest. */
static bool explain_match(const char *pattern, const char *line, struct capture *captures, size_t n)
{
	for (; *pattern && *pattern != '*'; pattern++, line++)
		if (*pattern != *line)
			return false;
	if (!*pattern)
		return !*line;
	for (const char *end = pattern[1] ? line : line + strlen(line);; end++) {
		if (n > 0)
			*captures = (struct capture){ .at = line, .len = (size_t)(end - line) };
		if (explain_match(pattern + 1, end, captures + 1, n > 0 ? n - 1 : 0))
			return true;
		if (!*end)
			return false;
	}
}

/* Appends a text, with what was captured in place of $1 and so on. */
static void explain_append(char *ret, size_t size, const char *text, const struct capture *captures)
{
	size_t at = strlen(ret);

	for (; *text && at + 1 < size; text++) {
		if (*text == '$' && text[1] >= '1' && text[1] < '1' + EXPLAIN_CAPTURES) {
			const struct capture *capture = &captures[*++text - '1'];

			for (size_t i = 0; i < capture->len && at + 1 < size; i++)
				ret[at++] = capture->at[i];
		} else {
			ret[at++] = *text;
		}
	}
	ret[at] = '\0';
}

/* Texts of CRIU's may begin with the name of a part of it: "tty: ". */
static const char *explain_skip_part(const char *line)
{
	const char *end = line + strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789-_");

	return end > line && !strncmp(end, ": ", 2) ? end + 2 : line;
}

static const struct explain *explain_find_row(const char *line, struct capture *captures)
{
	const char *short_line = explain_skip_part(line);

	for (size_t i = 0; i < ARRAY_SIZE(explain_rows); i++)
		if (explain_match(explain_rows[i].pattern, line, captures, EXPLAIN_CAPTURES) ||
		    explain_match(explain_rows[i].pattern, short_line, captures, EXPLAIN_CAPTURES))
			return &explain_rows[i];
	return NULL;
}

bool criu_explain_line(const char *line, bool restoring, char *ret, size_t size)
{
	struct capture captures[EXPLAIN_CAPTURES] = { 0 };
	const struct explain *row = explain_find_row(line, captures);

	ret[0] = '\0';
	if (!row) {
		snprintf(ret, size, "CRIU could not %s, for a reason that vcrun does not know",
			 restoring ? "restore the job" : "write the job out");
		return false;
	}
	explain_append(ret, size, row->what, captures);
	if (row->why) {
		explain_append(ret, size, ": ", captures);
		explain_append(ret, size, row->why, captures);
	}
	explain_append(ret, size, "; ", captures);
	explain_append(ret, size, row->remedy, captures);
	return true;
}

/* Said, and without consequence. */
static bool explain_is_noise(const char *text)
{
	static const char *const noise[] = {
		/* It cannot raise its own limit without CAP_SYS_RESOURCE. */
		"rlimit: Can't setup RLIMIT_NOFILE",
	};

	for (size_t i = 0; i < ARRAY_SIZE(noise); i++)
		if (!strncmp(text, noise[i], strlen(noise[i])))
			return true;
	return false;
}

int criu_explain_find(int dirfd, const char *log, char *ret, size_t size)
{
	_cleanup_free_ char *all = NULL;

	if (file_read_all(dirfd, log, EXPLAIN_LOG_MAX, &all) < 0)
		return -ENOENT;
	/* The first error says what went wrong; later ones follow from it. */
	for (char *line = all; (line = strstr(line, "Error (")); line++) {
		char *text = strstr(line, "): ");
		size_t len;

		text = text ? text + 3 : line;
		len = strcspn(text, "\n");
		if (explain_is_noise(text))
			continue;
		snprintf(ret, size, "%.*s", (int)(len < size ? len : size - 1), text);
		return 0;
	}
	return -ENOENT;
}
