// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * peek-code.c - BPF programs: their instructions, loading and running
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/kernel/priv.h"

#define PEEK_LOG_SIZE 4096

static int peek_bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	int r = (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return r < 0 ? -errno : r;
}

void peek_emit(struct peek_code *code, uint8_t op, uint8_t dst, uint8_t src, int16_t off,
	       int32_t imm)
{
	code->insns[code->n++] = (struct bpf_insn){
		.code = op, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm
	};
}

void peek_emit_load(struct peek_code *code, uint8_t dst, uint8_t from, int16_t off)
{
	peek_emit(code, BPF_LDX | BPF_MEM | BPF_DW, dst, from, off, 0);
}

void peek_emit_copy(struct peek_code *code, uint8_t dst, uint8_t src)
{
	peek_emit(code, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

void peek_emit_set(struct peek_code *code, uint8_t dst, int32_t value)
{
	peek_emit(code, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value);
}

void peek_emit_add(struct peek_code *code, uint8_t dst, int32_t value)
{
	peek_emit(code, BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, value);
}

int peek_load(const struct peek_code *code, uint32_t iterator, struct vc_err *err)
{
	char log[PEEK_LOG_SIZE] = "";
	union bpf_attr attr;
	int fd;

	/* The kernel checks all bytes of it. */
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_TRACING;
	attr.expected_attach_type = BPF_TRACE_ITER;
	attr.attach_btf_id = iterator;
	attr.insns = (uint64_t)(uintptr_t)code->insns;
	attr.insn_cnt = code->n;
	/* The functions that it calls require a licence that is compatible with the GPL. */
	attr.license = (uint64_t)(uintptr_t) "GPL";
	strcpy(attr.prog_name, "vc_peek");
	fd = peek_bpf(BPF_PROG_LOAD, &attr);
	if (fd >= 0)
		return fd;
	if (getenv("VCRUN_BPF_LOG")) {
		attr.log_buf = (uint64_t)(uintptr_t)log;
		attr.log_size = sizeof(log);
		attr.log_level = 1;
		peek_bpf(BPF_PROG_LOAD, &attr);
		fprintf(stderr, "%s\n", log);
	}
	return err_set(err, EOPNOTSUPP, "the kernel does not load our BPF program: %s",
		       strerror(-fd));
}

int peek_open(int program, pid_t pid, pid_t tid)
{
	_cleanup_close_ int link = -1;
	union bpf_iter_link_info info;
	union bpf_attr attr;

	memset(&info, 0, sizeof(info));
	memset(&attr, 0, sizeof(attr));
	info.task.pid = (uint32_t)pid;
	info.task.tid = (uint32_t)tid;
	attr.link_create.prog_fd = (uint32_t)program;
	attr.link_create.attach_type = BPF_TRACE_ITER;
	attr.link_create.iter_info = (uint64_t)(uintptr_t)&info;
	attr.link_create.iter_info_len = sizeof(info);
	link = peek_bpf(BPF_LINK_CREATE, &attr);
	if (link < 0)
		return link;
	memset(&attr, 0, sizeof(attr));
	attr.iter_create.link_fd = (uint32_t)link;
	return peek_bpf(BPF_ITER_CREATE, &attr);
}
