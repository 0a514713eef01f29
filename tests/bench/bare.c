/*
 * bare PORT HOST ANCHOR.der [COUNT]: the least that a check can cost. BearSSL's own X.509 engine with one anchor that is
 * decoded anew for every connection, nghttp2, one GET /, COUNT times one after another (1 unless told), blocking. Exits 0 if
 * every reply had status 200. For the benchmark: kedge is measured against it.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bearssl.h>
#include <nghttp2/nghttp2.h>

struct bytes {
	unsigned char data[4096];
	size_t length;
};

struct reply {
	int status;
	int closed;
};

static void
append(void *context, const void *data, size_t length)
{
	struct bytes *b = context;

	if (b->length + length > sizeof b->data)
		exit(1);
	memcpy(b->data + b->length, data, length);
	b->length += length;
}

/* The anchor's name and key, from its certificate. */
static void
anchor_decode(br_x509_trust_anchor *ta, br_x509_decoder_context *decoder, struct bytes *dn, const char *file)
{
	unsigned char der[8192];
	FILE *f = fopen(file, "rb");
	size_t length;

	if (f == NULL)
		exit(1);
	length = fread(der, 1, sizeof der, f);
	fclose(f);
	dn->length = 0;
	br_x509_decoder_init(decoder, append, dn);
	br_x509_decoder_push(decoder, der, length);
	if (br_x509_decoder_get_pkey(decoder) == NULL)
		exit(1);
	ta->dn.data = dn->data;
	ta->dn.len = dn->length;
	ta->flags = BR_X509_TA_CA;
	ta->pkey = *br_x509_decoder_get_pkey(decoder);
}

static int
dial(const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
		exit(1);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

static int
low_read(void *context, unsigned char *data, size_t length)
{
	ssize_t n = read(*(int *)context, data, length);

	return n <= 0 ? -1 : (int)n;
}

static int
low_write(void *context, const unsigned char *data, size_t length)
{
	ssize_t n = write(*(int *)context, data, length);

	return n <= 0 ? -1 : (int)n;
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_length, const uint8_t *value,
    size_t value_length, uint8_t flags, void *user)
{
	struct reply *reply = user;

	(void)session, (void)frame, (void)value_length, (void)flags;
	if (name_length == 7 && memcmp(name, ":status", 7) == 0)
		reply->status = atoi((const char *)value);
	return 0;
}

static int
on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user)
{
	(void)session, (void)stream, (void)code;
	((struct reply *)user)->closed = 1;
	return 0;
}

static void
flush(nghttp2_session *session, br_sslio_context *io)
{
	const uint8_t *data;
	ssize_t n;

	while ((n = nghttp2_session_mem_send(session, &data)) > 0)
		br_sslio_write_all(io, data, (size_t)n);
	br_sslio_flush(io);
}

#define FIELD(n, v) { (uint8_t *)(n), (uint8_t *)(v), strlen(n), strlen(v), NGHTTP2_NV_FLAG_NONE }

static int
get(br_sslio_context *io, const char *host)
{
	nghttp2_nv fields[] = { FIELD(":method", "GET"), FIELD(":scheme", "https"), FIELD(":authority", host), FIELD(":path", "/") };
	nghttp2_session_callbacks *callbacks;
	nghttp2_session *session;
	struct reply reply = { 0, 0 };
	unsigned char data[16384];
	int n;

	nghttp2_session_callbacks_new(&callbacks);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	nghttp2_session_client_new(&session, callbacks, &reply);
	nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, NULL, 0);
	nghttp2_submit_ping(session, NGHTTP2_FLAG_NONE, NULL);
	nghttp2_submit_request(session, NULL, fields, 4, NULL, NULL);
	flush(session, io);
	while (!reply.closed && (n = br_sslio_read(io, data, sizeof data)) > 0) {
		if (nghttp2_session_mem_recv(session, data, (size_t)n) < 0)
			break;
		flush(session, io);
	}
	nghttp2_session_del(session);
	nghttp2_session_callbacks_del(callbacks);
	return reply.status == 200;
}

int
main(int argc, char **argv)
{
	static const char *protocols[] = { "h2" };
	static br_ssl_client_context client;
	static br_x509_minimal_context x509;
	static br_x509_decoder_context decoder;
	static unsigned char buffer[BR_SSL_BUFSIZE_BIDI];
	static struct bytes dn;
	int count = argc > 4 ? atoi(argv[4]) : 1;

	if (argc < 4)
		return 2;
	while (count-- > 0) {
		br_x509_trust_anchor anchor;
		br_sslio_context io;
		unsigned char seed[32];
		int fd, good;

		anchor_decode(&anchor, &decoder, &dn, argv[3]);
		br_ssl_client_init_full(&client, &x509, &anchor, 1);
		br_ssl_engine_set_buffer(&client.eng, buffer, sizeof buffer, 1);
		br_ssl_engine_set_protocol_names(&client.eng, protocols, 1);
		if (getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed)
			return 1;
		br_ssl_engine_inject_entropy(&client.eng, seed, sizeof seed);
		br_ssl_client_reset(&client, argv[2], 0);
		fd = dial(argv[1]);
		br_sslio_init(&io, &client.eng, low_read, &fd, low_write, &fd);
		good = get(&io, argv[2]);
		close(fd);
		if (!good)
			return 1;
	}
	return 0;
}
