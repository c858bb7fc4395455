// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * options.c - a command's options: one list for getopt, --help and the values
 */
#include "cli/options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "common/cleanup.h"
#include "common/statedir.h"

#define OPTIONS_MAX 32
#define OPTIONS_LONG 256 /* getopt's value for row 0; above every letter */

enum { OPTIONS_STATE_DIR, OPTIONS_HELP, OPTIONS_VERSION };

static const struct option_row options_common[] = {
	[OPTIONS_STATE_DIR] = { 0, "state-dir", "DIR",
				"the instance (default $VCRUN_STATE_DIR or " STATEDIR_DEFAULT ")" },
	[OPTIONS_HELP] = { 'h', "help", NULL, "print this text and exit" },
	[OPTIONS_VERSION] = { 'V', "version", NULL, "print the version and exit" },
};

static const struct option_row *options_row(const struct options *options, size_t i)
{
	return i < options->n_rows ? &options->rows[i] : &options_common[i - options->n_rows];
}

static size_t options_count(const struct options *options)
{
	return options->n_rows + ARRAY_SIZE(options_common);
}

/* "  -w, --watch[=SEC]" */
static int options_head(const struct option_row *row, char *buf, size_t size)
{
	char letter[8] = "    ";

	if (row->letter)
		snprintf(letter, sizeof(letter), "-%c, ", row->letter);
	return snprintf(buf, size, "  %s--%s%s%s", letter, row->name,
			row->arg && *row->arg != '[' ? "=" : "", row->arg ? row->arg : "");
}

static void options_help(const struct options *options, FILE *out)
{
	size_t n = options_count(options);
	char head[64];
	int width = 0;

	fputs(options->before, out);
	for (size_t i = 0; i < n; i++) {
		int len = options_head(options_row(options, i), head, sizeof(head));

		width = len > width ? len : width;
	}
	for (size_t i = 0; i < n; i++) {
		const char *line = options_row(options, i)->help;

		options_head(options_row(options, i), head, sizeof(head));
		for (size_t len; *line; line += len + (line[len] == '\n')) {
			len = strcspn(line, "\n");
			fprintf(out, "%-*s  %.*s\n", width, head, (int)len, line);
			*head = '\0';
		}
	}
	fputs(options->after ? options->after : "", out);
}

void options_misused(const struct options *options)
{
	options_help(options, stderr);
	exit(options->exit_status);
}

/* Fills getopt's two lists. */
static void options_getopt(const struct options *options, char *letters, struct option *longs)
{
	if (options->in_order)
		*letters++ = '+';
	for (size_t i = 0; i < options_count(options); i++) {
		const struct option_row *row = options_row(options, i);
		int has_arg = !row->arg          ? no_argument
			      : *row->arg == '[' ? optional_argument
						 : required_argument;

		longs[i] = (struct option){ row->name, has_arg, NULL, OPTIONS_LONG + (int)i };
		if (!row->letter)
			continue;
		*letters++ = row->letter;
		for (int colons = has_arg; colons > 0; colons--)
			*letters++ = ':';
	}
	*letters = '\0';
}

static size_t options_find(const struct options *options, int c)
{
	size_t i = 0;

	if (c >= OPTIONS_LONG)
		return (size_t)(c - OPTIONS_LONG);
	while (options_row(options, i)->letter != c)
		i++;
	return i;
}

static void options_set(const struct option_row *row)
{
	if (row->flag)
		*row->flag = true;
	else if (row->text)
		*row->text = optarg;
	else
		row->parse(optarg, row->value);
}

int options_parse(const struct options *options, int argc, char **argv, const char **ret_state_dir)
{
	struct option longs[OPTIONS_MAX] = { 0 };
	char letters[3 * OPTIONS_MAX];
	const char *state_dir = NULL;
	int c;

	options_getopt(options, letters, longs);
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) >= 0) {
		size_t i;

		if (c == '?') {
			fprintf(stderr, "Try '%s --help'.\n", options->command);
			exit(options->exit_status);
		}
		i = options_find(options, c);
		if (i < options->n_rows) {
			options_set(&options->rows[i]);
		} else if (i == options->n_rows + OPTIONS_STATE_DIR) {
			state_dir = optarg;
		} else if (i == options->n_rows + OPTIONS_VERSION) {
			client_version(options->command);
		} else {
			options_help(options, stdout);
			exit(0);
		}
	}
	*ret_state_dir = statedir_choose(state_dir);
	return optind;
}
