#include "tls_names.h"

#include <bearssl.h>
#include <stddef.h>

struct name {
	int number;
	const char *text;
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* IANA: TLS Alerts */
static const struct name alerts[] = {
	{ 0, "close_notify" },
	{ 10, "unexpected_message" },
	{ 20, "bad_record_mac" },
	{ 21, "decryption_failed" },
	{ 22, "record_overflow" },
	{ 30, "decompression_failure" },
	{ 40, "handshake_failure" },
	{ 41, "no_certificate" },
	{ 42, "bad_certificate" },
	{ 43, "unsupported_certificate" },
	{ 44, "certificate_revoked" },
	{ 45, "certificate_expired" },
	{ 46, "certificate_unknown" },
	{ 47, "illegal_parameter" },
	{ 48, "unknown_ca" },
	{ 49, "access_denied" },
	{ 50, "decode_error" },
	{ 51, "decrypt_error" },
	{ 60, "export_restriction" },
	{ 70, "protocol_version" },
	{ 71, "insufficient_security" },
	{ 80, "internal_error" },
	{ 86, "inappropriate_fallback" },
	{ 90, "user_canceled" },
	{ 100, "no_renegotiation" },
	{ 109, "missing_extension" },
	{ 110, "unsupported_extension" },
	{ 111, "certificate_unobtainable" },
	{ 112, "unrecognized_name" },
	{ 113, "bad_certificate_status_response" },
	{ 114, "bad_certificate_hash_value" },
	{ 115, "unknown_psk_identity" },
	{ 116, "certificate_required" },
	{ 120, "no_application_protocol" },
};

/* IANA: TLS Cipher Suites, those that kedge may offer */
#define SUITE(x)                                                                                                       \
	{                                                                                                              \
		BR_TLS_##x, "TLS_" #x                                                                                  \
	}
static const struct name suites[] = {
	SUITE(ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
	SUITE(ECDHE_RSA_WITH_AES_128_GCM_SHA256),
	SUITE(ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
	SUITE(ECDHE_RSA_WITH_AES_256_GCM_SHA384),
	SUITE(ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
	SUITE(ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
	SUITE(ECDHE_ECDSA_WITH_AES_128_CCM),
	SUITE(ECDHE_ECDSA_WITH_AES_256_CCM),
	SUITE(ECDHE_ECDSA_WITH_AES_128_CCM_8),
	SUITE(ECDHE_ECDSA_WITH_AES_256_CCM_8),
	SUITE(ECDHE_ECDSA_WITH_AES_128_CBC_SHA256),
	SUITE(ECDHE_RSA_WITH_AES_128_CBC_SHA256),
	SUITE(ECDHE_ECDSA_WITH_AES_256_CBC_SHA384),
	SUITE(ECDHE_RSA_WITH_AES_256_CBC_SHA384),
	SUITE(ECDHE_ECDSA_WITH_AES_128_CBC_SHA),
	SUITE(ECDHE_RSA_WITH_AES_128_CBC_SHA),
	SUITE(ECDHE_ECDSA_WITH_AES_256_CBC_SHA),
	SUITE(ECDHE_RSA_WITH_AES_256_CBC_SHA),
	SUITE(ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA),
	SUITE(ECDHE_RSA_WITH_3DES_EDE_CBC_SHA),
	SUITE(RSA_WITH_AES_128_GCM_SHA256),
	SUITE(RSA_WITH_AES_256_GCM_SHA384),
	SUITE(RSA_WITH_AES_128_CCM),
	SUITE(RSA_WITH_AES_256_CCM),
	SUITE(RSA_WITH_AES_128_CCM_8),
	SUITE(RSA_WITH_AES_256_CCM_8),
	SUITE(RSA_WITH_AES_128_CBC_SHA256),
	SUITE(RSA_WITH_AES_256_CBC_SHA256),
	SUITE(RSA_WITH_AES_128_CBC_SHA),
	SUITE(RSA_WITH_AES_256_CBC_SHA),
	SUITE(RSA_WITH_3DES_EDE_CBC_SHA),
};

/* IANA: TLS Supported Groups, those that BearSSL knows */
static const struct name groups[] = {
	{ BR_EC_secp256r1, "secp256r1" },
	{ BR_EC_secp384r1, "secp384r1" },
	{ BR_EC_secp521r1, "secp521r1" },
	{ BR_EC_curve25519, "x25519" },
};

static const struct name versions[] = {
	{ 0x0300, "SSLv3" }, { 0x0301, "TLSv1.0" }, { 0x0302, "TLSv1.1" }, { 0x0303, "TLSv1.2" }, { 0x0304, "TLSv1.3" },
};

static const struct name engine_errors[] = {
	{ BR_ERR_OK, "the connection was closed" },
	{ BR_ERR_BAD_PARAM, "a length doesn't fit its message" },
	{ BR_ERR_BAD_STATE, "wrong use of the engine" },
	{ BR_ERR_UNSUPPORTED_VERSION, "a version that can't be spoken" },
	{ BR_ERR_BAD_VERSION, "records of different versions" },
	{ BR_ERR_BAD_LENGTH, "a record of invalid length" },
	{ BR_ERR_TOO_LARGE, "a record that is too large" },
	{ BR_ERR_BAD_MAC, "a record that can't be decrypted" },
	{ BR_ERR_NO_RANDOM, "no random numbers" },
	{ BR_ERR_UNKNOWN_TYPE, "an unknown type of record" },
	{ BR_ERR_UNEXPECTED, "an unexpected message" },
	{ BR_ERR_BAD_CCS, "an invalid ChangeCipherSpec" },
	{ BR_ERR_BAD_ALERT, "an invalid alert" },
	{ BR_ERR_BAD_HANDSHAKE, "an invalid handshake message" },
	{ BR_ERR_OVERSIZED_ID, "a session id that is too long" },
	{ BR_ERR_BAD_CIPHER_SUITE, "a cipher suite that wasn't offered" },
	{ BR_ERR_BAD_COMPRESSION, "a compression that wasn't offered" },
	{ BR_ERR_BAD_FRAGLEN, "a fragment length that wasn't offered" },
	{ BR_ERR_BAD_SECRENEG, "an invalid renegotiation_info" },
	{ BR_ERR_EXTRA_EXTENSION, "an extension that wasn't offered" },
	{ BR_ERR_BAD_SNI, "an invalid server_name answer" },
	{ BR_ERR_BAD_HELLO_DONE, "an invalid ServerHelloDone" },
	{ BR_ERR_LIMIT_EXCEEDED, "a key or signature that is too large" },
	{ BR_ERR_BAD_FINISHED, "a wrong Finished" },
	{ BR_ERR_RESUME_MISMATCH, "a resumed session that differs" },
	{ BR_ERR_INVALID_ALGORITHM, "an algorithm that wasn't offered" },
	{ BR_ERR_BAD_SIGNATURE, "a wrong signature of the key exchange" },
	{ BR_ERR_WRONG_KEY_USAGE, "a certificate whose key doesn't fit the cipher suite" },
	{ BR_ERR_NO_CLIENT_AUTH, "no client certificate" },
	{ BR_ERR_X509_WEAK_PUBLIC_KEY, "a key that is too short" },
	{ BR_ERR_X509_UNSUPPORTED, "a key that can't be used" },
};

static const char *
find(const struct name *table, size_t count, int number)
{
	for (size_t i = 0; i < count; i++)
		if (table[i].number == number)
			return table[i].text;
	return NULL;
}

const char *
tls_alert_name(int alert)
{
	const char *name = find(alerts, COUNT(alerts), alert);

	return name != NULL ? name : "unknown";
}

const char *
tls_suite_name(unsigned suite)
{
	return find(suites, COUNT(suites), (int)suite);
}

const char *
tls_group_name(int group)
{
	return find(groups, COUNT(groups), group);
}

const char *
tls_version_name(unsigned version)
{
	return find(versions, COUNT(versions), (int)version);
}

const char *
tls_engine_error_text(int error)
{
	const char *text;

	if (error >= BR_ERR_SEND_FATAL_ALERT)
		return "a fatal alert was sent";
	if (error >= BR_ERR_RECV_FATAL_ALERT)
		return "a fatal alert was received";
	text = find(engine_errors, COUNT(engine_errors), error);
	return text != NULL ? text : "an invalid message";
}
