/* core/unpack: packed texts of each form, and damaged ones. What core/bind/pack.lua makes is tried by every start of
 * kedge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/unpack.h"

enum { SIZE_MAX_TESTED = 400 };

static bool
unpacks(const char *packed, size_t length, size_t size, unsigned char *out)
{
	unsigned char *exact = malloc(length ? length : 1); /* for the sanitizer: not one byte beyond is read */
	bool good;

	assert_non_null(exact);
	memcpy(exact, packed, length);
	good = unpack(exact, length, out, size);
	free(exact);
	return good;
}

#define CASE(packed, text)                                                                                             \
	{                                                                                                              \
		packed, sizeof(packed) - 1, text, sizeof(text) - 1                                                     \
	}

static const struct {
	const char *packed;
	size_t length;
	const char *text;
	size_t size;
} good[] = {
	CASE("", ""),
	CASE("\x10"
	     "a",
	     "a"),
	CASE("\x30"
	     "abc",
	     "abc"),
	CASE("\xf0\x00"
	     "abcdefghijklmno",
	     "abcdefghijklmno"),
	CASE("\xf0\x01"
	     "abcdefghijklmnop",
	     "abcdefghijklmnop"),
	CASE("\x10"
	     "a"
	     "\x01\x00",
	     "aaaaa"), /* a copy of what it makes itself */
	CASE("\x30"
	     "abc"
	     "\x03\x00",
	     "abcabca"),
	CASE("\x31"
	     "abc"
	     "\x03\x00"
	     "\x10"
	     "x",
	     "abcabcabx"),
	CASE("\x1f"
	     "a"
	     "\x01\x00\x00",
	     "aaaaaaaaaaaaaaaaaaaa"), /* 1 + 4 + 15 + 0 */
	CASE("\x40"
	     "abcd"
	     "\x04\x00"
	     "\x00"
	     "\x08\x00",
	     "abcdabcdabcd"), /* no literals between two copies */
};

static void
test_good(void **state)
{
	unsigned char out[SIZE_MAX_TESTED];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		if (!unpacks(good[i].packed, good[i].length, good[i].size, out))
			fail_msg("case %zu is refused", i);
		assert_memory_equal(out, good[i].text, good[i].size);
	}
}

static void
test_long_counts(void **state)
{
	unsigned char out[SIZE_MAX_TESTED];
	char packed[SIZE_MAX_TESTED];

	(void)state;
	packed[0] = '\xf0';
	packed[1] = '\xff';
	packed[2] = '\x1e'; /* 15 + 255 + 30 */
	memset(packed + 3, 'x', 300);
	assert_true(unpacks(packed, 303, 300, out));
	assert_true(unpacks("\x1f"
			    "a"
			    "\x01\x00\xff\x1e",
			    6, 305, out)); /* 1 + 4 + 300 */
	assert_int_equal(out[304], 'a');
}

/* Whatever the bytes are: nothing is read or written beyond, and a size that isn't theirs is refused. */
static void
test_damaged(void **state)
{
	unsigned char *out = malloc(8);

	(void)state;
	assert_non_null(out);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		for (size_t length = 0; length < good[i].length; length++)
			assert_false(unpacks(good[i].packed, length, good[i].size > 8 ? 8 : good[i].size, out) &&
				     good[i].size <= 8);
		if (good[i].size < 8)
			assert_false(unpacks(good[i].packed, good[i].length, good[i].size + 1, out));
	}
	assert_false(unpacks("\x10"
			     "a"
			     "\x02\x00",
			     4, 5, out)); /* from before the beginning */
	assert_false(unpacks("\x10"
			     "a"
			     "\x00\x00",
			     4, 5, out)); /* from itself */
	assert_false(unpacks("\x10"
			     "a"
			     "\x01\x00",
			     4, 4, out)); /* more than there is room for */
	assert_false(unpacks("\x20"
			     "ab",
			     3, 1, out));
	assert_false(unpacks("\x10"
			     "a"
			     "b",
			     3, 1, out)); /* bytes behind */
	assert_false(unpacks("\xf0", 1, 8, out));
	assert_false(unpacks("\xf0\xff\xff\xff", 4, 8, out));
	free(out);
}

static void
test_random(void **state)
{
	unsigned long seed = 1;
	char packed[24];
	unsigned char *out = malloc(64);

	(void)state;
	assert_non_null(out);
	for (int round = 0; round < 200000; round++) {
		size_t length = (size_t)round % sizeof packed;

		for (size_t i = 0; i < length; i++) {
			seed = (seed * 6364136223846793005UL + 1442695040888963407UL) & 0xffffffffffffffffUL;
			packed[i] = (char)(seed >> 40 & (round & 1 ? 0x1f : 0xff));
		}
		unpacks(packed, length, (size_t)round % 65, out);
	}
	free(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_long_counts),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
