/* What HTTP/2 refuses of its own caller, and the tables of names. */
#include <errno.h>

#include "h2_peer.h"

static void
streams_and_pings_are_counted(void **state)
{
	struct h2 *h2 = h2_new(NULL, 0);
	unsigned ping;

	(void)state;
	for (int i = 0; i < H2_STREAMS; i++)
		assert_int_equal(get(h2), 2 * i + 1);
	assert_int_equal(get(h2), H2_BUSY);
	h2_cancel(h2, 1);
	assert_true(get(h2) > 0);
	for (unsigned i = 1; i <= H2_PINGS; i++) {
		assert_int_equal(h2_ping(h2, &ping), 0);
		assert_int_equal(ping, i);
	}
	assert_int_equal(h2_ping(h2, &ping), H2_BUSY);
	assert_false(h2_ping_done(h2, 0));
	assert_false(h2_ping_done(h2, 99));
	h2_free(h2);
}

static void
bad_settings(void **state)
{
	static const struct {
		const char *word;
		struct h2_setting setting;
	} cases[] = {
		{ "push", { NGHTTP2_SETTINGS_ENABLE_PUSH, 0 } },
		{ "window", { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_STREAM_WINDOW + 1 } },
		{ "table", { NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 65537 } },
		{ "frame too large", { NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 65537 } },
		{ "frame too small", { NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 16383 } },
		{ "not a truth value", { NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 2 } },
	};
	struct h2_setting many[H2_SETTINGS] = { { 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		errno = 0;
		if (h2_new(&cases[i].setting, 1) || errno != EINVAL)
			fail_msg("%s was taken", cases[i].word);
	}
	for (unsigned i = 0; i < H2_SETTINGS; i++)
		many[i].id = (uint16_t)(0x1000 + i);
	assert_null(h2_new(many, H2_SETTINGS));
	h2_free(h2_new(many, H2_SETTINGS - 1));
	h2_free(NULL);
}

static void
bad_fields(void **state)
{
	static const struct {
		const char *word;
		struct h2_field field;
	} cases[] = {
		{ "upper case", FIELD("Host", "a") },  { "empty name", FIELD("", "a") },
		{ "line feed", FIELD("a", "b\nc") },   { "NUL", FIELD("a", "b\0c") },
		{ "leading space", FIELD("a", " b") }, { "space in name", FIELD("a b", "c") },
	};
	struct h2 *h2 = h2_new(NULL, 0);
	static char large[H2_FIELD_BYTES - 32];
	struct h2_field huge = { .name = "a", .name_length = 1, .value = large, .value_length = sizeof large };
	struct h2_field many[H2_FIELDS + 1];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (h2_request(h2, &cases[i].field, 1, true) != H2_BAD_FIELD)
			fail_msg("%s was taken", cases[i].word);
	memset(large, 'a', sizeof large);
	assert_int_equal(h2_request(h2, &huge, 1, true), H2_BAD_FIELD);
	for (size_t i = 0; i <= H2_FIELDS; i++)
		many[i] = get_fields[i < 4 ? i : 4];
	assert_int_equal(h2_request(h2, many, H2_FIELDS + 1, true), H2_BAD_FIELD);
	assert_int_equal(h2_request(h2, many, 0, true), H2_BAD_FIELD);
	assert_int_equal(h2_request(h2, many, H2_FIELDS, true), 1);
	h2_free(h2);
}

static void
names(void **state)
{
	(void)state;
	assert_string_equal(h2_error_name(0), "NO_ERROR");
	assert_string_equal(h2_error_name(11), "ENHANCE_YOUR_CALM");
	assert_string_equal(h2_error_name(13), "HTTP_1_1_REQUIRED");
	assert_null(h2_error_name(14));
	assert_string_equal(h2_setting_name(3), "SETTINGS_MAX_CONCURRENT_STREAMS");
	assert_string_equal(h2_setting_name(9), "SETTINGS_NO_RFC7540_PRIORITIES");
	assert_null(h2_setting_name(0));
	assert_null(h2_setting_name(7));
	assert_null(h2_setting_name(10));
	assert_string_equal(h2_fault_code(H2_NOT_H2), "h2.not_h2");
	assert_string_equal(h2_fault_code(H2_FLOOD), "h2.flood");
	assert_null(h2_fault_code(H2_OK));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_and_pings_are_counted),
		cmocka_unit_test(bad_settings),
		cmocka_unit_test(bad_fields),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests_name("h2 calls", tests, NULL, NULL);
}
