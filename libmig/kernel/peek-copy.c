// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * peek-copy.c - data of the kernel that does not belong to one thread
 *
 * Each question reads the kernel's description of its types and loads programs of its own, about 10
 * ms. Only few processes need this.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/kernel/btf.h"
#include "libmig/kernel/priv.h"

#define PEEK_COPY_MAX 448 /* bytes on the program's stack */

static void peek_copy_make(uint64_t address, size_t size, struct peek_code *code)
{
	size_t skips[2];

	peek_emit_load(code, BPF_REG_6, BPF_REG_1, 0);
	peek_emit_load(code, BPF_REG_7, BPF_REG_1, (int16_t)WORD);
	skips[0] = code->n;
	peek_emit(code, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_7, 0, 0, 0);
	peek_emit_copy(code, BPF_REG_1, BPF_REG_10);
	peek_emit_add(code, BPF_REG_1, -PEEK_COPY_MAX);
	peek_emit_set(code, BPF_REG_2, (int32_t)size);
	peek_emit(code, BPF_LD | BPF_DW | BPF_IMM, BPF_REG_3, 0, 0, (int32_t)(uint32_t)address);
	peek_emit(code, 0, 0, 0, 0, (int32_t)(uint32_t)(address >> 32));
	peek_emit(code, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_probe_read_kernel);
	skips[1] = code->n;
	peek_emit(code, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0, 0, 0);
	peek_emit_load(code, BPF_REG_1, BPF_REG_6, 0); /* its file */
	peek_emit_copy(code, BPF_REG_2, BPF_REG_10);
	peek_emit_add(code, BPF_REG_2, -PEEK_COPY_MAX);
	peek_emit_set(code, BPF_REG_3, (int32_t)size);
	peek_emit(code, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_seq_write);
	for (size_t i = 0; i < ARRAY_SIZE(skips); i++)
		code->insns[skips[i]].off = (int16_t)(code->n - skips[i] - 1);
	peek_emit_set(code, BPF_REG_0, 0);
	peek_emit(code, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int peek_copy_part(uint32_t iterator, uint64_t address, void *buf, size_t size)
{
	_cleanup_free_ struct peek_code *code = calloc(1, sizeof(*code));
	_cleanup_close_ int program = -1, fd = -1;
	ssize_t n;

	if (!code)
		return -ENOMEM;
	peek_copy_make(address, size, code);
	program = peek_load(code, iterator, NULL);
	if (program < 0)
		return program;
	fd = peek_open(program, 0, (pid_t)syscall(SYS_gettid));
	if (fd < 0)
		return fd;
	n = read(fd, buf, size);
	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EFAULT;
}

int peek_copy(uint32_t iterator, uint64_t address, void *buf, size_t size)
{
	for (size_t at = 0; at < size; at += PEEK_COPY_MAX) {
		size_t part = size - at < PEEK_COPY_MAX ? size - at : PEEK_COPY_MAX;
		int r = peek_copy_part(iterator, address + at, (char *)buf + at, part);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Offsets that lead to the home node of a mapping. */
struct peek_homes_at {
	uint32_t iterator, start, policy, node;
};

static int peek_homes_find(struct peek_homes_at *homes, struct vc_err *err)
{
	_cleanup_(btf_freep) struct btf *btf = NULL;
	int r = btf_open(&btf, err);

	if (r < 0)
		return r;
	homes->iterator = btf_find_function(btf, "bpf_iter_task_vma");
	r = homes->iterator ? 0 : -ENOENT;
	if (r == 0)
		r = btf_find_place(btf, "vm_area_struct", "vm_start", &homes->start);
	if (r == 0)
		r = btf_find_place(btf, "vm_area_struct", "vm_policy", &homes->policy);
	if (r == 0)
		r = btf_find_place(btf, "mempolicy", "home_node", &homes->node);
	return r < 0 ? err_sys(err, -r, "home nodes of mappings") : 0;
}

/* r3: the address. Ends the program for this mapping if it cannot be read. */
static void peek_homes_emit_read(struct peek_code *code, int stack_at, size_t size,
				 size_t *ret_skip)
{
	peek_emit_copy(code, BPF_REG_1, BPF_REG_10);
	peek_emit_add(code, BPF_REG_1, stack_at);
	peek_emit_set(code, BPF_REG_2, (int32_t)size);
	peek_emit(code, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_probe_read_kernel);
	*ret_skip = code->n;
	peek_emit(code, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0, 0, 0);
}

#define HOME_AT (-(int)sizeof(struct peek_home))
#define HOME_POINTER (HOME_AT - (int)WORD)

static void peek_homes_make(const struct peek_homes_at *homes, struct peek_code *code)
{
	size_t skips[4];

	for (int at = HOME_POINTER; at < 0; at += (int)WORD)
		peek_emit(code, BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, (int16_t)at, 0);
	peek_emit_load(code, BPF_REG_6, BPF_REG_1, 0);
	peek_emit_load(code, BPF_REG_7, BPF_REG_1, (int16_t)(2 * WORD)); /* behind the task */
	skips[0] = code->n;
	peek_emit(code, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_7, 0, 0, 0);
	peek_emit_copy(code, BPF_REG_3, BPF_REG_7);
	peek_emit_add(code, BPF_REG_3, (int32_t)homes->start);
	peek_homes_emit_read(code, HOME_AT + (int)offsetof(struct peek_home, start), WORD,
			     &skips[1]);
	peek_emit_copy(code, BPF_REG_3, BPF_REG_7);
	peek_emit_add(code, BPF_REG_3, (int32_t)homes->policy);
	peek_homes_emit_read(code, HOME_POINTER, WORD, &skips[2]);
	peek_emit_load(code, BPF_REG_3, BPF_REG_10, HOME_POINTER);
	peek_emit_add(code, BPF_REG_3, (int32_t)homes->node);
	/* Most mappings have no policy, and the read fails. */
	peek_homes_emit_read(code, HOME_AT + (int)offsetof(struct peek_home, node), sizeof(int32_t),
			     &skips[3]);
	peek_emit_load(code, BPF_REG_1, BPF_REG_6, 0); /* its file */
	peek_emit_copy(code, BPF_REG_2, BPF_REG_10);
	peek_emit_add(code, BPF_REG_2, HOME_AT);
	peek_emit_set(code, BPF_REG_3, sizeof(struct peek_home));
	peek_emit(code, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_seq_write);
	for (size_t i = 0; i < ARRAY_SIZE(skips); i++)
		code->insns[skips[i]].off = (int16_t)(code->n - skips[i] - 1);
	peek_emit_set(code, BPF_REG_0, 0);
	peek_emit(code, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

int peek_homes(pid_t pid, struct peek_home **ret, size_t *ret_n, struct vc_err *err)
{
	_cleanup_free_ struct peek_code *code = calloc(1, sizeof(*code));
	_cleanup_free_ struct peek_home *list = NULL;
	_cleanup_close_ int program = -1, fd = -1;
	size_t got = 0, size = 0;
	struct peek_homes_at homes;
	ssize_t n;
	int r;

	if (!code)
		return err_sys(err, ENOMEM, "home nodes of mappings");
	r = peek_homes_find(&homes, err);
	if (r < 0)
		return r;
	peek_homes_make(&homes, code);
	program = peek_load(code, homes.iterator, err);
	if (program < 0)
		return program;
	fd = peek_open(program, pid, 0);
	do {
		if (got == size) {
			struct peek_home *grown = realloc(list, (size += 64 * sizeof(*list)));

			if (!grown)
				return err_sys(err, ENOMEM, "home nodes of mappings");
			list = grown;
		}
		n = fd < 0 ? -1 : read(fd, (char *)list + got, size - got);
		if (n < 0 && (fd < 0 || (errno != EAGAIN && errno != EINTR)))
			return err_sys(err, fd < 0 ? -fd : errno, "home nodes of mappings");
		got += n > 0 ? (size_t)n : 0;
	} while (n != 0);
	*ret = steal_ptr(list);
	*ret_n = got / sizeof(**ret);
	return 0;
}
