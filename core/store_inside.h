/* What the two halves of core/store share: the index (store.c) and the reading of files and directories (store_files.c). */
#ifndef KEDGE_STORE_INSIDE_H
#define KEDGE_STORE_INSIDE_H

#include <sys/types.h>

#include "store.h"

/* Growing arrays: items, how many are used, how many there is room for. */
struct store_array {
	void *items;
	size_t count, room;
};

struct store_entry {
	uint32_t block;                 /* which holds its DER */
	uint32_t offset, length;
	uint32_t subject_next, content_next;    /* in the same bucket: index + 1, or 0 */
	uint64_t subject, content;      /* hashes of the canonical subject and of all of it */
};

struct store_note {
	char *file;                     /* owned */
	unsigned line;
	const char *message;            /* fixed; NULL: the system's words for error */
	int error;
};

struct store_directory {
	char *path;                     /* owned */
	bool loaded;                    /* as a whole */
	struct store_array hashes;      /* uint32_t: those that were looked for already */
};

struct store_identity {
	dev_t device;
	ino_t inode;
};

struct store_bucket {
	uint32_t first, last;           /* index + 1, or 0 */
};

struct store {
	struct store_array blocks;      /* unsigned char *, owned */
	struct store_array entries;     /* struct store_entry */
	struct store_array notes;       /* struct store_note */
	struct store_array directories; /* struct store_directory */
	struct store_array files;       /* struct store_identity, of what was read from directories */
	struct store_bucket *by_subject;        /* in the order they were added */
	uint32_t *by_content;           /* index + 1, or 0 */
	size_t buckets;                 /* a power of two, at least as many as entries */
	unsigned char *scratch;         /* room for one canonical name */
	size_t scratch_size;
	size_t duplicates;
};

/* Room for one more item of size bytes, zeroed; NULL without memory. */
void *store_array_add(struct store_array *array, size_t size);

/* Notes that file, at line or as a whole (0), was skipped; message is fixed, or NULL: strerror(error). */
int store_note(struct store *store, const char *file, unsigned line, const char *message, int error);

/* Takes a buffer of malloc (even when it fails) that holds PEM or DER, and adds what is in it. */
int store_take(struct store *store, unsigned char *buffer, size_t length, const char *file, bool pem);

/* Opens the files that hashed directories have for a subject with this hash. */
int store_load_hash(struct store *store, uint32_t hash);

#endif
