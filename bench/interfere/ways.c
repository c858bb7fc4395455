// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ways.c - which ways to keep neighbours off there are on this machine
 *
 * numad moves processes of 300 MB and more between memory nodes. It is a peer where there
 * are several nodes, and is run only while it is measured; one that the machine runs
 * anyway is left alone.
 */
#include "bench/interfere/interfere.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NUMAD_PID_FILE "/run/numad.pid"

const char *const interfere_ways[N_WAYS] = {
	[W_ALONE] = "alone",     [W_TOGETHER] = "together", [W_NUMAD] = "numad",
	[W_TASKSET] = "taskset", [W_SYSTEMD] = "systemd",   [W_PARTITIONS] = "partitions",
};

/* Runs a command that tries a way; what it says is why the way is missing. */
static bool ways_try(const char *const argv[], char *missing, size_t size)
{
	char out[250] = "";
	int status = bench_run(argv, out, sizeof(out));

	if (status == -ENOENT)
		snprintf(missing, size, "%s is not installed", argv[0]);
	else if (status < 0)
		snprintf(missing, size, "%s: %s", argv[0], strerror(-status));
	else if (status > 0 && out[0])
		snprintf(missing, size, "%.*s", (int)strcspn(out, "\n"), out);
	else if (status > 0)
		snprintf(missing, size, "%s: exit status %d", argv[0], status);
	return status == 0;
}

static size_t ways_count_nodes(void)
{
	glob_t found;
	size_t n = 0;

	if (glob("/sys/devices/system/node/node[0-9]*", GLOB_NOSORT, NULL, &found) == 0) {
		n = found.gl_pathc;
		globfree(&found);
	}
	return n;
}

static void ways_find_numad(char *missing, size_t size)
{
	if (!ways_try(BENCH_ARGV("numad", "-V"), missing, size))
		return;
	if (ways_count_nodes() < 2)
		snprintf(missing, size, "this machine has one memory node, so it would do nothing");
	else if (access(NUMAD_PID_FILE, F_OK) == 0)
		snprintf(missing, size,
			 "one runs already (%s), so \"together\" is with it; end it by 'numad -i "
			 "0' to have it apart",
			 NUMAD_PID_FILE);
}

void interfere_find_ways(struct interfere *interfere)
{
	size_t size = sizeof(interfere->missing[0]);

	ways_try(BENCH_ARGV("taskset", "--version"), interfere->missing[W_TASKSET], size);
	ways_try(BENCH_ARGV("systemd-run", "--scope", "--quiet", "--property=AllowedCPUs=0",
			    "/bin/true"),
		 interfere->missing[W_SYSTEMD], size);
	ways_find_numad(interfere->missing[W_NUMAD], size);
}

/* It looks about each second, rather than each 5 to 15, and leaves huge pages as they are. */
int interfere_start_numad(struct vc_err *err)
{
	int status = bench_run(BENCH_ARGV("numad", "-H", "0", "-i", "1"), NULL, 0);

	return status == 0 ? 0 : err_set(err, EIO, "numad: exit status %d", status);
}

void interfere_end_numad(void)
{
	bench_run(BENCH_ARGV("numad", "-i", "0"), NULL, 0);
}
