#include "pem.h"

#include <stdint.h>
#include <string.h>

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"
#define LABEL "CERTIFICATE"
#define MARK "\xEF\xBB\xBF"

/* Values of base64 digits; white space and everything else lie above them. */
enum { SPACE = 0x40, PADDING = 0x41, OTHER = 0x80 };

static const unsigned char values[256] = {
#define ROW8 OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER
#define ROW16 ROW8, ROW8
	/* 00 */ ROW8, OTHER, SPACE, SPACE, SPACE, SPACE, SPACE, OTHER, OTHER,
	/* 10 */ ROW16,
	/* 20 */ SPACE, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, 62, OTHER, OTHER, OTHER, 63,
	/* 30 */ 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, OTHER, OTHER, OTHER, PADDING, OTHER, OTHER,
	/* 40 */ OTHER, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	/* 50 */ 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, OTHER, OTHER, OTHER, OTHER, OTHER,
	/* 60 */ OTHER, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	/* 70 */ 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, OTHER, OTHER, OTHER, OTHER, OTHER,
	/* 80 */ ROW16, ROW16, ROW16, ROW16, ROW16, ROW16, ROW16, ROW16,
#undef ROW8
#undef ROW16
};

struct line {
	const char *text;
	size_t length;          /* without the line's end */
};

void
pem_open(struct pem *pem, const char *text, size_t length)
{
	pem->text = text;
	pem->length = length;
	pem->at = 0;
	pem->line = 1;
}

/* Takes the next line; false at the end of the text. */
static bool
line_take(struct pem *pem, struct line *line)
{
	size_t left = pem->length - pem->at;
	const char *end;

	if (left == 0)
		return false;
	line->text = pem->text + pem->at;
	end = memchr(line->text, '\n', left);
	line->length = end == NULL ? left : (size_t)(end - line->text);
	pem->at += end == NULL ? left : line->length + 1;
	pem->line++;
	return true;
}

static bool
line_starts(const struct line *line, const char *word)
{
	size_t length = strlen(word);

	return line->length >= length && memcmp(line->text, word, length) == 0;
}

/* The label between word and the dashes, behind which only white space may stand. */
static bool
line_label(const struct line *line, const char *word, const char **label, size_t *label_length)
{
	size_t start = strlen(word), end = line->length;

	while (end > start && values[(unsigned char)line->text[end - 1]] == SPACE)
		end--;
	if (end < start + strlen(DASHES) || memcmp(line->text + end - strlen(DASHES), DASHES, strlen(DASHES)) != 0)
		return false;
	*label = line->text + start;
	*label_length = end - strlen(DASHES) - start;
	return memchr(*label, '-', *label_length) == NULL;
}

static enum pem_step
bad(struct pem_block *block, unsigned line, const char *message)
{
	block->line = line;
	block->message = message;
	return PEM_BAD;
}

/* Skips the headers that RFC 1421 puts before the body, up to an empty line or at most to the block's end. */
static void
headers_skip(struct pem *pem)
{
	struct pem start = *pem;
	struct line line;

	if (!line_take(pem, &line) || memchr(line.text, ':', line.length) == NULL) {
		*pem = start;
		return;
	}
	for (start = *pem; line_take(pem, &line); start = *pem) {
		if (line.length == 0 || (line.length == 1 && line.text[0] == '\r'))
			return;
		if (line_starts(&line, DASHES)) {
			*pem = start;
			return;
		}
	}
}

/* Reads from behind a BEGIN line to its END line. */
static enum pem_step
block_take(struct pem *pem, struct pem_block *block)
{
	const char *label;
	size_t label_length;
	struct pem before;
	struct line line;

	headers_skip(pem);
	block->body = pem->text + pem->at;
	for (;;) {
		before = *pem;
		if (!line_take(pem, &line))
			return bad(block, block->line, "the block has no END line");
		if (line.length == 0 || line.text[0] != '-')
			continue;
		if (line_starts(&line, BEGIN)) {
			*pem = before;
			return bad(block, block->line, "the next block begins before this one's END line");
		}
		if (line_starts(&line, END))
			break;
	}
	block->body_length = (size_t)(line.text - block->body);
	if (!line_label(&line, END, &label, &label_length))
		return bad(block, before.line, "there is text behind the END line");
	if (label_length != block->label_length || memcmp(label, block->label, label_length) != 0)
		return bad(block, block->line, "BEGIN and END name different things");
	return PEM_BLOCK;
}

/* A byte-order mark of UTF-8, where OpenSSL skips one: at the start of the text and behind a block (files put together). */
static void
mark_skip(struct pem *pem)
{
	if (pem->length - pem->at >= strlen(MARK) && memcmp(pem->text + pem->at, MARK, strlen(MARK)) == 0)
		pem->at += strlen(MARK);
}

