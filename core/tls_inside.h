#ifndef KEDGE_TLS_INSIDE_H
#define KEDGE_TLS_INSIDE_H

#include <bearssl.h>

#include "tls.h"
#include "tls_chain.h"
#include "tls_hello.h"

/* What core/tls*.c share; nobody else includes this. */

enum {
	TLS_INPUT = BR_SSL_BUFSIZE_INPUT, /* bytes: a CBC record with 16 KiB of data */
	TLS_OUTPUT = 512 + 85, /* bytes: BearSSL's least; our flights are small */
	TLS_IN_STAGE = 2048, /* bytes: what the network gave and the engine hasn't taken yet */
	TLS_OUT_STAGE = 1024, /* bytes: gathers the records of a flight into one write */
};

/* BearSSL calls it when the server asks for a certificate. */
struct tls_identity {
	const br_ssl_client_certificate_class *vtable; /* first: BearSSL's contract */
	bool requested;
};

struct tls {
	struct stream stream; /* first: what tls_stream gives */
	struct stream *below; /* of the last pump; not owned */
	br_ssl_client_context client;
	struct tls_chain chain;
	struct tls_hello hello;
	struct tls_identity identity;
	struct tls_info info;
	char alpn_text[TLS_ALPN_TOTAL_MAX]; /* the names offered, each with its NUL */
	const char *alpn[TLS_ALPN_COUNT_MAX];
	bool released; /* the second flight may go */
	bool opened; /* application data may pass, or might once */
	bool ended; /* the stream below has reached its end */
	bool used; /* application data has been received */
	int write_error; /* errno of the write that failed: output is dropped from then on */
	size_t barren; /* bytes received since the start or the last application data */
	size_t in_start, in_end, out_start, out_end;
	unsigned char said[TLS_SAID_MAX];
	unsigned char in[TLS_IN_STAGE], out[TLS_OUT_STAGE];
	unsigned char input[TLS_INPUT], output[TLS_OUTPUT];
};

/* Sets the functions that read and write application data. */
void tls_stream_init(struct stream *s);

/* Keeps the first fault. */
void tls_fail(struct tls *t, enum tls_fault fault);

/* Says why the engine closed, from its error and from what was seen. */
enum tls_fault tls_engine_fault(const struct tls *t);

/* Says what it means that the stream below ended, or broke with an errno. */
enum tls_fault tls_broken_fault(const struct tls *t, int error);

/* A server that wants a certificate may say so by breaking off once it has seen
 * that we have none, mostly before its Finished, some behind it. True where an
 * alert or an end now would mean that. */
bool tls_wanted_certificate(const struct tls *t);

/* True when the server selected a protocol that wasn't offered. */
bool tls_alpn_mismatch(const struct tls *t);

/* Whether the peer said close_notify; once it is answered the engine is closed without an error. */
bool tls_goodbye(const struct tls *t);

#endif
