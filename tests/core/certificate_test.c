#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>

#include "core/certificate.h"
#include "tests/core/der_make.h"
#include "tests/core/fixture.h"

#define V3 "a0{02{02}}"
#define SERIAL "02{01}"
#define ECDSA "30{06{2a8648ce3d040302}}"
#define NAME "30{31{30{06{550403}0c{'A'}}}}"
#define OTHER_NAME "30{31{30{06{550403}0c{'B'}}}}"
#define DATES "30{17{'250101000000Z'}17{'350101000000Z'}}"
#define P256 "30{06{2a8648ce3d0201}06{2a8648ce3d030107}}"
#define RSA "30{06{2a864886f70d010101}05{}}"
#define KEY "30{" P256 "03{00 04 [64]}}"
#define SIGNATURE "03{00 30{02{01}02{01}}}"
#define FIELDS(version, serial, algorithm, issuer, dates, subject, key, rest) \
	"30{30{" version serial algorithm issuer dates subject key rest "}" ECDSA SIGNATURE "}"
#define EXTENSIONS(list) FIELDS(V3, SERIAL, ECDSA, NAME, DATES, NAME, KEY, "a3{30{" list "}}")
#define EXTENSION(oid, critical, value) "30{06{" oid "}" critical "04{" value "}}"
#define CRITICAL "01{ff}"
#define BASIC(value) EXTENSIONS(EXTENSION("551d13", CRITICAL, value))
#define WITH_KEY(key) FIELDS(V3, SERIAL, ECDSA, NAME, DATES, NAME, key, "")
#define WITH_DATES(dates) FIELDS(V3, SERIAL, ECDSA, NAME, dates, NAME, KEY, "")
#define GOOD FIELDS(V3, SERIAL, ECDSA, NAME, DATES, NAME, KEY, "")
#define SAN(names) EXTENSIONS(EXTENSION("551d11", "", "30{" names "}"))

static unsigned char room[DER_MAKE_MAX];

static struct span
make(const char *text)
{
	size_t length = der_make(text, room);

	return (struct span){ fixture_copy(room, length), length };
}

