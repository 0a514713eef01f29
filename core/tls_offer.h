#ifndef KEDGE_TLS_OFFER_H
#define KEDGE_TLS_OFFER_H

#include <bearssl.h>

enum { TLS_OFFER_SUITES_MAX = 48 }; /* BearSSL's list has no room for more */

/* Chooses versions (0x0301 to 0x0303, min <= max) and cipher suites of a
 * client: ECDHE before static RSA, authenticated encryption before CBC; 3DES
 * only where TLS 1.0 is offered, whose oldest servers know nothing else. */
void tls_offer(br_ssl_engine_context *engine, unsigned version_min, unsigned version_max);

#endif
