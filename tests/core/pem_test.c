#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/pem.h"
#include "tests/core/fixture.h"

#define B "-----BEGIN CERTIFICATE-----\n"
#define E "-----END CERTIFICATE-----\n"

/* What reading text gives, as words: "CERTIFICATE@1=hello" or "bad@3:message". */
static void
describe(const char *text, size_t length, char *out, size_t size)
{
	unsigned char *copy = fixture_copy(text, length), *decoded = fixture_copy("", 0);
	struct pem_block block;
	enum pem_step step;
	struct pem pem;
	size_t used = 0;

	out[0] = '\0';
	pem_open(&pem, (const char *)copy, length);
	while ((step = pem_next(&pem, &block)) != PEM_END) {
		size_t got = 0;
		bool good;

		if (step == PEM_BAD) {
			used += (size_t)snprintf(out + used, size - used, "bad@%u:%s;", block.line, block.message);
			continue;
		}
		decoded = realloc(decoded, block.body_length / 4 * 3 + 3);
		good = pem_decode(block.body, block.body_length, decoded, &got);
		used += (size_t)snprintf(out + used, size - used, "%.*s@%u=%.*s;", (int)block.label_length, block.label, block.line,
		    good ? (int)got : 3, good ? (const char *)decoded : "???");
	}
	free(decoded);
	free(copy);
}

static void
texts(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "", "" },
		{ "nothing here\n", "" },
		{ B "aGVsbG8=\n" E, "CERTIFICATE@1=hello;" },
		{ B "aGVsbG8=\n" E B "aGkh\n" E, "CERTIFICATE@1=hello;CERTIFICATE@4=hi!;" },
		{ "text\n\n" B "aGVsbG8=\n" E "more text", "CERTIFICATE@3=hello;" },
		{ B "aGVsbG8=\n-----END CERTIFICATE-----", "CERTIFICATE@1=hello;" },
		{ "-----BEGIN CERTIFICATE-----\r\naGVs\r\nbG8=\r\n-----END CERTIFICATE-----\r\n", "CERTIFICATE@1=hello;" },
		{ "-----BEGIN CERTIFICATE----- \t\n a G V s\tbG8 =\n-----END CERTIFICATE----- \n", "CERTIFICATE@1=hello;" },
		{ B "a\nG\nVsb\nG8\n=\n" E, "CERTIFICATE@1=hello;" },
		{ "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X\n\naGVsbG8=\n-----END RSA PRIVATE KEY-----\n",
		    "RSA PRIVATE KEY@1=hello;" },
		{ B "X: y\n" B "aGkh\n" E, "bad@1:the next block begins before this one's END line;CERTIFICATE@3=hi!;" },
		{ B "X: y\naGkh\n" E B "aGkh\n" E, "CERTIFICATE@1=???;CERTIFICATE@5=hi!;" },
		{ B "aGVsbG8\n" E, "CERTIFICATE@1=???;" },
		{ B "aGVsbG8==\n" E, "CERTIFICATE@1=???;" },
		{ B "aGVsbG8=aGkh\n" E, "CERTIFICATE@1=???;" },
		{ B "aGVsbG8=====\n" E, "CERTIFICATE@1=???;" },
		{ B "a===\n" E, "CERTIFICATE@1=???;" },
		{ B "====\n" E, "CERTIFICATE@1=???;" },
		{ B "=\n" E, "CERTIFICATE@1=???;" },
		{ B "aGV*\n" E, "CERTIFICATE@1=???;" },
		{ B "aG\xC3\xA4s\n" E, "CERTIFICATE@1=???;" },
		{ B E, "CERTIFICATE@1=???;" },
		{ B "\n" E, "CERTIFICATE@1=???;" },
		{ "\xEF\xBB\xBF" B "aGkh\n" E "\xEF\xBB\xBF" B "aGkh\n" E, "CERTIFICATE@1=hi!;CERTIFICATE@4=hi!;" },
		{ "\xEF\xBB\xBF", "" },
		{ "\xEF\xBB" B "aGkh\n" E, "bad@3:an END line without its BEGIN line;" },
		{ "text\n\xEF\xBB\xBF" B "aGkh\n" E, "bad@4:an END line without its BEGIN line;" }, /* nor does OpenSSL see it */
		{ B "aGVsbG8=\n", "bad@1:the block has no END line;" },
		{ B, "bad@1:the block has no END line;" },
		{ B "aGVs\n" B "aGkh\n" E, "bad@1:the next block begins before this one's END line;CERTIFICATE@3=hi!;" },
		{ E, "bad@1:an END line without its BEGIN line;" },
		{ B "aGkh\n-----END X-----\n" B "aGkh\n" E, "bad@1:BEGIN and END name different things;CERTIFICATE@4=hi!;" },
		{ B "aGkh\n-----END CERTIFICATE----------BEGIN CERTIFICATE-----\naGkh\n" E,
		    "bad@3:there is text behind the END line;bad@5:an END line without its BEGIN line;" },
		{ "-----BEGIN CERTIFICATE----\naGkh\n" E, "bad@1:the BEGIN line isn't one;bad@3:an END line without its BEGIN line;" },
		{ "-----BEGIN CERTIFICATE-----x\n", "bad@1:the BEGIN line isn't one;" },
		{ "-----BEGIN -----\naGkh\n-----END -----\n", "@1=hi!;" },
		{ "  " B "aGkh\n" E, "bad@3:an END line without its BEGIN line;" },
	};
	char out[512];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		describe(cases[i].text, strlen(cases[i].text), out, sizeof out);
		assert_string_equal(out, cases[i].expected);
	}
}

