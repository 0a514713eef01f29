/*
 * A store of trust anchors, as an index: certificates are base64-decoded, read by the strict reader, and found by subject;
 * nobody's key is decoded before it is asked for. What can't be read is skipped, and named with its file and line. Each
 * certificate is there once.
 *
 * A directory of OpenSSL's hash links is opened file by file, as subjects are asked for; store_load reads the rest.
 */
#ifndef KEDGE_STORE_H
#define KEDGE_STORE_H

#include "der.h"

enum {
	STORE_FILE_MAX = 16 << 20,      /* bytes of one file */
	STORE_FILES_MAX = 10000,        /* entries of one directory */
	STORE_SKIPPED_MAX = 1000        /* that are named */
};

struct store;

struct store_skipped {
	const char *file;
	unsigned line;                  /* 0: the file as a whole */
	const char *message;
};

/* An empty store, or NULL without memory. */
struct store *store_new(void);
void store_free(struct store *store);

/*
 * Each adds to the store and returns the number of certificates that were new to it, or -1 with errno set: the source
 * as a whole can't be read (EFBIG: larger than the bound), or ENOMEM. file names the source in store_skipped.
 */
int store_add_text(struct store *store, const char *text, size_t length, const char *file);     /* PEM */
int store_add_der(struct store *store, const unsigned char *der, size_t length, const char *file);
int store_add_file(struct store *store, const char *path);      /* PEM, or DER if it isn't PEM */
int store_add_directory(struct store *store, const char *path); /* 0 for a hashed one, which is read later */

/* Reads all that was put off; -1 with errno ENOMEM. */
int store_load(struct store *store);

/* Opens the files that hashed directories have for this canonical subject; -1 with errno ENOMEM. */
int store_find(struct store *store, struct span subject);

/*
 * The next loaded certificate with this canonical subject, in the order they were added: *at is 0 at first and then the
 * index of the one found, plus 1. False when there is none.
 */
bool store_next(struct store *store, struct span subject, size_t *at);

/* Certificates that are loaded, and the one at index; valid until the next call that adds, loads or finds. */
size_t store_count(const struct store *store);
struct span store_certificate(const struct store *store, size_t index);

/* No certificate is in it; reads no more of a hashed directory than it takes to find one. */
bool store_empty(struct store *store);

/* What was skipped so far, by index; the last of STORE_SKIPPED_MAX stands for all further ones. */
size_t store_skipped_count(const struct store *store);
struct store_skipped store_skipped(const struct store *store, size_t index);

/* How many certificates were there more than once. */
size_t store_duplicates(const struct store *store);

#endif
