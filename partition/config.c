// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * config.c - vcrun.conf, read by libconfuse
 *
 * libconfuse knows the line only while it parses, so everything that can be
 * judged by itself is judged in its validation callbacks. What needs the whole
 * file (exclusive CPUs standing in two partitions) is checked afterwards, with
 * the lines noted on the way. The first error counts; later ones follow from it.
 */
#include "partition/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "partition/cgroup.h"
#include "partition/config-priv.h"
#include "partition/partition.h"
#include "partition/topology.h"

#define CONFIG_MAX (1u << 20) /* bytes of a vcrun.conf */
#define LIST_TEXT 4096
#define LINES_MAX 2048 /* noted for later errors */

#define DEFAULT_POLICY "leastcpu"
#define DEFAULT_SAMPLE_MSEC 250
#define DEFAULT_MAX_JOBS 1000

/* What libconfuse's callbacks, which take no pointer of ours, write to. */
static _Thread_local struct reading {
	const char *path;
	struct vc_err *err;
	bool failed;
	struct line {
		const cfg_t *section;
		const char *option;
		int line;
	} lines[LINES_MAX];
	size_t n_lines;
} reading;

static const char *const reserved[] = { PARTITION_SHIMS_GROUP, "jobs", "images", "board", "ipc" };

DEFINE_CLEANUP(cfg_t *, cfg_freep, cfg_free);
DEFINE_CLEANUP(struct config *, config_freep, config_free);

int config_parse_size(const char *text, uint64_t *ret_bytes)
{
	static const char units[] = "KMGT";
	unsigned __int128 value = 0, scale = 1;
	const char *p = text, *unit;
	unsigned int shift = 0;

	if (!strcmp(text, "max")) {
		*ret_bytes = CG_NO_LIMIT;
		return 0;
	}
	if (!isdigit((unsigned char)*p))
		return -EINVAL;
	for (; isdigit((unsigned char)*p); p++) {
		value = value * 10 + (unsigned int)(*p - '0');
		if (value > UINT64_MAX)
			return -EINVAL;
	}
	if (*p == '.') {
		if (!isdigit((unsigned char)*++p))
			return -EINVAL;
		for (; isdigit((unsigned char)*p) && scale < 1000000000; p++) {
			value = value * 10 + (unsigned int)(*p - '0');
			scale *= 10;
		}
	}
	unit = *p ? strchr(units, toupper((unsigned char)*p)) : NULL;
	if (unit) {
		shift = 10 * (unsigned int)(unit - units + 1);
		p++;
	}
	if (*p || (scale > 1 && shift == 0))
		return -EINVAL;
	value = (value << shift) / scale;
	if (value >= CG_NO_LIMIT)
		return -EINVAL;
	*ret_bytes = (uint64_t)value;
	return 0;
}

char *config_format_size(uint64_t bytes, char *buf, size_t size)
{
	static const char *const units[] = { "", "K", "M", "G", "T" };
	double value = (double)bytes;
	size_t unit = 0;
	char number[32];
	int decimals;

	if (bytes == CG_NO_LIMIT) {
		snprintf(buf, size, "max");
		return buf;
	}
	/* 1023.95 would be printed as 1024. */
	while (value >= (unit ? 1023.95 : 1024) && unit + 1 < ARRAY_SIZE(units)) {
		value /= 1024;
		unit++;
	}
	decimals = unit == 0 ? 0 : value < 9.9995 ? 3 : value < 99.995 ? 2 : value < 999.95 ? 1 : 0;
	snprintf(number, sizeof(number), "%.*f", decimals, value);
	if (decimals > 0) {
		char *end = number + strlen(number);

		while (end[-1] == '0')
			*--end = '\0';
		if (end[-1] == '.')
			*--end = '\0';
	}
	snprintf(buf, size, "%s%s", number, units[unit]);
	return buf;
}

int config_fail_at(int line, const char *fmt, ...)
{
	char sentence[512];
	va_list ap;

	if (reading.failed)
		return -1;
	reading.failed = true;
	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	err_set(reading.err, EINVAL, "%s:%d: %s", reading.path, line, sentence);
	return -1;
}

