/* What the tests of certificates and stores share: reading a PEM file, and buffers of exactly the length that is read. */
#ifndef KEDGE_TEST_FIXTURE_H
#define KEDGE_TEST_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/der.h"
#include "core/pem.h"

/* A copy on the heap, so that a sanitizer sees one byte too much. */
static inline unsigned char *
fixture_copy(const void *data, size_t length)
{
	unsigned char *copy = malloc(length > 0 ? length : 1);

	if (copy == NULL)
		abort();
	if (length > 0)
		memcpy(copy, data, length);
	return copy;
}

/* A file's bytes, or data NULL if it isn't there. free() them. */
static inline struct span
fixture_read(const char *path)
{
	struct span span = { NULL, 0 };
	FILE *file = fopen(path, "rb");
	unsigned char *data;

	if (file == NULL)
		return span;
	data = malloc(1 << 20);
	if (data == NULL)
		abort();
	span.length = fread(data, 1, 1 << 20, file);
	span.data = data;
	fclose(file);
	return span;
}

/* The DER of the first block of a PEM file; data NULL if there is none. free() it. */
static inline struct span
fixture_certificate(const char *path)
{
	struct span text = fixture_read(path), der = { NULL, 0 };
	unsigned char *out = malloc(text.length + 1);
	struct pem_block block;
	struct pem pem;

	if (out == NULL)
		abort();
	pem_open(&pem, (const char *)text.data, text.length);
	if (text.data != NULL && pem_next(&pem, &block) == PEM_BLOCK && pem_decode(block.body, block.body_length, out, &der.length))
		der.data = fixture_copy(out, der.length);
	free(out);
	free((void *)(uintptr_t)text.data);
	return der;
}

static inline void
fixture_free(struct span span)
{
	free((void *)(uintptr_t)span.data);
}

#endif