/* Cut anywhere, a bundle gives what is whole in it and at most one message. */
static void
cut_anywhere(void **state)
{
	static const char text[] = B "aGVsbG8=\n" E "comment\n" B "aGVs\nbG8=\n" E;
	static const char *const good[] = { "", "CERTIFICATE@1=hello;", "CERTIFICATE@1=hello;CERTIFICATE@5=hello;" };
	size_t first = strlen(B "aGVsbG8=\n" E) - 1;
	char out[512];

	(void)state;
	for (size_t length = 0; length < sizeof text; length++) {
		const char *expected = good[length < first ? 0 : length < sizeof text - 2 ? 1 : 2], *rest;

		describe(text, length, out, sizeof out);
		assert_memory_equal(out, expected, strlen(expected));
		rest = out + strlen(expected);
		assert_true(*rest == '\0' || strncmp(rest, "bad@", 4) == 0);
		assert_true(*rest == '\0' || strchr(rest, ';') == rest + strlen(rest) - 1);
	}
}

static void
encodes_what_it_decodes(void **state)
{
	unsigned char bytes[200];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(i * 37 + 11);
	for (size_t length = 1; length <= sizeof bytes; length++) {
		size_t size = pem_encoded_length(length), got;
		char *text = malloc(size);
		struct pem_block block;
		struct pem pem;

		assert_int_equal(pem_encode(bytes, length, text), size);
		pem_open(&pem, text, size);
		assert_int_equal(pem_next(&pem, &block), PEM_BLOCK);
		assert_true(pem_is_certificate(&block));
		/* in place, over its own text */
		assert_true(pem_decode(block.body, block.body_length, (unsigned char *)text, &got));
		assert_int_equal(got, length);
		assert_memory_equal(text, bytes, length);
		free(text);
	}
}

/* Debian's own file comes out byte for byte. */
static void
encodes_as_openssl(void **state)
{
	struct span text = fixture_read("trust/AmazonRootCA1.pem"), der = fixture_certificate("trust/AmazonRootCA1.pem");
	char *out = malloc(pem_encoded_length(der.length));

	(void)state;
	assert_non_null(der.data);
	assert_int_equal(pem_encode(der.data, der.length, out), text.length);
	assert_memory_equal(out, text.data, text.length);
	free(out);
	fixture_free(text);
	fixture_free(der);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(encodes_what_it_decodes),
		cmocka_unit_test(encodes_as_openssl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
