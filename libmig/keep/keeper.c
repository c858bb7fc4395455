// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * keeper.c - a process that keeps keyrings alive between dump and restore
 *
 * It makes the calls that it receives until the socket is closed.
 */
#include "libmig/keep/keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"

#define KEEPER_FD 3

struct keeper {
	pid_t pid;
	int sock;
};

struct keeper_message {
	uint64_t args[5];
	int at; /* -1: no data */
	long value;
	uint8_t data[KEEPER_DATA];
};

static _Noreturn void keeper_run(int sock, uid_t uid, gid_t gid)
{
	static struct keeper_message message;

	if (dup2(sock, KEEPER_FD) < 0 || close_range(KEEPER_FD + 1, ~0U, 0) < 0)
		_exit(1);
	signal(SIGTERM, SIG_DFL);
	setfsgid(gid);
	setfsuid(uid);
	while (recv(KEEPER_FD, &message, sizeof(message), 0) == sizeof(message)) {
		uint64_t *args = message.args;

		if (message.at >= 0)
			args[message.at] = (uint64_t)(uintptr_t)message.data;
		message.value = syscall(SYS_keyctl, args[0], args[1], args[2], args[3], args[4]);
		if (message.value < 0)
			message.value = -errno;
		if (send(KEEPER_FD, &message, sizeof(message), MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

int keeper_new(uid_t uid, gid_t gid, struct keeper **ret)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	int pair[2];

	if (!keeper)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		free(keeper);
		return -errno;
	}
	keeper->sock = pair[0];
	keeper->pid = fork();
	if (keeper->pid == 0)
		keeper_run(pair[1], uid, gid);
	close(pair[1]);
	if (keeper->pid < 0) {
		keeper_free(keeper);
		return -EAGAIN;
	}
	*ret = keeper;
	return 0;
}

void keeper_free(struct keeper *keeper)
{
	if (!keeper)
		return;
	close(keeper->sock);
	if (keeper->pid > 0)
		while (waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR)
			;
	free(keeper);
}

long keeper_call(struct keeper *keeper, const uint64_t args[5], int at, void *data)
{
	_cleanup_free_ struct keeper_message *message = calloc(1, sizeof(*message));
	ssize_t n;

	if (!message)
		return -ENOMEM;
	memcpy(message->args, args, sizeof(message->args));
	message->at = data ? at : -1;
	if (data)
		memcpy(message->data, data, sizeof(message->data));
	if (send(keeper->sock, message, sizeof(*message), MSG_NOSIGNAL) < 0)
		return -errno;
	do
		n = recv(keeper->sock, message, sizeof(*message), 0);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(*message))
		return -EPIPE;
	if (data)
		memcpy(data, message->data, sizeof(message->data));
	return message->value;
}