enum pem_step
pem_next(struct pem *pem, struct pem_block *block)
{
	struct line line;

	memset(block, 0, sizeof *block);
	mark_skip(pem);
	for (;;) {
		block->line = pem->line;
		if (!line_take(pem, &line))
			return PEM_END;
		if (line.length == 0 || line.text[0] != '-')
			continue;
		if (line_starts(&line, END))
			return bad(block, block->line, "an END line without its BEGIN line");
		if (!line_starts(&line, BEGIN))
			continue;
		if (!line_label(&line, BEGIN, &block->label, &block->label_length))
			return bad(block, block->line, "the BEGIN line isn't one");
		return block_take(pem, block);
	}
}

bool
pem_label_is(const struct pem_block *block, const char *label)
{
	return block->label_length == strlen(label) && memcmp(block->label, label, block->label_length) == 0;
}

bool
pem_is_certificate(const struct pem_block *block)
{
	return pem_label_is(block, LABEL) || pem_label_is(block, "X509 " LABEL);
}

bool
pem_looks_like(const char *text, size_t length)
{
	return length >= strlen(BEGIN) && memmem(text, length, BEGIN, strlen(BEGIN)) != NULL;
}

/* Decodes groups of four digits as long as nothing else stands between them; returns how many bytes of body it took. */
static size_t
groups_decode(const unsigned char *body, size_t length, unsigned char *out)
{
	size_t at = 0;

	for (; length - at >= 4; at += 4, out += 3) {
		unsigned a = values[body[at]], b = values[body[at + 1]], c = values[body[at + 2]], d = values[body[at + 3]];

		if ((a | b | c | d) >= SPACE)
			break;
		out[0] = (unsigned char)(a << 2 | b >> 4);
		out[1] = (unsigned char)(b << 4 | c >> 2);
		out[2] = (unsigned char)(c << 6 | d);
	}
	return at;
}

/* The last group, with its padding: two or three digits give one or two bytes. */
static bool
padding_decode(uint32_t group, unsigned digits, unsigned padding, unsigned char *out, size_t *at)
{
	if (digits == 0)
		return padding == 0 && *at > 0;
	if (digits < 2 || digits + padding != 4)
		return false;
	group <<= 6 * padding;
	for (unsigned i = 1; i < digits; i++)
		out[(*at)++] = (unsigned char)(group >> (24 - 8 * i));
	return true;
}

bool
pem_decode(const char *body, size_t length, unsigned char *out, size_t *out_length)
{
	const unsigned char *text = (const unsigned char *)body;
	uint32_t group = 0;
	unsigned digits = 0, padding = 0;
	size_t at = 0;

	for (size_t i = 0; i < length; i++) {
		unsigned value;

		if (digits == 0 && padding == 0) {
			size_t taken = groups_decode(text + i, length - i, out + at);

			i += taken;
			at += taken / 4 * 3;
			if (i == length)
				break;
		}
		value = values[text[i]];
		if (value == SPACE)
			continue;
		if (value == PADDING) {
			padding++;
			continue;
		}
		if (value == OTHER || padding > 0)
			return false;
		group = group << 6 | value;
		if (++digits < 4)
			continue;
		for (unsigned shift = 24; shift > 0; shift -= 8)
			out[at++] = (unsigned char)(group >> (shift - 8));
		group = digits = 0;
	}
	if (!padding_decode(group, digits, padding, out, &at))
		return false;
	*out_length = at;
	return true;
}

enum { LINE_BYTES = 48 };       /* 64 characters */

size_t
pem_encoded_length(size_t length)
{
	size_t digits = (length + 2) / 3 * 4;

	return strlen(BEGIN LABEL DASHES "\n" END LABEL DASHES "\n") + digits + (length + LINE_BYTES - 1) / LINE_BYTES;
}

static char *
words_write(char *out, const char *words)
{
	size_t length = strlen(words);

	memcpy(out, words, length);
	return out + length;
}

size_t
pem_encode(const unsigned char *der, size_t length, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *at = words_write(out, BEGIN LABEL DASHES "\n");

	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		uint32_t group = (uint32_t)der[i] << 16 | (left > 1 ? (uint32_t)der[i + 1] << 8 : 0) | (left > 2 ? der[i + 2] : 0);

		*at++ = digits[group >> 18];
		*at++ = digits[group >> 12 & 63];
		*at++ = left > 1 ? digits[group >> 6 & 63] : '=';
		*at++ = left > 2 ? digits[group & 63] : '=';
		if ((i + 3) % LINE_BYTES == 0 || left <= 3)
			*at++ = '\n';
	}
	at = words_write(at, END LABEL DASHES "\n");
	return (size_t)(at - out);
}
