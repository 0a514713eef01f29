#include "signature.h"

#include <bearssl.h>
#include <string.h>

#define PKCS1 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1
#define ANSI 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4
#define NIST 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3

/* RFC 3279, 4055, 5758, 8410. MD5 and older can be forged and are not checked at all. */
static const struct signature_algorithm algorithms[] = {
	{ "sha256WithRSAEncryption", DIGEST_SHA256, KEY_RSA, true, 9, { PKCS1, 11 } },
	{ "ecdsa-with-SHA256", DIGEST_SHA256, KEY_EC, false, 8, { ANSI, 3, 2 } },
	{ "ecdsa-with-SHA384", DIGEST_SHA384, KEY_EC, false, 8, { ANSI, 3, 3 } },
	{ "sha384WithRSAEncryption", DIGEST_SHA384, KEY_RSA, true, 9, { PKCS1, 12 } },
	{ "sha512WithRSAEncryption", DIGEST_SHA512, KEY_RSA, true, 9, { PKCS1, 13 } },
	{ "sha224WithRSAEncryption", DIGEST_SHA224, KEY_RSA, true, 9, { PKCS1, 14 } },
	{ "sha1WithRSAEncryption", DIGEST_SHA1, KEY_RSA, true, 9, { PKCS1, 5 } },
	{ "ecdsa-with-SHA512", DIGEST_SHA512, KEY_EC, false, 8, { ANSI, 3, 4 } },
	{ "ecdsa-with-SHA224", DIGEST_SHA224, KEY_EC, false, 8, { ANSI, 3, 1 } },
	{ "ecdsa-with-SHA1", DIGEST_SHA1, KEY_EC, false, 7, { ANSI, 1 } },
	{ "md5WithRSAEncryption", DIGEST_MD5, KEY_OTHER, true, 9, { PKCS1, 4 } },
	{ "md4WithRSAEncryption", DIGEST_NONE, KEY_OTHER, true, 9, { PKCS1, 3 } },
	{ "md2WithRSAEncryption", DIGEST_NONE, KEY_OTHER, true, 9, { PKCS1, 2 } },
	{ "rsassaPss", DIGEST_NONE, KEY_OTHER, false, 9, { PKCS1, 10 } },
	{ "dsaWithSHA1", DIGEST_SHA1, KEY_OTHER, false, 7, { 0x2A, 0x86, 0x48, 0xCE, 0x38, 4, 3 } },
	{ "dsa_with_SHA224", DIGEST_SHA224, KEY_OTHER, false, 9, { NIST, 1 } },
	{ "dsa_with_SHA256", DIGEST_SHA256, KEY_OTHER, false, 9, { NIST, 2 } },
	{ "ED25519", DIGEST_NONE, KEY_OTHER, false, 3, { 0x2B, 0x65, 112 } },
	{ "ED448", DIGEST_NONE, KEY_OTHER, false, 3, { 0x2B, 0x65, 113 } },
};

const struct signature_algorithm *
signature_algorithm_find(struct span oid)
{
	for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
		if (oid.length == algorithms[i].length && memcmp(oid.data, algorithms[i].oid, oid.length) == 0)
			return &algorithms[i];
	return NULL;
}

/* The object identifier of a hash with its length before it, as BearSSL wants it. */
static const unsigned char *
digest_oid(enum digest_kind kind)
{
	switch (kind) {
	case DIGEST_SHA1:
		return BR_HASH_OID_SHA1;
	case DIGEST_SHA224:
		return BR_HASH_OID_SHA224;
	case DIGEST_SHA256:
		return BR_HASH_OID_SHA256;
	case DIGEST_SHA384:
		return BR_HASH_OID_SHA384;
	case DIGEST_SHA512:
		return BR_HASH_OID_SHA512;
	default:
		return NULL;
	}
}

/* BearSSL takes these pointers without const and only reads. */
static unsigned char *
bare(struct span span)
{
	union {
		const unsigned char *is;
		unsigned char *wanted;
	} pointer = { span.data };

	return pointer.wanted;
}

/* RFC 8017 §8.2.2: a signature is as long as the modulus. */
static bool
rsa_check(const struct public_key *key, enum digest_kind kind, const unsigned char *hash, size_t length, struct span signature)
{
	br_rsa_public_key rsa = { bare(key->modulus), key->modulus.length, bare(key->exponent), key->exponent.length };
	unsigned char signed_hash[DIGEST_SIZE_MAX];

	if (signature.length != key->modulus.length)
		return false;
	if (br_rsa_pkcs1_vrfy_get_default()(signature.data, signature.length, digest_oid(kind), length, &rsa, signed_hash) != 1)
		return false;
	return memcmp(hash, signed_hash, length) == 0;
}

/* BearSSL reads the two numbers leniently, RFC 3279 §2.2.3 wants DER. */
static bool
ec_check(const struct public_key *key, const unsigned char *hash, size_t length, struct span signature)
{
	br_ec_public_key ec = { key->curve, bare(key->point), key->point.length };
	struct der outer = der_open(signature), inner;
	struct der_value r, s;

	if (!der_well_formed(signature) || !der_enter(&outer, DER_SEQUENCE, &inner) || !der_done(&outer))
		return false;
	if (!der_take(&inner, DER_INTEGER, &r) || !der_take(&inner, DER_INTEGER, &s) || !der_done(&inner))
		return false;
	if (r.content.data[0] >= 0x80 || s.content.data[0] >= 0x80)
		return false;
	return br_ecdsa_vrfy_asn1_get_default()(br_ec_get_default(), hash, length, &ec, signature.data, signature.length) == 1;
}

enum signature_answer
signature_check(const struct signature_algorithm *algorithm, const struct public_key *key, struct span message,
    struct span signature, const char **why)
{
	unsigned char hash[DIGEST_SIZE_MAX];
	size_t length;
	bool good;

	*why = "the signature's algorithm can't be checked";
	if (algorithm == NULL || algorithm->key == KEY_OTHER)
		return SIGNATURE_UNSUPPORTED;
	*why = "the issuer's key can't be used to check signatures";
	if (!key->supported)
		return SIGNATURE_UNSUPPORTED;
	*why = "the signature is of another kind than the issuer's key";
	if (algorithm->key != key->type)
		return SIGNATURE_BAD;
	*why = "the issuer's key didn't make this signature";
	length = digest(algorithm->digest, message.data, message.length, hash);
	if (key->type == KEY_RSA)
		good = rsa_check(key, algorithm->digest, hash, length, signature);
	else
		good = ec_check(key, hash, length, signature);
	return good ? SIGNATURE_GOOD : SIGNATURE_BAD;
}
