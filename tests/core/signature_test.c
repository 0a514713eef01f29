#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <bearssl.h>

#include "core/certificate.h"
#include "tests/core/fixture.h"

enum { RSA_BITS = 2048, RSA_BYTES = RSA_BITS / 8 };

static const unsigned char message[] = "the signed part of a certificate";
static const struct span signed_part = { message, sizeof message };

static unsigned char rsa_private_room[BR_RSA_KBUF_PRIV_SIZE(RSA_BITS)], rsa_public_room[BR_RSA_KBUF_PUB_SIZE(RSA_BITS)];
static br_rsa_private_key rsa_private;
static struct public_key rsa_key;

/* Keys are drawn from a fixed seed, so every run tests the same ones. */
static void
random_open(br_hmac_drbg_context *random, const char *seed)
{
	br_hmac_drbg_init(random, &br_sha256_vtable, seed, strlen(seed));
}

/* With exponent 3, so that what is forged against small exponents can be tried. */
static int
make_rsa(void **state)
{
	br_hmac_drbg_context random;
	br_rsa_public_key made;

	(void)state;
	random_open(&random, "rsa");
	if (br_rsa_keygen_get_default()(&random.vtable, &rsa_private, rsa_private_room, &made, rsa_public_room, RSA_BITS, 3) != 1)
		return -1;
	rsa_key = (struct public_key){ .type = KEY_RSA, .supported = true, .bits = RSA_BITS, .modulus = { made.n, made.nlen },
		.exponent = { made.e, made.elen } };
	return 0;
}

static const struct signature_algorithm *
algorithm(const char *hex)
{
	unsigned char oid[16];
	struct span span = { oid, 0 };

	for (; *hex != '\0'; hex += 2) {
		unsigned byte;

		sscanf(hex, "%2x", &byte);
		oid[span.length++] = (unsigned char)byte;
	}
	return signature_algorithm_find(span);
}

static enum signature_answer
check(const struct signature_algorithm *a, const struct public_key *key, const unsigned char *signature, size_t length)
{
	unsigned char *copy = fixture_copy(signature, length);
	struct span span = { copy, length };
	const char *why;
	enum signature_answer answer = signature_check(a, key, signed_part, span, &why);

	free(copy);
	return answer;
}

static const struct {
	const char *rsa, *ec;
	enum digest_kind digest;
	const unsigned char *oid;
	const br_hash_class *class;
} hashes[] = {
	{ "2a864886f70d010105", "2a8648ce3d0401", DIGEST_SHA1, BR_HASH_OID_SHA1, &br_sha1_vtable },
	{ "2a864886f70d01010e", "2a8648ce3d040301", DIGEST_SHA224, BR_HASH_OID_SHA224, &br_sha224_vtable },
	{ "2a864886f70d01010b", "2a8648ce3d040302", DIGEST_SHA256, BR_HASH_OID_SHA256, &br_sha256_vtable },
	{ "2a864886f70d01010c", "2a8648ce3d040303", DIGEST_SHA384, BR_HASH_OID_SHA384, &br_sha384_vtable },
	{ "2a864886f70d01010d", "2a8648ce3d040304", DIGEST_SHA512, BR_HASH_OID_SHA512, &br_sha512_vtable },
};

enum { HASHES = sizeof hashes / sizeof *hashes };

static void
rsa_with_each_hash(void **state)
{
	(void)state;
	for (size_t i = 0; i < HASHES; i++) {
		unsigned char hash[DIGEST_SIZE_MAX], signature[RSA_BYTES + 1] = { 0 };
		size_t length = digest(hashes[i].digest, message, sizeof message, hash);

		assert_int_equal(br_rsa_pkcs1_sign_get_default()(hashes[i].oid, hash, length, &rsa_private, signature), 1);
		assert_int_equal(check(algorithm(hashes[i].rsa), &rsa_key, signature, RSA_BYTES), SIGNATURE_GOOD);
		for (size_t other = 0; other < HASHES; other++)
			if (other != i)
				assert_int_equal(check(algorithm(hashes[other].rsa), &rsa_key, signature, RSA_BYTES), SIGNATURE_BAD);
		assert_int_equal(check(algorithm(hashes[i].ec), &rsa_key, signature, RSA_BYTES), SIGNATURE_BAD);
		assert_int_equal(check(algorithm(hashes[i].rsa), &rsa_key, signature, RSA_BYTES - 1), SIGNATURE_BAD);
		assert_int_equal(check(algorithm(hashes[i].rsa), &rsa_key, signature, RSA_BYTES + 1), SIGNATURE_BAD);
		assert_int_equal(check(algorithm(hashes[i].rsa), &rsa_key, signature, 0), SIGNATURE_BAD);
		signature[RSA_BYTES / 2] ^= 1;
		assert_int_equal(check(algorithm(hashes[i].rsa), &rsa_key, signature, RSA_BYTES), SIGNATURE_BAD);
	}
}

