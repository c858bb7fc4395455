// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * reach.c - reads a program's file to see whether LD_PRELOAD will be honoured
 *
 * The rules are the kernel's (execve(2), fs/binfmt_script.c, security/commoncap.c) and
 * ld.so(8)'s secure-execution mode.
 */
#include "ipcmap/door/reach.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/text.h"

#define REACH_SCRIPTS_MAX 5 /* interpreters that are scripts themselves */
#define REACH_HEADERS_MAX 64
#define REACH_NOTES_MAX 1024

#if UINTPTR_MAX == UINT64_MAX
typedef Elf64_Ehdr reach_ehdr;
typedef Elf64_Phdr reach_phdr;
typedef Elf64_Nhdr reach_nhdr;
#define REACH_CLASS ELFCLASS64
#else
typedef Elf32_Ehdr reach_ehdr;
typedef Elf32_Phdr reach_phdr;
typedef Elf32_Nhdr reach_nhdr;
#define REACH_CLASS ELFCLASS32
#endif

#if defined(__x86_64__)
#define REACH_MACHINE_OWN EM_X86_64
#elif defined(__aarch64__)
#define REACH_MACHINE_OWN EM_AARCH64
#else
#define REACH_MACHINE_OWN EM_NONE
#endif

#define REACH_GO_NOTE 4 /* the type of the note with a Go program's build number */

/* --- rights ------------------------------------------------------------------------------ */

/* The loader ignores LD_PRELOAD where real and effective ids will differ, or capabilities come
 * from the file to who is not root. */
static bool reach_gains_rights(const char *path, const struct stat *st, bool strict)
{
	uid_t euid = geteuid();
	gid_t egid = getegid();
	struct statvfs fs;
	char caps[64];

	if ((!strict && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) ||
	    (statvfs(path, &fs) == 0 && fs.f_flag & ST_NOSUID))
		return euid != getuid() || egid != getgid();
	if (st->st_mode & S_ISUID)
		euid = st->st_uid;
	/* Without the group's x the bit is one of mandatory locks. */
	if (st->st_mode & S_ISGID && st->st_mode & S_IXGRP)
		egid = st->st_gid;
	if (euid != getuid() || egid != getgid())
		return true;
	return getuid() != 0 && getxattr(path, "security.capability", caps, sizeof(caps)) > 0;
}

/* --- ELF --------------------------------------------------------------------------------- */

/* The GNU C library's, by the names that it has had on any machine. */
static bool reach_is_own_loader(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	return !strncmp(name, "ld-linux", 8) || !strncmp(name, "ld64.so.", 8) ||
	       !strncmp(name, "ld.so", 5) || !strncmp(name, "ld-2.", 5);
}

static bool reach_note_is_go(const reach_nhdr *note, const char *name)
{
	return note->n_type == REACH_GO_NOTE && note->n_namesz == 4 && !memcmp(name, "Go\0", 4);
}

/* Whether a segment of notes has Go's. */
static bool reach_has_go_note(int fd, const reach_phdr *header)
{
	char notes[REACH_NOTES_MAX];
	size_t want = header->p_filesz < sizeof(notes) ? header->p_filesz : sizeof(notes), at = 0;
	ssize_t n = pread(fd, notes, want, (off_t)header->p_offset);
	reach_nhdr note;

	while (n > 0 && at + sizeof(note) + 4 <= (size_t)n) {
		memcpy(&note, notes + at, sizeof(note));
		if (reach_note_is_go(&note, notes + at + sizeof(note)))
			return true;
		if (note.n_namesz > sizeof(notes) || note.n_descsz > sizeof(notes))
			return false;
		at += sizeof(note) + (note.n_namesz + 3u) / 4 * 4 + (note.n_descsz + 3u) / 4 * 4;
	}
	return false;
}

static enum reach_verdict reach_loader(int fd, const reach_phdr *header)
{
	char loader[REACH_PATH_MAX] = "";
	size_t want = header->p_filesz < sizeof(loader) ? header->p_filesz : sizeof(loader) - 1;

