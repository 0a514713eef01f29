/* core/tls against OpenSSL's and GnuTLS' servers. */

#include "tls_server.h"

/* one handshake with a real server */
struct real {
	const char *name, *key, *options;
	unsigned version_min, version_max;
	const char *alpn; /* offered, or NULL */
	enum tls_fault fault;
	int alert;
	const char *version, *cipher, *group, *selected; /* NULL: not looked at, "" for selected: none */
	size_t certificates;
};

#define MODERN 0x0303, 0x0303
#define OLD 0x0301, 0x0303
#define OPEN(version, cipher, group, selected) TLS_OK, -1, version, cipher, group, selected, 1
#define ENDS(fault, alert, certificates) fault, alert, NULL, NULL, NULL, NULL, certificates

static const struct real openssl[] = {
	{ "RSA 2048", "rsa", "-tls1_2", MODERN, "h2",
	  OPEN("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "secp256r1", "") },
	{ "x25519", "rsa", "-groups X25519", MODERN, NULL,
	  OPEN("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "x25519", "") },
	{ "secp384r1", "rsa", "-groups P-384", MODERN, NULL, OPEN("TLSv1.2", NULL, "secp384r1", "") },
	{ "secp521r1", "rsa", "-groups P-521", MODERN, NULL, OPEN("TLSv1.2", NULL, "secp521r1", "") },
	{ "P-256", "p256", "", MODERN, NULL, OPEN("TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", NULL, "") },
	{ "P-384", "p384", "", MODERN, NULL, OPEN("TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", NULL, "") },
	{ "P-521", "p521", "", MODERN, NULL, OPEN("TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", NULL, "") },
	{ "RSA 8192", "rsa8192", "", MODERN, NULL, ENDS(TLS_KEY_UNSUPPORTED, -1, 1) },
	{ "Ed25519", "ed25519", "", MODERN, NULL, ENDS(TLS_NO_CIPHER, 40, 0) },
	{ "TLS 1.3 only", "rsa", "-tls1_3", MODERN, NULL, ENDS(TLS_VERSION, 70, 0) },
	{ "TLS 1.0 only", "rsa", "-tls1 -cipher ALL:@SECLEVEL=0", MODERN, NULL, ENDS(TLS_VERSION, -1, 0) },
	{ "TLS 1.0 wanted", "rsa", "-tls1 -cipher ALL:@SECLEVEL=0", OLD, NULL, OPEN("TLSv1.0", NULL, NULL, "") },
	{ "TLS 1.1 wanted", "rsa", "-tls1_1 -cipher ALL:@SECLEVEL=0", OLD, NULL, OPEN("TLSv1.1", NULL, NULL, "") },
	{ "TLS 1.0 with P-256", "p256", "-tls1 -cipher ALL:@SECLEVEL=0", OLD, NULL, OPEN("TLSv1.0", NULL, NULL, "") },
	{ "TLS 1.2 in the range", "rsa", "-cipher ALL:@SECLEVEL=0", OLD, NULL, OPEN("TLSv1.2", NULL, NULL, "") },
	{ "only 1.2, we only 1.0", "rsa", "-tls1_2 -cipher ALL:@SECLEVEL=0", 0x0301, 0x0301, NULL,
	  ENDS(TLS_VERSION, 70, 0) },
	{ "AES-256-GCM", "rsa", "-cipher ECDHE-RSA-AES256-GCM-SHA384", MODERN, NULL,
	  OPEN("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", NULL, "") },
	{ "ChaCha20", "rsa", "-cipher ECDHE-RSA-CHACHA20-POLY1305", MODERN, NULL,
	  OPEN("TLSv1.2", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", NULL, "") },
	{ "CCM", "p256", "-cipher ECDHE-ECDSA-AES128-CCM", MODERN, NULL,
	  OPEN("TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", NULL, "") },
	{ "CCM_8", "p256", "-cipher ECDHE-ECDSA-AES256-CCM8:@SECLEVEL=0", MODERN, NULL,
	  OPEN("TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8", NULL, "") },
	{ "CBC with SHA-384", "rsa", "-cipher ECDHE-RSA-AES256-SHA384", MODERN, NULL,
	  OPEN("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", NULL, "") },
	{ "CBC with SHA-1", "rsa", "-cipher ECDHE-RSA-AES128-SHA", MODERN, NULL,
	  OPEN("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", NULL, "") },
	{ "static RSA", "rsa", "-cipher AES128-GCM-SHA256", MODERN, NULL,
	  OPEN("TLSv1.2", "TLS_RSA_WITH_AES_128_GCM_SHA256", NULL, "") },
	{ "static RSA with CBC", "rsa", "-cipher AES256-SHA", MODERN, NULL,
	  OPEN("TLSv1.2", "TLS_RSA_WITH_AES_256_CBC_SHA", NULL, "") },
	{ "static RSA with TLS 1.0", "rsa", "-tls1 -cipher AES128-SHA:@SECLEVEL=0", OLD, NULL,
	  OPEN("TLSv1.0", "TLS_RSA_WITH_AES_128_CBC_SHA", NULL, "") },
	{ "only DHE", "rsa", "-cipher DHE-RSA-AES128-GCM-SHA256", MODERN, NULL, ENDS(TLS_NO_CIPHER, 40, 0) },
	{ "ALPN h2", "rsa", "-alpn h2,http/1.1", MODERN, "h2", OPEN("TLSv1.2", NULL, NULL, "h2") },
	{ "no common ALPN", "rsa", "-alpn spdy/3", MODERN, "h2", ENDS(TLS_ALPN_MISMATCH, 120, 0) },
	{ "unknown name, fatal", "rsa", "-servername other.test -servername_fatal -cert2 rsa.pem -key2 rsa.key", MODERN,
	  NULL, ENDS(TLS_ALERT, 112, 0) },
	{ "certificate asked", "rsa", "-verify 1", MODERN, NULL, OPEN("TLSv1.2", NULL, NULL, "") },
	{ "certificate required", "rsa", "-Verify 1", MODERN, NULL, ENDS(TLS_CLIENT_CERT_REQUIRED, 40, 1) },
	{ "certificate required by TLS 1.0", "rsa", "-Verify 1 -tls1 -cipher ALL:@SECLEVEL=0", OLD, NULL,
	  ENDS(TLS_CLIENT_CERT_REQUIRED, 40, 1) },
};

static const struct real gnutls[] = {
	{ "RSA 2048", "rsa", "NORMAL", MODERN, "h2", OPEN("TLSv1.2", NULL, NULL, "h2") },
	{ "P-256", "p256", "NORMAL", MODERN, "h2", OPEN("TLSv1.2", NULL, NULL, "h2") },
	{ "x25519", "rsa", "NORMAL:-GROUP-ALL:+GROUP-X25519", MODERN, "h2", OPEN("TLSv1.2", NULL, "x25519", "h2") },
	{ "ChaCha20", "rsa", "NORMAL:-CIPHER-ALL:+CHACHA20-POLY1305", MODERN, "h2",
	  OPEN("TLSv1.2", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", NULL, "h2") },
	/* GnuTLS says handshake_failure where others say protocol_version */
	{ "TLS 1.3 only", "rsa", "NORMAL:-VERS-ALL:+VERS-TLS1.3", MODERN, "h2", ENDS(TLS_NO_CIPHER, 40, 0) },
	{ "TLS 1.1 only", "rsa", "NORMAL:-VERS-ALL:+VERS-TLS1.1", OLD, "h2", OPEN("TLSv1.1", NULL, NULL, "h2") },
	{ "only DHE", "rsa", "NORMAL:-KX-ALL:+DHE-RSA", MODERN, "h2", ENDS(TLS_NO_CIPHER, 40, 0) },
	{ "no common ALPN", "rsa", "NORMAL --alpn-fatal", MODERN, "spdy/3", ENDS(TLS_ALPN_MISMATCH, 120, 0) },
	{ "unknown name, fatal", "rsa", "NORMAL --sni-hostname other.test --sni-hostname-fatal", MODERN, "h2",
	  ENDS(TLS_ALERT, 112, 0) },
	{ "certificate required", "rsa", "NORMAL --require-client-cert", MODERN, "h2",
	  ENDS(TLS_CLIENT_CERT_REQUIRED, -1, 1) },
	{ "small records", "rsa", "NORMAL --recordsize 512", MODERN, "h2", OPEN("TLSv1.2", NULL, NULL, "h2") },
};

static void
compare(const char *is, const char *should)
{
	if (should == NULL)
		return;
	if (should[0] == '\0')
		assert_null(is);
	else
		assert_string_equal(is, should);
}

static void
meet(const struct real *k, unsigned short port)
{
	const struct tls_config config = { "kedge.test", &k->alpn, k->alpn != NULL, k->version_min, k->version_max };
	const struct tls_info *info;
	struct client c;

	dial(&c, port, &config);
	if (drive(&c, TLS_CHAIN) == TLS_REACHED)
		(void)drive(&c, TLS_OPEN);
	info = tls_info(c.tls);
	assert_string_equal(tls_fault_code(info->fault), tls_fault_code(k->fault));
	if (k->alert >= 0)
		assert_int_equal(info->alert, k->alert);
	assert_int_equal(tls_chain_count(c.tls), k->certificates);
	compare(info->version_name, k->version);
	compare(info->cipher, k->cipher);
	compare(info->group, k->group);
	compare(info->alpn, k->selected);
	assert_int_equal(info->received, c.socket.received);
	assert_int_equal(info->sent, c.socket.sent);
	(void)drive(&c, TLS_SHUT);
	hang_up(&c);
}

static void
test_openssl(void **state)
{
	const struct real *k = *state;
	struct server s;

	start_openssl(&s, k->key, k->options);
	meet(k, s.port);
	stop(&s);
}

static void
test_gnutls(void **state)
{
	const struct real *k = *state;
	struct server s;
	char command[1024];
	unsigned short port;

	(void)close(listen_anywhere(&port));
	(void)snprintf(command, sizeof command,
		       "gnutls-serv --http --disable-client-cert --alpn h2 --port %d --x509keyfile %s.key "
		       "--x509certfile %s.pem --priority %s",
		       port, k->key, k->key, k->options);
	if (strstr(k->options, "--require-client-cert") != NULL)
		memmove(strstr(command, "--disable-client-cert"), "                     ", 21);
	start(&s, command);
	assert_true(prints(&s, "...done"));
	meet(k, port);
	stop(&s);
}

/* The server's log shows what had reached it when the verdict was there. */
static void
test_flight_is_held(void **state)
{
	struct server s;
	struct client c;
	uint64_t hello;

	(void)state;
	start_openssl(&s, "rsa", "-Verify 1 -msg -tls1_2");
	dial(&c, s.port, &modern);
	assert_int_equal(drive(&c, TLS_CHAIN), TLS_REACHED);
	assert_true(tls_info(c.tls)->client_certificate_requested);
	hello = c.socket.sent;
	assert_int_equal(drive(&c, TLS_CHAIN), TLS_REACHED); /* asked again: still held */
	assert_false(tls_pending(c.tls));
	assert_int_equal(drive(&c, TLS_SHUT), TLS_REACHED);
	assert_int_equal(c.socket.sent, hello);
	hang_up(&c); /* the verdict was bad */
	assert_true(prints(&s, "ERROR"));
	assert_non_null(strstr(s.log, "ClientHello"));
	assert_null(strstr(s.log, "ClientKeyExchange"));
	assert_null(strstr(strstr(s.log, "ServerHelloDone"), "<<<"));

	forget(&s);
	dial(&c, s.port, &modern);
	assert_int_equal(drive(&c, TLS_CHAIN), TLS_REACHED);
	assert_int_equal(drive(&c, TLS_OPEN), TLS_FAILED); /* the verdict was good, but we have no certificate */
	assert_int_equal(tls_info(c.tls)->fault, TLS_CLIENT_CERT_REQUIRED);
	hang_up(&c);
	assert_true(prints(&s, "ERROR"));
	assert_non_null(strstr(strstr(s.log, "ServerHelloDone"), "<<<"));
	stop(&s);
}

/* a stream that counts, and limits what passes at once */
struct meter {
	struct stream stream;
	struct stream *below;
	int writes;
	size_t most;               /* bytes a call */
	unsigned char first[1024]; /* what was written first */
	size_t first_length;
};

static ssize_t
meter_read(struct stream *self, void *to, size_t n)
{
	struct meter *m = (struct meter *)self;

	return m->below->read(m->below, to, n < m->most ? n : m->most);
}

static ssize_t
meter_write(struct stream *self, const void *from, size_t n)
{
	struct meter *m = (struct meter *)self;
	size_t keep = n < sizeof m->first - m->first_length ? n : sizeof m->first - m->first_length;

	m->writes++;
	memcpy(m->first + m->first_length, from, keep);
	m->first_length += keep;
	return m->below->write(m->below, from, n < m->most ? n : m->most);
}

static enum tls_step
drive_through(struct client *c, struct meter *m, enum tls_goal goal)
{
	for (;;) {
		enum tls_step step = tls_pump(c->tls, &m->stream, goal);

		if (step == TLS_REACHED || step == TLS_FAILED)
			return step;
		wait_for(c->socket.fd, step == TLS_WANT_READ ? POLLIN : POLLOUT);
	}
}

static bool
hello_has(const struct meter *m, unsigned extension)
{
	/* record and message heads, version, random, session id (none), suites, compression */
	size_t at = 5 + 4 + 2 + 32 + 1;

	at += 2 + ((size_t)m->first[at] << 8 | m->first[at + 1]) + 2 + 2;
	while (at + 4 <= m->first_length) {
		if (((unsigned)m->first[at] << 8 | m->first[at + 1]) == extension)
			return true;
		at += 4 + ((size_t)m->first[at + 2] << 8 | m->first[at + 3]);
	}
	return false;
}

static void
test_one_write_a_flight(void **state)
{
	struct server s;
	struct client c;
	struct meter m = { .stream = { meter_read, meter_write }, .below = &c.socket.stream, .most = SIZE_MAX };

	(void)state;
	start_openssl(&s, "rsa", "-verify 1 -rev");
	dial(&c, s.port, &modern);
	assert_int_equal(drive_through(&c, &m, TLS_CHAIN), TLS_REACHED);
	assert_int_equal(m.writes, 1);
	assert_true(hello_has(&m, 0));      /* server_name */
	assert_true(hello_has(&m, 0xff01)); /* renegotiation_info */
	assert_false(hello_has(&m, 1));     /* max_fragment_length */
	assert_false(hello_has(&m, 16));    /* ALPN: none was given */
	assert_int_equal(drive_through(&c, &m, TLS_OPEN), TLS_REACHED);
	assert_int_equal(m.writes, 2); /* Certificate, ClientKeyExchange, ChangeCipherSpec, Finished */
	write_all(&c, "abc\n", 4);
	hang_up(&c);
	stop(&s);
}

/* Whatever the stream below takes and gives at once, the bytes are the same. */
static void
test_trickle(void **state)
{
	static const char line[] = "a line that is longer than what passes at once\n";
	struct server s;
	struct client c;
	struct meter m = { .stream = { meter_read, meter_write }, .below = &c.socket.stream };
	unsigned char back[sizeof line];

	(void)state;
	start_openssl(&s, "p256", "-rev");
	for (m.most = 1; m.most <= 7; m.most += 3) {
		dial(&c, s.port, &modern);
		assert_int_equal(drive_through(&c, &m, TLS_CHAIN), TLS_REACHED);
		assert_int_equal(drive_through(&c, &m, TLS_OPEN), TLS_REACHED);
		assert_int_equal(tls_stream(c.tls)->write(tls_stream(c.tls), line, sizeof line - 1), sizeof line - 1);
		assert_int_equal(drive_through(&c, &m, TLS_OPEN), TLS_REACHED);
		assert_int_equal(read_all(&c, back, sizeof line - 1), sizeof line - 1);
		assert_memory_equal(back, "ecno ta sessap", 14);
		hang_up(&c);
	}
	stop(&s);
}

/* A file of 300 KB: records of 16 KiB come, and all of its bytes. */
static void
download(const char *key, const char *options)
{
	static unsigned char all[400000];
	static const char request[] = "GET /big HTTP/1.0\r\n\r\n";
	struct server s;
	struct client c;
	ssize_t n;

	start_openssl(&s, key, options);
	dial(&c, s.port, &modern);
	assert_int_equal(drive(&c, TLS_CHAIN), TLS_REACHED);
	assert_int_equal(drive(&c, TLS_OPEN), TLS_REACHED);
	write_all(&c, request, sizeof request - 1);
	n = read_all(&c, all, sizeof all);
	assert_true(n > 300000);
	for (ssize_t i = n - 300000; i < n; i++)
		assert_int_equal(all[i], 'k');
	assert_true(tls_info(c.tls)->close_notify);
	assert_int_equal(tls_info(c.tls)->fault, TLS_OK);
	hang_up(&c);
	stop(&s);
}

static void
test_large_records(void **state)
{
	(void)state;
	assert_int_equal(run("head -c 300000 /dev/zero | tr '\\0' k >big"), 0);
	download("rsa", "-WWW -cipher ECDHE-RSA-AES128-GCM-SHA256");
	download("rsa", "-WWW -cipher ECDHE-RSA-AES256-SHA384");
	download("p256", "-WWW -cipher ECDHE-ECDSA-CHACHA20-POLY1305");
}

/* More than the buffers hold goes out and comes back. */
static void
test_upload(void **state)
{
	static unsigned char line[200000], back[200000];
	struct server s;
	struct client c;

	(void)state;
	memset(line, 'x', sizeof line);
	for (size_t i = 999; i < sizeof line; i += 1000)
		line[i] = '\n';
	start_openssl(&s, "rsa", "-rev");
	dial(&c, s.port, &modern);
	assert_int_equal(drive(&c, TLS_CHAIN), TLS_REACHED);
	assert_int_equal(drive(&c, TLS_OPEN), TLS_REACHED);
	for (size_t done = 0; done < sizeof line; done += 10000) { /* -rev reads and writes in turn */
		write_all(&c, line + done, 10000);
		assert_int_equal(read_all(&c, back + done, 10000), 10000);
	}
	hang_up(&c);
	stop(&s);
}

static void
test_goodbye(void **state)
{
	struct server s;
	struct client c;
	struct stream *stream;
	unsigned char byte;

	(void)state;
	start_openssl(&s, "rsa", "-msg -tls1_2");
	dial(&c, s.port, &modern);
	assert_int_equal(drive(&c, TLS_CHAIN), TLS_REACHED);
	assert_int_equal(drive(&c, TLS_OPEN), TLS_REACHED);
	write_all(&c, "last words\n", 11);
	assert_int_equal(drive(&c, TLS_SHUT), TLS_REACHED);
	assert_int_equal(drive(&c, TLS_SHUT), TLS_REACHED); /* again does nothing */
	hang_up(&c);
	assert_true(prints(&s, "last words"));
	assert_true(prints(&s, "warning close_notify"));
	stop(&s);

	start_openssl(&s, "rsa", "-tls1_2");
	dial(&c, s.port, &modern);
	assert_int_equal(drive(&c, TLS_CHAIN), TLS_REACHED);
	assert_int_equal(drive(&c, TLS_OPEN), TLS_REACHED);
	stop(&s); /* killed: the end comes without close_notify */
	stream = tls_stream(c.tls);
	while (stream->read(stream, &byte, 1) == STREAM_AGAIN)
		wait_for(c.socket.fd, POLLIN);
	assert_false(tls_info(c.tls)->close_notify);
	hang_up(&c);
}

/* Some servers let the handshake end before they break off for want of a certificate. */
static void
test_certificate_wanted_late(void **state)
{
	struct server s;
	struct client c;
	unsigned char byte;

	(void)state;
	start_openssl(&s, "rsa", "-tls1_2 -verify 1");
	dial(&c, s.port, &modern);
	assert_int_equal(drive(&c, TLS_CHAIN), TLS_REACHED);
	assert_int_equal(drive(&c, TLS_OPEN), TLS_REACHED);
	assert_int_equal(write(s.in, "Q\n", 2), 2);
	assert_int_equal(read_all(&c, &byte, 1), STREAM_FAILED);
	assert_int_equal(tls_info(c.tls)->fault, TLS_CLIENT_CERT_REQUIRED);
	hang_up(&c);
	stop(&s);
}

/* A HelloRequest on an open connection is refused by a warning, which OpenSSL doesn't accept. */
static void
test_renegotiation(void **state)
{
	struct server s;
	struct client c;
	unsigned char bytes[16];

	(void)state;
	start_openssl(&s, "rsa", "-tls1_2 -msg");
	dial(&c, s.port, &modern);
	assert_int_equal(drive(&c, TLS_CHAIN), TLS_REACHED);
	assert_int_equal(drive(&c, TLS_OPEN), TLS_REACHED);
	assert_int_equal(write(s.in, "r\n", 2), 2);
	assert_int_equal(read_all(&c, bytes, 1), STREAM_FAILED);
	assert_true(prints(&s, "warning no_renegotiation"));
	assert_int_equal(tls_info(c.tls)->fault, TLS_ALERT);
	assert_string_equal(tls_info(c.tls)->alert_name, "handshake_failure");
	hang_up(&c);
	stop(&s);
}

/* GnuTLS' server listens on all addresses, so it gets a network of its own. */
static int
isolated(void **state)
{
	(void)state;
	return isolate() ? 0 : -1;
}

static size_t
tests_of(struct CMUnitTest *to, const struct real *cases, size_t count, CMUnitTestFunction test)
{
	for (size_t i = 0; i < count; i++)
		to[i] = (struct CMUnitTest){ cases[i].name, test, NULL, NULL, (void *)(size_t)&cases[i] };
	return count;
}

int
main(void)
{
	enum { OPENSSL = sizeof openssl / sizeof *openssl, GNUTLS = sizeof gnutls / sizeof *gnutls };
	struct CMUnitTest with_openssl[OPENSSL], with_gnutls[GNUTLS];
	const struct CMUnitTest ways[] = {
		cmocka_unit_test(test_flight_is_held),
		cmocka_unit_test(test_one_write_a_flight),
		cmocka_unit_test(test_trickle),
		cmocka_unit_test(test_large_records),
		cmocka_unit_test(test_upload),
		cmocka_unit_test(test_goodbye),
		cmocka_unit_test(test_certificate_wanted_late),
		cmocka_unit_test(test_renegotiation),
	};
	int failed;

	(void)tests_of(with_openssl, openssl, OPENSSL, test_openssl);
	(void)tests_of(with_gnutls, gnutls, GNUTLS, test_gnutls);
	(void)signal(SIGPIPE, SIG_IGN);
	failed = cmocka_run_group_tests_name("ways of a connection", ways, make_keys, NULL);
	failed += cmocka_run_group_tests_name("OpenSSL's server", with_openssl, NULL, NULL);
	return failed + cmocka_run_group_tests_name("GnuTLS' server", with_gnutls, isolated, remove_keys);
}
