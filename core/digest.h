/* Hash functions by number, over whole messages. */
#ifndef KEDGE_DIGEST_H
#define KEDGE_DIGEST_H

#include <stddef.h>

enum digest_kind { DIGEST_NONE, DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA224, DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512 };

enum { DIGEST_SIZE_MAX = 64, DIGEST_SHA1_SIZE = 20, DIGEST_SHA256_SIZE = 32 };

/* Writes the digest of data; returns its length in bytes, 0 for DIGEST_NONE. */
size_t digest(enum digest_kind kind, const void *data, size_t length, unsigned char out[DIGEST_SIZE_MAX]);

/* "sha256" and so on; NULL for DIGEST_NONE. */
const char *digest_name(enum digest_kind kind);

#endif
