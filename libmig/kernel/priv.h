/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - BPF programs made here, an instruction at a time
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

void peek_emit(struct peek_code *code, uint8_t op, uint8_t dst, uint8_t src, int16_t off,
	       int32_t imm);
void peek_emit_load(struct peek_code *code, uint8_t dst, uint8_t from, int16_t off);
void peek_emit_copy(struct peek_code *code, uint8_t dst, uint8_t src);
void peek_emit_set(struct peek_code *code, uint8_t dst, int32_t value);
void peek_emit_add(struct peek_code *code, uint8_t dst, int32_t value);

/* The descriptor of the program, or -errno. The iterator is the number of a type. */
int peek_load(const struct peek_code *code, uint32_t iterator, struct vc_err *err);
/* A file from which the records of a process's threads or mappings are read, or the one of a
 * thread. */
int peek_open(int program, pid_t pid, pid_t tid);

#endif