void config_note_line(const cfg_t *section, const char *option)
{
	if (reading.n_lines < LINES_MAX)
		reading.lines[reading.n_lines++] = (struct line){
			.section = section,
			.option = option,
			.line = section->line,
		};
}

int config_line_of(const cfg_t *section, const char *option)
{
	for (size_t i = reading.n_lines; option && i > 0; i--) {
		const struct line *line = &reading.lines[i - 1];

		if (line->section == section && !strcmp(line->option, option))
			return line->line;
	}
	return section->line;
}

static void on_error(cfg_t *cfg, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* libconfuse's own complaints. */
static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char sentence[256], known[256] = "";
	size_t len = 0;

	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	if (strncmp(sentence, "no such option", 14)) {
		fail(cfg, "%s%s", sentence,
		     strstr(sentence, "boolean") ? ": write true or false" : "");
		return;
	}
	for (const cfg_opt_t *opt = cfg->opts; opt && opt->name; opt++) {
		int n = snprintf(known + len, sizeof(known) - len, "%s%s", len ? ", " : "",
				 opt->name);

		if (n < 0 || (size_t)n >= sizeof(known) - len)
			break;
		len += (size_t)n;
	}
	fail(cfg, "%s; here there are: %s", sentence, known);
}

static const char *const balance_names[BALANCE_N_MODES] = {
	[BALANCE_OFF] = "off",
	[BALANCE_ADVISE] = "advise",
	[BALANCE_ON] = "on",
};

const char *config_balance_name(enum config_balance balance)
{
	return balance_names[balance];
}

