/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * options.h - a command's options: one list for getopt, --help and the values
 */
#ifndef VC_CLI_OPTIONS_H
#define VC_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* An option. Without an argument it sets *flag. With one it sets *text, or calls parse() with the
 * argument and value; parse() prints what is wrong, and exits. */
struct option_row {
	char letter; /* 0: it has only the long name */
	const char *name;
	const char *arg;  /* as --help shows it; "[=SEC]": may be left out, and is NULL then */
	const char *help; /* with a newline between lines */
	bool *flag;
	const char **text;
	void (*parse)(const char *arg, void *value);
	void *value;
};

struct options {
	const char *command;
	const char *before, *after; /* the lines of --help before and after the options */
	const struct option_row *rows;
	size_t n_rows;
	bool in_order;   /* the first word that is no option ends the options */
	int exit_status; /* after wrong usage */
};

/* Parses the options of a command and handles --state-dir, --help and --version, which every
 * command has. *ret_state_dir is the state directory. Returns the index of the first word after the
 * options. */
int options_parse(const struct options *options, int argc, char **argv, const char **ret_state_dir);

/* Prints the help on standard error and exits. */
_Noreturn void options_misused(const struct options *options);

#endif
