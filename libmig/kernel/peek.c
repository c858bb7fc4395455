// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * peek.c - data of a thread that the kernel does not show
 *
 * A BPF iterator over the threads of a process calls our program for each thread. The program
 * copies the fields of one table into a record on its stack, and writes the record into the
 * iterator's file, from which it is read here. btf.c finds the places of the fields. The program
 * has a few instructions for each field, which are generated here, so neither libbpf nor a compiler
 * is needed.
 *
 * A field that cannot be read is zero, and its bit is set in the record's mask.
 */
#include "libmig/kernel/peek.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/kernel/btf.h"
#include "libmig/kernel/priv.h"

#define LEVELS_MAX 4   /* of nested PID namespaces */
#define INSNS_A_READ 8 /* at most, with the way to it */
#define INSNS_AROUND 16
#define RECORDS_READ 64
#define SLEEP_NATIVE 1 /* the kernel's enum timespec_type */

/* The kernel's structure with the number of a thread in one PID namespace. */
struct peek_upid {
	int32_t number;
	uint64_t namespace;
};

struct peek_record {
	uint64_t unread; /* bit i: field i of the table */
	uint32_t level;
	int32_t sleep_clock;
	struct peek_upid numbers[LEVELS_MAX];
	uint64_t restart;
	uint64_t sleep_end, sleep_rest;
	uint32_t sleep_kind;
	uint8_t alarm_runs, unused[3];
	uint64_t alarm_end, alarm_interval;
	uint64_t poll_sec, poll_nsec;
	uint32_t poll_ends, securebits;
	uint64_t futex_end;
	uint64_t mm_flags;
	uint64_t words[PEEK_N_WORDS];
	uint64_t lsm[PEEK_LSM_WORDS];
};

#define FIELD(path_, older_, member)                                                               \
	{                                                                                          \
		.path = path_, .older = older_, .at = offsetof(struct peek_record, member),        \
		.size = sizeof(((struct peek_record *)NULL)->member)                               \
	}

/* A kernel may lack the field, which then counts as not readable. */
#define WORD_FIELD(path_, bytes, index)                                                            \
	{                                                                                          \
		.path = path_, .at = offsetof(struct peek_record, words[index]), .size = bytes,    \
		.optional = true                                                                   \
	}

static const struct peek_field {
	const char *path;
	const char *older; /* the path in older kernels, or NULL */
	size_t at, size;   /* in the record */
	bool optional;
} fields[] = {
	FIELD("thread_pid->level", NULL, level),
	FIELD("thread_pid->numbers", NULL, numbers),
	FIELD("restart_block.fn", NULL, restart),
	FIELD("restart_block.nanosleep.type", NULL, sleep_kind),
	FIELD("restart_block.nanosleep.rmtp", NULL, sleep_rest),
	FIELD("restart_block.nanosleep.clockid", NULL, sleep_clock),
	FIELD("restart_block.nanosleep.expires", NULL, sleep_end),
	FIELD("restart_block.poll.end_time.tv_sec", "restart_block.poll.tv_sec", poll_sec),
	FIELD("restart_block.poll.end_time.tv_nsec", "restart_block.poll.tv_nsec", poll_nsec),
	FIELD("restart_block.poll.has_timeout", NULL, poll_ends),
	FIELD("restart_block.futex.time", NULL, futex_end),
	FIELD("signal->real_timer.is_queued", "signal->real_timer.state", alarm_runs),
	FIELD("signal->real_timer.node.expires", NULL, alarm_end),
	FIELD("signal->it_real_incr", NULL, alarm_interval),
	FIELD("mm->flags", NULL, mm_flags),
	FIELD("cred->securebits", NULL, securebits),
	WORD_FIELD("flags", 4, PEEK_FLAGS),
	WORD_FIELD("thread_info.flags", WORD, PEEK_THREAD_FLAGS),
	WORD_FIELD("mempolicy", WORD, PEEK_POLICY),
	WORD_FIELD("cred->session_keyring->serial", 4, PEEK_SESSION_KEYRING),
	WORD_FIELD("cred->process_keyring", WORD, PEEK_PROCESS_KEYRING),
	WORD_FIELD("cred->thread_keyring", WORD, PEEK_THREAD_KEYRING),
	WORD_FIELD("mm->context.ldt", WORD, PEEK_SEGMENTS),
	WORD_FIELD("sysvsem.undo_list", WORD, PEEK_UNDO),
	WORD_FIELD("mm->def_flags", WORD, PEEK_TO_COME),
	WORD_FIELD("thread_info.syscall_work", WORD, PEEK_SYSCALL_WORK),
	WORD_FIELD("cred->jit_keyring", 1, PEEK_REQUEST_KEYRING),
	FIELD("cred->security->", NULL, lsm),
};
#define LSM_FIELD (ARRAY_SIZE(fields) - 1)