static void
refused(void **state)
{
	static const struct {
		const char *word, *text;
	} cases[] = {
		{ "nothing", "" },
		{ "empty", "30{}" },
		{ "not a sequence", "31{30{}}" },
		{ "byte behind the end", GOOD "00" },
		{ "byte behind the signature", "30{30{" V3 SERIAL ECDSA NAME DATES NAME KEY "}" ECDSA SIGNATURE "0500}" },
		{ "version 1 written out", FIELDS("a0{02{00}}", SERIAL, ECDSA, NAME, DATES, NAME, KEY, "") },
		{ "version 4", FIELDS("a0{02{03}}", SERIAL, ECDSA, NAME, DATES, NAME, KEY, "") },
		{ "version -1", FIELDS("a0{02{ff}}", SERIAL, ECDSA, NAME, DATES, NAME, KEY, "") },
		{ "version 2^32", FIELDS("a0{02{0100000000}}", SERIAL, ECDSA, NAME, DATES, NAME, KEY, "") },
		{ "two versions", FIELDS("a0{02{02}02{02}}", SERIAL, ECDSA, NAME, DATES, NAME, KEY, "") },
		{ "no serial", FIELDS(V3, "", ECDSA, NAME, DATES, NAME, KEY, "") },
		{ "empty serial", FIELDS(V3, "02{}", ECDSA, NAME, DATES, NAME, KEY, "") },
		{ "serial with needless zero", FIELDS(V3, "02{0001}", ECDSA, NAME, DATES, NAME, KEY, "") },
		{ "algorithm without identifier", "30{30{" V3 SERIAL "30{}" NAME DATES NAME KEY "}30{}" SIGNATURE "}" },
		{ "issuer of bytes", FIELDS(V3, SERIAL, ECDSA, "04{00}", DATES, NAME, KEY, "") },
		{ "issuer that isn't UTF-8", FIELDS(V3, SERIAL, ECDSA, "30{31{30{06{550403}0c{ff}}}}", DATES, NAME, KEY, "") },
		{ "subject that isn't UTF-8", FIELDS(V3, SERIAL, ECDSA, NAME, DATES, "30{31{30{06{550403}0c{ff}}}}", KEY, "") },
		{ "one date", WITH_DATES("30{17{'250101000000Z'}}") },
		{ "three dates", WITH_DATES("30{17{'250101000000Z'}17{'250101000000Z'}17{'250101000000Z'}}") },
		{ "date of another type", WITH_DATES("30{0c{'250101000000Z'}17{'250101000000Z'}}") },
		{ "key without bits", WITH_KEY("30{" P256 "}") },
		{ "key with unused bits", WITH_KEY("30{" P256 "03{0104[63]02}}") },
		{ "key without algorithm", WITH_KEY("30{30{}03{0004[64]}}") },
		{ "byte behind the key", WITH_KEY("30{" P256 "03{0004[64]}0500}") },
		{ "RSA key that isn't DER", WITH_KEY("30{" RSA "03{00 30{02{0001}02{03}}}}") },
		{ "RSA key, byte behind it", WITH_KEY("30{" RSA "03{00 30{02{41}02{03}}00}}") },
		{ "RSA key, third number", WITH_KEY("30{" RSA "03{00 30{02{41}02{03}02{03}}}}") },
		{ "RSA key, negative modulus", WITH_KEY("30{" RSA "03{00 30{02{81}02{03}}}}") },
		{ "RSA key, modulus zero", WITH_KEY("30{" RSA "03{00 30{02{00}02{03}}}}") },
		{ "RSA key, exponent zero", WITH_KEY("30{" RSA "03{00 30{02{41}02{00}}}}") },
		{ "RSA key, empty", WITH_KEY("30{" RSA "03{00}}") },
		{ "unique identifier in version 1", FIELDS("", SERIAL, ECDSA, NAME, DATES, NAME, KEY, "81{0001}") },
		{ "extensions in version 1", FIELDS("", SERIAL, ECDSA, NAME, DATES, NAME, KEY, "a3{30{}}") },
		{ "extensions in version 2", FIELDS("a0{02{01}}", SERIAL, ECDSA, NAME, DATES, NAME, KEY, "a3{30{}}") },
		{ "extensions of bytes", FIELDS(V3, SERIAL, ECDSA, NAME, DATES, NAME, KEY, "a3{04{}}") },
		{ "two lists of extensions", FIELDS(V3, SERIAL, ECDSA, NAME, DATES, NAME, KEY, "a3{30{}30{}}") },
		{ "something behind the extensions", FIELDS(V3, SERIAL, ECDSA, NAME, DATES, NAME, KEY, "a3{30{}}0500") },
		{ "unknown field", FIELDS(V3, SERIAL, ECDSA, NAME, DATES, NAME, KEY, "a4{}") },
		{ "signature with unused bits", "30{30{" V3 SERIAL ECDSA NAME DATES NAME KEY "}" ECDSA "03{0480}}" },
		{ "signature without count", "30{30{" V3 SERIAL ECDSA NAME DATES NAME KEY "}" ECDSA "03{}}" },
		{ "no signature", "30{30{" V3 SERIAL ECDSA NAME DATES NAME KEY "}" ECDSA "}" },
		{ "extension twice", EXTENSIONS(EXTENSION("551d0e", "", "04{01}") EXTENSION("551d0e", "", "04{01}")) },
		{ "unknown extension twice", EXTENSIONS(EXTENSION("2a03", "", "") EXTENSION("2a03", "", "00")) },
		{ "extension without value", EXTENSIONS("30{06{2a03}}") },
		{ "extension with two values", EXTENSIONS("30{06{2a03}04{}04{}}") },
		{ "criticality 1", EXTENSIONS(EXTENSION("2a03", "01{01}", "")) },
		{ "basic constraints of bytes", BASIC("04{}") },
		{ "basic constraints, byte behind", BASIC("30{} 00") },
		{ "basic constraints, unknown field", BASIC("30{01{ff}02{00}02{00}}") },
		{ "path length negative", BASIC("30{01{ff}02{ff}}") },
		{ "path length with needless zero", BASIC("30{01{ff}02{0001}}") },
		{ "order of basic constraints", BASIC("30{02{00}01{ff}}") },
		{ "key usage of bytes", EXTENSIONS(EXTENSION("551d0f", "", "04{80}")) },
		{ "key usage without count", EXTENSIONS(EXTENSION("551d0f", "", "03{}")) },
		{ "extended key usage of bytes", EXTENSIONS(EXTENSION("551d25", "", "30{04{01}}")) },
		{ "SAN without list", EXTENSIONS(EXTENSION("551d11", "", "82{'a'}")) },
		{ "SAN, unknown name", SAN("89{'a'}") },
		{ "SAN, universal tag", SAN("16{'a'}") },
		{ "SAN, constructed DNS name", SAN("a2{16{'a'}}") },
		{ "SAN, directory name that isn't one", SAN("a4{04{}}") },
		{ "SAN, directory name and more", SAN("a4{" NAME "0500}") },
		{ "SAN, name cut short", SAN("82 05 61") },
		{ "name constraints, minimum", EXTENSIONS(EXTENSION("551d1e", CRITICAL, "30{a0{30{82{'a'}80{00}}}}")) },
		{ "name constraints, maximum", EXTENSIONS(EXTENSION("551d1e", CRITICAL, "30{a0{30{82{'a'}81{01}}}}")) },
		{ "name constraints, excluded first", EXTENSIONS(EXTENSION("551d1e", CRITICAL, "30{a1{30{82{'a'}}}a0{30{82{'a'}}}}")) },
		{ "name constraints, name without tree", EXTENSIONS(EXTENSION("551d1e", CRITICAL, "30{a0{82{'a'}}}")) },
		{ "AKI of bytes", EXTENSIONS(EXTENSION("551d23", "", "04{01}")) },
		{ "AKI, unknown field", EXTENSIONS(EXTENSION("551d23", "", "30{80{01}83{01}}")) },
		{ "SKI of a number", EXTENSIONS(EXTENSION("551d0e", "", "02{01}")) },
		{ "SKI, byte behind", EXTENSIONS(EXTENSION("551d0e", "", "04{01}00")) },
		{ "policies without identifier", EXTENSIONS(EXTENSION("551d20", "", "30{30{}}")) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct span der = make(cases[i].text);
		struct certificate certificate;

		if (certificate_parse(&certificate, der.data, der.length) == NULL)
			fail_msg("read: %s", cases[i].word);
		fixture_free(der);
	}
}

#define PROBLEM(name) ((uint32_t)1 << PROBLEM_##name)

static void
problems(void **state)
{
	static const struct {
		const char *word, *text;
		uint32_t problems;
	} cases[] = {
		{ "none", GOOD, 0 },
		{ "version 1", FIELDS("", SERIAL, ECDSA, NAME, DATES, NAME, KEY, ""), 0 },
		{ "version 2", FIELDS("a0{02{01}}", SERIAL, ECDSA, NAME, DATES, NAME, KEY, ""), 0 },
		{ "serial 0", FIELDS(V3, "02{00}", ECDSA, NAME, DATES, NAME, KEY, ""), PROBLEM(SERIAL_ZERO) },
		{ "serial -1", FIELDS(V3, "02{ff}", ECDSA, NAME, DATES, NAME, KEY, ""), PROBLEM(SERIAL_NEGATIVE) },
		{ "serial of 20", FIELDS(V3, "02{[20]}", ECDSA, NAME, DATES, NAME, KEY, ""), 0 },
		{ "serial of 21", FIELDS(V3, "02{[21]}", ECDSA, NAME, DATES, NAME, KEY, ""), PROBLEM(SERIAL_LONG) },
		{ "date that doesn't exist", WITH_DATES("30{17{'250229000000Z'}17{'350101000000Z'}}"), PROBLEM(TIME_UNREADABLE) },
		{ "date with offset", WITH_DATES("30{17{'250101000000Z'}17{'350101000000+0100'}}"), PROBLEM(TIME_UNREADABLE) },
		{ "empty date", WITH_DATES("30{17{'250101000000Z'}17{}}"), PROBLEM(TIME_UNREADABLE) },
		{ "2049 as GeneralizedTime", WITH_DATES("30{17{'250101000000Z'}18{'20491231235959Z'}}"), PROBLEM(TIME_FORM) },
		{ "2050 as GeneralizedTime", WITH_DATES("30{17{'250101000000Z'}18{'20500101000000Z'}}"), 0 },
		{ "ends before it begins", WITH_DATES("30{17{'350101000000Z'}17{'250101000000Z'}}"), PROBLEM(TIME_ORDER) },
		{ "no issuer", FIELDS(V3, SERIAL, ECDSA, "30{}", DATES, "30{}", KEY, ""), PROBLEM(ISSUER_EMPTY) },
		{ "parameters of ECDSA", "30{30{" V3 SERIAL ECDSA NAME DATES NAME KEY "}30{06{2a8648ce3d040302}05{}}" SIGNATURE "}",
		    PROBLEM(ALGORITHM_PARAMETERS) },
		{ "RSA without NULL", "30{30{" V3 SERIAL ECDSA NAME DATES NAME KEY "}30{06{2a864886f70d01010b}}" SIGNATURE "}",
		    PROBLEM(ALGORITHM_PARAMETERS) },
		{ "RSA with NULL", "30{30{" V3 SERIAL ECDSA NAME DATES NAME KEY "}30{06{2a864886f70d01010b}05{}}" SIGNATURE "}", 0 },
		{ "unique identifiers", FIELDS(V3, SERIAL, ECDSA, NAME, DATES, NAME, KEY, "81{0001}82{0001}"), PROBLEM(UNIQUE_ID) },
		{ "criticality written out", EXTENSIONS(EXTENSION("2a03", "01{00}", "")), PROBLEM(FALSE_WRITTEN) },
		{ "no authority written out", BASIC("30{01{00}}"), PROBLEM(FALSE_WRITTEN) },
		{ "no extension", EXTENSIONS(""), PROBLEM(EXTENSIONS_EMPTY) },
		{ "path length of a leaf", BASIC("30{02{00}}"), PROBLEM(PATH_LENGTH_WITHOUT_CA) },
		{ "authority without SKI", BASIC("30{01{ff}}"), PROBLEM(SKI_MISSING) },
		{ "authority that isn't critical", EXTENSIONS(EXTENSION("551d13", "", "30{01{ff}}") EXTENSION("551d0e", "", "04{01}")),
		    PROBLEM(CA_NOT_CRITICAL) },
		{ "key usage without bits", EXTENSIONS(EXTENSION("551d0f", "", "03{00}")), PROBLEM(KEY_USAGE_EMPTY) },
		{ "key usage with zero bits", EXTENSIONS(EXTENSION("551d0f", "", "03{0080}")), PROBLEM(KEY_USAGE_ENCODING) },
		{ "leaf that may sign", EXTENSIONS(EXTENSION("551d0f", "", "03{0204}")), PROBLEM(KEY_USAGE_CERT_SIGN) },
		{ "empty extended key usage", EXTENSIONS(EXTENSION("551d25", "", "30{}")), PROBLEM(EXTENDED_KEY_USAGE_EMPTY) },
		{ "empty SAN", SAN(""), PROBLEM(SAN_EMPTY) },
		{ "name that isn't ASCII", SAN("82{c3bc}"), PROBLEM(NAME_NOT_ASCII) },
		{ "SAN for no subject", FIELDS(V3, SERIAL, ECDSA, "30{}", DATES, "30{}", KEY, "a3{30{" EXTENSION("551d11", "", "30{82{'a'}}") "}}"),
		    PROBLEM(SAN_NOT_CRITICAL) | PROBLEM(ISSUER_EMPTY) },
		{ "empty name constraints of a leaf", EXTENSIONS(EXTENSION("551d1e", "", "30{}")),
		    PROBLEM(NAME_CONSTRAINTS_EMPTY) | PROBLEM(NAME_CONSTRAINTS_WITHOUT_CA) | PROBLEM(NAME_CONSTRAINTS_NOT_CRITICAL) },
		{ "critical AKI and SKI", EXTENSIONS(EXTENSION("551d23", CRITICAL, "30{80{01}}") EXTENSION("551d0e", CRITICAL, "04{01}")),
		    PROBLEM(AKI_CRITICAL) | PROBLEM(SKI_CRITICAL) },
		{ "no AKI", FIELDS(V3, SERIAL, ECDSA, OTHER_NAME, DATES, NAME, KEY, ""), PROBLEM(AKI_MISSING) },
		{ "AKI without identifier", FIELDS(V3, SERIAL, ECDSA, OTHER_NAME, DATES, NAME, KEY, "a3{30{" EXTENSION("551d23", "", "30{}") "}}"),
		    PROBLEM(AKI_MISSING) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct span der = make(cases[i].text);
		struct certificate certificate;
		const char *wrong = certificate_parse(&certificate, der.data, der.length);

		if (wrong != NULL)
			fail_msg("%s: %s", cases[i].word, wrong);
		if (certificate.problems != cases[i].problems)
			fail_msg("%s: %x, not %x", cases[i].word, certificate.problems, cases[i].problems);
		fixture_free(der);
	}
	for (unsigned i = 0; i < PROBLEMS; i++) {
		assert_non_null(certificate_problem_rule((enum certificate_problem)i));
		assert_non_null(certificate_problem_detail((enum certificate_problem)i));
	}
}

static void
keys(void **state)
{
	static const struct {
		const char *word, *text;
		enum key_type type;
		unsigned bits;
		bool supported;
	} cases[] = {
		{ "P-256", "30{" P256 "03{00 04 [64]}}", KEY_EC, 256, true },
		{ "P-256, compressed", "30{" P256 "03{00 02 [32]}}", KEY_EC, 256, false },
		{ "P-256, point too short", "30{" P256 "03{00 04 [63]}}", KEY_EC, 256, false },
		{ "P-256, point too long", "30{" P256 "03{00 04 [520]}}", KEY_EC, 256, false },
		{ "P-256, point at infinity", "30{" P256 "03{00 00}}", KEY_EC, 256, false },
		{ "P-256, no point", "30{" P256 "03{00}}", KEY_EC, 256, false },
		{ "P-384", "30{30{06{2a8648ce3d0201}06{2b81040022}}03{00 04 [96]}}", KEY_EC, 384, true },
		{ "P-521", "30{30{06{2a8648ce3d0201}06{2b81040023}}03{00 04 [132]}}", KEY_EC, 521, true },
		{ "P-192", "30{30{06{2a8648ce3d0201}06{2a8648ce3d030101}}03{00 04 [48]}}", KEY_EC, 0, false },
		{ "explicit curve", "30{30{06{2a8648ce3d0201}30{02{01}}}03{00 04 [64]}}", KEY_EC, 0, false },
		{ "curve of two identifiers", "30{30{06{2a8648ce3d0201}06{2b81040022}05{}}03{00 04 [96]}}", KEY_EC, 0, false },
		{ "curve left out", "30{30{06{2a8648ce3d0201}}03{00 04 [64]}}", KEY_EC, 0, false },
		{ "RSA 2048", "30{" RSA "03{00 30{02{00 81 [254] 43}02{010001}}}}", KEY_RSA, 2048, true },
		{ "RSA 2047", "30{" RSA "03{00 30{02{[255] 43}02{010001}}}}", KEY_RSA, 2047, true },
		{ "RSA 4096", "30{" RSA "03{00 30{02{00 81 [510] 43}02{010001}}}}", KEY_RSA, 4096, true },
		{ "RSA 4097", "30{" RSA "03{00 30{02{01 [511] 43}02{010001}}}}", KEY_RSA, 4097, false },
		{ "RSA 8192", "30{" RSA "03{00 30{02{00 81 [1022] 43}02{010001}}}}", KEY_RSA, 8192, false },
		{ "RSA, even modulus", "30{" RSA "03{00 30{02{00 81 [254] 42}02{010001}}}}", KEY_RSA, 2048, false },
		{ "RSA, exponent 3", "30{" RSA "03{00 30{02{00 81 [254] 43}02{03}}}}", KEY_RSA, 2048, true },
		{ "RSA, exponent 1", "30{" RSA "03{00 30{02{00 81 [254] 43}02{01}}}}", KEY_RSA, 2048, false },
		{ "RSA, exponent 2", "30{" RSA "03{00 30{02{00 81 [254] 43}02{02}}}}", KEY_RSA, 2048, false },
		{ "RSA, exponent of 8 bytes", "30{" RSA "03{00 30{02{00 81 [254] 43}02{00 81 [6] 43}}}}", KEY_RSA, 2048, true },
		{ "RSA, exponent of 9 bytes", "30{" RSA "03{00 30{02{00 81 [254] 43}02{01 [7] 43}}}}", KEY_RSA, 2048, false },
		{ "RSA 7", "30{" RSA "03{00 30{02{43}02{03}}}}", KEY_RSA, 7, true },
		{ "Ed25519", "30{30{06{2b6570}}03{00 [32]}}", KEY_OTHER, 0, false },
		{ "RSA for PSS only", "30{30{06{2a864886f70d01010a}}03{00 30{02{43}02{03}}}}", KEY_OTHER, 0, false },
		{ "unknown", "30{30{06{2a0304}}03{00}}", KEY_OTHER, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct span spki = make(cases[i].text);
		struct public_key key;

		if (!key_read(spki, &key) || key.type != cases[i].type || key.bits != cases[i].bits || key.supported != cases[i].supported)
			fail_msg("%s: type %d, %u bits, supported %d", cases[i].word, (int)key.type, key.bits, key.supported);
		fixture_free(spki);
	}
}

static void
facts(void **state)
{
	struct span der = make(EXTENSIONS(EXTENSION("551d13", CRITICAL, "30{01{ff}02{0100000000}}")
	    EXTENSION("551d0f", CRITICAL, "03{0780 80}") EXTENSION("551d25", "", "30{06{2b06010505070301}06{551d2500}06{2a03}}")
	    EXTENSION("551d11", "", "30{a0{06{2a03}a0{05{}}}81{'a@b'}82{'c.example'}a4{" NAME "}86{'x:y'}87{7f000001}88{2a03}}")
	    EXTENSION("551d1e", CRITICAL, "30{a0{30{82{'example'}}30{87{0a000000ff000000}}}a1{30{a4{" NAME "}}}}")
	    EXTENSION("551d23", "", "30{80{aabb}a1{a4{" NAME "}}82{05}}") EXTENSION("551d0e", "", "04{cc}")
	    EXTENSION("551d20", CRITICAL, "30{30{06{551d2000}}}") EXTENSION("2a03", CRITICAL, "")));
	static const enum general_name_type types[] = { NAME_OTHER, NAME_EMAIL, NAME_DNS, NAME_DIRECTORY, NAME_URI, NAME_IP, NAME_REGISTERED_ID };
	struct general_name name;
	struct certificate c;
	struct der names;

	(void)state;
	assert_null(certificate_parse(&c, der.data, der.length));
	assert_true(c.facts.ca && c.facts.critical[EXTENSION_BASIC_CONSTRAINTS] && c.facts.has_path_length);
	assert_int_equal(c.facts.path_length, INT32_MAX);
	assert_int_equal(c.facts.key_usage, 1U << USAGE_DIGITAL_SIGNATURE | 1U << USAGE_DECIPHER_ONLY);
	names = der_open(c.facts.subject_alt_name);
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		assert_true(general_name_take(&names, &name));
		assert_int_equal(name.type, types[i]);
	}
	assert_true(der_done(&names));
	names = der_open(c.facts.permitted);
	assert_true(general_subtree_take(&names, &name) && name.type == NAME_DNS && name.value.length == 7);
	assert_true(general_subtree_take(&names, &name) && name.type == NAME_IP && name.value.length == 8);
	assert_true(der_done(&names));
	names = der_open(c.facts.excluded);
	assert_true(general_subtree_take(&names, &name) && name.type == NAME_DIRECTORY && span_equal(name.value, c.subject));
	assert_int_equal(c.facts.authority_key_id.length, 2);
	assert_true(c.facts.authority_has_issuer);
	assert_int_equal(c.facts.subject_key_id.data[0], 0xCC);
	assert_true(c.facts.present[EXTENSION_CERTIFICATE_POLICIES]);
	assert_true(c.algorithms_agree && c.version == 3 && c.has_not_before && c.has_not_after);
	assert_int_equal(c.not_before, 1735689600);
	assert_int_equal(c.not_after, 2051222400);
	fixture_free(der);
}

/* One past each bound: 64 extensions, 64 KiB, 16 levels (inside an extension, too). */
static void
bounds(void **state)
{
	static char text[1 << 15], list[1 << 14];
	struct certificate certificate;

	(void)state;
	for (int over = 0; over <= 1; over++) {
		struct span der;
		size_t used = 0;

		for (int i = 0; i < EXTENSIONS_MAX + over; i++)
			used += (size_t)snprintf(list + used, sizeof list - used, "30{06{2a03%02x}04{}}", i);
		snprintf(text, sizeof text, FIELDS(V3, SERIAL, ECDSA, NAME, DATES, NAME, KEY, "a3{30{%s}}"), list);
		der = make(text);
		assert_int_equal(certificate_parse(&certificate, der.data, der.length) != NULL, over);
		fixture_free(der);

		snprintf(text, sizeof text, EXTENSIONS("30{06{2a03}04{[%d]}}"), 1000);
		der = make(text);
		used = der.length;
		fixture_free(der);
		snprintf(text, sizeof text, EXTENSIONS("30{06{2a03}04{[%d]}}"), (int)(CERTIFICATE_MAX - used) + 1000 + over);
		der = make(text);
		assert_int_equal(der.length, CERTIFICATE_MAX + over);
		assert_int_equal(certificate_parse(&certificate, der.data, der.length) != NULL, over);
		fixture_free(der);

		snprintf(list, sizeof list, "30{a0{%.*s%.*s}}", 3 * (14 + over), "30{30{30{30{30{30{30{30{30{30{30{30{30{30{30{", 14 + over,
		    "}}}}}}}}}}}}}}}");
		snprintf(text, sizeof text, EXTENSIONS(EXTENSION("551d11", "", "%s")), list);
		der = make(text);
		assert_int_equal(certificate_parse(&certificate, der.data, der.length) != NULL, over);
		fixture_free(der);
	}
}

/* Each prefix of a real certificate is refused, and so is a byte more; the sanitizer sees reads beyond. */
static void
cut_at_each_byte(void **state)
{
	static const char *const files[] = { "trust/AmazonRootCA3.pem", "trust/AmazonRootCA1.pem", "trust/StarfieldClass2CertificationAuthority.pem" };
	struct certificate certificate;

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		struct span der = fixture_certificate(files[i]);
		unsigned char *longer = malloc(der.length + 1);

		assert_non_null(der.data);
		for (size_t length = 0; length < der.length; length++) {
			unsigned char *copy = fixture_copy(der.data, length);

			assert_non_null(certificate_parse(&certificate, copy, length));
			free(copy);
		}
		assert_null(certificate_parse(&certificate, der.data, der.length));
		memcpy(longer, der.data, der.length);
		longer[der.length] = 0;
		assert_non_null(certificate_parse(&certificate, longer, der.length + 1));
		free(longer);
		fixture_free(der);
	}
}

/* Whatever one byte becomes, reading ends within the bytes; so do both names and the key. */
static void
change_each_byte(void **state)
{
	struct span der = fixture_certificate("trust/AmazonRootCA3.pem");
	unsigned char *copy = fixture_copy(der.data, der.length);
	struct certificate certificate;
	unsigned read = 0;

	(void)state;
	for (size_t i = 0; i < der.length; i++) {
		for (unsigned value = 0; value < 256; value++) {
			copy[i] = (unsigned char)value;
			read += certificate_parse(&certificate, copy, der.length) == NULL;
		}
		copy[i] = der.data[i];
	}
	assert_true(read > 0);
	free(copy);
	fixture_free(der);
}

/* Every authority that the machine trusts can be read. */
static void
machine_certificates(void **state)
{
	DIR *directory = opendir("/etc/ssl/certs");
	struct dirent *entry;
	unsigned count = 0;

	(void)state;
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		struct certificate certificate;
		char path[512];
		struct span der;
		const char *wrong;

		snprintf(path, sizeof path, "/etc/ssl/certs/%s", entry->d_name);
		if (strstr(path, ".pem") == NULL || (der = fixture_certificate(path)).data == NULL)
			continue;
		wrong = certificate_parse(&certificate, der.data, der.length);
		if (wrong != NULL)
			fail_msg("%s: %s", path, wrong);
		fixture_free(der);
		count++;
	}
	if (directory != NULL)
		closedir(directory);
	print_message("# %u certificates read\n", count);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(problems),
		cmocka_unit_test(keys),
		cmocka_unit_test(facts),
		cmocka_unit_test(bounds),
		cmocka_unit_test(cut_at_each_byte),
		cmocka_unit_test(change_each_byte),
		cmocka_unit_test(machine_certificates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
