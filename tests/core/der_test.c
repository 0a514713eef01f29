#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/der.h"
#include "tests/core/der_make.h"
#include "tests/core/fixture.h"

static unsigned char room[DER_MAKE_MAX];

static struct span
make(const char *text)
{
	size_t length = der_make(text, room);

	return (struct span){ fixture_copy(room, length), length };
}

static void
well_formed_cases(void **state)
{
	static const struct {
		const char *word, *text;
		bool good;
	} cases[] = {
		{ "nothing", "", true },
		{ "null", "05 00", true },
		{ "null with content", "05 01 00", false },
		{ "true", "01 01 ff", true },
		{ "false", "01 01 00", true },
		{ "true, but not 0xff", "01 01 01", false },
		{ "boolean of two bytes", "01 02 ff ff", false },
		{ "zero", "02 01 00", true },
		{ "empty integer", "02 00", false },
		{ "integer with a needless zero", "02 02 00 7f", false },
		{ "integer with a needed zero", "02 02 00 80", true },
		{ "integer with a needless 0xff", "02 02 ff 80", false },
		{ "negative integer", "02 02 ff 7f", true },
		{ "bit string without its count", "03 00", false },
		{ "empty bit string", "03 01 00", true },
		{ "empty bit string with unused bits", "03 01 01", false },
		{ "8 unused bits", "03 02 08 00", false },
		{ "unused bits that are set", "03 02 01 01", false },
		{ "unused bits that aren't", "03 02 01 02", true },
		{ "object identifier", "06 03 55 04 03", true },
		{ "empty object identifier", "06 00", false },
		{ "arc that doesn't end", "06 02 55 84", false },
		{ "arc with a needless 0x80", "06 03 55 80 01", false },
		{ "object identifier of 64 bytes", "06{[64]}", true },
		{ "object identifier of 65 bytes", "06{[65]}", false },
		{ "indefinite length", "30 80 05 00 00 00", false },
		{ "long form for a short length", "04 81 01 00", false },
		{ "two length bytes where one does", "04 82 00 80 [128]", false },
		{ "one length byte", "04{[128]}", true },
		{ "two length bytes", "04{[256]}", true },
		{ "three length bytes", "04{[65536]}", true },
		{ "four length bytes", "04 84 00 00 00 01 00", false },
		{ "length of 2^32-1", "04 84 ff ff ff ff 00", false },
		{ "length of 127 bytes", "04 ff 01", false },
		{ "longer than the data", "04 02 00", false },
		{ "tag alone", "04", false },
		{ "tag number over 30", "1f 81 01 00", false },
		{ "end of contents", "00 00", false },
		{ "sequence that isn't constructed", "10 00", false },
		{ "octet string in pieces", "24{04 01 00}", false },
		{ "inner value beyond its outer", "30 03 04 02 00 00", false },
		{ "bad value within", "30{31{05 01 00}}", false },
		{ "in an implicit tag", "a0{05 01 00}", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct span span = make(cases[i].text);

		if (der_well_formed(span) != cases[i].good)
			fail_msg("%s: expected %s", cases[i].word, cases[i].good ? "good" : "bad");
		fixture_free(span);
	}
}

static void
depth_is_bounded(void **state)
{
	(void)state;
	for (int depth = 15; depth <= 18; depth++) {
		char text[256] = "";
		struct span span;

		for (int i = 0; i < depth; i++)
			strcat(text, "30{");
		for (int i = 0; i < depth; i++)
			strcat(text, "}");
		span = make(text);
		assert_int_equal(der_well_formed(span), depth <= DER_DEPTH_MAX);
		fixture_free(span);
	}
}

static void
oid_texts(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "55 04 03", "2.5.4.3" },
		{ "2a 86 48 86 f7 0d 01 01 0b", "1.2.840.113549.1.1.11" },
		{ "00", "0.0" },
		{ "27", "0.39" },
		{ "28", "1.0" },
		{ "4f", "1.39" },
		{ "50", "2.0" },
		{ "88 37", "2.999" },
		{ "2a ff ff ff ff ff ff ff ff 7f", "1.2.9223372036854775807" },
		{ "2a 81 ff ff ff ff ff ff ff ff 7f", "1.2.18446744073709551615" },
		{ "2a 82 80 80 80 80 80 80 80 80 00", "oid-2a82808080808080808000" },
		{ "69 83 f8 c5 c1 a5 e9 cc b3 a8 ff a5 b6 96 d2 b5 a0 d3 1f", "oid-6983f8c5c1a5e9ccb3a8ffa5b696d2b5a0d31f" },
	};
	char text[DER_OID_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct span span = make(cases[i].text);

		der_oid_text(span, text);
		assert_string_equal(text, cases[i].expected);
		fixture_free(span);
	}
}

