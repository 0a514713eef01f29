/* Public keys as certificates carry them (SubjectPublicKeyInfo; RFC 3279, RFC 5480). */
#ifndef KEDGE_KEY_H
#define KEDGE_KEY_H

#include "der.h"

enum {
	KEY_RSA_BITS_MAX = 4096,        /* BearSSL's bound */
	KEY_EXPONENT_MAX = 8            /* bytes; a longer one costs milliseconds an operation */
};

enum key_type { KEY_OTHER, KEY_RSA, KEY_EC };

struct public_key {
	enum key_type type;
	bool supported;                 /* signatures of it can be checked */
	unsigned bits;                  /* of the modulus, or of the curve's field; 0: unknown */
	struct span oid;                /* content: the key's algorithm, or an EC key's curve; empty: explicit parameters */
	struct span modulus, exponent;  /* RSA: without leading zeros */
	int curve;                      /* EC: BR_EC_secp256r1 and so on, 0: unknown */
	struct span point;              /* EC: uncompressed */
};

/* Reads a whole SubjectPublicKeyInfo; false if it isn't one. Keys point into it. */
bool key_read(struct span spki, struct public_key *key);

/* "P-256", "P-384", "P-521"; NULL for another curve. */
const char *key_curve_name(const struct public_key *key);

/* "ed25519" and so on for the algorithm of a KEY_OTHER; NULL: not one that has a name here. */
const char *key_algorithm_name(const struct public_key *key);

#endif
