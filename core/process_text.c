#include "process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
process_text_open(struct process_text *text, size_t limit)
{
	*text = (struct process_text){ .bytes = malloc(limit), .limit = limit };
	return text->bytes ? 0 : ENOMEM;
}

void
process_text_close(struct process_text *text)
{
	free(text->bytes);
	text->bytes = NULL;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The bytes behind the first half are a ring. */
void
process_text_add(struct process_text *text, const char *bytes, size_t length)
{
	size_t head = text->limit / 2, ring = text->limit - head;

	while (length > 0) {
		size_t at = text->total < head ? text->total : head + (text->total - head) % ring;
		size_t n = least(length, (at < head ? head : text->limit) - at);

		memcpy(text->bytes + at, bytes, n);
		text->total += n;
		bytes += n;
		length -= n;
	}
}

char *
process_text_whole(const struct process_text *text, size_t *length)
{
	size_t head = text->limit / 2, ring = text->limit - head, oldest;
	char line[64], *whole;
	int n;

	*length = least(text->total, text->limit);
	whole = malloc(*length + sizeof line);
	if (!whole || text->total <= text->limit) {
		if (whole)
			memcpy(whole, text->bytes, *length);
		return whole;
	}
	n = snprintf(line, sizeof line, "%s[%zu bytes left out]\n",
	             head > 0 && text->bytes[head - 1] != '\n' ? "\n" : "", text->total - text->limit);
	oldest = (text->total - head) % ring;
	memcpy(whole, text->bytes, head);
	memcpy(whole + head, line, (size_t)n);
	memcpy(whole + head + n, text->bytes + head + oldest, ring - oldest);
	memcpy(whole + head + n + ring - oldest, text->bytes + head, oldest);
	*length += (size_t)n;
	return whole;
}