/* DigestInfo of SHA-256 up to the hash (RFC 8017 §9.2). */
static const unsigned char digest_info[] = { 0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
	0x05, 0x00, 0x04, 0x20 };

/* Signs a block that begins with 00 01, count bytes of FF, 00, DigestInfo and hash; the rest of it is garbage. */
static enum signature_answer
padded(size_t count, unsigned char type, unsigned char filler)
{
	unsigned char block[RSA_BYTES], hash[DIGEST_SIZE_MAX];
	size_t at = 0;

	digest(DIGEST_SHA256, message, sizeof message, hash);
	memset(block, 0x5A, sizeof block);
	block[at++] = 0;
	block[at++] = type;
	memset(block + at, filler, count);
	at += count;
	block[at++] = 0;
	memcpy(block + at, digest_info, sizeof digest_info);
	at += sizeof digest_info;
	memcpy(block + at, hash, 32);
	assert_int_equal(br_rsa_private_get_default()(block, &rsa_private), 1);
	return check(algorithm("2a864886f70d01010b"), &rsa_key, block, sizeof block);
}

static void
rsa_padding(void **state)
{
	const size_t full = RSA_BYTES - 3 - sizeof digest_info - 32;

	(void)state;
	assert_int_equal(padded(full, 1, 0xFF), SIGNATURE_GOOD);
	assert_int_equal(padded(full - 1, 1, 0xFF), SIGNATURE_BAD);     /* garbage behind the hash: Bleichenbacher 2006 */
	assert_int_equal(padded(8, 1, 0xFF), SIGNATURE_BAD);
	assert_int_equal(padded(0, 1, 0xFF), SIGNATURE_BAD);
	assert_int_equal(padded(full, 2, 0xFF), SIGNATURE_BAD);
	assert_int_equal(padded(full, 1, 0xFE), SIGNATURE_BAD);
}

static void
rsa_numbers(void **state)
{
	unsigned char signature[RSA_BYTES] = { 0 };

	(void)state;
	assert_int_equal(check(algorithm("2a864886f70d01010b"), &rsa_key, signature, sizeof signature), SIGNATURE_BAD);
	signature[RSA_BYTES - 1] = 1;
	assert_int_equal(check(algorithm("2a864886f70d01010b"), &rsa_key, signature, sizeof signature), SIGNATURE_BAD);
	memcpy(signature, rsa_key.modulus.data, sizeof signature);
	assert_int_equal(check(algorithm("2a864886f70d01010b"), &rsa_key, signature, sizeof signature), SIGNATURE_BAD);
	memset(signature, 0xFF, sizeof signature);
	assert_int_equal(check(algorithm("2a864886f70d01010b"), &rsa_key, signature, sizeof signature), SIGNATURE_BAD);
}

/* A modulus of a few bits is a bad signature and no trouble. */
static void
rsa_tiny(void **state)
{
	static const unsigned char modulus[] = { 0x43 }, exponent[] = { 3 }, signature[] = { 1 };
	struct public_key key = { .type = KEY_RSA, .supported = true, .bits = 7, .modulus = { modulus, 1 }, .exponent = { exponent, 1 } };

	(void)state;
	assert_int_equal(check(algorithm("2a864886f70d01010b"), &key, signature, 1), SIGNATURE_BAD);
}

