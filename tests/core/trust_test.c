/* The anchors in trust/ are the six that are meant, and what this machine's ca-certificates have of them is the same. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>

#include "core/certificate.h"
#include "core/store.h"
#include "tests/core/fixture.h"

#define MACHINE "/usr/share/ca-certificates/mozilla"

/* SHA-256 of the SubjectPublicKeyInfo; the first five as https://www.amazontrust.com/repository/ gives them. */
static const struct {
	const char *file, *spki;
} anchors[] = {
	{ "trust/AmazonRootCA1.pem", "fbe3018031f9586bcbf41727e417b7d1c45c2f47f93be372a17b96b50757d5a2" },
	{ "trust/AmazonRootCA2.pem", "7f4296fc5b6a4e3b35d3c369623e364ab1af381d8fa7121533c9d6c633ea2461" },
	{ "trust/AmazonRootCA3.pem", "36abc32656acfc645c61b71613c4bf21c787f5cabbee48348d58597803d7abc9" },
	{ "trust/AmazonRootCA4.pem", "f7ecded5c66047d28ed6466b543c40e0743abe81d109254dcf845d4c2c7853c5" },
	{ "trust/StarfieldServicesRootCertificateAuthority-G2.pem", "2b071c59a0a0ae76b0eadb2bad23bad4580b69c3601b630c2eaf0613afa83f92" },
	{ "trust/StarfieldClass2CertificationAuthority.pem", "15f14ac45c9c7da233d3479164e8137fe35ee0f38ae858183f08410ea82ac4b4" },
};

enum { ANCHORS = sizeof anchors / sizeof *anchors };

static void
hex_of_key(struct span der, char hex[2 * DIGEST_SHA256_SIZE + 1])
{
	unsigned char hash[DIGEST_SIZE_MAX];
	struct certificate certificate;

	assert_null(certificate_parse(&certificate, der.data, der.length));
	digest(DIGEST_SHA256, certificate.spki.data, certificate.spki.length, hash);
	for (size_t i = 0; i < DIGEST_SHA256_SIZE; i++)
		sprintf(hex + 2 * i, "%02x", hash[i]);
}

static void
keys_are_the_published_ones(void **state)
{
	char hex[2 * DIGEST_SHA256_SIZE + 1];

	(void)state;
	for (size_t i = 0; i < ANCHORS; i++) {
		struct span der = fixture_certificate(anchors[i].file);

		assert_non_null(der.data);
		hex_of_key(der, hex);
		assert_string_equal(hex, anchors[i].spki);
		fixture_free(der);
	}
}

/* Each file holds its certificate and nothing else, and the folder no other. */
static void
folder_holds_nothing_else(void **state)
{
	struct store *store = store_new();
	DIR *directory = opendir("trust");
	struct dirent *entry;
	unsigned files = 0;

	(void)state;
	for (size_t i = 0; i < ANCHORS; i++)
		assert_int_equal(store_add_file(store, anchors[i].file), 1);
	assert_int_equal(store_skipped_count(store), 0);
	assert_int_equal(store_duplicates(store), 0);
	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL)
		files += strstr(entry->d_name, ".pem") != NULL;
	closedir(directory);
	assert_int_equal(files, ANCHORS);
	store_free(store);
}

/* Whatever the machine has with one of the six keys and the same name is byte for byte ours. */
static void
machine_has_the_same(void **state)
{
	DIR *directory = opendir(MACHINE);
	struct dirent *entry;
	unsigned compared = 0;

	(void)state;
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		char path[512], hex[2 * DIGEST_SHA256_SIZE + 1];
		struct span theirs;

		snprintf(path, sizeof path, "%s/%s", MACHINE, entry->d_name);
		if (entry->d_name[0] == '.' || (theirs = fixture_certificate(path)).data == NULL)
			continue;
		hex_of_key(theirs, hex);
		for (size_t i = 0; i < ANCHORS; i++) {
			struct span ours;

			if (strcmp(hex, anchors[i].spki) != 0)
				continue;
			ours = fixture_certificate(anchors[i].file);
			if (!span_equal(ours, theirs))
				fail_msg("%s differs from %s", path, anchors[i].file);
			fixture_free(ours);
			compared++;
		}
		fixture_free(theirs);
	}
	if (directory != NULL)
		closedir(directory);
	print_message("# %u of 6 compared with " MACHINE "\n", compared);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_the_published_ones),
		cmocka_unit_test(folder_holds_nothing_else),
		cmocka_unit_test(machine_has_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
