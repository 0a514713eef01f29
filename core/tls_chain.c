#include "tls_chain.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void
fail(struct tls_chain *c, enum tls_chain_fault fault)
{
	if (c->fault == TLS_CHAIN_OK)
		c->fault = fault;
}

static struct tls_chain *
chain_of(const br_x509_class **ctx)
{
	return (struct tls_chain *)(void *)ctx;
}

static void
start_chain(const br_x509_class **ctx, const char *server_name)
{
	struct tls_chain *c = chain_of(ctx);

	(void)server_name; /* names are the judge's business */
	c->count = c->length = c->expected = 0;
	c->key = NULL;
}

static void
start_cert(const br_x509_class **ctx, uint32_t length)
{
	struct tls_chain *c = chain_of(ctx);
	unsigned char *der;

	if (c->fault != TLS_CHAIN_OK)
		return;
	if (c->count == TLS_CERTIFICATES_MAX || length > TLS_CERTIFICATE_MAX || length > TLS_CHAIN_MAX - c->length) {
		fail(c, TLS_CHAIN_TOO_LARGE);
		return;
	}
	der = realloc(c->der, c->length + length + 1); /* + 1: never a request for nothing */
	if (der == NULL) {
		fail(c, TLS_CHAIN_NO_MEMORY);
		return;
	}
	c->der = der;
	c->expected = c->length + length;
}

static void
append(const br_x509_class **ctx, const unsigned char *bytes, size_t n)
{
	struct tls_chain *c = chain_of(ctx);

	if (c->fault != TLS_CHAIN_OK || n > c->expected - c->length)
		return;
	memcpy(c->der + c->length, bytes, n);
	c->length += n;
}

/* BearSSL's handshake checks a modulus for being even or zero, but no exponent:
 * 1 would let anybody sign, and a huge one costs 100 times the work. */
static bool
rsa_usable(const br_rsa_public_key *key)
{
	const unsigned char *n = key->n, *e = key->e;
	size_t n_length = key->nlen, e_length = key->elen;

	while (n_length > 0 && *n == 0)
		n++, n_length--;
	while (e_length > 0 && *e == 0)
		e++, e_length--;
	if (n_length == 0 || n_length > TLS_RSA_BYTES_MAX || e_length == 0 || e_length > TLS_RSA_EXPONENT_MAX)
		return false;
	return (e[e_length - 1] & 1) == 1 && !(e_length == 1 && e[0] == 1);
}

/* The decoder must be given the whole certificate in ONE push: after an error
 * it resumes behind the failed check at the next push and writes past its
 * buffer (an EC key over 520 bytes, an RSA 8192 leaf, bytes behind the end). */
static void
decode_leaf(struct tls_chain *c)
{
	const br_x509_pkey *key;

	br_x509_decoder_init(&c->leaf, NULL, NULL);
	if (c->length > 0)
		br_x509_decoder_push(&c->leaf, c->der, c->length);
	if (br_x509_decoder_last_error(&c->leaf) != 0)
		return;
	key = br_x509_decoder_get_pkey(&c->leaf);
	if (key != NULL && (key->key_type != BR_KEYTYPE_RSA || rsa_usable(&key->key.rsa)))
		c->key = key;
}

static void
end_cert(const br_x509_class **ctx)
{
	struct tls_chain *c = chain_of(ctx);

	if (c->fault != TLS_CHAIN_OK)
		return;
	c->end[c->count++] = c->length;
	if (c->count == 1)
		decode_leaf(c);
}

static unsigned
end_chain(const br_x509_class **ctx)
{
	struct tls_chain *c = chain_of(ctx);

	if (c->fault != TLS_CHAIN_OK)
		return BR_ERR_LIMIT_EXCEEDED;
	c->complete = true;
	if (c->key != NULL)
		return 0;
	fail(c, TLS_CHAIN_KEY);
	return BR_ERR_X509_UNSUPPORTED;
}

static const br_x509_pkey *
get_pkey(const br_x509_class *const *ctx, unsigned *usages)
{
	const struct tls_chain *c = (const struct tls_chain *)(const void *)ctx;

	if (usages != NULL)
		*usages = BR_KEYTYPE_KEYX | BR_KEYTYPE_SIGN;
	return c->key;
}

static const br_x509_class recorder = {
	.context_size = sizeof(struct tls_chain),
	.start_chain = start_chain,
	.start_cert = start_cert,
	.append = append,
	.end_cert = end_cert,
	.end_chain = end_chain,
	.get_pkey = get_pkey,
};

void
tls_chain_init(struct tls_chain *c)
{
	*c = (struct tls_chain){ .vtable = &recorder };
}

void
tls_chain_free(struct tls_chain *c)
{
	free(c->der);
	c->der = NULL;
	c->count = c->length = c->expected = 0;
}

const unsigned char *
tls_chain_get(const struct tls_chain *c, size_t i, size_t *length)
{
	size_t start = i == 0 ? 0 : c->end[i - 1];

	*length = c->end[i] - start;
	return c->der + start;
}
