/*
 * Mutation of certificates, PEM and names under a sanitizer: nothing may be read or written outside of its bytes, and what
 * is read must hold together.
 *
 * With libFuzzer (clang -fsanitize=fuzzer,address,undefined -DKEDGE_LIBFUZZER) it takes its input from there. Otherwise
 * it has a loop of its own: x509_fuzz ROUNDS SEED FILE... changes the files' bytes ROUNDS times, the same way for the same
 * seed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/certificate.h"
#include "core/dn.h"
#include "core/pem.h"
#include "core/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "%s\n", what);
		abort();
	}
}

static void *
room(size_t size)
{
	void *bytes = malloc(size > 0 ? size : 1);

	require(bytes != NULL, "no memory");
	return bytes;
}

/* A name that was checked has a canonical form and a text, both within their bounds, and the form is no longer changed. */
static void
try_name(struct span name)
{
	unsigned char *form = room(dn_canonical_bound(name.length));
	char *text = room(dn_text_bound(name.length));
	bool good = dn_check(name);
	size_t length;

	require(dn_canonical(name, form, &length) == good, "dn_check and dn_canonical disagree");
	require(!good || length <= dn_canonical_bound(name.length), "canonical form out of bounds");
	require(dn_text(name, text, &length) == good, "dn_check and dn_text disagree");
	require(!good || length <= dn_text_bound(name.length), "text out of bounds");
	for (size_t i = 0; good && i < length; i++)
		require((unsigned char)text[i] >= 0x20 && text[i] != 0x7F, "a control character in a text");
	free(text);
	free(form);
}

static void
try_names(struct span names, bool (*take)(struct der *, struct general_name *))
{
	struct der der = der_open(names);
	struct general_name name;

	while (!der_done(&der)) {
		require(take(&der, &name), "a general name that was read can't be read again");
		if (name.type == NAME_DIRECTORY)
			try_name(name.value);
	}
}

static bool
within(struct span part, struct span whole)
{
	return part.length == 0 || (part.data >= whole.data && part.data + part.length <= whole.data + whole.length);
}

static void
try_certificate(const unsigned char *data, size_t size)
{
	struct certificate c;
	struct extension extension;
	char oid[DER_OID_TEXT_SIZE];
	struct der extensions;
	const char *why;

	if (certificate_parse(&c, data, size) != NULL)
		return;
	require(within(c.tbs, c.der) && within(c.signature, c.der) && within(c.spki, c.tbs) && within(c.serial, c.tbs), "a part outside");
	require(within(c.key.modulus, c.spki) && within(c.key.exponent, c.spki) && within(c.key.point, c.spki), "a key outside");
	try_name(c.subject);
	try_name(c.issuer);
	try_names(c.facts.subject_alt_name, general_name_take);
	try_names(c.facts.permitted, general_subtree_take);
	try_names(c.facts.excluded, general_subtree_take);
	extensions = der_open(c.extensions);
	while (!der_done(&extensions)) {
		require(extension_take(&extensions, &extension), "an extension that was read can't be read again");
		der_oid_text(extension.oid, oid);
	}
	certificate_verify(&c, &c, &why);
}

static void
try_pem(const unsigned char *data, size_t size)
{
	struct pem_block block;
	enum pem_step step;
	struct pem pem;

	pem_open(&pem, (const char *)data, size);
	while ((step = pem_next(&pem, &block)) != PEM_END) {
		unsigned char *out;
		size_t length;

		require(block.line > 0 && (step == PEM_BLOCK || block.message != NULL), "a block without line or message");
		if (step == PEM_BAD)
			continue;
		out = room(block.body_length / 4 * 3 + 3);
		if (pem_decode(block.body, block.body_length, out, &length))
			try_certificate(out, length);
		free(out);
	}
}

static void
try_store(const unsigned char *data, size_t size)
{
	struct store *store = store_new();
	int added;

	require(store != NULL, "no memory");
	added = store_add_text(store, (const char *)data, size, "fuzz");
	require(added >= 0 && store_count(store) == (size_t)added, "a store that miscounts");
	require(store_add_text(store, (const char *)data, size, "fuzz") == 0, "a certificate that is new twice");
	store_free(store);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *copy = room(size);       /* of exactly this length, also in our own loop */
	struct span span = { copy, size };

	if (size > 0)
		memcpy(copy, data, size);
	try_certificate(copy, size);
	try_pem(copy, size);
	try_store(copy, size);
	try_name(span);
	free(copy);
	return 0;
}

#ifndef KEDGE_LIBFUZZER

enum { INPUT_MAX = 1 << 16, CHANGES_MAX = 8 };

static uint64_t state;

/* xorshift64*: the same on every machine */
static uint32_t
draw(uint32_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 0x2545F4914F6CDD1DU) >> 32) % below;
}

/* One change: a byte, a bit, a length-like byte, a piece taken out, doubled, or the end cut off. */
static size_t
change(unsigned char *data, size_t size)
{
	static const unsigned char telling[] = { 0x00, 0x01, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xFF, 0x30, 0x31, 0xA0, '-', '\n' };
	uint32_t at = draw((uint32_t)size), length = 1 + draw(16);

	switch (draw(6)) {
	case 0:
		data[at] = (unsigned char)draw(256);
		return size;
	case 1:
		data[at] ^= (unsigned char)(1U << draw(8));
		return size;
	case 2:
		data[at] = telling[draw(sizeof telling)];
		return size;
	case 3:
		if (at + length >= size)
			return size;
		memmove(data + at, data + at + length, size - at - length);
		return size - length;
	case 4:
		if (at + length >= size || size + length > INPUT_MAX)
			return size;
		memmove(data + at + length, data + at, size - at);
		return size + length;
	default:
		return draw(8) == 0 ? at + 1 : size;
	}
}

static size_t
read_file(const char *path, unsigned char *data)
{
	FILE *file = fopen(path, "rb");
	size_t size;

	require(file != NULL, path);
	size = fread(data, 1, INPUT_MAX, file);
	fclose(file);
	require(size > 0, path);
	return size;
}

/* Half of the time the DER within is changed, which otherwise would seldom get past base64. */
static void
round_run(const unsigned char *file, size_t file_size)
{
	static unsigned char input[INPUT_MAX];
	struct pem_block block;
	struct pem pem;
	size_t size = file_size;

	memcpy(input, file, file_size);
	pem_open(&pem, (const char *)file, file_size);
	if (draw(2) == 0 && pem_next(&pem, &block) == PEM_BLOCK)
		require(pem_decode(block.body, block.body_length, input, &size), "a file that isn't PEM");
	for (uint32_t changes = 1 + draw(CHANGES_MAX); changes > 0; changes--)
		size = change(input, size);
	LLVMFuzzerTestOneInput(input, size);
}

int
main(int argc, char **argv)
{
	static unsigned char file[INPUT_MAX];
	unsigned long rounds;

	if (argc < 4) {
		fprintf(stderr, "usage: x509_fuzz ROUNDS SEED FILE...\n");
		return 2;
	}
	rounds = strtoul(argv[1], NULL, 10);
	state = strtoull(argv[2], NULL, 10) * 2 + 1;
	for (int i = 3; i < argc; i++) {
		size_t size = read_file(argv[i], file);

		LLVMFuzzerTestOneInput(file, size);
		for (unsigned long round = 0; round < rounds; round++)
			round_run(file, size);
	}
	printf("# %lu rounds on each of %d files, seed %s\n", rounds, argc - 3, argv[2]);
	return 0;
}

#endif