static void
ec_with_each_curve_and_hash(void **state)
{
	static const int curves[] = { BR_EC_secp256r1, BR_EC_secp384r1, BR_EC_secp521r1 };
	br_hmac_drbg_context random;

	(void)state;
	random_open(&random, "ec");
	for (size_t c = 0; c < sizeof curves / sizeof *curves; c++) {
		unsigned char private_room[BR_EC_KBUF_PRIV_MAX_SIZE], public_room[BR_EC_KBUF_PUB_MAX_SIZE];
		const br_ec_impl *ec = br_ec_get_default();
		br_ec_private_key private;
		br_ec_public_key public;
		struct public_key key = { .type = KEY_EC, .supported = true, .curve = curves[c] };

		assert_true(br_ec_keygen(&random.vtable, ec, &private, private_room, curves[c]) > 0);
		assert_true(br_ec_compute_pub(ec, &public, public_room, &private) > 0);
		key.point = (struct span){ public.q, public.qlen };
		for (size_t h = 0; h < HASHES; h++) {
			unsigned char hash[DIGEST_SIZE_MAX], signature[160];
			const struct signature_algorithm *a = algorithm(hashes[h].ec);
			size_t length;

			digest(hashes[h].digest, message, sizeof message, hash);
			length = br_ecdsa_sign_asn1_get_default()(ec, hashes[h].class, hash, &private, signature);
			assert_true(length > 0);
			assert_int_equal(check(a, &key, signature, length), SIGNATURE_GOOD);
			assert_int_equal(check(algorithm(hashes[(h + 1) % HASHES].ec), &key, signature, length), SIGNATURE_BAD);
			assert_int_equal(check(algorithm(hashes[h].rsa), &key, signature, length), SIGNATURE_BAD);
			assert_int_equal(check(a, &rsa_key, signature, length), SIGNATURE_BAD);
			assert_int_equal(check(a, &key, signature, length - 1), SIGNATURE_BAD);
			signature[length] = 0;
			assert_int_equal(check(a, &key, signature, length + 1), SIGNATURE_BAD);
			signature[length - 1] ^= 1;
			assert_int_equal(check(a, &key, signature, length), SIGNATURE_BAD);
			public_room[public.qlen - 1] ^= 1;      /* off the curve */
			signature[length - 1] ^= 1;
			assert_int_equal(check(a, &key, signature, length), SIGNATURE_BAD);
			public_room[public.qlen - 1] ^= 1;
		}
	}
}

/* What BearSSL alone would let pass, and numbers that are none: r and s as given, in a SEQUENCE as given. */
static void
ec_forms(void **state)
{
	static const struct {
		const char *word;
		unsigned char before[4], before_length, r_before[4], r_before_length;
		bool good;
	} cases[] = {
		{ "as it is", { 0x30, 0 }, 2, { 0x02, 32 }, 2, true },
		{ "long form", { 0x30, 0x81, 0 }, 3, { 0x02, 32 }, 2, false },
		{ "set", { 0x31, 0 }, 2, { 0x02, 32 }, 2, false },
		{ "needless zero", { 0x30, 0 }, 2, { 0x02, 33, 0 }, 3, false },
		{ "bit string", { 0x30, 0 }, 2, { 0x03, 32 }, 2, false },
	};
	unsigned char private_room[BR_EC_KBUF_PRIV_MAX_SIZE], public_room[BR_EC_KBUF_PUB_MAX_SIZE], hash[DIGEST_SIZE_MAX], raw[64];
	const br_ec_impl *ec = br_ec_get_default();
	br_hmac_drbg_context random;
	br_ec_private_key private;
	br_ec_public_key public;
	struct public_key key = { .type = KEY_EC, .supported = true, .curve = BR_EC_secp256r1 };

	(void)state;
	random_open(&random, "forms");
	digest(DIGEST_SHA256, message, sizeof message, hash);
	do {                            /* until both numbers begin with a byte from 01 to 7F */
		assert_true(br_ec_keygen(&random.vtable, ec, &private, private_room, BR_EC_secp256r1) > 0);
		assert_int_equal(br_ecdsa_sign_raw_get_default()(ec, &br_sha256_vtable, hash, &private, raw), 64);
	} while (raw[0] == 0 || raw[0] >= 0x80 || raw[32] == 0 || raw[32] >= 0x80);
	br_ec_compute_pub(ec, &public, public_room, &private);
	key.point = (struct span){ public.q, public.qlen };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		unsigned char signature[80], *at = signature;

		memcpy(at, cases[i].before, cases[i].before_length);
		at += cases[i].before_length;
		memcpy(at, cases[i].r_before, cases[i].r_before_length);
		at += cases[i].r_before_length;
		memcpy(at, raw, 32);
		memcpy(at + 32, "\x02\x20", 2);
		memcpy(at + 34, raw + 32, 32);
		at += 66;
		signature[cases[i].before_length - 1] = (unsigned char)(at - signature - cases[i].before_length);
		if ((check(algorithm("2a8648ce3d040302"), &key, signature, (size_t)(at - signature)) == SIGNATURE_GOOD) != cases[i].good)
			fail_msg("%s", cases[i].word);
	}
	assert_int_equal(check(algorithm("2a8648ce3d040302"), &key, (const unsigned char *)"\x30\x06\x02\x01\x00\x02\x01\x00", 8), SIGNATURE_BAD);
	assert_int_equal(check(algorithm("2a8648ce3d040302"), &key, (const unsigned char *)"\x30\x06\x02\x01\x01\x02\x01\xff", 8), SIGNATURE_BAD);
	assert_int_equal(check(algorithm("2a8648ce3d040302"), &key, (const unsigned char *)"\x30\x03\x02\x01\x01", 5), SIGNATURE_BAD);
	assert_int_equal(check(algorithm("2a8648ce3d040302"), &key, (const unsigned char *)"\x30\x00", 2), SIGNATURE_BAD);
}

