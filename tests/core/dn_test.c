#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>

#include "core/certificate.h"
#include "core/dn.h"
#include "tests/core/der_make.h"
#include "tests/core/fixture.h"

#define CN "06{550403}"
#define O "06{55040a}"
#define RDN(type, value) "31{30{" type value "}}"
#define NAME(rdns) "30{" rdns "}"

static unsigned char room[DER_MAKE_MAX];

static struct span
make(const char *text)
{
	size_t length = der_make(text, room);

	return (struct span){ fixture_copy(room, length), length };
}

/* The canonical form of a name, in a buffer of no more than what is promised to suffice; data NULL: refused. */
static struct span
canonical(const char *text)
{
	struct span name = make(text), form = { NULL, 0 };
	unsigned char *out = fixture_copy("", 0);

	out = realloc(out, dn_canonical_bound(name.length));
	if (dn_canonical(name, out, &form.length))
		form.data = out;
	else
		free(out);
	assert_int_equal(form.data != NULL, dn_check(name));
	fixture_free(name);
	return form;
}

static void
canonical_pairs(void **state)
{
	static const struct {
		const char *word, *a, *b;
		bool same;
	} cases[] = {
		{ "case", NAME(RDN(CN, "13{'Root CA'}")), NAME(RDN(CN, "13{'rOOT ca'}")), true },
		{ "type of string", NAME(RDN(CN, "13{'Root'}")), NAME(RDN(CN, "0c{'Root'}")), true },
		{ "ia5 and t61", NAME(RDN(CN, "16{'Root'}")), NAME(RDN(CN, "14{'Root'}")), true },
		{ "bmp", NAME(RDN(CN, "13{'Root'}")), NAME(RDN(CN, "1e{0052 006f 006f 0074}")), true },
		{ "universal", NAME(RDN(CN, "13{'Root'}")), NAME(RDN(CN, "1c{00000052 0000006f 0000006f 00000074}")), true },
		{ "latin-1 and utf-8", NAME(RDN(CN, "14{fc}")), NAME(RDN(CN, "0c{c3bc}")), true },
		{ "umlauts keep their case", NAME(RDN(CN, "0c{c3bc}")), NAME(RDN(CN, "0c{c39c}")), false },
		{ "spaces around", NAME(RDN(CN, "13{'  a b '}")), NAME(RDN(CN, "13{'a b'}")), true },
		{ "spaces between", NAME(RDN(CN, "13{'a \t\n\v\f\r  b'}")), NAME(RDN(CN, "13{'a b'}")), true },
		{ "no space", NAME(RDN(CN, "13{'ab'}")), NAME(RDN(CN, "13{'a b'}")), false },
		{ "spaces only", NAME(RDN(CN, "13{'   '}")), NAME(RDN(CN, "13{}")), true },
		{ "no-break space isn't one", NAME(RDN(CN, "0c{61 c2a0}")), NAME(RDN(CN, "0c{61}")), false },
		{ "other types by bytes", NAME(RDN(CN, "12{'1'}")), NAME(RDN(CN, "13{'1'}")), false },
		{ "other types by bytes, the same", NAME(RDN(CN, "12{'1'}")), NAME(RDN(CN, "12{'1'}")), true },
		{ "types of attributes", NAME(RDN(CN, "13{'a'}")), NAME(RDN(O, "13{'a'}")), false },
		{ "order of RDNs", NAME(RDN(CN, "13{'a'}") RDN(O, "13{'b'}")), NAME(RDN(O, "13{'b'}") RDN(CN, "13{'a'}")), false },
		{ "order within an RDN", NAME("31{30{" CN "13{'a'}} 30{" O "13{'b'}}}"), NAME("31{30{" O "13{'b'}} 30{" CN "13{'a'}}}"), true },
		{ "one RDN or two", NAME("31{30{" CN "13{'a'}} 30{" O "13{'b'}}}"), NAME(RDN(CN, "13{'a'}") RDN(O, "13{'b'}")), false },
		{ "nul inside", NAME(RDN(CN, "0c{61 00 62}")), NAME(RDN(CN, "0c{61}")), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct span a = canonical(cases[i].a), b = canonical(cases[i].b);

		if (a.data == NULL || b.data == NULL || span_equal(a, b) != cases[i].same)
			fail_msg("%s", cases[i].word);
		fixture_free(a);
		fixture_free(b);
	}
}

static void
refused_names(void **state)
{
	static const struct {
		const char *word, *text;
	} cases[] = {
		{ "nothing", "" },
		{ "no sequence", "31{}" },
		{ "bytes behind it", "30{} 00" },
		{ "empty RDN", NAME("31{}") },
		{ "RDN that is a sequence", NAME("30{30{" CN "13{'a'}}}") },
		{ "attribute without value", NAME("31{30{" CN "}}") },
		{ "attribute with two values", NAME("31{30{" CN "13{'a'}13{'b'}}}") },
		{ "attribute without type", NAME("31{30{13{'a'}}}") },
		{ "empty type", NAME("31{30{06{}13{'a'}}}") },
		{ "type of 65 bytes", NAME("31{30{06{[65]}13{'a'}}}") },
		{ "bytes behind an attribute", NAME("31{30{" CN "13{'a'}}05}") },
		{ "utf-8 cut short", NAME(RDN(CN, "0c{c3}")) },
		{ "utf-8 that only goes on", NAME(RDN(CN, "0c{80}")) },
		{ "utf-8 too long for what it says", NAME(RDN(CN, "0c{c0af}")) },
		{ "utf-8 too long, three bytes", NAME(RDN(CN, "0c{e080af}")) },
		{ "utf-8 too long, four bytes", NAME(RDN(CN, "0c{f08080af}")) },
		{ "utf-8 surrogate", NAME(RDN(CN, "0c{eda080}")) },
		{ "utf-8 beyond Unicode", NAME(RDN(CN, "0c{f4908080}")) },
		{ "0xff", NAME(RDN(CN, "0c{ff}")) },
		{ "bmp of odd length", NAME(RDN(CN, "1e{00 41 00}")) },
		{ "bmp surrogates", NAME(RDN(CN, "1e{d83dde00}")) },
		{ "universal of three bytes", NAME(RDN(CN, "1c{000041}")) },
		{ "universal beyond Unicode", NAME(RDN(CN, "1c{00110000}")) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (canonical(cases[i].text).data != NULL)
			fail_msg("%s", cases[i].word);
}

static void
repeat(char *out, const char *before, const char *text, int times, const char *behind)
{
	strcpy(out, before);
	for (int i = 0; i < times; i++)
		strcat(out, text);
	strcat(out, behind);
}

static void
bounds(void **state)
{
	static char text[1 << 16];
	struct span form;

	(void)state;
	for (int over = 0; over <= 1; over++) {
		repeat(text, "30{", RDN(CN, "13{'a'}"), DN_RDN_MAX + over, "}");
		form = canonical(text);
		assert_int_equal(form.data == NULL, over);
		fixture_free(form);
		repeat(text, "30{31{", "30{" CN "13{'a'}}", DN_ATTRIBUTES_MAX + over, "}}");
		form = canonical(text);
		assert_int_equal(form.data == NULL, over);
		fixture_free(form);
	}
}

/* What grows most stays within the bounds that callers allocate by (the sanitizer looks on). */
static void
growth(void **state)
{
	static const char *const texts[] = {
		NAME(RDN(CN, "14{ffffff}")),
		NAME(RDN("06{00}", "05{}")),
		NAME(RDN("06{550461}", "14{}")),
		NAME(RDN(CN, "1e{ffff ffff 200f 200f}")),
		NAME(RDN(CN, "14{80 81 82 83}")),
		NAME(RDN("06{2a82808080808080808000}", "14{ff}")),
		NAME("31{30{06{00}04{}}30{06{01}04{}}30{06{27}04{}}30{06{28}04{}}}"),
	};
	static char long_text[1 << 12];

	(void)state;
	repeat(long_text, "30{31{30{06{550403}14{", "ff80", 400, "}}}}");
	for (size_t i = 0; i <= sizeof texts / sizeof *texts; i++) {
		struct span name = make(i < sizeof texts / sizeof *texts ? texts[i] : long_text), form;
		char *text = malloc(dn_text_bound(name.length));
		size_t length;

		form = canonical(i < sizeof texts / sizeof *texts ? texts[i] : long_text);
		assert_non_null(form.data);
		assert_true(dn_text(name, text, &length));
		assert_true(length <= dn_text_bound(name.length));
		fixture_free(form);
		fixture_free(name);
		free(text);
	}
}

static void
rfc4514_texts(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "30{}", "" },
		{ NAME(RDN("06{550406}", "13{'US'}") RDN(O, "13{'Amazon'}") RDN(CN, "13{'Amazon Root CA 1'}")), "CN=Amazon Root CA 1,O=Amazon,C=US" },
		{ NAME(RDN(CN, "0c{'a,b+c\"d\\e<f>g;h'}")), "CN=a\\,b\\+c\\\"d\\\\e\\<f\\>g\\;h" },
		{ NAME(RDN(CN, "0c{' a '}")), "CN=\\ a\\ " },
		{ NAME(RDN(CN, "0c{' '}")), "CN=\\ " },
		{ NAME(RDN(CN, "0c{'#a#'}")), "CN=\\#a#" },
		{ NAME(RDN(CN, "0c{'a=b/c'}")), "CN=a=b/c" },
		{ NAME(RDN(CN, "0c{61 00 0a 1b 7f}")), "CN=a\\00\\0A\\1B\\7F" },
		{ NAME(RDN(CN, "0c{c3bc e282ac f09f9880}")), "CN=\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80" },
		{ NAME(RDN(CN, "0c{61 e280ae 62}")), "CN=a\\E2\\80\\AEb" },
		{ NAME(RDN(CN, "0c{c285 e280a8 efbbbf e2808b}")), "CN=\\C2\\85\\E2\\80\\A8\\EF\\BB\\BF\\E2\\80\\8B" },
		{ NAME(RDN(CN, "14{1b5b fc}")), "CN=\\1B[\xC3\xBC" },
		{ NAME(RDN(CN, "1e{00fc}")), "CN=\xC3\xBC" },
		{ NAME("31{30{" CN "13{'a'}}30{" O "13{'b'}}}"), "CN=a+O=b" },
		{ NAME(RDN("06{2a0304}", "13{'a'}")), "1.2.3.4=#130161" },
		{ NAME(RDN(CN, "12{'1'}")), "CN=#120131" },
		{ NAME(RDN(CN, "30{05{}}")), "CN=#30020500" },
		{ NAME(RDN("06{2a864886f70d010901}", "16{'a@b'}")), "emailAddress=a@b" },
		{ NAME(RDN("06{0992268993f22c640119}", "16{'org'}")), "DC=org" },
	};
	char out[512];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct span name = make(cases[i].text);
		size_t length = 0;

		assert_true(dn_text(name, out, &length));
		out[length] = '\0';
		assert_string_equal(out, cases[i].expected);
		fixture_free(name);
	}
}

