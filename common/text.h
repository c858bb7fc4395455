/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text.h - somebody's bytes on somebody else's terminal
 */
#ifndef VC_COMMON_TEXT_H
#define VC_COMMON_TEXT_H

/* Puts a question mark in place of what a terminal may take for a command: control characters,
 * and 0x80 to 0x9f unless they belong to a character of UTF-8. */
static inline void text_hide_controls(char *text)
{
	unsigned char last = 0;

	for (unsigned char *c = (unsigned char *)text; *c; last = *c++)
		/* In UTF-8 those from 0x80 on stand behind 0xc2. */
		if (*c < ' ' || *c == 0x7f ||
		    (*c < 0xa0 && *c >= 0x80 && (last < 0x80 || last == 0xc2)))
			*c = '?';
}

#endif
