#include "store_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "certificate.h"
#include "dn.h"
#include "pem.h"

enum { BUCKETS_FIRST = 64 };

struct store *
store_new(void)
{
	return calloc(1, sizeof(struct store));
}

void
store_free(struct store *store)
{
	if (store == NULL)
		return;
	for (size_t i = 0; i < store->blocks.count; i++)
		free(((unsigned char **)store->blocks.items)[i]);
	for (size_t i = 0; i < store->notes.count; i++)
		free(((struct store_note *)store->notes.items)[i].file);
	for (size_t i = 0; i < store->directories.count; i++) {
		struct store_directory *directory = (struct store_directory *)store->directories.items + i;

		free(directory->path);
		free(directory->hashes.items);
	}
	free(store->blocks.items);
	free(store->entries.items);
	free(store->notes.items);
	free(store->directories.items);
	free(store->files.items);
	free(store->by_subject);
	free(store->by_content);
	free(store->scratch);
	free(store);
}

void *
store_array_add(struct store_array *array, size_t size)
{
	void *item;

	if (array->count == array->room) {
		size_t room = array->room == 0 ? 8 : 2 * array->room;
		void *items = reallocarray(array->items, room, size);

		if (items == NULL)
			return NULL;
		array->items = items;
		array->room = room;
	}
	item = (char *)array->items + array->count++ * size;
	memset(item, 0, size);
	return item;
}

static struct store_entry *
entry_at(const struct store *store, size_t index)
{
	return (struct store_entry *)store->entries.items + index;
}

static struct span
entry_der(const struct store *store, const struct store_entry *entry)
{
	struct span der = { ((unsigned char **)store->blocks.items)[entry->block] + entry->offset, entry->length };

	return der;
}

/* FNV-1a over words of eight bytes: it only spreads over buckets, the bytes are compared in the end. */
static uint64_t
span_hash(struct span span)
{
	uint64_t hash = 0xCBF29CE484222325U, word;
	size_t i = 0;

	for (; span.length - i >= sizeof word; i += sizeof word) {
		memcpy(&word, span.data + i, sizeof word);
		hash = (hash ^ word) * 0x100000001B3U;
		hash ^= hash >> 32;
	}
	for (; i < span.length; i++)
		hash = (hash ^ span.data[i]) * 0x100000001B3U;
	return hash ^ hash >> 29;
}

static void
entry_link(struct store *store, uint32_t index)
{
	struct store_entry *entry = entry_at(store, index);
	struct store_bucket *subject = &store->by_subject[entry->subject & (store->buckets - 1)];
	uint32_t *content = &store->by_content[entry->content & (store->buckets - 1)];

	entry->content_next = *content;
	*content = index + 1;
	entry->subject_next = 0;
	if (subject->last == 0)
		subject->first = index + 1;
	else
		entry_at(store, subject->last - 1)->subject_next = index + 1;
	subject->last = index + 1;
}

static int
buckets_grow(struct store *store)
{
	size_t buckets = store->buckets == 0 ? BUCKETS_FIRST : 2 * store->buckets;
	struct store_bucket *subject = calloc(buckets, sizeof *subject);
	uint32_t *content = calloc(buckets, sizeof *content);

	if (subject == NULL || content == NULL) {
		free(subject);
		free(content);
		return -1;
	}
	free(store->by_subject);
	free(store->by_content);
	store->by_subject = subject;
	store->by_content = content;
	store->buckets = buckets;
	for (size_t i = 0; i < store->entries.count; i++)
		entry_link(store, (uint32_t)i);
	return 0;
}

static bool
is_known(const struct store *store, struct span der, uint64_t hash)
{
	uint32_t next = store->buckets == 0 ? 0 : store->by_content[hash & (store->buckets - 1)];

	for (; next != 0; next = entry_at(store, next - 1)->content_next) {
		const struct store_entry *entry = entry_at(store, next - 1);

		if (entry->content == hash && span_equal(entry_der(store, entry), der))
			return true;
	}
	return false;
}

/* The canonical form of a name that was checked, in the store's scratch. */
static int
canonical(struct store *store, struct span name, struct span *form)
{
	size_t bound = dn_canonical_bound(name.length);

	if (bound > store->scratch_size) {
		unsigned char *scratch = realloc(store->scratch, bound);

		if (scratch == NULL)
			return -1;
		store->scratch = scratch;
		store->scratch_size = bound;
	}
	form->data = store->scratch;
	if (!dn_canonical(name, store->scratch, &form->length))
		form->length = 0;
	return 0;
}

/* Adds the certificate der, which lies in the store's last block: 1, 0 if it is there already or can't be read, or -1. */
static int
entry_add(struct store *store, struct span der, const char *file, unsigned line)
{
	uint32_t block = (uint32_t)store->blocks.count - 1;
	uint64_t content = span_hash(der);
	struct certificate certificate;
	struct store_entry *entry;
	struct span subject;
	const char *wrong;

	if (is_known(store, der, content)) {
		store->duplicates++;
		return 0;
	}
	wrong = certificate_parse(&certificate, der.data, der.length);
	if (wrong != NULL)
		return store_note(store, file, line, wrong, 0);
	if (store->entries.count >= store->buckets && buckets_grow(store) < 0)
		return -1;
	if (canonical(store, certificate.subject, &subject) < 0)
		return -1;
	entry = store_array_add(&store->entries, sizeof *entry);
	if (entry == NULL)
		return -1;
	entry->block = block;
	entry->offset = (uint32_t)(der.data - ((unsigned char **)store->blocks.items)[block]);
	entry->length = (uint32_t)der.length;
	entry->content = content;
	entry->subject = span_hash(subject);
	entry_link(store, (uint32_t)store->entries.count - 1);
	return 1;
}

