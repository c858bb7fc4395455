// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * size.c - sizes: "64M", "1.5G", "max"
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "partition/cgroup/cgroup.h"
#include "partition/config/config.h"

int config_size_parse(const char *text, uint64_t *ret_bytes)
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

char *config_size_format(uint64_t bytes, char *buf, size_t size)
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
