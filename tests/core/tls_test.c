/* core/tls against scripted servers that are broken or hostile. Each case is a
 * line of a table: who the server is, the fault, and what else must be known. */

#include <sys/resource.h>

#include "tls_scripts.h"

enum { MEMORY_MOST = 2048 }; /* KiB more than before, for the largest messages */

struct hostile {
	const char *name;
	void (*script)(int fd, void *argument);
	int argument;
	enum tls_fault fault; /* TLS_OK: TLS_CHAIN is reached */
	int alert;            /* -1: none */
	size_t certificates;
	bool go_on; /* asks for TLS_OPEN when the chain was reached */
};

static const struct hostile cases[] = {
	{ "plain http", says_http, 0, TLS_NOT_TLS, -1, 0, false },
	{ "ssh speaks first", says_ssh, 0, TLS_NOT_TLS, -1, 0, false },
	{ "garbage", garbage_from, 0x80, TLS_NOT_TLS, -1, 0, false },
	{ "closes after our hello", nothing, 0, TLS_CLOSED, -1, 0, false },
	{ "resets without reading our hello", resets_unheard, 0, TLS_RESET, -1, 0, false },
	{ "closes without reading our hello", closes_unheard, 0, TLS_RESET, -1, 0, false },
	{ "resets after our hello", resets_after_hello, 0, TLS_RESET, -1, 0, false },
	{ "closes inside a record", stops_inside_record, 0, TLS_CLOSED, -1, 0, false },
	{ "closes after its hello", stops_after_server_hello, 0, TLS_CLOSED, -1, 0, false },
	{ "close_notify in the handshake", says_goodbye, 0, TLS_CLOSED, 0, 0, false },
	{ "garbage of a record's type", garbage_from, 0x16, TLS_BAD_MESSAGE, -1, 0, false },
	{ "garbage in a record", garbage_record, 0, TLS_BAD_MESSAGE, -1, 0, false },
	{ "record of 64 KiB", huge_record, 0, TLS_BAD_MESSAGE, -1, 0, false },
	{ "flood of empty records", floods_empty_records, 0, TLS_FLOOD, -1, 0, false },
	{ "flood of HelloRequests", floods_hello_requests, 0, TLS_FLOOD, -1, 0, false },
	{ "flood of warnings", floods_warnings, 0, TLS_FLOOD, -1, 0, false },
	{ "warns of the name and closes", warns_then_closes, 112, TLS_CLOSED, -1, 0, false },
	{ "warns of the name and goes on", warns_and_goes_on, 112, TLS_OK, -1, 1, false },
	{ "SSL 3", speaks_version, 0x0300, TLS_VERSION, -1, 0, false },
	{ "TLS 1.0 unasked", speaks_version, 0x0301, TLS_VERSION, -1, 0, false },
	{ "TLS 1.1 unasked", speaks_version, 0x0302, TLS_VERSION, -1, 0, false },
	{ "a version of the future", speaks_version, 0x03ff, TLS_VERSION, -1, 0, false },
	{ "TLS 1.3 unasked", selects_tls13, 0, TLS_VERSION, -1, 0, false },
	{ "suite unasked", selects_suite, 0x0005, TLS_BAD_MESSAGE, -1, 0, false },
	{ "alert, then reset", alerts_then_resets, 112, TLS_ALERT, 112, 0, false },
	{ "handshake_failure behind its hello", alerts_after_server_hello, 40, TLS_ALERT, 40, 0, false },
	{ "certificate of 16 MB", announces_16_mb, 0, TLS_TOO_LARGE, -1, 0, false },
	{ "certificates of 16 MB", sends_16_mb_in_pieces, 0, TLS_TOO_LARGE, -1, 2, false },
	{ "32 certificates", sends_certificates, 32, TLS_KEY_UNSUPPORTED, -1, 32, false },
	{ "33 certificates", sends_certificates, 33, TLS_TOO_LARGE, -1, 32, false },
	{ "certificate of 64 KiB", sends_certificate_of, 65536, TLS_KEY_UNSUPPORTED, -1, 1, false },
	{ "certificate over 64 KiB", sends_certificate_of, 65537, TLS_TOO_LARGE, -1, 0, false },
	{ "certificate of nothing", sends_certificate_of, 0, TLS_KEY_UNSUPPORTED, -1, 1, false },
	{ "chain of 128 KiB", sends_64_kib_twice_and, 0, TLS_KEY_UNSUPPORTED, -1, 2, false },
	{ "chain over 128 KiB", sends_64_kib_twice_and, 1, TLS_TOO_LARGE, -1, 2, false },
	{ "no certificate", sends_no_certificate, 0, TLS_BAD_MESSAGE, -1, 0, false },
	{ "EC key of 521 bytes", sends_ec_key_of, 521, TLS_KEY_UNSUPPORTED, -1, 1, false },
	{ "EC key of 3000 bytes", sends_ec_key_of, 3000, TLS_KEY_UNSUPPORTED, -1, 1, false },
	{ "RSA 4096", sends_rsa_modulus_of, 512, TLS_OK, -1, 1, false },
	{ "RSA 4104", sends_rsa_modulus_of, 513, TLS_KEY_UNSUPPORTED, -1, 1, false },
	{ "RSA 8192", sends_rsa_modulus_of, 1024, TLS_KEY_UNSUPPORTED, -1, 1, false },
	{ "RSA 16000", sends_rsa_modulus_of, 2000, TLS_KEY_UNSUPPORTED, -1, 1, false },
	{ "RSA too short to exchange keys", sends_rsa_modulus_of, 58, TLS_KEY_UNSUPPORTED, -1, 1, false },
	{ "RSA of one byte", sends_rsa_modulus_of, 1, TLS_KEY_UNSUPPORTED, -1, 1, false },
	{ "RSA exponent 0", sends_rsa_exponent, 0, TLS_KEY_UNSUPPORTED, -1, 1, false },
	{ "RSA exponent 1", sends_rsa_exponent, 1, TLS_KEY_UNSUPPORTED, -1, 1, false },
	{ "RSA exponent 2", sends_rsa_exponent, 2, TLS_KEY_UNSUPPORTED, -1, 1, false },
	{ "RSA exponent 3", sends_rsa_exponent, 3, TLS_OK, -1, 1, false },
	{ "RSA exponent of 8 bytes", sends_rsa_exponent_of, 8, TLS_OK, -1, 1, false },
	{ "RSA exponent of 9 bytes", sends_rsa_exponent_of, 9, TLS_KEY_UNSUPPORTED, -1, 1, false },
	{ "byte behind the certificate", sends_trailing_bytes, 1, TLS_KEY_UNSUPPORTED, -1, 1, false },
	{ "bytes behind the certificate", sends_trailing_bytes, 2000, TLS_KEY_UNSUPPORTED, -1, 1, false },
	{ "protocol unasked", selects_unoffered_protocol, 0, TLS_ALPN_MISMATCH, -1, 1, false },
	{ "wrong signature of the exchange", signs_wrongly, 0, TLS_BAD_SIGNATURE, -1, 1, false },
	{ "one byte at a time", dribbles, 0, TLS_OK, -1, 1, false },
	{ "wants a certificate, then handshake_failure", wants_certificate_and_alerts, 40, TLS_CLIENT_CERT_REQUIRED, 40,
	  1, true },
	{ "wants a certificate, then bad_certificate", wants_certificate_and_alerts, 42, TLS_CLIENT_CERT_REQUIRED, 42,
	  1, true },
	{ "wants a certificate, then closes", wants_certificate_and_closes, 0, TLS_CLIENT_CERT_REQUIRED, -1, 1, true },
	{ "wants a certificate, then resets", wants_certificate_and_resets, 0, TLS_CLIENT_CERT_REQUIRED, -1, 1, true },
	{ "alert behind our flight", alerts_behind_flight, 51, TLS_ALERT, 51, 1, true },
	{ "closes behind our flight", closes_behind_flight, 0, TLS_CLOSED, -1, 1, true },
};

