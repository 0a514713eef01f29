/* Does this key verify this? RSA PKCS#1 v1.5 and ECDSA, with SHA-1 and SHA-2. */
#ifndef KEDGE_SIGNATURE_H
#define KEDGE_SIGNATURE_H

#include "digest.h"
#include "key.h"

struct signature_algorithm {
	const char *name;               /* as openssl spells it */
	enum digest_kind digest;        /* DIGEST_NONE: part of the parameters or of the algorithm */
	enum key_type key;              /* KEY_OTHER: can't be checked */
	bool null;                      /* parameters are NULL; else absent */
	unsigned char length;
	unsigned char oid[9];
};

enum signature_answer {
	SIGNATURE_GOOD,
	SIGNATURE_BAD,
	SIGNATURE_UNSUPPORTED           /* a key or an algorithm that can't be checked */
};

/* The algorithm of an object identifier's content, or NULL. */
const struct signature_algorithm *signature_algorithm_find(struct span oid);

/*
 * Checks that signature (raw, without the BIT STRING's first octet) over message was made by the private half of key.
 * algorithm may be NULL: unsupported. *why is set to a fixed sentence unless the answer is good.
 */
enum signature_answer signature_check(const struct signature_algorithm *algorithm, const struct public_key *key,
    struct span message, struct span signature, const char **why);

#endif