struct peek {
	int program;
	unsigned int n_words;
	uint32_t level;    /* of the mover's PID namespace */
	uint32_t iterator; /* 0: the program was handed over */
	struct btf_way ways[ARRAY_SIZE(fields)];
};

/* The stack has the record at its end, and below it a word for pointers on the way. */
#define STACK_RECORD (-(int)sizeof(struct peek_record))
#define STACK_POINTER (STACK_RECORD - (int)WORD)
_Static_assert(-STACK_POINTER <= 512, "a BPF program has a stack of 512 bytes");

/* r3: the address. Reads size bytes from there to stack_at. Sets bit i of r9 if that fails. */
static void peek_emit_read(struct peek_code *code, int stack_at, size_t size, size_t i)
{
	peek_emit_copy(code, BPF_REG_1, BPF_REG_10);
	peek_emit_add(code, BPF_REG_1, stack_at);
	peek_emit_set(code, BPF_REG_2, (int32_t)size);
	peek_emit(code, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_probe_read_kernel);
	peek_emit(code, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 1, 0);
	peek_emit(code, BPF_ALU64 | BPF_OR | BPF_K, BPF_REG_9, 0, 0, 1 << i);
}

/* r7: the task. */
static void peek_emit_field(struct peek_code *code, const struct peek_field *field, size_t i,
			    const struct btf_way *way, size_t size)
{
	peek_emit_copy(code, BPF_REG_3, BPF_REG_7);
	for (size_t hop = 0; hop < way->n; hop++) {
		peek_emit_add(code, BPF_REG_3, (int32_t)way->offset[hop]);
		if (hop + 1 == way->n)
			break;
		peek_emit_read(code, STACK_POINTER, WORD, i);
		peek_emit_load(code, BPF_REG_3, BPF_REG_10, STACK_POINTER);
	}
	peek_emit_read(code, STACK_RECORD + (int)field->at, size, i);
}

_Static_assert(INSNS_AROUND + sizeof(struct peek_record) / WORD +
			       ARRAY_SIZE(fields) * BTF_HOPS_MAX * INSNS_A_READ <=
		       PEEK_INSNS_MAX,
	       "the program has room");

static int peek_find_ways(struct peek *peek, struct vc_err *err)
{
	struct btf *btf = NULL;
	int r = btf_open(&btf, err);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(fields); i++) {
		r = btf_find_way(btf, fields[i].path, &peek->ways[i]);
		if (r < 0 && fields[i].older)
			r = btf_find_way(btf, fields[i].older, &peek->ways[i]);
		if (r < 0 && fields[i].optional) {
			peek->ways[i].n = r = 0;
			continue;
		}
		if (r < 0)
			err_set(err, EOPNOTSUPP,
				"this kernel's struct task_struct has no %s that is known here",
				fields[i].path);
	}
	if (r == 0)
		peek->iterator = btf_task_iterator(btf);
	btf_free(btf);
	return r;
}