int config_parse_balance(const char *text, enum config_balance *ret)
{
	for (int i = 0; i < BALANCE_N_MODES; i++) {
		if (!strcmp(text, balance_names[i])) {
			*ret = (enum config_balance)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int check_balance(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getnstr(opt, 0);
	enum config_balance balance;

	if (!text || config_parse_balance(text, &balance) < 0)
		return fail(cfg, "balance = \"%s\": give off, advise or on", text ? text : "");
	return 0;
}

static int check_policy(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *name = cfg_opt_getnstr(opt, 0);

	if (!name || !islower((unsigned char)name[0]) ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789")])
		return fail(cfg, "\"%s\" is no policy's name: small letters and digits",
			    name ? name : "");
	return 0;
}

static int check_path(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *path = cfg_opt_getnstr(opt, 0);

	if (!path || path[0] != '/')
		return fail(cfg, "%s must be a path that begins with /", opt->name);
	return 0;
}

static const struct range {
	const char *name;
	long min, max;
} ranges[] = {
	{ "sample-interval-msec", 10, 60000 },
	{ "max-jobs-per-user", 1, 1000000 },
	/* As ipcmap/table.h has it. */
	{ "ipc-entries", 16, 1 << 24 },
	{ "ipc-objects-per-user", 1, 1 << 24 },
};

static int check_range(cfg_t *cfg, cfg_opt_t *opt)
{
	long value = cfg_opt_getnint(opt, 0);

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		const struct range *range = &ranges[i];

		if (!strcmp(opt->name, range->name) && (value < range->min || value > range->max))
			return fail(cfg, "%s must be from %ld to %ld, not %ld", opt->name,
				    range->min, range->max, value);
	}
	return 0;
}

static int check_cpus(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *list = cfg_opt_getnstr(opt, 0);
	struct vc_err err = { 0 };

	if (topology_check_cpus(list ? list : "", NULL, 0, NULL, &err) < 0)
		return fail(cfg, "%s", err.text);
	config_note_line(cfg, "cpus");
	return 0;
}

static int check_mems(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *list = cfg_opt_getnstr(opt, 0);
	struct vc_err err = { 0 };

	if (topology_check_mems(list ? list : "", NULL, 0, &err) < 0)
		return fail(cfg, "%s", err.text);
	return 0;
}

static uint64_t machine_bytes(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int check_memory(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getnstr(opt, 0);
	char have[32];
	uint64_t bytes;

	if (!text || config_parse_size(text, &bytes) < 0 || bytes == 0)
		return fail(cfg, "\"%s\" is no size: write \"512M\", \"1.5G\" or \"max\"",
			    text ? text : "");
	if (bytes != CG_NO_LIMIT && bytes > machine_bytes())
		return fail(cfg, "memory \"%s\" is more than the machine has (%s)", text,
			    config_format_size(machine_bytes(), have, sizeof(have)));
	config_note_line(cfg, "memory");
	return 0;
}

static int check_mode(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getnstr(opt, 0);
	enum memory_mode mode;

	if (!text || spec_parse_mode(text, &mode) < 0)
		return fail(cfg, "memory-mode = \"%s\": give pageable or fixed", text ? text : "");
	config_note_line(cfg, "memory-mode");
	return 0;
}

int config_check_name(const char *name, struct vc_err *err)
{
	if (!islower((unsigned char)name[0]) ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] ||
	    strlen(name) >= PARTITION_NAME_MAX)
		return err_set(err, EINVAL,
			       "\"%s\" is no partition's name: a small letter, then small "
			       "letters, digits and \"-\", at most %d",
			       name, PARTITION_NAME_MAX - 1);
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		if (!strcmp(name, reserved[i]))
			return err_set(err, EINVAL,
				       "\"%s\" cannot be a partition's name: vcrun uses it itself",
				       name);
	}
	return 0;
}

/* Called at a partition's closing brace. */
static int check_partition(cfg_t *cfg, cfg_opt_t *opt)
{
	unsigned int n = cfg_opt_size(opt);
	cfg_t *section = cfg_opt_getnsec(opt, n - 1);
	const char *name = cfg_title(section);
	struct vc_err err;

	if (n > PARTITIONS_MAX)
		return fail(cfg, "more than %d partitions", PARTITIONS_MAX);
	if (config_check_name(name, &err) < 0)
		return fail(cfg, "%s", err.text);
	if (cfg_size(section, "cpus") == 0)
		return fail(cfg, "partition \"%s\" has no cpus: add cpus = \"0-3\"", name);
	if (cfg_size(section, "memory") == 0 && cfg_size(section, "memory-mode") > 0 &&
	    !strcmp(cfg_getstr(section, "memory-mode"), "fixed"))
		return fail(cfg, "partition \"%s\": fixed memory needs a size: add memory = \"1G\"",
			    name);
	return 0;
}

static int fill_spec(cfg_t *section, bool exclusive, struct partition_spec *spec,
		     struct vc_err *err)
{
	char cpus[LIST_TEXT], mems[LIST_TEXT];
	int r;

	snprintf(spec->name, sizeof(spec->name), "%s", cfg_title(section));
	r = topology_check_cpus(cfg_getstr(section, "cpus"), cpus, sizeof(cpus), NULL, err);
	if (r == 0 && cfg_size(section, "mems") > 0)
		r = topology_check_mems(cfg_getstr(section, "mems"), mems, sizeof(mems), err);
	else if (r == 0)
		r = topology_mems_of(cpus, mems, sizeof(mems), err);
	if (r < 0) {
		err_add(err, "partition %s", spec->name);
		return r;
	}
	spec->memory_bytes = CG_NO_LIMIT;
	if (cfg_size(section, "memory") > 0)
		config_parse_size(cfg_getstr(section, "memory"), &spec->memory_bytes);
	if (cfg_size(section, "memory-mode") > 0)
		spec_parse_mode(cfg_getstr(section, "memory-mode"), &spec->mode);
	spec->exclusive =
		cfg_size(section, "exclusive") > 0 ? cfg_getbool(section, "exclusive") : exclusive;
	spec->cpus = strdup(cpus);
	spec->mems = strdup(mems);
	if (!spec->cpus || !spec->mems || config_fill_devices(section, spec) < 0)
		return err_sys(err, ENOMEM, "cannot read the configuration");
	return 0;
}

static int fill(cfg_t *cfg, struct config *config, struct vc_err *err)
{
	size_t n = cfg_size(cfg, "partition");

	config->parts = n ? calloc(n, sizeof(*config->parts)) : NULL;
	if (n && !config->parts)
		return err_sys(err, ENOMEM, "cannot read the configuration");
	for (size_t i = 0; i < n; i++) {
		cfg_t *section = cfg_getnsec(cfg, "partition", (unsigned int)i);
		const struct partition_spec *spec = &config->parts[i];
		int r;

		config->n_parts = i + 1;
		r = fill_spec(section, config->exclusive, &config->parts[i], err);
		if (r < 0)
			return r;
		if (config_check_shares(section, spec) < 0)
			return -EINVAL;
		for (size_t k = 0; k < i; k++) {
			const struct partition_spec *other = &config->parts[k];

			if (config_check_owners(section, spec, other) < 0)
				return -EINVAL;
			if (!spec->exclusive || !other->exclusive ||
			    topology_overlap(spec->cpus, other->cpus) <= 0)
				continue;
			config_fail_at(
				config_line_of(section, "cpus"),
				"partitions \"%s\" (CPUs %s) and \"%s\" (CPUs %s) both want the "
				"same "
				"CPU as their own: separate them, or set exclusive = false",
				other->name, other->cpus, spec->name, spec->cpus);
			return -EINVAL;
		}
	}
	return 0;
}

static int copy_string(cfg_t *cfg, const char *name, char **ret)
{
	const char *value = cfg_size(cfg, name) > 0 ? cfg_getstr(cfg, name) : NULL;

	if (!value)
		return 0;
	*ret = strdup(value);
	return *ret ? 0 : -ENOMEM;
}

void config_check_shape(cfg_t *cfg, const char *path)
{
	static const struct {
		const char *option;
		cfg_validate_callback_t check;
	} checks[] = {
		{ "cpus", check_cpus },
		{ "mems", check_mems },
		{ "memory", check_memory },
		{ "memory-mode", check_mode },
	};

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		char option[64];

		snprintf(option, sizeof(option), "%s|%s", path, checks[i].option);
		cfg_set_validate_func(cfg, option, checks[i].check);
	}
}

static cfg_t *new_parser(void)
{
	cfg_opt_t shape[] = { CONFIG_SHAPE_OPTIONS, CFG_END() };
	cfg_opt_t partition[] = { CONFIG_SHAPE_OPTIONS,
				  CFG_STR_LIST("devices", NULL, CFGF_NODEFAULT),
				  CFG_STR_LIST("share", NULL, CFGF_NODEFAULT), CFG_END() };
	cfg_opt_t event[] = { CONFIG_EVENT_OPTIONS(shape) };
	cfg_opt_t options[] = {
		CFG_STR("policy", DEFAULT_POLICY, CFGF_NONE),
		CFG_INT("sample-interval-msec", DEFAULT_SAMPLE_MSEC, CFGF_NONE),
		CFG_BOOL("exclusive", cfg_true, CFGF_NONE),
		CFG_INT("max-jobs-per-user", DEFAULT_MAX_JOBS, CFGF_NONE),
		CFG_INT("ipc-entries", CONFIG_DEFAULT_IPC_ENTRIES, CFGF_NONE),
		CFG_INT("ipc-objects-per-user", CONFIG_DEFAULT_IPC_PER_USER, CFGF_NONE),
		CFG_STR("balance", "off", CFGF_NONE),
		CFG_STR("criu", NULL, CFGF_NODEFAULT),
		CFG_STR("policy-path", NULL, CFGF_NODEFAULT),
		CFG_SEC("partition", partition, CFGF_TITLE | CFGF_MULTI | CFGF_NO_TITLE_DUPES),
		CFG_SEC("event", event, CFGF_TITLE | CFGF_MULTI | CFGF_NO_TITLE_DUPES),
		CFG_END(),
	};
	cfg_t *cfg = cfg_init(options, CFGF_NONE);

	if (!cfg)
		return NULL;
	cfg_set_error_function(cfg, on_error);
	cfg_set_validate_func(cfg, "policy", check_policy);
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		cfg_set_validate_func(cfg, ranges[i].name, check_range);
	cfg_set_validate_func(cfg, "balance", check_balance);
	cfg_set_validate_func(cfg, "criu", check_path);
	cfg_set_validate_func(cfg, "policy-path", check_path);
	cfg_set_validate_func(cfg, "partition", check_partition);
	config_check_shape(cfg, "partition");
	cfg_set_validate_func(cfg, "partition|devices", config_check_devices);
	cfg_set_validate_func(cfg, "partition|share", config_check_devices);
	config_check_events(cfg);
	return cfg;
}

/*
 * libconfuse takes the end of the file for the end of a section. So a good file is
 * read once more with one more line: "policy" is unknown in a partition.
 */
static int check_closed(const char *text, struct vc_err *err)
{
	_cleanup_(cfg_freep) cfg_t *cfg = new_parser();
	_cleanup_free_ char *longer = NULL;
	size_t len = strlen(text);
	int lines = len == 0 || text[len - 1] != '\n';

	if (!cfg || asprintf(&longer, "%s%spolicy = x\n", text,
			     len && text[len - 1] == '\n' ? "" : "\n") < 0)
		return err_sys(err, ENOMEM, "cannot read the configuration");
	if (cfg_parse_buf(cfg, longer) == CFG_SUCCESS)
		return 0;
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	return err_set(err, EINVAL, "%s:%d: the last section has no closing }", reading.path,
		       lines);
}

static int parse(cfg_t *cfg, const char *path, struct vc_err *err)
{
	_cleanup_free_ char *text = NULL;
	ssize_t len = file_read_all(AT_FDCWD, path, CONFIG_MAX, &text);
	int r;

	if (len < 0)
		return err_sys(err, (int)-len, "cannot read the configuration %s", path);
	r = cfg_parse_buf(cfg, text);
	if (r == CFG_SUCCESS && !reading.failed)
		return check_closed(text, err);
	if (!reading.failed)
		err_set(err, EINVAL, "%s:%d: not understood", path, cfg->line);
	return -EINVAL;
}

int config_read(const char *path, struct config **ret, struct vc_err *err)
{
	_cleanup_(config_freep) struct config *config = calloc(1, sizeof(*config));
	_cleanup_(cfg_freep) cfg_t *cfg = new_parser();
	int r;

	if (!config || !cfg)
		return err_sys(err, ENOMEM, "cannot read the configuration");
	reading = (struct reading){ .path = path, .err = err };
	r = path ? parse(cfg, path, err) : 0;
	if (r < 0)
		return r;
	config->sample_interval_msec = (unsigned int)cfg_getint(cfg, "sample-interval-msec");
	config->max_jobs_per_user = (unsigned int)cfg_getint(cfg, "max-jobs-per-user");
	config->ipc_entries = (unsigned int)cfg_getint(cfg, "ipc-entries");
	config->ipc_objects_per_user = (unsigned int)cfg_getint(cfg, "ipc-objects-per-user");
	config_parse_balance(cfg_getstr(cfg, "balance"), &config->balance);
	config->exclusive = cfg_getbool(cfg, "exclusive");
	if (copy_string(cfg, "policy", &config->policy) < 0 ||
	    copy_string(cfg, "criu", &config->criu) < 0 ||
	    copy_string(cfg, "policy-path", &config->policy_path) < 0)
		return err_sys(err, ENOMEM, "cannot read the configuration");
	r = fill(cfg, config, err);
	if (r == 0)
		r = config_fill_plan(cfg, config, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(config);
	return 0;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; config->parts && i < config->n_parts; i++)
		spec_done(&config->parts[i]);
	free(config->parts);
	plan_free(config->plan);
	free(config->policy);
	free(config->criu);
	free(config->policy_path);
	free(config);
}
