// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * keys.c - rows of tests/move-state: keyrings
 */
#include "tests/state/state.h"

#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEY_SESSION (-3)
#define KEY_PROCESS (-2)
#define KEY_THREAD (-1)
#define KEY_USER (-4)
#define KEY_GET 0
#define KEY_JOIN 1
#define KEY_SEARCH 10

static int add_key(int keyring)
{
	return (int)syscall(SYS_add_key, "user", "state-victim", "secret", 6, keyring);
}

static void get_keyring(char ret[STATE_VALUE], int keyring)
{
	long serial = syscall(SYS_keyctl, KEY_GET, keyring, 0);
	long key = syscall(SYS_keyctl, KEY_SEARCH, keyring, "user", "state-victim", 0);

	snprintf(ret, STATE_VALUE, "keyring %ld key %ld", serial, key);
}

static int set_session_keyring(void)
{
	return syscall(SYS_keyctl, KEY_JOIN, NULL) < 0 ? -1 : add_key(KEY_SESSION);
}

static void get_session_keyring(char ret[STATE_VALUE])
{
	get_keyring(ret, KEY_SESSION);
}

static int set_given_keyring(void)
{
	return add_key(KEY_SESSION);
}

static void get_given_keyring(char ret[STATE_VALUE])
{
	get_keyring(ret, KEY_SESSION);
}

static int set_process_keyring(void)
{
	return add_key(KEY_PROCESS);
}

/* Its own number is not carried. */
static void get_process_keyring(char ret[STATE_VALUE])
{
	state_number(ret, syscall(SYS_keyctl, KEY_SEARCH, KEY_PROCESS, "user", "state-victim", 0));
}

static int set_thread_keyring(void)
{
	return add_key(KEY_THREAD);
}

static void get_thread_keyring(char ret[STATE_VALUE])
{
	state_number(ret, syscall(SYS_keyctl, KEY_SEARCH, KEY_THREAD, "user", "state-victim", 0));
}

const struct state_row state_keys[] = {
	STATE_ROW(session_keyring), STATE_ROW(given_keyring), STATE_ROW(process_keyring),
	STATE_ROW(thread_keyring),  { .name = NULL },
};
