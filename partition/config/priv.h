/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - shared by the files of this folder only
 *
 *	config.c            the file, options outside of sections
 *	partition.c         partitions; shapes, which events have too
 *	device.c            partitions' devices
 *	event.c             events
 *	region.c            regions
 *	line.c              lines of options, and the first error
 *	size.c              sizes
 */
#ifndef VC_PARTITION_CONFIG_PRIV_H
#define VC_PARTITION_CONFIG_PRIV_H

#include <confuse.h>

#include "partition/config/config.h"

/* line.c */
/* Begins a file, read by this thread. err gets the first error. */
void config_line_begin(const char *path, struct vc_err *err);
bool config_line_has_failed(void);
/* Keeps the first error as "FILE:LINE: text". Returns the failure code of a libconfuse callback. */
int config_line_fail(int line, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define fail(cfg, ...) config_line_fail((cfg)->line, __VA_ARGS__)

/* A validation callback notes the line of an option; later code looks it up by name. It is the last
 * line of the section when it was not noted. */
int config_line_note(cfg_t *section, cfg_opt_t *opt);
int config_line_of(const cfg_t *section, const char *option);

/* config.c: copies the value; NULL when the option is not given. Returns 0 or -ENOMEM. */
int config_copy_string(cfg_t *section, const char *option, char **ret);

/* partition.c */
/* Checks a name: a small letter, then small letters, digits and "-", less than PARTITION_NAME_MAX.
 */
bool config_partition_is_name(const char *name);
/* The options of a partition and of an event's shapes, and their checks, at a path like "partition"
 * or "event|after". */
#define CONFIG_SHAPE_OPTIONS                                                                       \
	CFG_STR("cpus", NULL, CFGF_NODEFAULT), CFG_STR("mems", NULL, CFGF_NODEFAULT),              \
		CFG_STR("memory", NULL, CFGF_NODEFAULT),                                           \
		CFG_BOOL("exclusive", cfg_false, CFGF_NODEFAULT),                                  \
		CFG_STR("memory-mode", NULL, CFGF_NODEFAULT)
void config_partition_check_shape(cfg_t *cfg, const char *path);
#define CONFIG_PARTITION_OPTIONS                                                                   \
	CONFIG_SHAPE_OPTIONS, CFG_STR_LIST("devices", NULL, CFGF_NODEFAULT),                       \
		CFG_STR_LIST("share", NULL, CFGF_NODEFAULT), CFG_END()
void config_partition_check(cfg_t *cfg);
int config_partition_fill(cfg_t *cfg, struct config *config, struct vc_err *err);

/* region.c */
#define CONFIG_REGION_OPTIONS                                                                      \
	CFG_STR("size", NULL, CFGF_NODEFAULT), CFG_STR("owner", NULL, CFGF_NODEFAULT),             \
		CFG_STR_LIST("share", NULL, CFGF_NODEFAULT),                                       \
		CFG_STR("mode", NULL, CFGF_NODEFAULT), CFG_STR("user", NULL, CFGF_NODEFAULT),      \
		CFG_STR("group", NULL, CFGF_NODEFAULT), CFG_END()
void config_region_check(cfg_t *cfg);
/* Call when the partitions are filled in. */
int config_region_fill(cfg_t *cfg, struct config *config, struct vc_err *err);

/* device.c */
/* Validates devices and share: each must exist. */
int config_device_check(cfg_t *cfg, cfg_opt_t *opt);
int config_device_fill(cfg_t *section, struct partition_spec *spec);
/* Checks that a partition does not share what it owns, and that two do not own the same. Returns 0,
 * or reports the line. */
int config_device_check_shares(cfg_t *section, const struct partition_spec *spec);
int config_device_check_owners(cfg_t *section, const struct partition_spec *a,
			       const struct partition_spec *b);

/* event.c */
#define CONFIG_EVENT_OPTIONS(shape)                                                                \
	CFG_STR("at", NULL, CFGF_NODEFAULT), CFG_STR("when", NULL, CFGF_NODEFAULT),                \
		CFG_STR("failover", NULL, CFGF_NODEFAULT),                                         \
		CFG_STR_LIST("failover-on", NULL, CFGF_NODEFAULT),                                 \
		CFG_FLOAT("failover-freeze", 10, CFGF_NONE),                                       \
		CFG_STR("revert-at", NULL, CFGF_NODEFAULT),                                        \
		CFG_STR("revert-when", NULL, CFGF_NODEFAULT),                                      \
		CFG_FLOAT("deadline", 30, CFGF_NONE), CFG_FLOAT("retry", 0, CFGF_NONE),            \
		CFG_FLOAT("hold", 5, CFGF_NONE),                                                   \
		CFG_SEC("before", shape, CFGF_TITLE | CFGF_MULTI | CFGF_NO_TITLE_DUPES),           \
		CFG_SEC("after", shape, CFGF_TITLE | CFGF_MULTI | CFGF_NO_TITLE_DUPES), CFG_END()
void config_event_check(cfg_t *cfg);
/* Fills config->plan. Call when the partitions are filled in. */
int config_event_fill(cfg_t *cfg, struct config *config, struct vc_err *err);

#endif
