// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * moves.c - the last moves, as they stand in moves.jsonl
 *
 * To read that file takes many milliseconds, so each line is read once and kept. What was appended
 * since is read before each answer, in pieces. A shim that finds the file large begins a new one;
 * then this does too, and keeps what it has.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/trust.h"

#define MOVES_FILE "moves.jsonl"
#define MOVES_KEPT 4096
#define MOVES_FIRST_BYTES (1u << 20) /* of a file that is there already, at its end */
#define MOVES_PIECE 16384            /* bytes that are read at a time; more than a line has */

struct moves {
	Vc__Moved *list[MOVES_KEPT]; /* number N: list[N % MOVES_KEPT] */
	uint64_t begin, end;         /* the numbers of those that are kept: begin <= N < end */
	int fd;                      /* -1: no file yet */
	off_t at;                    /* the first byte that is not read yet */
};

static char *move_text(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return strdup(text ? text : "");
}

static uint64_t move_number(const json_t *json, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(json, key));

	return value > 0 ? (uint64_t)value : 0;
}

/* NULL: no line of ours. The shims write them, but a torn line must not hurt. */
static Vc__Moved *move_parse(const char *line, size_t len)
{
	json_auto_t *json = json_loadb(line, len, 0, NULL);
	Vc__Moved *move = json ? calloc(1, sizeof(*move)) : NULL;

	if (!move)
		return NULL;
	vc__moved__init(move);
	move->job = (uint32_t)move_number(json, "job");
	move->from = move_text(json, "from");
	move->to = move_text(json, "to");
	move->engine = move_text(json, "engine");
	move->result = move_text(json, "result");
	move->reason = move_text(json, "reason");
	move->has_downtime_usec = move->has_total_usec = move->has_image_bytes = move->has_at_usec =
		move->has_uid = true;
	move->downtime_usec = move_number(json, "downtime_usec");
	move->total_usec = move_number(json, "total_usec");
	move->image_bytes = move_number(json, "image_bytes");
	move->at_usec = move_number(json, "at");
	move->uid = (uint32_t)move_number(json, "uid");
	if (!move->from || !move->to || !move->engine || !move->result || !move->reason) {
		vc__moved__free_unpacked(move, NULL);
		return NULL;
	}
	return move;
}

static void moves_add(struct moves *moves, Vc__Moved *move)
{
	if (moves->end - moves->begin == MOVES_KEPT)
		vc__moved__free_unpacked(moves->list[moves->begin++ % MOVES_KEPT], NULL);
	moves->list[moves->end++ % MOVES_KEPT] = move;
}

/* Its last line ends it, and another file has its name: then that one is read on. */
static void moves_follow(struct daemon *daemon)
{
	struct moves *moves = daemon->moves;
	bool first = moves->end == 0;
	struct stat here, there;
	off_t size;
	int fd;

	if (fstatat(daemon->instance->dirfd, MOVES_FILE, &there, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (moves->fd >= 0 && fstat(moves->fd, &here) == 0 && here.st_ino == there.st_ino &&
	    here.st_size >= moves->at)
		return;
	fd = trust_openat(daemon->instance->dirfd, MOVES_FILE, O_RDONLY, 0);
	if (fd < 0)
		return;
	/* The old one is open until the new one is, so that they have different numbers. */
	closep(&moves->fd);
	moves->fd = fd;
	size = lseek(moves->fd, 0, SEEK_END);
	moves->at = first && size > (off_t)MOVES_FIRST_BYTES ? size - (off_t)MOVES_FIRST_BYTES : 0;
}

/* Whole lines; a line that has no end yet is read again. Returns the bytes that count. */
static size_t moves_take(struct moves *moves, const char *text, size_t n)
{
	const char *line = text, *end;

	while ((end = memchr(line, '\n', (size_t)(text + n - line)))) {
		Vc__Moved *move = move_parse(line, (size_t)(end - line));

		if (move)
			moves_add(moves, move);
		line = end + 1;
	}
	/* One that is longer than any of ours never gets its end. */
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

int moves_start(struct daemon *daemon, struct vc_err *err)
{
	daemon->moves = calloc(1, sizeof(*daemon->moves));
	if (!daemon->moves)
		return err_sys(err, ENOMEM, "moves");
	daemon->moves->fd = -1;
	return 0;
}

void moves_stop(struct daemon *daemon)
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
