// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * text.c - makes text of other users safe for a terminal
 *
 * UTF-8 as in RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. Invisible
 * characters are Unicode's Default_Ignorable_Code_Point and general category Cf, without the
 * variation selectors, which only choose a form of the character before them.
 */
#include "common/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

struct text_range {
	uint32_t first, last;
};

static const struct text_range text_hidden[] = {
	{ 0x0000, 0x001f }, /* C0 */
	{ 0x007f, 0x009f }, /* DEL, C1 */
	{ 0x00ad, 0x00ad }, /* soft hyphen */
	{ 0x034f, 0x034f }, /* combining grapheme joiner */
	{ 0x0600, 0x0605 }, /* Arabic signs that enclose */
	{ 0x061c, 0x061c }, /* Arabic letter mark */
	{ 0x06dd, 0x06dd },   { 0x070f, 0x070f },
	{ 0x08e2, 0x08e2 },   { 0x115f, 0x1160 }, /* Hangul fillers */
	{ 0x17b4, 0x17b5 },                       /* Khmer inherent vowels */
	{ 0x180b, 0x180f },                       /* Mongolian selectors */
	{ 0x200b, 0x200f },                       /* zero width, directional marks */
	{ 0x2028, 0x202e }, /* line and paragraph separators, embeddings, overrides */
	{ 0x2060, 0x206f }, /* word joiner, isolates */
	{ 0x3164, 0x3164 }, /* Hangul filler */
	{ 0xfeff, 0xfeff }, /* byte order mark */
	{ 0xffa0, 0xffa0 }, /* Hangul filler */
	{ 0xfff0, 0xfffb }, /* interlinear annotation */
	{ 0xfffe, 0xffff }, /* no characters */
	{ 0x110bd, 0x110bd }, { 0x110cd, 0x110cd },
	{ 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 }, /* shorthand format */
	{ 0x1d173, 0x1d17a },                       /* musical format */
	{ 0xe0000, 0xe0fff },                       /* tags */
};

static const struct text_range text_blanks[] = {
	{ 0x0020, 0x0020 }, { 0x00a0, 0x00a0 }, { 0x1680, 0x1680 }, { 0x2000, 0x200a },
	{ 0x202f, 0x202f }, { 0x205f, 0x205f }, { 0x2800, 0x2800 }, { 0x3000, 0x3000 },
};

static bool text_is_in(const struct text_range *ranges, size_t n, uint32_t c)
{
	for (size_t i = 0; i < n && ranges[i].first <= c; i++)
		if (c <= ranges[i].last)
			return true;
	return false;
}

static bool text_is_hidden(uint32_t c)
{
	return text_is_in(text_hidden, ARRAY_SIZE(text_hidden), c);
}

/* Decodes the character at the beginning of size bytes. Returns its length; 0: it is not UTF-8. */
static size_t text_decode(const char *data, size_t size, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *at = (const unsigned char *)data;
	size_t len = at[0] < 0x80 ? 1 : at[0] < 0xc0 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	uint32_t c;

	if (len == 0 || len > size || at[0] > 0xf4)
		return 0;
	c = len == 1 ? at[0] : at[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (at[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return len;
}

void text_hide_controls(char *text)
{
	size_t left = strlen(text);
	char *out = text;

	while (left > 0) {
		uint32_t c = 0;
		size_t len = text_decode(text, left, &c);

		if (len == 0 || text_is_hidden(c)) {
			*out++ = '?';
			len = len ? len : 1;
		} else {
			memmove(out, text, len);
			out += len;
		}
		text += len;
		left -= len;
	}
	*out = '\0';
}

bool text_is_name(const char *text)
{
	for (size_t left = strlen(text); left > 0;) {
		uint32_t c = 0;
		size_t len = text_decode(text, left, &c);

		if (len == 0 || text_is_hidden(c) ||
		    text_is_in(text_blanks, ARRAY_SIZE(text_blanks), c))
			return false;
		text += len;
		left -= len;
	}
	return true;
}

char *text_to_utf8(const char *data, size_t size, size_t *ret_size)
{
	char *copy = malloc(3 * size + 1), *out = copy;

	while (copy && size > 0) {
		uint32_t c;
		size_t len = text_decode(data, size, &c);

		memcpy(out, len ? data : "\xef\xbf\xbd", len ? len : 3);
		out += len ? len : 3;
		len = len ? len : 1;
		data += len;
		size -= len;
	}
	if (!copy)
		return NULL;
	*out = '\0';
	*ret_size = (size_t)(out - copy);
	return copy;
}

char *text_escape_json(const char *json)
{
	size_t left = strlen(json);
	char *copy = malloc(6 * left + 1), *out = copy;

	while (copy && left > 0) {
		uint32_t c = 0;
		size_t len = text_decode(json, left, &c);

		/* The line ends of the document are control characters too. */
		if (len == 0 || c < ' ' || !text_is_hidden(c)) {
			len = len ? len : 1;
			memcpy(out, json, len);
			out += len;
		} else if (c < 0x10000) {
			out += sprintf(out, "\\u%04x", (unsigned)c);
		} else {
			out += sprintf(out, "\\u%04x\\u%04x",
				       0xd800 + (unsigned)((c - 0x10000) >> 10),
				       0xdc00 + (unsigned)((c - 0x10000) & 0x3ff));
		}
		json += len;
		left -= len;
	}
	if (copy)
		*out = '\0';
	return copy;
}

bool text_next_range(const char **list, unsigned long *ret_first, unsigned long *ret_last)
{
	const char *at = *list + (**list == ',');
	char *end;

	if (*at < '0' || *at > '9')
		return false;
	*ret_first = *ret_last = strtoul(at, &end, 10);
	if (*end == '-' && end[1] >= '0' && end[1] <= '9')
		*ret_last = strtoul(end + 1, &end, 10);
	if (*ret_last < *ret_first)
		return false;
	*list = end;
	return true;
}