static void peek_make_code(const struct peek *peek, unsigned int first_word, struct peek_code *code)
{
	size_t skip;

	for (int at = STACK_POINTER; at < 0; at += (int)WORD)
		peek_emit(code, BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, (int16_t)at, 0);
	peek_emit_load(code, BPF_REG_6, BPF_REG_1, 0);             /* the iterator's data */
	peek_emit_load(code, BPF_REG_7, BPF_REG_1, (int16_t)WORD); /* the task; 0: the end */
	peek_emit_set(code, BPF_REG_9, 0);
	skip = code->n;
	peek_emit(code, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_7, 0, 0, 0);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		struct btf_way way = peek->ways[i];
		size_t size = fields[i].size;

		if (i == LSM_FIELD) {
			way.offset[way.n - 1] += first_word * (uint32_t)WORD;
			size = peek->n_words * WORD;
		}
		if (way.n == 0)
			peek_emit(code, BPF_ALU64 | BPF_OR | BPF_K, BPF_REG_9, 0, 0, 1 << i);
		else
			peek_emit_field(code, &fields[i], i, &way, size);
	}
	peek_emit(code, BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, BPF_REG_9,
		  STACK_RECORD + (int)offsetof(struct peek_record, unread), 0);
	peek_emit_load(code, BPF_REG_1, BPF_REG_6, 0); /* its file */
	peek_emit_copy(code, BPF_REG_2, BPF_REG_10);
	peek_emit_add(code, BPF_REG_2, STACK_RECORD);
	peek_emit_set(code, BPF_REG_3, sizeof(struct peek_record));
	peek_emit(code, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_seq_write);
	code->insns[skip].off = (int16_t)(code->n - skip - 1);
	peek_emit_set(code, BPF_REG_0, 0);
	peek_emit(code, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

void peek_free(struct peek *peek)
{
	if (!peek)
		return;
	if (peek->program >= 0)
		close(peek->program);
	free(peek);
}

static int peek_read(const struct peek *peek, pid_t pid, struct peek_record **ret, size_t *ret_n)
{
	_cleanup_close_ int fd = peek_open(peek->program, pid, 0);
	_cleanup_free_ struct peek_record *records = NULL;
	size_t got = 0, size = 0;
	ssize_t n;

	if (fd < 0)
		return fd;
	do {
		if (size - got < sizeof(*records)) {
			size_t wanted = size ? size * 2 : RECORDS_READ * sizeof(*records);
			struct peek_record *grown = realloc(records, wanted);

			if (!grown)
				return -ENOMEM;
			records = grown;
			size = wanted;
		}
		n = read(fd, (char *)records + got, size - got);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		got += n > 0 ? (size_t)n : 0;
	} while (n != 0);
	if (got == 0 || got % sizeof(*records))
		return got ? -EPROTO : -ESRCH;
	*ret = steal_ptr(records);
	*ret_n = got / sizeof(**ret);
	return 0;
}

static bool peek_was_read(const struct peek_record *record, const char *start)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if ((record->unread & 1u << i) && !strncmp(fields[i].path, start, strlen(start)))
			return false;
	return true;
}

/* Loads the program, and tests it on this process. */
static int peek_start(struct peek *peek, unsigned int first_word, struct vc_err *err)
{
	_cleanup_free_ struct peek_code *code = calloc(1, sizeof(*code));
	_cleanup_free_ struct peek_record *records = NULL;
	size_t n;
	int r;

	if (!code)
		return err_sys(err, ENOMEM, "reader of tasks");
	peek_make_code(peek, first_word, code);
	peek->program = r = peek_load(code, peek->iterator, err);
	if (r < 0)
		return r;
	r = peek_read(peek, getpid(), &records, &n);
	if (r < 0)
		return err_set(err, EOPNOTSUPP, "the kernel does not run our BPF program: %s",
			       strerror(-r));
	peek->level = records[0].level;
	if (peek->level >= LEVELS_MAX || !peek_was_read(&records[0], "thread_pid") ||
	    records[0].numbers[peek->level].number != getpid())
		return err_set(
			err, EOPNOTSUPP,
			"the numbers of threads at level %u of PID namespaces cannot be read",
			peek->level);
	return 0;
}