static enum tls_step
meet(struct client *c, void (*script)(int, void *), int argument, bool go_on)
{
	static const char *const protocols[] = { "h2", "http/1.1" };
	struct tls_config config = modern;
	unsigned short port;
	pid_t peer = serve(script, &argument, &port);
	enum tls_step step;

	config.alpn = protocols;
	config.alpn_count = 2;
	dial(c, port, &config);
	step = drive(c, TLS_CHAIN);
	if (step == TLS_REACHED && go_on)
		step = drive(c, TLS_OPEN);
	socket_close(&c->socket); /* the peer's script ends by it */
	assert_int_equal(waitpid(peer, NULL, 0), peer);
	return step;
}

static void
test_hostile(void **state)
{
	const struct hostile *k = *state;
	struct client c;
	enum tls_step step = meet(&c, k->script, k->argument, k->go_on);
	const struct tls_info *info = tls_info(c.tls);

	assert_string_equal(tls_fault_code(info->fault), tls_fault_code(k->fault));
	assert_int_equal(step, k->fault == TLS_OK ? TLS_REACHED : TLS_FAILED);
	assert_int_equal(info->alert, k->alert);
	assert_int_equal(tls_chain_count(c.tls), k->certificates);
	assert_true(info->received <= TLS_RECEIVED_MAX + 4096);
	if (k->fault == TLS_OK || k->fault == TLS_KEY_UNSUPPORTED)
		assert_true(info->chain_complete);
	/* what is over stays over */
	if (step == TLS_FAILED)
		assert_int_equal(tls_pump(c.tls, &c.socket.stream, TLS_OPEN), TLS_FAILED);
	assert_int_equal(tls_pump(c.tls, &c.socket.stream, TLS_SHUT), TLS_REACHED);
	hang_up(&c);
}