/*
 * The DER of a bundle is written over its own text, which is always longer: one buffer holds first the one and then the
 * other. *used is how much of it remains.
 */
static int
bundle_take(struct store *store, unsigned char *buffer, size_t length, const char *file, size_t *used)
{
	struct pem_block block;
	enum pem_step step;
	struct pem pem;
	int added = 0;

	pem_open(&pem, (const char *)buffer, length);
	while ((step = pem_next(&pem, &block)) != PEM_END) {
		struct span der = { buffer + *used, 0 };
		int result;

		if (step == PEM_BLOCK && !pem_is_certificate(&block))
			continue;
		if (step == PEM_BAD)
			result = store_note(store, file, block.line, block.message, 0);
		else if (!pem_decode(block.body, block.body_length, buffer + *used, &der.length))
			result = store_note(store, file, block.line, PEM_NOT_BASE64, 0);
		else
			result = entry_add(store, der, file, block.line);
		if (result < 0)
			return -1;
		if (result > 0)
			*used += der.length;
		added += result;
	}
	return added;
}

int
store_take(struct store *store, unsigned char *buffer, size_t length, const char *file, bool pem)
{
	unsigned char **block = store_array_add(&store->blocks, sizeof *block);
	size_t used = 0;
	int added;

	if (block == NULL) {
		free(buffer);
		return -1;
	}
	*block = buffer;
	if (pem) {
		added = bundle_take(store, buffer, length, file, &used);
	} else {
		added = entry_add(store, (struct span){ buffer, length }, file, 0);
		used = added > 0 ? length : 0;
	}
	if (used == 0) {                        /* nothing points into it */
		free(buffer);
		store->blocks.count--;
	} else if (used < length) {
		buffer = realloc(buffer, used);
		if (buffer != NULL)
			((unsigned char **)store->blocks.items)[store->blocks.count - 1] = buffer;
	}
	return added;
}

int
store_note(struct store *store, const char *file, unsigned line, const char *message, int error)
{
	struct store_note *note;

	if (store->notes.count == STORE_SKIPPED_MAX)
		return 0;
	if (store->notes.count == STORE_SKIPPED_MAX - 1)
		message = "more was skipped that isn't named here";
	note = store_array_add(&store->notes, sizeof *note);
	if (note == NULL)
		return -1;
	note->line = line;
	note->message = message;
	note->error = error;
	note->file = strdup(file);
	return note->file == NULL ? -1 : 0;
}

static int
copy_take(struct store *store, const void *data, size_t length, const char *file, bool pem)
{
	unsigned char *copy;

	if (length > STORE_FILE_MAX) {
		errno = EFBIG;
		return -1;
	}
	copy = malloc(length + 1);
	if (copy == NULL)
		return -1;
	memcpy(copy, data, length);
	return store_take(store, copy, length, file, pem);
}

int
store_add_text(struct store *store, const char *text, size_t length, const char *file)
{
	return copy_take(store, text, length, file, true);
}

int
store_add_der(struct store *store, const unsigned char *der, size_t length, const char *file)
{
	return copy_take(store, der, length, file, false);
}

/* The hashes may agree by chance, so the names are compared. */
static bool
entry_has_subject(struct store *store, const struct store_entry *entry, struct span subject)
{
	struct span der = entry_der(store, entry), form;
	struct certificate certificate;

	return certificate_parse(&certificate, der.data, der.length) == NULL &&
	    canonical(store, certificate.subject, &form) == 0 && span_equal(form, subject);
}

int
store_find(struct store *store, struct span subject)
{
	return store_load_hash(store, dn_hash(subject));
}

bool
store_next(struct store *store, struct span subject, size_t *at)
{
	uint64_t hash = span_hash(subject);
	uint32_t next;

	if (store->buckets == 0)
		return false;
	next = *at == 0 ? store->by_subject[hash & (store->buckets - 1)].first : entry_at(store, *at - 1)->subject_next;
	for (; next != 0; next = entry_at(store, next - 1)->subject_next) {
		if (entry_at(store, next - 1)->subject == hash && entry_has_subject(store, entry_at(store, next - 1), subject)) {
			*at = next;
			return true;
		}
	}
	return false;
}

size_t
store_count(const struct store *store)
{
	return store->entries.count;
}

struct span
store_certificate(const struct store *store, size_t index)
{
	return entry_der(store, entry_at(store, index));
}

size_t
store_skipped_count(const struct store *store)
{
	return store->notes.count;
}

struct store_skipped
store_skipped(const struct store *store, size_t index)
{
	const struct store_note *note = (struct store_note *)store->notes.items + index;
	struct store_skipped skipped = { note->file, note->line, note->message };

	if (skipped.message == NULL)
		skipped.message = strerror(note->error);
	return skipped;
}

size_t
store_duplicates(const struct store *store)
{
	return store->duplicates;
}
