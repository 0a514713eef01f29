#include "tls_offer.h"

#include <stdint.h>
#include <string.h>

/* These need TLS 1.2: RFC 5246 section 1.2 */
static const uint16_t modern_ecdhe[] = {
	BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	BR_TLS_ECDHE_ECDSA_WITH_AES_128_CCM,
	BR_TLS_ECDHE_ECDSA_WITH_AES_256_CCM,
	BR_TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8,
	BR_TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8,
	BR_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,
	BR_TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
	BR_TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384,
	BR_TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,
};

static const uint16_t old_ecdhe[] = {
	BR_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
	BR_TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
	BR_TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
	BR_TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
};

static const uint16_t modern_rsa[] = {
	BR_TLS_RSA_WITH_AES_128_GCM_SHA256, BR_TLS_RSA_WITH_AES_256_GCM_SHA384, BR_TLS_RSA_WITH_AES_128_CCM,
	BR_TLS_RSA_WITH_AES_256_CCM,        BR_TLS_RSA_WITH_AES_128_CCM_8,      BR_TLS_RSA_WITH_AES_256_CCM_8,
	BR_TLS_RSA_WITH_AES_128_CBC_SHA256, BR_TLS_RSA_WITH_AES_256_CBC_SHA256,
};

static const uint16_t old_rsa[] = {
	BR_TLS_RSA_WITH_AES_128_CBC_SHA,
	BR_TLS_RSA_WITH_AES_256_CBC_SHA,
};

static const uint16_t triple_des[] = {
	BR_TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA,
	BR_TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA,
	BR_TLS_RSA_WITH_3DES_EDE_CBC_SHA,
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

_Static_assert(COUNT(modern_ecdhe) + COUNT(old_ecdhe) + COUNT(modern_rsa) + COUNT(old_rsa) + COUNT(triple_des) <=
		       TLS_OFFER_SUITES_MAX,
	       "more suites than BearSSL takes");

struct offer {
	uint16_t suites[TLS_OFFER_SUITES_MAX];
	size_t count;
};

static void
add(struct offer *o, const uint16_t *suites, size_t count)
{
	memcpy(o->suites + o->count, suites, count * sizeof *suites);
	o->count += count;
}

void
tls_offer(br_ssl_engine_context *engine, unsigned version_min, unsigned version_max)
{
	struct offer o = { .count = 0 };

	if (version_max >= BR_TLS12)
		add(&o, modern_ecdhe, COUNT(modern_ecdhe));
	add(&o, old_ecdhe, COUNT(old_ecdhe));
	if (version_max >= BR_TLS12)
		add(&o, modern_rsa, COUNT(modern_rsa));
	add(&o, old_rsa, COUNT(old_rsa));
	if (version_min == BR_TLS10)
		add(&o, triple_des, COUNT(triple_des));
	br_ssl_engine_set_versions(engine, version_min, version_max);
	br_ssl_engine_set_suites(engine, o.suites, o.count);
}
