// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * cpulist.c - sets of CPUs (or memory nodes) and the kernel's list form "0-3,8"
 *
 * The parser also reads vcrun.conf. So it accepts only numbers, ranges and commas: no strides, no
 * "all", no sign.
 */
#include "partition/cpulist.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"

static const char *cpulist_skip_blanks(const char *p)
{
	return p + strspn(p, " \t\n");
}

static int cpulist_parse_number(const char **p, unsigned int *ret)
{
	unsigned int value = 0;

	if (**p < '0' || **p > '9')
		return -EINVAL;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		value = value * 10 + (unsigned int)(**p - '0');
		if (value >= CPULIST_MAX)
			return -EINVAL;
	}
	*ret = value;
	return 0;
}

int cpulist_parse(const char *text, struct cpulist *ret)
{
	const char *p = cpulist_skip_blanks(text);

	*ret = (struct cpulist){ 0 };
	while (*p) {
		unsigned int first, last;

		if (cpulist_parse_number(&p, &first) < 0)
			return -EINVAL;
		last = first;
		if (*p == '-') {
			p++;
			if (cpulist_parse_number(&p, &last) < 0 || last < first)
				return -EINVAL;
		}
		for (; first <= last; first++)
			cpulist_add(ret, first);
		p = cpulist_skip_blanks(p);
		if (!*p)
			break;
		if (*p++ != ',')
			return -EINVAL;
		p = cpulist_skip_blanks(p);
		if (!*p)
			return -EINVAL;
	}
	return 0;
}

int cpulist_format(const struct cpulist *set, char *buf, size_t size)
{
	size_t len = 0;
	int first = cpulist_next(set, 0);

	if (size == 0)
		return -ENAMETOOLONG;
	buf[0] = '\0';
	while (first >= 0) {
		int last = first, n;

		while (last + 1 < CPULIST_MAX && cpulist_has(set, (unsigned int)last + 1))
			last++;
		if (last > first)
			n = snprintf(buf + len, size - len, "%s%d-%d", len ? "," : "", first, last);
		else
			n = snprintf(buf + len, size - len, "%s%d", len ? "," : "", first);
		if (n < 0 || (size_t)n >= size - len)
			return -ENAMETOOLONG;
		len += (size_t)n;
		first = cpulist_next(set, (unsigned int)last + 1);
	}
	return 0;
}

bool cpulist_has(const struct cpulist *set, unsigned int cpu)
{
	return cpu < CPULIST_MAX && (set->word[cpu / 64] >> (cpu % 64) & 1);
}

void cpulist_add(struct cpulist *set, unsigned int cpu)
{
	if (cpu < CPULIST_MAX)
		set->word[cpu / 64] |= UINT64_C(1) << (cpu % 64);
}

size_t cpulist_count(const struct cpulist *set)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(set->word); i++)
		n += (size_t)__builtin_popcountll(set->word[i]);
	return n;
}

int cpulist_next(const struct cpulist *set, unsigned int from)
{
	for (size_t i = from / 64; i < ARRAY_SIZE(set->word); i++) {
		uint64_t word = set->word[i];

		if (i == from / 64)
			word &= ~UINT64_C(0) << (from % 64);
		if (word)
			return (int)(i * 64) + __builtin_ctzll(word);
	}
	return -1;
}

int cpulist_last(const struct cpulist *set)
{
	for (size_t i = ARRAY_SIZE(set->word); i-- > 0;) {
		if (set->word[i])
			return (int)(i * 64) + 63 - __builtin_clzll(set->word[i]);
	}
	return -1;
}

bool cpulist_contains(const struct cpulist *set, const struct cpulist *part)
{
	for (size_t i = 0; i < ARRAY_SIZE(set->word); i++) {
		if (part->word[i] & ~set->word[i])
			return false;
	}
	return true;
}

bool cpulist_overlap(const struct cpulist *a, const struct cpulist *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->word); i++) {
		if (a->word[i] & b->word[i])
			return true;
	}
	return false;
}

bool cpulist_equal(const struct cpulist *a, const struct cpulist *b)
{
	return !memcmp(a->word, b->word, sizeof(a->word));
}

void cpulist_join(struct cpulist *a, const struct cpulist *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->word); i++)
		a->word[i] |= b->word[i];
}

void cpulist_subtract(struct cpulist *a, const struct cpulist *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->word); i++)
		a->word[i] &= ~b->word[i];
}