static long
peak_memory(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_maxrss;
}

/* First of all tests: what is looked at is a high-water mark. */
static void
test_memory(void **state)
{
	static void (*const large[])(int, void *) = { announces_16_mb, sends_16_mb_in_pieces, floods_hello_requests };
	struct client c;
	long before;

	(void)state;
	assert_int_equal(meet(&c, has_good_flight, 0, false), TLS_REACHED); /* what any handshake takes */
	hang_up(&c);
	before = peak_memory();
	for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
		assert_int_equal(meet(&c, large[i], 0, false), TLS_FAILED);
		hang_up(&c);
	}
	assert_true(peak_memory() - before < MEMORY_MOST);
}

static void
test_alert_names(void **state)
{
	static const struct {
		int number;
		const char *name, *code;
	} alerts_known[] = {
		{ 10, "unexpected_message", "tls.alert" },
		{ 20, "bad_record_mac", "tls.alert" },
		{ 40, "handshake_failure", "tls.no_cipher" },
		{ 47, "illegal_parameter", "tls.alert" },
		{ 48, "unknown_ca", "tls.alert" },
		{ 49, "access_denied", "tls.alert" },
		{ 50, "decode_error", "tls.alert" },
		{ 70, "protocol_version", "tls.version" },
		{ 71, "insufficient_security", "tls.alert" },
		{ 80, "internal_error", "tls.alert" },
		{ 86, "inappropriate_fallback", "tls.alert" },
		{ 112, "unrecognized_name", "tls.alert" },
		{ 116, "certificate_required", "tls.alert" },
		{ 120, "no_application_protocol", "alpn.mismatch" },
		{ 255, "unknown", "tls.alert" },
	};
	struct client c;

	(void)state;
	for (size_t i = 0; i < sizeof alerts_known / sizeof *alerts_known; i++) {
		assert_int_equal(meet(&c, alerts, alerts_known[i].number, false), TLS_FAILED);
		assert_int_equal(tls_info(c.tls)->alert, alerts_known[i].number);
		assert_string_equal(tls_info(c.tls)->alert_name, alerts_known[i].name);
		assert_string_equal(tls_fault_code(tls_info(c.tls)->fault), alerts_known[i].code);
		hang_up(&c);
	}
}

static void
test_what_it_said(void **state)
{
	struct client c;

	(void)state;
	assert_int_equal(meet(&c, says_ssh, 0, false), TLS_FAILED);
	assert_int_equal(tls_info(c.tls)->said_length, strlen("SSH-2.0-OpenSSH_9.2\r\n"));
	assert_memory_equal(tls_info(c.tls)->said, "SSH-2.0-OpenSSH_9.2\r\n", 21);
	assert_memory_equal(c.socket.head, "SSH-2.0-", 8);
	hang_up(&c);
}

static void
test_versions_seen(void **state)
{
	static const struct {
		int version;
		const char *name;
	} versions[] = { { 0x0300, "SSLv3" }, { 0x0301, "TLSv1.0" }, { 0x0302, "TLSv1.1" } };
	struct client c;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(meet(&c, speaks_version, versions[i].version, false), TLS_FAILED);
		assert_int_equal(tls_info(c.tls)->version, versions[i].version);
		assert_string_equal(tls_info(c.tls)->version_name, versions[i].name);
		hang_up(&c);
	}
	assert_int_equal(meet(&c, selects_tls13, 0, false), TLS_FAILED);
	assert_string_equal(tls_info(c.tls)->version_name, "TLSv1.3");
	hang_up(&c);
}

