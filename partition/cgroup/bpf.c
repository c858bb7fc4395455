// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * bpf.c - device nodes denied by a BPF program on a group of the unified hierarchy
 *
 * The kernel runs the program at every open(2) and mknod(2) of a node by a process of the group or
 * below. The program refuses (EPERM) the nodes in its list. It has a few instructions for each
 * node, made here without libbpf or a compiler. One program replaces another in one step, so one of
 * them always applies. The program ends with the group. If others have programs on the group or
 * above, all must allow a node.
 *
 * The name of the program is a hash of the list, so that the kernel shows what is denied.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "partition/cgroup/priv.h"
#include "partition/device/device.h"

#define NAME_PREFIX "vc_"
#define PROGRAMS_MAX 64 /* on one group */
#define INSNS_A_NODE 5
#define INSNS_AROUND 6

/* The kernel checks all bytes, but an initializer need not clear the unused bytes of a union. */
static void bpf_clear(union bpf_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
}

static int bpf_call(enum bpf_cmd cmd, union bpf_attr *attr)
{
	int r = (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return r < 0 ? -errno : r;
}

static void bpf_list_name(const struct device_node *nodes, size_t n,
			  char ret[static BPF_OBJ_NAME_LEN])
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a, number by number */

	for (size_t i = 0; i < n; i++) {
		const uint32_t part[] = { nodes[i].block, nodes[i].major, nodes[i].minor };

		for (size_t k = 0; k < ARRAY_SIZE(part); k++)
			for (unsigned int shift = 0; shift < 32; shift += 8)
				hash = (hash ^ (part[k] >> shift & 0xff)) * 1099511628211u;
	}
	snprintf(ret, BPF_OBJ_NAME_LEN, NAME_PREFIX "%012" PRIx64, hash >> 16);
}

static struct bpf_insn bpf_load_field(uint8_t reg, size_t offset)
{
	return (struct bpf_insn){ .code = BPF_LDX | BPF_W | BPF_MEM,
				  .dst_reg = reg,
				  .src_reg = BPF_REG_1,
				  .off = (int16_t)offset };
}

static struct bpf_insn bpf_set(uint8_t reg, int32_t value)
{
	return (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K,
				  .dst_reg = reg,
				  .imm = value };
}

/* Skips the next instructions unless the register has this value. */
static struct bpf_insn bpf_unless(uint8_t reg, uint32_t value, int16_t skip)
{
	return (struct bpf_insn){ .code = BPF_JMP32 | BPF_JNE | BPF_K,
				  .dst_reg = reg,
				  .off = skip,
				  .imm = (int32_t)value };
}

/* r2 is the type of the node, r3 the major, r4 the minor number. r0 is the answer; 1 allows. */
static size_t bpf_make_insns(const struct device_node *nodes, size_t n, struct bpf_insn *insn)
{
	static const struct bpf_insn leave = { .code = BPF_JMP | BPF_EXIT };
	size_t at = 0;

	insn[at++] = bpf_load_field(BPF_REG_2, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	/* The upper half has the kind of access: read, write, mknod. */
	insn[at++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_AND | BPF_K,
					.dst_reg = BPF_REG_2,
					.imm = 0xffff };
	insn[at++] = bpf_load_field(BPF_REG_3, offsetof(struct bpf_cgroup_dev_ctx, major));
	insn[at++] = bpf_load_field(BPF_REG_4, offsetof(struct bpf_cgroup_dev_ctx, minor));
	for (size_t i = 0; i < n; i++) {
		uint32_t type = nodes[i].block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;

		insn[at++] = bpf_unless(BPF_REG_2, type, 4);
		insn[at++] = bpf_unless(BPF_REG_3, nodes[i].major, 3);
		insn[at++] = bpf_unless(BPF_REG_4, nodes[i].minor, 2);
		insn[at++] = bpf_set(BPF_REG_0, 0);
		insn[at++] = leave;
	}
	insn[at++] = bpf_set(BPF_REG_0, 1);
	insn[at++] = leave;
	return at;
}

static int bpf_load_program(const struct device_node *nodes, size_t n)
{
	_cleanup_free_ struct bpf_insn *insns =
		calloc(INSNS_AROUND + n * INSNS_A_NODE, sizeof(*insns));
	union bpf_attr attr;

	if (!insns)
		return -ENOMEM;
	bpf_clear(&attr);
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)insns;
	attr.insn_cnt = (uint32_t)bpf_make_insns(nodes, n, insns);
	attr.license = (uint64_t)(uintptr_t) "LGPL";
	bpf_list_name(nodes, n, attr.prog_name);
	return bpf_call(BPF_PROG_LOAD, &attr);
}

