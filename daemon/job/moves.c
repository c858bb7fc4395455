// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * moves.c - the last moves, from moves.jsonl
 *
 * Reading the file takes many milliseconds, so each line is read once and kept. New lines are read
 * before each answer, in pieces. If the file is large, a shim begins a new one. Then this reads the
 * new one too, and keeps the moves of the old one.
 */
#include "daemon/job/moves.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/statedir.h"
#include "common/trust.h"
#include "daemon/daemon.h"
#include "daemon/part.h"
#include "wire/moved.h"

#define MOVES_KEPT 4096
#define MOVES_FIRST_BYTES (1u << 20) /* at the end of a file that exists already */
#define MOVES_PIECE 16384            /* bytes that are read at a time; lines are shorter */

struct moves {
	Vc__Moved *list[MOVES_KEPT]; /* number N: list[N % MOVES_KEPT] */
	uint64_t begin, end;         /* numbers of the kept moves: begin <= N < end */
	int fd;                      /* -1: no file yet */
	off_t at;                    /* offset of the first unread byte */
};

static void moves_add(struct moves *moves, Vc__Moved *move)
{
	if (moves->end - moves->begin == MOVES_KEPT)
		vc__moved__free_unpacked(moves->list[moves->begin++ % MOVES_KEPT], NULL);
	moves->list[moves->end++ % MOVES_KEPT] = move;
}

/* Opens the file, or the new one after the end of the old one. */
static void moves_follow(struct daemon *daemon)
{
	struct moves *moves = daemon->moves;
	bool first = moves->end == 0;
	struct stat here, there;
	off_t size;
	int fd;

	if (fstatat(daemon->instance->dirfd, STATE_MOVES, &there, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (moves->fd >= 0 && fstat(moves->fd, &here) == 0 && here.st_ino == there.st_ino &&
	    here.st_size >= moves->at)
		return;
	fd = trust_openat(daemon->instance->dirfd, STATE_MOVES, O_RDONLY, 0);
	if (fd < 0)
		return;
	/* The old one stays open until now, so that the new one has another inode number. */
	closep(&moves->fd);
	moves->fd = fd;
	size = lseek(moves->fd, 0, SEEK_END);
	moves->at = first && size > (off_t)MOVES_FIRST_BYTES ? size - (off_t)MOVES_FIRST_BYTES : 0;
}

/* Takes complete lines, and returns their bytes. An incomplete line is read again later. */
static size_t moves_take(struct moves *moves, const char *text, size_t n)
{
	const char *line = text, *end;

	while ((end = memchr(line, '\n', (size_t)(text + n - line)))) {
		Vc__Moved *move = moved_from_json(line, (size_t)(end - line));

		if (move)
			moves_add(moves, move);
		line = end + 1;
	}
	/* A longer line is not a record, and is skipped. */
	return line == text && n == MOVES_PIECE ? n : (size_t)(line - text);
}

bool moves_read(struct daemon *daemon)
{
	struct moves *moves = daemon->moves;
	char text[MOVES_PIECE];
	ssize_t n = moves->fd < 0 ? 0 : pread(moves->fd, text, sizeof(text), moves->at);
	size_t taken = n > 0 ? moves_take(moves, text, (size_t)n) : 0;
	int fd = moves->fd;

	moves->at += (off_t)taken;
	if (taken == 0)
		moves_follow(daemon);
	return taken > 0 || moves->fd != fd;
}

const Vc__Moved *moves_next(const struct daemon *daemon, uint64_t *number)
{
	const struct moves *moves = daemon->moves;

	if (*number < moves->begin)
		*number = moves->begin;
	return *number < moves->end ? moves->list[(*number)++ % MOVES_KEPT] : NULL;
}

static int moves_start(struct daemon *daemon, struct vc_err *err)
{
	daemon->moves = calloc(1, sizeof(*daemon->moves));
	if (!daemon->moves)
		return err_sys(err, ENOMEM, "moves");
	daemon->moves->fd = -1;
	return 0;
}

static void moves_stop(struct daemon *daemon)
{
	struct moves *moves = daemon->moves;

	if (!moves)
		return;
	for (uint64_t i = moves->begin; i < moves->end; i++)
		vc__moved__free_unpacked(moves->list[i % MOVES_KEPT], NULL);
	closep(&moves->fd);
	free(moves);
	daemon->moves = NULL;
}

const struct part moves_part = { "moves", moves_start, moves_stop };
