/*
 * PEM (RFC 7468), read as tolerantly as OpenSSL does where nothing is lost by it, and with a word and a line for
 * everything else: text between blocks is skipped, and a byte-order mark at the start or behind a block; a block that is
 * cut, glued to the next one or isn't base64 is reported and the next one is still found.
 */
#ifndef KEDGE_PEM_H
#define KEDGE_PEM_H

#include <stdbool.h>
#include <stddef.h>

enum { PEM_TEXT_MAX = 16 << 20 };       /* bytes of one source */

#define PEM_NOT_BASE64 "the block isn't base64"

enum pem_step {
	PEM_END,                        /* no further block */
	PEM_BLOCK,                      /* label and body are set */
	PEM_BAD                         /* message and line are set; go on with the next call */
};

struct pem {
	const char *text;
	size_t length;
	size_t at;                      /* start of the line to be read next */
	unsigned line;                  /* its number, from 1 */
};

struct pem_block {
	unsigned line;                  /* of the BEGIN line */
	const char *label;
	size_t label_length;
	const char *body;               /* base64 and white space */
	size_t body_length;
	const char *message;            /* PEM_BAD: a fixed sentence */
};

/* Starts reading text, which must outlive the reader. */
void pem_open(struct pem *pem, const char *text, size_t length);

/* Finds the next block. */
enum pem_step pem_next(struct pem *pem, struct pem_block *block);

/* The block's label is this one. */
bool pem_label_is(const struct pem_block *block, const char *label);

/* The block holds a certificate: labels CERTIFICATE and X509 CERTIFICATE. */
bool pem_is_certificate(const struct pem_block *block);

/* Text that holds a BEGIN line. */
bool pem_looks_like(const char *text, size_t length);

/*
 * Decodes base64 with white space in it. out needs 3/4 of length and may begin at or before body (in place). Returns
 * false if it isn't base64, is empty, or its padding is wrong.
 */
bool pem_decode(const char *body, size_t length, unsigned char *out, size_t *out_length);

/* Bytes that pem_encode writes for a certificate of this length. */
size_t pem_encoded_length(size_t length);

/* Writes a CERTIFICATE block with lines of 64 characters; returns the bytes written. */
size_t pem_encode(const unsigned char *der, size_t length, char *out);

#endif