bool cg_bpf_usable(void)
{
	_cleanup_close_ int program = bpf_load_program(NULL, 0);

	return program >= 0;
}

/* Opens a program of the group if it is ours. Returns its descriptor with its name, or -ENOENT. */
static int bpf_open_own(uint32_t id, char ret_name[static BPF_OBJ_NAME_LEN])
{
	struct bpf_prog_info info = { .type = 0 };
	_cleanup_close_ int fd = -1;
	union bpf_attr attr;
	int r;

	bpf_clear(&attr);
	attr.prog_id = id;
	fd = bpf_call(BPF_PROG_GET_FD_BY_ID, &attr);
	if (fd < 0)
		return fd;
	bpf_clear(&attr);
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uint64_t)(uintptr_t)&info;
	r = bpf_call(BPF_OBJ_GET_INFO_BY_FD, &attr);
	if (r < 0)
		return r;
	if (strncmp(info.name, NAME_PREFIX, strlen(NAME_PREFIX)) != 0)
		return -ENOENT;
	memcpy(ret_name, info.name, BPF_OBJ_NAME_LEN);
	return steal_fd(&fd);
}

static int bpf_detach(int group, int program)
{
	union bpf_attr attr;

	bpf_clear(&attr);
	attr.target_fd = (uint32_t)group;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	return bpf_call(BPF_PROG_DETACH, &attr);
}

/* Finds our first program on a group. Returns its descriptor or -ENOENT. A second one, which two
 * changes at the same time may have left, is detached. */
static int bpf_find_own(int group, char ret_name[static BPF_OBJ_NAME_LEN])
{
	uint32_t ids[PROGRAMS_MAX];
	union bpf_attr attr;
	int r, ours = -ENOENT;

	bpf_clear(&attr);
	attr.query.target_fd = (uint32_t)group;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uint64_t)(uintptr_t)ids;
	attr.query.prog_cnt = PROGRAMS_MAX;
	r = bpf_call(BPF_PROG_QUERY, &attr);
	for (uint32_t i = 0; r == 0 && i < attr.query.prog_cnt; i++) {
		char name[BPF_OBJ_NAME_LEN];
		int fd = bpf_open_own(ids[i], name);

		if (fd < 0)
			continue;
		if (ours < 0) {
			ours = fd;
			memcpy(ret_name, name, sizeof(name));
			continue;
		}
		bpf_detach(group, fd);
		close(fd);
	}
	return r < 0 ? r : ours;
}

static int bpf_open_group(const struct cg_hier *hier, const char *group)
{
	return cg_file_open(hier, group, ".", O_RDONLY | O_DIRECTORY);
}

bool cg_bpf_denies(const struct cg_hier *hier, const char *group, const struct device_node *nodes,
		   size_t n)
{
	_cleanup_close_ int fd = bpf_open_group(hier, group);
	char wanted[BPF_OBJ_NAME_LEN], name[BPF_OBJ_NAME_LEN] = "";
	_cleanup_close_ int ours = fd < 0 ? -1 : bpf_find_own(fd, name);

	bpf_list_name(nodes, n, wanted);
	return ours >= 0 ? !strcmp(name, wanted) : n == 0;
}

int cg_bpf_deny(const struct cg_hier *hier, const char *group, const struct device_node *nodes,
		size_t n)
{
	_cleanup_close_ int fd = bpf_open_group(hier, group);
	char wanted[BPF_OBJ_NAME_LEN], name[BPF_OBJ_NAME_LEN] = "";
	_cleanup_close_ int ours = -1, program = -1;
	union bpf_attr attr;

	if (fd < 0)
		return fd;
	ours = bpf_find_own(fd, name);
	/* A process without bpf(2) has attached nothing. */
	if (ours < 0 && ours != -ENOENT)
		return n == 0 ? 0 : ours;
	if (n == 0)
		return ours < 0 ? 0 : bpf_detach(fd, ours);
	bpf_list_name(nodes, n, wanted);
	if (ours >= 0 && !strcmp(name, wanted))
		return 0;
	program = bpf_load_program(nodes, n);
	if (program < 0)
		return program;
	bpf_clear(&attr);
	attr.target_fd = (uint32_t)fd;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (ours >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)ours;
	}
	return bpf_call(BPF_PROG_ATTACH, &attr);
}