/* The longest that well-formed identifiers can give fits. */
static void
oid_text_fits(void **state)
{
	unsigned char bytes[DER_OID_MAX];
	struct span span = { bytes, sizeof bytes };
	char text[DER_OID_TEXT_SIZE];

	(void)state;
	for (unsigned period = 1; period <= 10; period++) {
		for (unsigned i = 0; i < sizeof bytes; i++)
			bytes[i] = (unsigned char)((i + 1) % period == 0 ? 0x7F : 0xFF);
		memset(text, 1, sizeof text);
		der_oid_text(span, text);
		assert_true(strlen(text) < sizeof text);
	}
}

static void
times(void **state)
{
	enum { NOT_ONE = -1 };
	static const struct {
		const char *text;
		int64_t seconds;
	} cases[] = {
		{ "17{'700101000000Z'}", 0 },
		{ "17{'691231235958Z'}", -2 },
		{ "17{'500101000000Z'}", -631152000 },
		{ "17{'491231235959Z'}", 2524607999 },
		{ "18{'20500101000000Z'}", 2524608000 },
		{ "18{'20380119031408Z'}", 2147483648 },
		{ "18{'29690503000000Z'}", 31536000000 },
		{ "18{'99991231235959Z'}", 253402300799 },
		{ "18{'00010101000000Z'}", -62135596800 },
		{ "18{'00000101000000Z'}", -62167219200 },
		{ "18{'00000301000000Z'}", -62162035200 },
		{ "17{'000229120000Z'}", 951825600 },
		{ "18{'19000301000000Z'}", -2203891200 },
		{ "18{'19000229000000Z'}", NOT_ONE },
		{ "18{'20010229000000Z'}", NOT_ONE },
		{ "17{'700001000000Z'}", NOT_ONE },
		{ "17{'701301000000Z'}", NOT_ONE },
		{ "17{'700100000000Z'}", NOT_ONE },
		{ "17{'700431000000Z'}", NOT_ONE },
		{ "17{'700101240000Z'}", NOT_ONE },
		{ "17{'700101006000Z'}", NOT_ONE },
		{ "17{'700101000060Z'}", NOT_ONE },
		{ "17{'7001010000Z'}", NOT_ONE },
		{ "17{'700101000000'}", NOT_ONE },
		{ "17{'700101000000+0000'}", NOT_ONE },
		{ "17{'70010100000-Z'}", NOT_ONE },
		{ "17{'7001010000 0Z'}", NOT_ONE },
		{ "17{'7001010000000'}", NOT_ONE },
		{ "17{}", NOT_ONE },
		{ "17{'Z'}", NOT_ONE },
		{ "18{'700101000000Z'}", NOT_ONE },
		{ "18{'20500101000000.5Z'}", NOT_ONE },
		{ "18{'2050010100Z'}", NOT_ONE },
		{ "17{'20500101000000Z'}", NOT_ONE },
		{ "0c{'700101000000Z'}", NOT_ONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct span span = make(cases[i].text);
		struct der der = der_open(span);
		struct der_value value;
		int64_t seconds = NOT_ONE;

		assert_true(der_next(&der, &value));
		if (der_time(&value, &seconds) != (cases[i].seconds != NOT_ONE) || seconds != cases[i].seconds)
			fail_msg("%s: %lld", cases[i].text, (long long)seconds);
		fixture_free(span);
	}
}

/* Against a calendar that goes day by day, in every one of 10,000 years. */
static void
every_year(void **state)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	struct der_value value = { .tag = DER_GENERALIZED_TIME };
	int64_t expected = -62167219200, seconds;
	char text[32];

	(void)state;
	for (int year = 0; year < 10000; year++) {
		bool leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);

		for (int month = 1; month <= 12; month++) {
			snprintf(text, sizeof text, "%04d%02d01000000Z", year, month);
			value.content = (struct span){ (const unsigned char *)text, 15 };
			assert_true(der_time(&value, &seconds));
			assert_true(seconds == expected);
			expected += 86400 * (int64_t)(days[month - 1] + (month == 2 && leap ? 1 : 0));
		}
	}
}

static void
unsigned_numbers(void **state)
{
	static const struct {
		const char *text;
		bool good;
		uint32_t number;
	} cases[] = {
		{ "02{00}", true, 0 },
		{ "02{7f}", true, 127 },
		{ "02{0080}", true, 128 },
		{ "02{7fffffff}", true, INT32_MAX },
		{ "02{0080000000}", true, INT32_MAX },
		{ "02{00ffffffffffffffffffffffff}", true, INT32_MAX },
		{ "02{ff}", false, 0 },
		{ "02{}", false, 0 },
		{ "02{0001}", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct span span = make(cases[i].text);
		struct der der = der_open(span);
		struct der_value value;
		uint32_t number = 0;

		assert_true(der_next(&der, &value));
		assert_int_equal(der_unsigned(&value, INT32_MAX, &number), cases[i].good);
		assert_int_equal(number, cases[i].number);
		fixture_free(span);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed_cases),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(oid_texts),
		cmocka_unit_test(oid_text_fits),
		cmocka_unit_test(times),
		cmocka_unit_test(every_year),
		cmocka_unit_test(unsigned_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