static void
append(void *context, const char *text, size_t length)
{
	char *out = context;

	strncat(out, text, length);
	strcat(out, "|");
}

static void
common_names(void **state)
{
	struct span name = make(NAME(RDN(CN, "13{'One'}") RDN(O, "13{'no'}") "31{30{" O "13{'no'}}30{" CN "14{fc}}}" RDN(CN, "04{00}")));
	char text[256], out[64] = "";

	(void)state;
	assert_true(dn_common_names(name, text, append, out));
	assert_string_equal(out, "One|\xC3\xBC|");
	fixture_free(name);
}

/* The names of OpenSSL's links say what its hash of each subject is. */
static void
hashes_as_openssl(void **state)
{
	DIR *directory = opendir("/etc/ssl/certs");
	struct dirent *entry;
	unsigned checked = 0;

	(void)state;
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		char path[512];
		struct certificate certificate;
		struct span der, form;

		if (strspn(entry->d_name, "0123456789abcdef") != 8 || entry->d_name[8] != '.' || entry->d_name[9] == 'r')
			continue;
		snprintf(path, sizeof path, "/etc/ssl/certs/%s", entry->d_name);
		der = fixture_certificate(path);
		if (der.data == NULL)
			continue;
		if (certificate_parse(&certificate, der.data, der.length) != NULL)
			fail_msg("%s can't be read", path);
		form.data = malloc(dn_canonical_bound(certificate.subject.length));
		assert_true(dn_canonical(certificate.subject, (unsigned char *)(uintptr_t)form.data, &form.length));
		assert_int_equal(dn_hash(form), strtoul(entry->d_name, NULL, 16));
		fixture_free(form);
		fixture_free(der);
		checked++;
	}
	if (directory != NULL)
		closedir(directory);
	print_message("# %u subjects compared\n", checked);
}

static void
empty_name(void **state)
{
	struct span form = canonical("30{}"), name = make("30{}"), other = make(NAME(RDN(CN, "13{}")));

	(void)state;
	assert_int_equal(form.length, 0);
	assert_int_equal(dn_hash(form), 0xEEA339DA);
	assert_true(dn_empty(name));
	assert_false(dn_empty(other));
	fixture_free(form);
	fixture_free(name);
	fixture_free(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_pairs),
		cmocka_unit_test(refused_names),
		cmocka_unit_test(bounds),
		cmocka_unit_test(growth),
		cmocka_unit_test(rfc4514_texts),
		cmocka_unit_test(common_names),
		cmocka_unit_test(hashes_as_openssl),
		cmocka_unit_test(empty_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
