/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - writes BPF programs, instruction by instruction
 */
#ifndef VC_LIBMIG_PEEK_PRIV_H
#define VC_LIBMIG_PEEK_PRIV_H

#include <linux/bpf.h>
#include <stdint.h>

#include "libmig/kernel/peek.h"

#define PEEK_INSNS_MAX 4096 /* the kernel's BPF_MAXINSNS */
#define WORD sizeof(uint64_t)

struct peek_code {
	struct bpf_insn insns[PEEK_INSNS_MAX];
	uint32_t n;
};

/* Each appends an instruction. */
void peek_emit(struct peek_code *code, uint8_t op, uint8_t dst, uint8_t src, int16_t off,
	       int32_t imm);
void peek_emit_load(struct peek_code *code, uint8_t dst, uint8_t from, int16_t off);
void peek_emit_copy(struct peek_code *code, uint8_t dst, uint8_t src);
void peek_emit_set(struct peek_code *code, uint8_t dst, int32_t value);
void peek_emit_add(struct peek_code *code, uint8_t dst, int32_t value);

/* Loads a program for an iterator, the number of a type. Returns its descriptor, or -errno with
 * err. */
int peek_load(const struct peek_code *code, uint32_t iterator, struct vc_err *err);
/* Opens the file with the records of a process's threads or mappings (tid 0), or of a thread (pid
 * 0). Returns a descriptor or -errno. */
int peek_open(int program, pid_t pid, pid_t tid);

#endif