	if (pread(fd, loader, want, (off_t)header->p_offset) != (ssize_t)want)
		return REACH_MAPPED; /* cut short: execve(2) refuses it */
	return reach_is_own_loader(loader) ? REACH_MAPPED : REACH_LOADER;
}

static enum reach_verdict reach_elf(int fd, const char *path, const reach_ehdr *elf)
{
	enum reach_verdict verdict = REACH_STATIC;
	bool go = false;

	if (elf->e_ident[EI_CLASS] != REACH_CLASS || elf->e_machine != REACH_MACHINE_OWN)
		return REACH_MACHINE;
	if (elf->e_phentsize != sizeof(reach_phdr))
		return REACH_MAPPED;
	for (int i = 0; i < elf->e_phnum && i < REACH_HEADERS_MAX; i++) {
		reach_phdr header;

		if (pread(fd, &header, sizeof(header),
			  (off_t)(elf->e_phoff + (size_t)i * sizeof(header))) !=
		    (ssize_t)sizeof(header))
			return REACH_MAPPED;
		if (header.p_type == PT_INTERP)
			verdict = reach_loader(fd, &header);
		else if (header.p_type == PT_NOTE)
			go = go || reach_has_go_note(fd, &header);
	}
	/* The loader, executed as a program, loads the interposer into what it is given. */
	if (verdict == REACH_STATIC && reach_is_own_loader(path))
		return REACH_MAPPED;
	return verdict == REACH_MAPPED && go ? REACH_GO : verdict;
}

/* --- files ------------------------------------------------------------------------------- */

/* The interpreter in a script's first line. False: there is none. */
static bool reach_interpreter(const char *text, char ret[REACH_PATH_MAX])
{
	size_t len;

	text += 2 + strspn(text + 2, " \t");
	len = strcspn(text, " \t\n");
	if (len == 0 || len >= REACH_PATH_MAX)
		return false;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return true;
}

/* The verdict on one file; *ret_script: it is a script, whose interpreter is in next. */
static enum reach_verdict reach_file(const char *path, bool strict, char next[REACH_PATH_MAX],
				     bool *ret_script)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	union {
		reach_ehdr elf;
		char text[REACH_PATH_MAX + 1];
	} head = { .text = "" };
	struct stat st;

	*ret_script = false;
	if (fd < 0)
		return errno == EACCES && access(path, X_OK) == 0 ? REACH_UNREADABLE : REACH_MAPPED;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    pread(fd, head.text, REACH_PATH_MAX, 0) < 2)
		return REACH_MAPPED;
	if (!memcmp(head.text, "#!", 2)) {
		*ret_script = reach_interpreter(head.text, next);
		return REACH_MAPPED;
	}
	if (memcmp(head.elf.e_ident, ELFMAG, SELFMAG))
		return REACH_MAPPED;
	if (reach_gains_rights(path, &st, strict))
		return REACH_PRIVILEGED;
	return reach_elf(fd, path, &head.elf);
}

void reach_check(const char *path, bool strict, struct reach *ret)
{
	char next[REACH_PATH_MAX];
	bool script;

	ret->script_of[0] = '\0';
	ret->verdict = reach_file(path, strict, next, &script);
	for (int i = 0; script && i < REACH_SCRIPTS_MAX; i++) {
		memcpy(ret->script_of, next, sizeof(next));
		ret->verdict = reach_file(ret->script_of, strict, next, &script);
	}
}

void reach_explain(const char *path, const struct reach *reach, char *ret, unsigned long size)
{
	static const char *const whys[] = {
#define REACH_WHY(name, text, why, remedy) why,
		REACH_VERDICTS(REACH_WHY)
	};
	static const char *const remedies[] = {
#define REACH_REMEDY(name, text, why, remedy) remedy,
		REACH_VERDICTS(REACH_REMEDY)
	};
	const char *interpreter = reach->script_of;

	snprintf(ret, size, "--ipc=map does not reach %.256s%s%s: %s; %s", path,
		 *interpreter ? ", a script of " : "", interpreter, whys[reach->verdict],
		 remedies[reach->verdict]);
	text_hide_controls(ret);
}
