#include "key.h"

#include <bearssl.h>
#include <string.h>

static const struct algorithm {
	enum key_type type;
	const char *name;
	unsigned char length;
	unsigned char oid[9];
} algorithms[] = {
	{ KEY_RSA, "rsa", 9, { 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1 } },
	{ KEY_EC, "ec", 7, { 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1 } },
	{ KEY_OTHER, "rsa-pss", 9, { 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 10 } },
	{ KEY_OTHER, "dsa", 7, { 0x2A, 0x86, 0x48, 0xCE, 0x38, 4, 1 } },
	{ KEY_OTHER, "x25519", 3, { 0x2B, 0x65, 110 } },
	{ KEY_OTHER, "x448", 3, { 0x2B, 0x65, 111 } },
	{ KEY_OTHER, "ed25519", 3, { 0x2B, 0x65, 112 } },
	{ KEY_OTHER, "ed448", 3, { 0x2B, 0x65, 113 } },
};

static const struct curve {
	const char *name;
	int number;
	unsigned bits;
	unsigned char length;
	unsigned char oid[8];
} curves[] = {
	{ "P-256", BR_EC_secp256r1, 256, 8, { 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7 } },
	{ "P-384", BR_EC_secp384r1, 384, 5, { 0x2B, 0x81, 4, 0, 34 } },
	{ "P-521", BR_EC_secp521r1, 521, 5, { 0x2B, 0x81, 4, 0, 35 } },
};

enum { POINT_UNCOMPRESSED = 0x04 };

static const struct algorithm *
algorithm_find(struct span oid)
{
	for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
		if (oid.length == algorithms[i].length && memcmp(oid.data, algorithms[i].oid, oid.length) == 0)
			return &algorithms[i];
	return NULL;
}

static const struct curve *
curve_find(struct span oid)
{
	for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
		if (oid.length == curves[i].length && memcmp(oid.data, curves[i].oid, oid.length) == 0)
			return &curves[i];
	return NULL;
}

static unsigned
bit_length(struct span number)
{
	unsigned bits;

	if (number.length == 0)
		return 0;
	bits = (unsigned)number.length * 8;
	for (unsigned top = number.data[0]; top < 0x80; top <<= 1)
		bits--;
	return bits;
}

/* A positive INTEGER without the zero that keeps it positive. */
static bool
positive_take(struct der *der, struct span *number)
{
	struct der_value value;

	if (!der_take(der, DER_INTEGER, &value) || value.content.length == 0 || value.content.data[0] >= 0x80)
		return false;
	*number = value.content;
	if (number->data[0] == 0) {
		number->data++;
		number->length--;
	}
	return number->length > 0;
}

static bool
is_odd(struct span number)
{
	return (number.data[number.length - 1] & 1) != 0;
}

/* Exponent 1 would make every message its own signature; an even modulus or exponent is no RSA key. */
static bool
rsa_supported(const struct public_key *key)
{
	bool one = key->exponent.length == 1 && key->exponent.data[0] == 1;

	return key->bits <= KEY_RSA_BITS_MAX && key->exponent.length <= KEY_EXPONENT_MAX && !one && is_odd(key->exponent) &&
	    is_odd(key->modulus);
}

static bool
rsa_read(struct span bits, struct public_key *key)
{
	struct der outer = der_open(bits), inner;

	if (!der_well_formed(bits) || !der_enter(&outer, DER_SEQUENCE, &inner) || !der_done(&outer))
		return false;
	if (!positive_take(&inner, &key->modulus) || !positive_take(&inner, &key->exponent) || !der_done(&inner))
		return false;
	key->bits = bit_length(key->modulus);
	key->supported = rsa_supported(key);
	return true;
}

/* RFC 5480 §2.1.1: only named curves; §2.2: a point may be compressed, which nobody's certificate does. */
static void
ec_read(struct span parameters, struct span bits, struct public_key *key)
{
	struct der der = der_open(parameters);
	const struct curve *curve;
	struct der_value oid;

	key->oid.length = 0;
	if (!der_take(&der, DER_OID, &oid) || !der_done(&der))
		return;
	key->oid = oid.content;
	curve = curve_find(oid.content);
	if (curve == NULL)
		return;
	key->curve = curve->number;
	key->bits = curve->bits;
	key->point = bits;
	key->supported = bits.length == 1 + 2 * ((curve->bits + 7) / 8) && bits.data[0] == POINT_UNCOMPRESSED;
}

bool
key_read(struct span spki, struct public_key *key)
{
	struct der outer = der_open(spki), inner, identifier;
	const struct algorithm *algorithm;
	struct der_value oid, bits;
	struct span parameters, content;

	memset(key, 0, sizeof *key);
	if (!der_enter(&outer, DER_SEQUENCE, &inner) || !der_done(&outer))
		return false;
	if (!der_enter(&inner, DER_SEQUENCE, &identifier) || !der_take(&identifier, DER_OID, &oid))
		return false;
	if (!der_take(&inner, DER_BIT_STRING, &bits) || !der_done(&inner) || bits.content.length < 1 || bits.content.data[0] != 0)
		return false;
	parameters = (struct span){ identifier.at, (size_t)(identifier.end - identifier.at) };
	content = (struct span){ bits.content.data + 1, bits.content.length - 1 };
	algorithm = algorithm_find(oid.content);
	key->oid = oid.content;
	key->type = algorithm == NULL ? KEY_OTHER : algorithm->type;
	if (key->type == KEY_RSA)
		return rsa_read(content, key);
	if (key->type == KEY_EC)
		ec_read(parameters, content, key);
	return true;
}

const char *
key_curve_name(const struct public_key *key)
{
	const struct curve *curve = curve_find(key->oid);

	return curve == NULL ? NULL : curve->name;
}

const char *
key_algorithm_name(const struct public_key *key)
{
	const struct algorithm *algorithm = algorithm_find(key->oid);

	return algorithm == NULL ? NULL : algorithm->name;
}