static void
test_warning_of_the_name(void **state)
{
	struct client c;

	(void)state;
	assert_int_equal(meet(&c, warns_then_closes, 112, false), TLS_FAILED);
	assert_int_equal(tls_info(c.tls)->warning, 112);
	hang_up(&c);
	assert_int_equal(meet(&c, warns_and_goes_on, 112, false), TLS_REACHED);
	assert_int_equal(tls_info(c.tls)->warning, 112);
	hang_up(&c);
}

static void
test_chain_is_kept(void **state)
{
	struct client c;
	size_t length;

	(void)state;
	assert_int_equal(meet(&c, dribbles, 0, false), TLS_REACHED);
	assert_int_equal(tls_chain_count(c.tls), 1);
	assert_memory_equal(tls_chain_certificate(c.tls, 0, &length), leaf.at, leaf.n);
	assert_int_equal(length, leaf.n);
	assert_string_equal(tls_info(c.tls)->alpn, "h2");
	assert_string_equal(tls_info(c.tls)->cipher, "TLS_RSA_WITH_AES_128_GCM_SHA256");
	assert_null(tls_info(c.tls)->group);
	hang_up(&c);
	assert_int_equal(meet(&c, selects_unoffered_protocol, 0, false), TLS_FAILED);
	assert_string_equal(tls_info(c.tls)->alpn, "spdy/3");
	assert_int_equal(tls_chain_count(c.tls), 1);
	hang_up(&c);
}

/* none offered, one selected */
static void
test_protocol_for_nothing(void **state)
{
	struct client c;
	unsigned short port;
	pid_t peer = serve(selects_unoffered_protocol, NULL, &port);

	(void)state;
	dial(&c, port, &modern);
	assert_int_equal(drive(&c, TLS_CHAIN), TLS_FAILED);
	assert_int_equal(tls_info(c.tls)->fault, TLS_ALPN_MISMATCH);
	hang_up(&c);
	assert_int_equal(waitpid(peer, NULL, 0), peer);
}

static void
test_misuse(void **state)
{
	static const char *const empty[] = { "" };
	static char long_name[255], long_protocol[257];
	const char *const too_long[] = { long_protocol };
	const char *const many[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i" };
	const struct tls_config wrong[] = {
		{ .version_min = 0x0300, .version_max = 0x0303 },
		{ .version_min = 0x0303, .version_max = 0x0302 },
		{ .version_min = 0x0303, .version_max = 0x0304 },
		{ .name = "", .version_min = 0x0303, .version_max = 0x0303 },
		{ .name = long_name, .version_min = 0x0303, .version_max = 0x0303 },
		{ .alpn = empty, .alpn_count = 1, .version_min = 0x0303, .version_max = 0x0303 },
		{ .alpn = too_long, .alpn_count = 1, .version_min = 0x0303, .version_max = 0x0303 },
		{ .alpn = many, .alpn_count = 9, .version_min = 0x0303, .version_max = 0x0303 },
	};
	enum tls_fault why;

	(void)state;
	memset(long_name, 'a', 254);
	memset(long_protocol, 'a', 256);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_null(tls_new(&wrong[i], &why));
		assert_int_equal(why, TLS_MISUSE);
	}
	tls_free(NULL);
}

int
main(void)
{
	enum { HOSTILE = sizeof cases / sizeof *cases };
	struct CMUnitTest hostile[HOSTILE];
	const struct CMUnitTest first[] = { cmocka_unit_test(test_memory) };
	const struct CMUnitTest others[] = {
		cmocka_unit_test(test_alert_names),   cmocka_unit_test(test_what_it_said),
		cmocka_unit_test(test_versions_seen), cmocka_unit_test(test_warning_of_the_name),
		cmocka_unit_test(test_chain_is_kept), cmocka_unit_test(test_protocol_for_nothing),
		cmocka_unit_test(test_misuse),
	};
	int failed;

	for (size_t i = 0; i < HOSTILE; i++)
		hostile[i] = (struct CMUnitTest){ cases[i].name, test_hostile, NULL, NULL, (void *)(size_t)&cases[i] };
	failed = cmocka_run_group_tests_name("memory", first, make_leaf, NULL);
	failed += cmocka_run_group_tests_name("hostile servers", hostile, make_leaf, NULL);
	return failed + cmocka_run_group_tests_name("what is known", others, make_leaf, NULL);
}
