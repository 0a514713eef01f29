#ifndef KEDGE_TLS_CHAIN_H
#define KEDGE_TLS_CHAIN_H

#include <bearssl.h>
#include <stdbool.h>
#include <stddef.h>

/* BearSSL's X.509 class that trusts nobody and records everybody: it keeps the
 * certificates as they were sent and hands the engine the leaf's public key. */

/* Bounds: DESIGN section 8 */
enum {
	TLS_CERTIFICATES_MAX = 32,
	TLS_CERTIFICATE_MAX = 64 * 1024, /* bytes of one */
	TLS_CHAIN_MAX = 128 * 1024, /* bytes of all */
	TLS_RSA_BYTES_MAX = 512, /* modulus: 4096 bits */
	TLS_RSA_EXPONENT_MAX = 8, /* bytes: larger ones cost 100 times the work */
};

enum tls_chain_fault {
	TLS_CHAIN_OK,
	TLS_CHAIN_TOO_LARGE,
	TLS_CHAIN_NO_MEMORY,
	TLS_CHAIN_KEY, /* the leaf's key can't be used; the chain is complete */
};

struct tls_chain {
	const br_x509_class *vtable; /* first: BearSSL's contract */
	br_x509_decoder_context leaf; /* owns the key that get_pkey points at */
	const br_x509_pkey *key; /* NULL until the leaf was decoded */
	unsigned char *der; /* all certificates, one behind the other */
	size_t end[TLS_CERTIFICATES_MAX]; /* offset behind certificate i */
	size_t count; /* certificates received whole */
	size_t length, expected; /* bytes held; where the one under way will end */
	bool complete;
	enum tls_chain_fault fault; /* the first one */
};

/* Makes it ready for one handshake. */
void tls_chain_init(struct tls_chain *c);

/* Frees the certificates; may be called again. */
void tls_chain_free(struct tls_chain *c);

/* The DER of certificate i (< count) and its length. */
const unsigned char *tls_chain_get(const struct tls_chain *c, size_t i, size_t *length);

#endif
