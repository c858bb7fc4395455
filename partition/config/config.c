// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * config.c - vcrun.conf, read by libconfuse: the file, and the options outside of sections
 *
 * What can be checked alone is checked in libconfuse's validation callbacks, because libconfuse
 * knows the line only while it parses.
 */
#include "partition/config/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/duration.h"
#include "common/file.h"
#include "common/trust.h"
#include "partition/config/priv.h"
#include "partition/region.h"

#define CONFIG_MAX (1u << 20) /* bytes of a vcrun.conf */

#define DEFAULT_POLICY "leastcpu"
#define DEFAULT_SAMPLE_MSEC 250
#define DEFAULT_MAX_STOP "1min"
#define DEFAULT_MAX_JOBS 1000

DEFINE_CLEANUP(cfg_t *, cfg_freep, cfg_free);

static void config_on_error(cfg_t *cfg, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* libconfuse reports its own errors here. */
static void config_on_error(cfg_t *cfg, const char *fmt, va_list ap)
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

/* The shim's engines (shim/engine.c). */
static int config_check_engine(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getnstr(opt, 0);

	if (!text ||
	    (strcmp(text, "auto") != 0 && strcmp(text, "live") != 0 && strcmp(text, "criu") != 0))
		return fail(cfg, "engine = \"%s\": give auto, live or criu", text ? text : "");
	return 0;
}

static int config_check_balance(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getnstr(opt, 0);
	enum config_balance balance;

	if (!text || config_parse_balance(text, &balance) < 0)
		return fail(cfg, "balance = \"%s\": give off, advise or on", text ? text : "");
	return 0;
}

static int config_check_policy(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *name = cfg_opt_getnstr(opt, 0);

	if (!name || !islower((unsigned char)name[0]) ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789")])
		return fail(cfg, "\"%s\" is no policy's name: small letters and digits",
			    name ? name : "");
	return 0;
}

static int config_check_path(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *path = cfg_opt_getnstr(opt, 0);

	if (!path || path[0] != '/')
		return fail(cfg, "%s must be a path that begins with /", opt->name);
	return 0;
}

static int config_check_duration(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getnstr(opt, 0);
	uint64_t usec;

	if (!text || duration_parse(text, &usec) < 0)
		return fail(cfg, "%s = \"%s\": give a time, such as 500ms or 30s; 0: no limit",
			    opt->name, text ? text : "");
	return 0;
}

static int config_check_size(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getnstr(opt, 0);
	uint64_t bytes;

	if (!text || config_size_parse(text, &bytes) < 0 || bytes == 0)
		return fail(cfg, "%s = \"%s\": give a size, such as 512M or 8G; max: no limit",
			    opt->name, text ? text : "");
	return 0;
}

static const struct range {
	const char *name;
	long min, max;
} ranges[] = {
	{ "sample-interval-msec", 10, 60000 },
	{ "max-jobs-per-user", 1, 1000000 },
	/* The same limits as in ipcmap/table/table.h. */
	{ "ipc-entries", 16, 1 << 24 },
	{ "ipc-objects-per-user", 1, 1 << 24 },
};

static int config_check_range(cfg_t *cfg, cfg_opt_t *opt)
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

int config_copy_string(cfg_t *section, const char *option, char **ret)
{
	const char *text = cfg_size(section, option) > 0 ? cfg_getstr(section, option) : NULL;

	*ret = text ? strdup(text) : NULL;
	return text && !*ret ? -ENOMEM : 0;
}

static cfg_t *config_new_parser(void)
{
	cfg_opt_t shape[] = { CONFIG_SHAPE_OPTIONS, CFG_END() };
	cfg_opt_t partition[] = { CONFIG_PARTITION_OPTIONS };
	cfg_opt_t region[] = { CONFIG_REGION_OPTIONS };
	cfg_opt_t event[] = { CONFIG_EVENT_OPTIONS(shape) };
	cfg_opt_t options[] = {
		CFG_STR("policy", DEFAULT_POLICY, CFGF_NONE),
		CFG_INT("sample-interval-msec", DEFAULT_SAMPLE_MSEC, CFGF_NONE),
		CFG_BOOL("exclusive", cfg_true, CFGF_NONE),
		CFG_BOOL("overcommit", cfg_false, CFGF_NONE),
		CFG_INT("max-jobs-per-user", DEFAULT_MAX_JOBS, CFGF_NONE),
		CFG_INT("ipc-entries", CONFIG_DEFAULT_IPC_ENTRIES, CFGF_NONE),
		CFG_INT("ipc-objects-per-user", CONFIG_DEFAULT_IPC_PER_USER, CFGF_NONE),
		CFG_STR("move-max-stop", DEFAULT_MAX_STOP, CFGF_NONE),
		CFG_STR("images-per-user", NULL, CFGF_NODEFAULT),
		CFG_STR("balance", "off", CFGF_NONE),
		CFG_STR("engine", CONFIG_DEFAULT_ENGINE, CFGF_NONE),
		CFG_STR("criu", NULL, CFGF_NODEFAULT),
		CFG_STR("policy-path", NULL, CFGF_NODEFAULT),
		CFG_SEC("partition", partition, CFGF_TITLE | CFGF_MULTI | CFGF_NO_TITLE_DUPES),
		CFG_SEC("region", region, CFGF_TITLE | CFGF_MULTI | CFGF_NO_TITLE_DUPES),
		CFG_SEC("event", event, CFGF_TITLE | CFGF_MULTI | CFGF_NO_TITLE_DUPES),
		CFG_END(),
	};
	cfg_t *cfg = cfg_init(options, CFGF_NONE);

	if (!cfg)
		return NULL;
	cfg_set_error_function(cfg, config_on_error);
	cfg_set_validate_func(cfg, "policy", config_check_policy);
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		cfg_set_validate_func(cfg, ranges[i].name, config_check_range);
	cfg_set_validate_func(cfg, "move-max-stop", config_check_duration);
	cfg_set_validate_func(cfg, "images-per-user", config_check_size);
	cfg_set_validate_func(cfg, "balance", config_check_balance);
	cfg_set_validate_func(cfg, "engine", config_check_engine);
	cfg_set_validate_func(cfg, "criu", config_check_path);
	cfg_set_validate_func(cfg, "policy-path", config_check_path);
	config_partition_check(cfg);
	config_region_check(cfg);
	config_event_check(cfg);
	return cfg;
}

/*
 * libconfuse accepts the end of the file inside a section. So a good file is read again with one
 * more line: "policy" is unknown in a partition.
 */
static int config_check_closed(const char *text, const char *path, struct vc_err *err)
{
	_cleanup_(cfg_freep) cfg_t *cfg = config_new_parser();
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
	return err_set(err, EINVAL, "%s:%d: the last section has no closing }", path, lines);
}

/* The file names code that root executes. A pipe (--config=/dev/stdin) or an unlinked file is an
 * open descriptor of the caller, which cannot be replaced by name. */
static int config_open(const char *path, struct vc_err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot read the configuration %s", path);
	if ((!S_ISREG(st.st_mode) || st.st_nlink == 0) &&
	    (st.st_uid == 0 || st.st_uid == geteuid()))
		return steal_fd(&fd);
	close(steal_fd(&fd));
	fd = trust_open(path, O_RDONLY, NULL, err);
	if (fd < 0)
		err_add(err, "configuration %s", path);
	return steal_fd(&fd);
}

static int config_parse(cfg_t *cfg, const char *path, struct vc_err *err)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = config_open(path, err);
	ssize_t len;
	int r;

	if (fd < 0)
		return fd;
	len = file_read_all_fd(fd, CONFIG_MAX, &text);
	if (len < 0)
		return err_sys(err, (int)-len, "cannot read the configuration %s", path);
	r = cfg_parse_buf(cfg, text);
	if (r == CFG_SUCCESS && !config_line_has_failed())
		return config_check_closed(text, path, err);
	if (!config_line_has_failed())
		err_set(err, EINVAL, "%s:%d: not understood", path, cfg->line);
	return -EINVAL;
}

int config_read(const char *path, struct config **ret, struct vc_err *err)
{
	_cleanup_(config_freep) struct config *config = calloc(1, sizeof(*config));
	_cleanup_(cfg_freep) cfg_t *cfg = config_new_parser();
	int r;

	if (!config || !cfg)
		return err_sys(err, ENOMEM, "cannot read the configuration");
	config_line_begin(path, err);
	r = path ? config_parse(cfg, path, err) : 0;
	if (r < 0)
		return r;
	config->sample_interval_msec = (unsigned int)cfg_getint(cfg, "sample-interval-msec");
	config->max_jobs_per_user = (unsigned int)cfg_getint(cfg, "max-jobs-per-user");
	config->ipc_entries = (unsigned int)cfg_getint(cfg, "ipc-entries");
	config->ipc_objects_per_user = (unsigned int)cfg_getint(cfg, "ipc-objects-per-user");
	duration_parse(cfg_getstr(cfg, "move-max-stop"), &config->move_max_stop_usec);
	if (cfg_size(cfg, "images-per-user") > 0)
		config_size_parse(cfg_getstr(cfg, "images-per-user"),
				  &config->images_per_user_bytes);
	config_parse_balance(cfg_getstr(cfg, "balance"), &config->balance);
	config->exclusive = cfg_getbool(cfg, "exclusive");
	config->overcommit = cfg_getbool(cfg, "overcommit");
	if (config_copy_string(cfg, "policy", &config->policy) < 0 ||
	    config_copy_string(cfg, "engine", &config->engine) < 0 ||
	    config_copy_string(cfg, "criu", &config->criu) < 0 ||
	    config_copy_string(cfg, "policy-path", &config->policy_path) < 0)
		return err_sys(err, ENOMEM, "cannot read the configuration");
	r = config_partition_fill(cfg, config, err);
	if (r == 0)
		r = config_region_fill(cfg, config, err);
	if (r == 0)
		r = config_event_fill(cfg, config, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(config);
	return 0;
}

int config_find(const struct config *config, const char *name)
{
	for (size_t i = 0; *name && i < config->n_parts; i++) {
		if (!strcmp(config->parts[i].name, name))
			return (int)i;
	}
	return -1;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; config->parts && i < config->n_parts; i++)
		spec_done(&config->parts[i]);
	free(config->parts);
	for (size_t i = 0; config->regions && i < config->n_regions; i++)
		region_done(&config->regions[i]);
	free(config->regions);
	plan_free(config->plan);
	free(config->policy);
	free(config->engine);
	free(config->criu);
	free(config->policy_path);
	free(config);
}
