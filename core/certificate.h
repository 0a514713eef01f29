/*
 * One X.509 certificate (RFC 5280 §4.1), read once, strictly and within bounds: DER only, every field that is read checked,
 * nothing allocated. The same reader serves the store and the judge. What breaks a rule of RFC 5280 but can still be read
 * is kept as a problem; whether it matters is for a policy to say.
 */
#ifndef KEDGE_CERTIFICATE_H
#define KEDGE_CERTIFICATE_H

#include "extension.h"
#include "key.h"
#include "signature.h"

enum { CERTIFICATE_MAX = 64 << 10 };    /* bytes */

enum certificate_problem {
	PROBLEM_SERIAL_NEGATIVE,
	PROBLEM_SERIAL_ZERO,
	PROBLEM_SERIAL_LONG,
	PROBLEM_TIME_UNREADABLE,
	PROBLEM_TIME_FORM,
	PROBLEM_TIME_ORDER,
	PROBLEM_ISSUER_EMPTY,
	PROBLEM_ALGORITHM_PARAMETERS,
	PROBLEM_UNIQUE_ID,
	PROBLEM_FALSE_WRITTEN,
	PROBLEM_EXTENSIONS_EMPTY,
	PROBLEM_PATH_LENGTH_WITHOUT_CA,
	PROBLEM_CA_NOT_CRITICAL,
	PROBLEM_KEY_USAGE_EMPTY,
	PROBLEM_KEY_USAGE_ENCODING,
	PROBLEM_KEY_USAGE_CERT_SIGN,
	PROBLEM_EXTENDED_KEY_USAGE_EMPTY,
	PROBLEM_SAN_EMPTY,
	PROBLEM_SAN_NOT_CRITICAL,
	PROBLEM_NAME_NOT_ASCII,
	PROBLEM_NAME_CONSTRAINTS_EMPTY,
	PROBLEM_NAME_CONSTRAINTS_WITHOUT_CA,
	PROBLEM_NAME_CONSTRAINTS_NOT_CRITICAL,
	PROBLEM_AKI_CRITICAL,
	PROBLEM_AKI_MISSING,
	PROBLEM_SKI_CRITICAL,
	PROBLEM_SKI_MISSING,
	PROBLEMS
};

/* Spans point into the bytes that were parsed. */
struct certificate {
	struct span der;                        /* all of it */
	struct span tbs;                        /* what is signed */
	unsigned version;                       /* 1 to 3 */
	struct span serial;                     /* content */
	struct span algorithm_oid;              /* content, of the outer AlgorithmIdentifier */
	const struct signature_algorithm *algorithm;    /* NULL: not known */
	bool algorithms_agree;                  /* outer and inner AlgorithmIdentifier are the same */
	struct span signature;                  /* the BIT STRING's octets */
	struct span issuer, subject;            /* whole names */
	bool has_not_before, has_not_after;     /* false: the date cannot be read */
	int64_t not_before, not_after;          /* seconds since 1970 */
	struct span spki;                       /* whole */
	struct public_key key;
	struct span extensions;                 /* one after another */
	struct extension_facts facts;
	uint32_t problems;                      /* 1U << enum certificate_problem */
};

/*
 * Reads all of data. Returns NULL, or a fixed sentence that says what is wrong; certificate is then of no use. data must
 * outlive the certificate.
 */
const char *certificate_parse(struct certificate *certificate, const unsigned char *data, size_t length);

/* The problem's rule (a word) and what it means (a sentence). */
const char *certificate_problem_rule(enum certificate_problem problem);
const char *certificate_problem_detail(enum certificate_problem problem);

/* One signature check: issuer's key over child. *why as in signature_check. */
enum signature_answer certificate_verify(const struct certificate *child, const struct certificate *issuer, const char **why);

#endif
