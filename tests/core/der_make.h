/*
 * DER for tests, written down as text:
 *   3a 0F     bytes in hex
 *   30{ ... } a tag, its content, and the length in between
 *   'abc'     ASCII
 *   [64]      that many bytes of 0x42
 */
#ifndef KEDGE_TEST_DER_MAKE_H
#define KEDGE_TEST_DER_MAKE_H

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { DER_MAKE_MAX = 80 << 10 };

static inline unsigned
der_make_digit(char c)
{
	return isdigit((unsigned char)c) ? (unsigned)(c - '0') : (unsigned)(tolower((unsigned char)c) - 'a' + 10);
}

/* Puts the length of what follows start in out behind the tag before start; returns where the value ends. */
static inline unsigned char *
der_make_close(unsigned char *start, unsigned char *end)
{
	size_t length = (size_t)(end - start);
	unsigned bytes = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : 3;

	memmove(start + 1 + bytes, start, length);
	*start = (unsigned char)(bytes == 0 ? length : 0x80 | bytes);
	for (unsigned i = 1; i <= bytes; i++)
		start[i] = (unsigned char)(length >> (8 * (bytes - i)));
	return end + 1 + bytes;
}

/* Writes out (DER_MAKE_MAX bytes) and returns its length; aborts where the text is wrong. */
static inline size_t
der_make(const char *text, unsigned char *out)
{
	unsigned char *at = out, *open[64];
	size_t depth = 0;

	while (*text != '\0') {
		if (isxdigit((unsigned char)text[0]) && isxdigit((unsigned char)text[1])) {
			*at++ = (unsigned char)(der_make_digit(text[0]) << 4 | der_make_digit(text[1]));
			text += 2;
		} else if (*text == '{' && depth < 64) {
			open[depth++] = at;
			text++;
		} else if (*text == '}' && depth > 0) {
			at = der_make_close(open[--depth], at);
			text++;
		} else if (*text == '\'') {
			for (text++; *text != '\''; text++)
				*at++ = (unsigned char)*text;
			text++;
		} else if (*text == '[') {
			char *end;
			unsigned long count = strtoul(text + 1, &end, 10);

			memset(at, 0x42, count);
			at += count;
			text = end + 1;
		} else if (isspace((unsigned char)*text)) {
			text++;
		} else {
			abort();
		}
	}
	if (depth != 0)
		abort();
	return (size_t)(at - out);
}

#endif