static void
unsupported(void **state)
{
	static const char *const oids[] = { "2a864886f70d010104", "2a864886f70d010102", "2a864886f70d01010a", "2b6570", "2b6571",
		"2a8648ce380403" };
	struct public_key key = rsa_key;
	unsigned char signature[RSA_BYTES] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof oids / sizeof *oids; i++) {
		assert_non_null(algorithm(oids[i]));
		assert_int_equal(check(algorithm(oids[i]), &rsa_key, signature, sizeof signature), SIGNATURE_UNSUPPORTED);
	}
	assert_null(algorithm("2a0304"));
	assert_int_equal(check(NULL, &rsa_key, signature, sizeof signature), SIGNATURE_UNSUPPORTED);
	key.supported = false;
	assert_int_equal(check(algorithm("2a864886f70d01010b"), &key, signature, sizeof signature), SIGNATURE_UNSUPPORTED);
}

/* The six authorities, each by its own key and by no other's. */
static void
real_certificates(void **state)
{
	static const char *const files[] = { "trust/AmazonRootCA1.pem", "trust/AmazonRootCA2.pem", "trust/AmazonRootCA3.pem",
		"trust/AmazonRootCA4.pem", "trust/StarfieldServicesRootCertificateAuthority-G2.pem",
		"trust/StarfieldClass2CertificationAuthority.pem" };
	enum { COUNT = sizeof files / sizeof *files };
	struct certificate certificates[COUNT];
	struct span ders[COUNT];
	const char *why;

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		ders[i] = fixture_certificate(files[i]);
		assert_non_null(ders[i].data);
		assert_null(certificate_parse(&certificates[i], ders[i].data, ders[i].length));
	}
	for (size_t child = 0; child < COUNT; child++)
		for (size_t issuer = 0; issuer < COUNT; issuer++)
			assert_int_equal(certificate_verify(&certificates[child], &certificates[issuer], &why),
			    child == issuer ? SIGNATURE_GOOD : SIGNATURE_BAD);
	certificates[0].algorithms_agree = false;
	assert_int_equal(certificate_verify(&certificates[0], &certificates[0], &why), SIGNATURE_BAD);
	for (size_t i = 0; i < COUNT; i++)
		fixture_free(ders[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rsa_with_each_hash),
		cmocka_unit_test(rsa_padding),
		cmocka_unit_test(rsa_numbers),
		cmocka_unit_test(rsa_tiny),
		cmocka_unit_test(ec_with_each_curve_and_hash),
		cmocka_unit_test(ec_forms),
		cmocka_unit_test(unsupported),
		cmocka_unit_test(real_certificates),
	};

	return cmocka_run_group_tests(tests, make_rsa, NULL);
}
