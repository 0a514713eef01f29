#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/certificate.h"
#include "core/dn.h"
#include "core/store.h"
#include "tests/core/der_make.h"
#include "tests/core/fixture.h"

#define BUNDLE "/etc/ssl/certs/ca-certificates.crt"
#define ROOT1 "trust/AmazonRootCA1.pem"
#define ROOT2 "trust/AmazonRootCA2.pem"

static char folder[64];

static int
folder_make(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/kedge-store-XXXXXX");
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int
folder_remove(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

/* The path of name in the folder; valid until the next but one call. */
static const char *
in_folder(const char *name)
{
	static char paths[2][256];
	static unsigned turn;

	turn = 1 - turn;
	snprintf(paths[turn], sizeof paths[turn], "%s/%s", folder, name);
	return paths[turn];
}

static void
put(const char *name, const void *data, size_t length)
{
	FILE *file = fopen(in_folder(name), "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, length, file), length);
	fclose(file);
}

static void
put_copy(const char *name, const char *source)
{
	struct span text = fixture_read(source);

	assert_non_null(text.data);
	put(name, text.data, text.length);
	fixture_free(text);
}

/* The canonical subject of a PEM file's certificate, on the heap. */
static struct span
subject_of(const char *path)
{
	struct span der = fixture_certificate(path), form;
	struct certificate certificate;

	assert_non_null(der.data);
	assert_null(certificate_parse(&certificate, der.data, der.length));
	form.data = malloc(dn_canonical_bound(certificate.subject.length));
	assert_true(dn_canonical(certificate.subject, (unsigned char *)(uintptr_t)form.data, &form.length));
	fixture_free(der);
	return form;
}

/* How many certificates the store finds for the subject of a PEM file. */
static unsigned
found(struct store *store, const char *path)
{
	struct span subject = subject_of(path);
	unsigned count = 0;
	size_t at = 0;

	assert_int_equal(store_find(store, subject), 0);
	while (store_next(store, subject, &at)) {
		assert_true(store_certificate(store, at - 1).length > 0);
		count++;
	}
	fixture_free(subject);
	return count;
}

/* Something was skipped whose file ends like this, at this line, with a message that holds these words. */
static bool
was_skipped(const struct store *store, const char *file, unsigned line, const char *words)
{
	for (size_t i = 0; i < store_skipped_count(store); i++) {
		struct store_skipped skipped = store_skipped(store, i);
		const char *name = strrchr(skipped.file, '/');

		if (strcmp(name == NULL ? skipped.file : name + 1, file) == 0 && skipped.line == line && strstr(skipped.message, words) != NULL)
			return true;
	}
	return false;
}

static void
empty_store(void **state)
{
	struct store *store = store_new();

	(void)state;
	assert_true(store_empty(store));
	assert_int_equal(found(store, ROOT1), 0);
	assert_int_equal(store_count(store), 0);
	assert_int_equal(store_add_text(store, "", 0, "empty"), 0);
	assert_int_equal(store_add_text(store, "no PEM\n", 7, "text"), 0);
	assert_true(store_empty(store));
	store_free(store);
	store_free(NULL);
}

/* A bundle with something of everything: text, a key, garbage, one twice, a certificate cut short. */
static void
mixed_bundle(void **state)
{
	struct span one = fixture_read(ROOT1), two = fixture_read(ROOT2);
	struct store *store = store_new();
	char *text = malloc(16384);
	int length;

	(void)state;
	length = snprintf(text, 16384,
	    "a comment\n%.*s%.*s%s%s%s%.*s%s", (int)one.length, (const char *)one.data, (int)one.length, (const char *)one.data,
	    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
	    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	    "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", (int)two.length, (const char *)two.data,
	    "-----BEGIN CERTIFICATE-----\nMIIB\n");
	assert_int_equal(store_add_text(store, text, (size_t)length, "mixed"), 2);
	assert_int_equal(store_count(store), 2);
	assert_int_equal(store_duplicates(store), 1);
	assert_int_equal(store_skipped_count(store), 3);
	assert_true(was_skipped(store, "mixed", 42, "cut short"));
	assert_true(was_skipped(store, "mixed", 48, "base64"));
	assert_true(was_skipped(store, "mixed", 82, "no END line"));
	assert_int_equal(found(store, ROOT1), 1);
	assert_int_equal(found(store, ROOT2), 1);
	assert_int_equal(found(store, "trust/AmazonRootCA3.pem"), 0);
	assert_false(store_empty(store));
	store_free(store);
	free(text);
	fixture_free(one);
	fixture_free(two);
}

static void
der_files(void **state)
{
	struct span der = fixture_certificate(ROOT1);
	struct store *store = store_new();

	(void)state;
	put("good.der", der.data, der.length);
	put("long.der", der.data, der.length);
	put("cut.der", der.data, der.length - 1);
	assert_int_equal(store_add_file(store, in_folder("good.der")), 1);
	assert_int_equal(store_add_file(store, in_folder("long.der")), 0);
	assert_int_equal(store_add_file(store, in_folder("cut.der")), 0);
	assert_int_equal(store_add_der(store, der.data, der.length, "again"), 0);
	assert_int_equal(store_duplicates(store), 2);
	assert_true(was_skipped(store, "cut.der", 0, "cut short"));
	assert_int_equal(found(store, ROOT1), 1);
	store_free(store);
	fixture_free(der);
}

static void
files_that_are_none(void **state)
{
	struct store *store = store_new();
	int big;

	(void)state;
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	assert_int_equal(store_add_file(store, in_folder("fifo")), -1);         /* and doesn't wait for a writer */
	assert_int_equal(errno, ENODEV);
	assert_int_equal(store_add_file(store, "/dev/null"), -1);
	assert_int_equal(errno, ENODEV);
	assert_int_equal(store_add_file(store, folder), -1);
	assert_int_equal(errno, EISDIR);
	assert_int_equal(store_add_file(store, in_folder("missing")), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(store_add_directory(store, in_folder("missing")), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(store_add_directory(store, ROOT1), -1);
	assert_int_equal(errno, ENOTDIR);
	put("big", "", 0);
	big = truncate(in_folder("big"), STORE_FILE_MAX + 1);
	assert_int_equal(big, 0);
	assert_int_equal(store_add_file(store, in_folder("big")), -1);
	assert_int_equal(errno, EFBIG);
	store_free(store);
}

static void
plain_directory(void **state)
{
	struct store *store = store_new();

	(void)state;
	put_copy("a.pem", ROOT1);
	put_copy("b.crt", ROOT2);
	put_copy("c.pem", ROOT1);
	put_copy(".hidden.pem", "trust/AmazonRootCA3.pem");
	put("empty", "", 0);
	put("notes.txt", "nothing\n", 8);
	put("0123456g.0", "nothing\n", 8);
	assert_int_equal(symlink("a.pem", in_folder("link.pem")), 0);
	assert_int_equal(symlink("nowhere", in_folder("dead.pem")), 0);
	assert_int_equal(symlink("loop.pem", in_folder("loop.pem")), 0);
	assert_int_equal(mkdir(in_folder("sub"), 0700), 0);
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	assert_int_equal(symlink("/dev/zero", in_folder("device")), 0);
	put("big", "", 0);
	assert_int_equal(truncate(in_folder("big"), STORE_FILE_MAX + 1), 0);
	assert_int_equal(store_add_directory(store, folder), 2);
	assert_int_equal(store_count(store), 2);
	assert_int_equal(store_duplicates(store), 1);   /* c.pem; the link's file is read once */
	assert_true(was_skipped(store, "dead.pem", 0, "nowhere"));
	assert_true(was_skipped(store, "loop.pem", 0, "nowhere"));
	assert_true(was_skipped(store, "fifo", 0, "regular"));
	assert_true(was_skipped(store, "device", 0, "regular"));
	assert_true(was_skipped(store, "big", 0, "16 MiB"));
	assert_true(was_skipped(store, "empty", 0, "empty"));
	assert_true(was_skipped(store, "notes.txt", 0, "no certificate"));
	assert_true(was_skipped(store, "0123456g.0", 0, "no certificate"));
	assert_int_equal(store_skipped_count(store), 8);
	assert_int_equal(found(store, ROOT2), 1);
	store_free(store);
}

static void
link_by_hash(const char *file, unsigned number)
{
	struct span subject = subject_of(in_folder(file));
	char name[32];

	snprintf(name, sizeof name, "%08x.%u", dn_hash(subject), number);
	assert_int_equal(symlink(file, in_folder(name)), 0);
	fixture_free(subject);
}

/* Only what is asked for is opened; what hasn't a link is found after a load. */
static void
hashed_directory(void **state)
{
	struct store *store = store_new();

	(void)state;
	put_copy("one.pem", ROOT1);
	put_copy("two.pem", ROOT2);
	put_copy("three.pem", "trust/AmazonRootCA3.pem");
	put("garbage.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", 59);
	link_by_hash("one.pem", 0);
	link_by_hash("two.pem", 0);
	assert_int_equal(store_add_directory(store, folder), 0);
	assert_int_equal(store_count(store), 0);
	assert_int_equal(found(store, ROOT1), 1);
	assert_int_equal(store_count(store), 1);
	assert_int_equal(found(store, ROOT1), 1);
	assert_int_equal(found(store, "trust/AmazonRootCA3.pem"), 0);
	assert_int_equal(store_count(store), 1);
	assert_int_equal(store_skipped_count(store), 0);
	assert_int_equal(store_load(store), 0);
	assert_int_equal(store_count(store), 3);
	assert_int_equal(store_duplicates(store), 0);
	assert_true(was_skipped(store, "garbage.pem", 1, "cut short"));
	assert_int_equal(store_skipped_count(store), 1);
	assert_int_equal(found(store, "trust/AmazonRootCA3.pem"), 1);
	store_free(store);
}

/* Several with one hash, until a number is missing; a link to another subject's certificate is no match. */
static void
hash_collisions(void **state)
{
	struct store *store = store_new();
	struct span subject = subject_of(ROOT1);
	char name[32];

	(void)state;
	put_copy("one.pem", ROOT1);
	put_copy("two.pem", ROOT2);
	for (unsigned number = 0; number < 4; number++) {
		snprintf(name, sizeof name, "%08x.%u", dn_hash(subject), number);
		if (number == 0)
			assert_int_equal(symlink("nowhere", in_folder(name)), 0);
		if (number == 1)
			assert_int_equal(symlink("two.pem", in_folder(name)), 0);
		if (number == 3)
			assert_int_equal(symlink("one.pem", in_folder(name)), 0);
	}
	assert_int_equal(store_add_directory(store, folder), 0);
	assert_int_equal(found(store, ROOT1), 0);       /* number 2 is missing */
	assert_int_equal(store_count(store), 1);
	assert_int_equal(store_skipped_count(store), 1);
	store_free(store);

	snprintf(name, sizeof name, "%08x.%u", dn_hash(subject), 2U);
	assert_int_equal(symlink("two.pem", in_folder(name)), 0);
	store = store_new();
	assert_int_equal(store_add_directory(store, folder), 0);
	assert_int_equal(found(store, ROOT1), 1);
	store_free(store);
	fixture_free(subject);
}

static void
empty_looks_no_further_than_it_must(void **state)
{
	struct store *store = store_new();

	(void)state;
	put_copy("one.pem", ROOT1);
	put_copy("two.pem", ROOT2);
	link_by_hash("one.pem", 0);
	link_by_hash("two.pem", 0);
	assert_int_equal(store_add_directory(store, folder), 0);
	assert_false(store_empty(store));
	assert_int_equal(store_count(store), 1);
	store_free(store);

	store = store_new();
	assert_int_equal(unlink(in_folder("one.pem")), 0);
	assert_int_equal(unlink(in_folder("two.pem")), 0);
	assert_int_equal(store_add_directory(store, folder), 0);
	assert_true(store_empty(store));
	store_free(store);
}

#define TWIN(serial) \
	"30{30{02{" serial "}30{06{2a8648ce3d040302}}30{31{30{06{550403}0c{'A'}}}}30{17{'250101000000Z'}17{'350101000000Z'}}" \
	"30{31{30{06{550403}0c{'A'}}}}30{30{06{2a8648ce3d0201}06{2a8648ce3d030107}}03{0004[64]}}}30{06{2a8648ce3d040302}}03{00 30{}}}"

/* Many of one name come out in the order they went in, also when the index has grown. */
static void
twins_in_order(void **state)
{
	static unsigned char der[DER_MAKE_MAX];
	struct store *store = store_new();
	struct span subject = { (const unsigned char *)"\x31\x0A\x30\x08\x06\x03\x55\x04\x03\x0C\x01\x61", 12 };
	unsigned expected = 0;
	size_t at = 0;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		size_t length = der_make(TWIN("4000"), der);

		der[9] = (unsigned char)(i & 0xFF);
		der[8] = (unsigned char)(0x40 | i >> 8);
		assert_int_equal(store_add_der(store, der, length, "twin"), 1);
		assert_int_equal(store_add_der(store, der, length, "twin"), 0);
	}
	assert_int_equal(store_duplicates(store), 300);
	while (store_next(store, subject, &at)) {
		struct span found_der = store_certificate(store, at - 1);

		assert_int_equal((found_der.data[8] & 0x3F) << 8 | found_der.data[9], expected++);
	}
	assert_int_equal(expected, 300);
	store_free(store);
}

/* However much is wrong, no more than a thousand notes are kept. */
static void
notes_are_bounded(void **state)
{
	struct store *store = store_new();
	char *text = malloc(100000);
	size_t length = 0;

	(void)state;
	while (length < 90000) {
		strcpy(text + length, "-----END X-----\n");
		length += strlen(text + length);
	}
	assert_int_equal(store_add_text(store, text, length, "ends"), 0);
	assert_int_equal(store_skipped_count(store), STORE_SKIPPED_MAX);
	assert_non_null(strstr(store_skipped(store, STORE_SKIPPED_MAX - 1).message, "more"));
	store_free(store);
	free(text);
}

static void
too_large(void **state)
{
	struct store *store = store_new();
	char *text = calloc(1, STORE_FILE_MAX + 1);

	(void)state;
	assert_int_equal(store_add_text(store, text, STORE_FILE_MAX + 1, "large"), -1);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(store_add_text(store, text, STORE_FILE_MAX, "large"), 0);
	free(text);
	store_free(store);
}

/* The machine's bundle: every certificate in it is usable and found by its subject. */
static void
machine_bundle(void **state)
{
	struct store *store = store_new();
	int added = access(BUNDLE, R_OK) == 0 ? store_add_file(store, BUNDLE) : 0;

	(void)state;
	for (int i = 0; i < added; i++) {
		struct span der = store_certificate(store, (size_t)i), form;
		struct certificate certificate;
		unsigned char *room;
		size_t at = 0;
		bool is_found = false;

		assert_null(certificate_parse(&certificate, der.data, der.length));
		room = malloc(dn_canonical_bound(certificate.subject.length));
		form.data = room;
		assert_true(dn_canonical(certificate.subject, room, &form.length));
		while (store_next(store, form, &at))
			is_found = is_found || at - 1 == (size_t)i;
		assert_true(is_found);
		free(room);
	}
	print_message("# %d certificates indexed, %zu skipped\n", added, store_skipped_count(store));
	store_free(store);
}

int
main(void)
{
#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_store),
		cmocka_unit_test(mixed_bundle),
		WITH_FOLDER(der_files),
		WITH_FOLDER(files_that_are_none),
		WITH_FOLDER(plain_directory),
		WITH_FOLDER(hashed_directory),
		WITH_FOLDER(hash_collisions),
		WITH_FOLDER(empty_looks_no_further_than_it_must),
		cmocka_unit_test(twins_in_order),
		cmocka_unit_test(notes_are_bounded),
		cmocka_unit_test(too_large),
		cmocka_unit_test(machine_bundle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