static int peek_new_from(const struct peek *like, unsigned int first_word, unsigned int n_words,
			 struct peek **ret, struct vc_err *err)
{
	_cleanup_(peek_freep) struct peek *peek = calloc(1, sizeof(*peek));
	int r = 0;

	if (!peek)
		return err_sys(err, ENOMEM, "reader of tasks");
	if (like)
		*peek = *like;
	peek->program = -1;
	peek->n_words = n_words;
	if (!like)
		r = peek_find_ways(peek, err);
	if (r == 0)
		r = peek_start(peek, first_word, err);
	if (r < 0)
		return r == -ENOMEM ? r : -EOPNOTSUPP;
	*ret = steal_ptr(peek);
	return 0;
}

int peek_new(struct peek **ret, struct vc_err *err)
{
	return peek_new_from(NULL, 0, PEEK_LSM_WORDS, ret, err);
}

int peek_narrow(const struct peek *peek, unsigned int word, struct peek **ret, struct vc_err *err)
{
	return peek_new_from(peek, word, 1, ret, err);
}

int peek_hand_over(const struct peek *peek, uint32_t *ret_level)
{
	*ret_level = peek->level;
	return fcntl(peek->program, F_SETFD, 0) < 0 ? -errno : peek->program;
}

int peek_take_over(int fd, uint32_t level, struct peek **ret)
{
	struct peek *peek = calloc(1, sizeof(*peek));

	if (!peek || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
		free(peek);
		return -EBADF;
	}
	*peek = (struct peek){ .program = fd, .n_words = 1, .level = level };
	*ret = peek;
	return 0;
}

static void peek_take(const struct peek *peek, const struct peek_record *record,
		      struct peek_task *ret)
{
	*ret = (struct peek_task){
		.tid = record->numbers[peek->level].number,
		.restart = record->restart,
		.sleep_clock = record->sleep_clock,
		.sleep_rest = record->sleep_kind == SLEEP_NATIVE ? record->sleep_rest : 0,
		.sleep_end_nsec = record->sleep_end,
		.poll_ends = record->poll_ends,
		.poll_end_nsec = record->poll_sec * 1000000000u + record->poll_nsec,
		.futex_end_nsec = record->futex_end,
		.alarm_runs = record->alarm_runs,
		.alarm_end_nsec = record->alarm_end,
		.alarm_interval_nsec = record->alarm_interval,
		.mm_flags = record->mm_flags,
		.securebits = record->securebits,
		.lsm_known = peek_was_read(record, "cred->security"),
	};
	memcpy(ret->lsm, record->lsm, peek->n_words * WORD);
	memcpy(ret->words, record->words, sizeof(ret->words));
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].optional && !(record->unread & 1u << i))
			ret->words_known |=
				1u << (fields[i].at - offsetof(struct peek_record, words)) / WORD;
}

int peek_process(const struct peek *peek, pid_t pid, struct peek_task **ret, size_t *ret_n,
		 struct vc_err *err)
{
	_cleanup_free_ struct peek_record *records = NULL;
	struct peek_task *tasks;
	size_t n;
	int r = peek_read(peek, pid, &records, &n);

	if (r < 0)
		return err_sys(err, -r, "read the threads of pid %d", (int)pid);
	tasks = calloc(n, sizeof(*tasks));
	if (!tasks)
		return err_sys(err, ENOMEM, "read the threads of pid %d", (int)pid);
	for (size_t i = 0; i < n; i++)
		peek_take(peek, &records[i], &tasks[i]);
	*ret = tasks;
	*ret_n = n;
	return 0;
}

int peek_thread(const struct peek *peek, pid_t tid, struct peek_task *ret, struct vc_err *err)
{
	_cleanup_close_ int fd = peek_open(peek->program, 0, tid);
	struct peek_record record;
	ssize_t n = fd < 0 ? fd : read(fd, &record, sizeof(record));

	if (n != sizeof(record))
		return err_sys(err, n < 0 ? errno : ESRCH, "read thread %d", (int)tid);
	peek_take(peek, &record, ret);
	return 0;
}
