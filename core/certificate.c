#include "certificate.h"

#include "dn.h"

#include <string.h>

enum { SERIAL_MAX = 20 };               /* octets, RFC 5280 §4.1.2.2 */

static const int64_t year_2050 = 2524608000;

static void
problem_set(struct certificate *certificate, enum certificate_problem problem, bool holds)
{
	if (holds)
		certificate->problems |= (uint32_t)1 << problem;
}

static const char *
version_read(struct der *tbs, struct certificate *certificate)
{
	struct der inner;
	struct der_value number;
	uint32_t version;

	certificate->version = 1;
	if (!der_is(tbs, DER_CONTEXT | DER_CONSTRUCTED | 0))
		return NULL;
	if (!der_enter(tbs, DER_CONTEXT | DER_CONSTRUCTED | 0, &inner) || !der_take(&inner, DER_INTEGER, &number))
		return "its version can't be read";
	if (!der_done(&inner) || !der_unsigned(&number, UINT32_MAX, &version) || version < 1 || version > 2)
		return "its version isn't 1, 2 or 3, or is version 1 written out";
	certificate->version = version + 1;
	return NULL;
}

static const char *
serial_read(struct der *tbs, struct certificate *certificate)
{
	struct der_value serial;

	if (!der_take(tbs, DER_INTEGER, &serial))
		return "its serial number can't be read";
	certificate->serial = serial.content;
	problem_set(certificate, PROBLEM_SERIAL_NEGATIVE, serial.content.data[0] >= 0x80);
	problem_set(certificate, PROBLEM_SERIAL_ZERO, serial.content.length == 1 && serial.content.data[0] == 0);
	problem_set(certificate, PROBLEM_SERIAL_LONG, serial.content.length > SERIAL_MAX);
	return NULL;
}

/* inner is the AlgorithmIdentifier in the signed part. */
static const char *
algorithm_read(struct der *outer, const struct der_value *inner, struct certificate *certificate)
{
	struct der_value whole, oid, null;
	struct der der;

	if (!der_take(outer, DER_SEQUENCE, &whole))
		return "its signature's algorithm can't be read";
	der = der_open(whole.content);
	if (!der_take(&der, DER_OID, &oid))
		return "its signature's algorithm can't be read";
	certificate->algorithm_oid = oid.content;
	certificate->algorithm = signature_algorithm_find(oid.content);
	certificate->algorithms_agree = span_equal(whole.whole, inner->whole);
	if (certificate->algorithm == NULL || strcmp(certificate->algorithm->name, "rsassaPss") == 0)
		return NULL;
	if (certificate->algorithm->null)
		problem_set(certificate, PROBLEM_ALGORITHM_PARAMETERS, !der_take(&der, DER_NULL, &null) || !der_done(&der));
	else
		problem_set(certificate, PROBLEM_ALGORITHM_PARAMETERS, !der_done(&der));
	return NULL;
}

static const char *
name_read(struct der *tbs, struct span *name)
{
	struct der_value value;

	if (!der_take(tbs, DER_SEQUENCE, &value) || !dn_check(value.whole))
		return "a name can't be read";
	*name = value.whole;
	return NULL;
}

static bool
time_read(struct der *validity, struct certificate *certificate, bool *readable, int64_t *seconds)
{
	struct der_value value;

	if (!der_next(validity, &value) || (value.tag != DER_UTC_TIME && value.tag != DER_GENERALIZED_TIME))
		return false;
	*readable = der_time(&value, seconds);
	problem_set(certificate, PROBLEM_TIME_UNREADABLE, !*readable);
	/* RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050; the first can't say otherwise */
	problem_set(certificate, PROBLEM_TIME_FORM, *readable && value.tag == DER_GENERALIZED_TIME && *seconds < year_2050);
	return true;
}

static const char *
validity_read(struct der *tbs, struct certificate *certificate)
{
	struct certificate *c = certificate;
	struct der validity;

	if (!der_enter(tbs, DER_SEQUENCE, &validity) || !time_read(&validity, c, &c->has_not_before, &c->not_before) ||
	    !time_read(&validity, c, &c->has_not_after, &c->not_after) || !der_done(&validity))
		return "its dates can't be read";
	problem_set(c, PROBLEM_TIME_ORDER, c->has_not_before && c->has_not_after && c->not_after < c->not_before);
	return NULL;
}

static const char *
key_take(struct der *tbs, struct certificate *certificate)
{
	struct der_value spki;

	if (!der_take(tbs, DER_SEQUENCE, &spki) || !key_read(spki.whole, &certificate->key))
		return "its public key can't be read";
	certificate->spki = spki.whole;
	return NULL;
}

/* issuerUniqueID and subjectUniqueID, which nobody has used for decades. */
static const char *
unique_ids_skip(struct der *tbs, struct certificate *certificate)
{
	struct der_value value;

	for (unsigned number = 1; number <= 2; number++) {
		if (!der_take(tbs, DER_CONTEXT | number, &value))
			continue;
		problem_set(certificate, PROBLEM_UNIQUE_ID, true);
		if (certificate->version < 2)
			return "it is of version 1 and has unique identifiers";
	}
	return NULL;
}

static bool
oid_seen(const struct span *seen, unsigned count, struct span oid)
{
	for (unsigned i = 0; i < count; i++)
		if (span_equal(seen[i], oid))
			return true;
	return false;
}

static const char *
extensions_read(struct der *tbs, struct certificate *certificate)
{
	struct span seen[EXTENSIONS_MAX];
	struct extension extension;
	struct der outer, inner;
	struct der_value list;

	if (der_done(tbs))
		return NULL;
	if (!der_enter(tbs, DER_CONTEXT | DER_CONSTRUCTED | 3, &outer) || !der_take(&outer, DER_SEQUENCE, &list) || !der_done(&outer))
		return "its extensions can't be read";
	if (certificate->version < 3)
		return "it has extensions and isn't of version 3";
	certificate->extensions = list.content;
	inner = der_open(list.content);
	problem_set(certificate, PROBLEM_EXTENSIONS_EMPTY, der_done(&inner));
	for (unsigned count = 0; !der_done(&inner); count++) {
		enum extension_kind kind;

		if (count == EXTENSIONS_MAX)
			return "it has more than 64 extensions";
		if (!extension_take(&inner, &extension))
			return "its extensions can't be read";
		if (oid_seen(seen, count, extension.oid))
			return "an extension is there twice";
		seen[count] = extension.oid;
		problem_set(certificate, PROBLEM_FALSE_WRITTEN, extension.false_written);
		kind = extension_kind(extension.oid);
		if (kind != EXTENSION_KINDS && !extension_read(kind, &extension, &certificate->facts))
			return "an extension's content can't be read";
	}
	return NULL;
}

/* What RFC 5280 §4.2.1 asks of each extension, beyond that it can be read. */
static void
extensions_judge(struct certificate *certificate)
{
	const struct extension_facts *f = &certificate->facts;
	bool names_nothing = f->permitted.length == 0 && f->excluded.length == 0;
	bool self_issued = span_equal(certificate->subject, certificate->issuer);

	problem_set(certificate, PROBLEM_FALSE_WRITTEN, f->ca_false_written);
	problem_set(certificate, PROBLEM_PATH_LENGTH_WITHOUT_CA, f->has_path_length && !f->ca);
	problem_set(certificate, PROBLEM_CA_NOT_CRITICAL, f->ca && !f->critical[EXTENSION_BASIC_CONSTRAINTS]);
	if (f->present[EXTENSION_KEY_USAGE]) {
		problem_set(certificate, PROBLEM_KEY_USAGE_EMPTY, f->key_usage == 0);
		problem_set(certificate, PROBLEM_KEY_USAGE_ENCODING, !f->key_usage_minimal);
		problem_set(certificate, PROBLEM_KEY_USAGE_CERT_SIGN, (f->key_usage & 1U << USAGE_KEY_CERT_SIGN) != 0 && !f->ca);
	}
	problem_set(certificate, PROBLEM_EXTENDED_KEY_USAGE_EMPTY,
	    f->present[EXTENSION_EXTENDED_KEY_USAGE] && f->extended_key_usage.length == 0);
	if (f->present[EXTENSION_SUBJECT_ALT_NAME]) {
		problem_set(certificate, PROBLEM_SAN_EMPTY, f->subject_alt_name.length == 0);
		problem_set(certificate, PROBLEM_SAN_NOT_CRITICAL,
		    dn_empty(certificate->subject) && !f->critical[EXTENSION_SUBJECT_ALT_NAME]);
	}
	problem_set(certificate, PROBLEM_NAME_NOT_ASCII, !f->names_ascii);
	if (f->present[EXTENSION_NAME_CONSTRAINTS]) {
		problem_set(certificate, PROBLEM_NAME_CONSTRAINTS_EMPTY, names_nothing);
		problem_set(certificate, PROBLEM_NAME_CONSTRAINTS_WITHOUT_CA, !f->ca);
		problem_set(certificate, PROBLEM_NAME_CONSTRAINTS_NOT_CRITICAL, !f->critical[EXTENSION_NAME_CONSTRAINTS]);
	}
	problem_set(certificate, PROBLEM_AKI_CRITICAL, f->critical[EXTENSION_AUTHORITY_KEY_ID]);
	problem_set(certificate, PROBLEM_AKI_MISSING, f->authority_key_id.data == NULL && !self_issued);
	problem_set(certificate, PROBLEM_SKI_CRITICAL, f->critical[EXTENSION_SUBJECT_KEY_ID]);
	problem_set(certificate, PROBLEM_SKI_MISSING, f->ca && f->subject_key_id.data == NULL);
}

static const char *
tbs_read(struct der *tbs, struct der_value *algorithm, struct certificate *certificate)
{
	const char *wrong = version_read(tbs, certificate);

	if (wrong == NULL)
		wrong = serial_read(tbs, certificate);
	if (wrong == NULL && !der_take(tbs, DER_SEQUENCE, algorithm))
		wrong = "its signature's algorithm can't be read";
	if (wrong == NULL)
		wrong = name_read(tbs, &certificate->issuer);
	if (wrong == NULL)
		wrong = validity_read(tbs, certificate);
	if (wrong == NULL)
		wrong = name_read(tbs, &certificate->subject);
	if (wrong == NULL)
		wrong = key_take(tbs, certificate);
	if (wrong == NULL)
		wrong = unique_ids_skip(tbs, certificate);
	if (wrong == NULL)
		wrong = extensions_read(tbs, certificate);
	if (wrong == NULL && !der_done(tbs))
		wrong = "there is more in it than a certificate holds";
	return wrong;
}

/* What parses as one value and no more, at any depth. */
static const char *
shape_check(struct span der, struct der *inner)
{
	struct der outer = der_open(der);

	if (der.length > CERTIFICATE_MAX)
		return "it is larger than 64 KiB";
	if (!der_enter(&outer, DER_SEQUENCE, inner))
		return "it isn't DER, or is cut short";
	if (!der_done(&outer))
		return "there are bytes behind its end";
	if (!der_well_formed(der))
		return "it isn't well-formed DER, or is nested deeper than 16 levels";
	return NULL;
}

const char *
certificate_parse(struct certificate *certificate, const unsigned char *data, size_t length)
{
	struct der_value tbs, algorithm = { 0 }, signature;
	struct der outer, inner;
	const char *wrong;

	memset(certificate, 0, sizeof *certificate);
	certificate->der = (struct span){ data, length };
	certificate->facts.names_ascii = true;
	wrong = shape_check(certificate->der, &outer);
	if (wrong != NULL)
		return wrong;
	if (!der_take(&outer, DER_SEQUENCE, &tbs))
		return "it holds no certificate";
	certificate->tbs = tbs.whole;
	inner = der_open(tbs.content);
	wrong = tbs_read(&inner, &algorithm, certificate);
	if (wrong == NULL)
		wrong = algorithm_read(&outer, &algorithm, certificate);
	if (wrong != NULL)
		return wrong;
	if (!der_take(&outer, DER_BIT_STRING, &signature) || signature.content.data[0] != 0 || !der_done(&outer))
		return "its signature can't be read";
	certificate->signature = (struct span){ signature.content.data + 1, signature.content.length - 1 };
	problem_set(certificate, PROBLEM_ISSUER_EMPTY, dn_empty(certificate->issuer));
	extensions_judge(certificate);
	return NULL;
}

static const struct {
	const char *rule;
	const char *detail;
} problems[PROBLEMS] = {
	[PROBLEM_SERIAL_NEGATIVE] = { "serial_negative", "the serial number is negative" },
	[PROBLEM_SERIAL_ZERO] = { "serial_zero", "the serial number is zero" },
	[PROBLEM_SERIAL_LONG] = { "serial_long", "the serial number is longer than 20 octets" },
	[PROBLEM_TIME_UNREADABLE] = { "time_unreadable", "a date of validity cannot be read" },
	[PROBLEM_TIME_FORM] = { "time_form", "a date before 2050 is a GeneralizedTime" },
	[PROBLEM_TIME_ORDER] = { "time_order", "it ends before it begins" },
	[PROBLEM_ISSUER_EMPTY] = { "issuer_empty", "the issuer has no name" },
	[PROBLEM_ALGORITHM_PARAMETERS] = { "algorithm_parameters", "the signature's algorithm has the wrong parameters" },
	[PROBLEM_UNIQUE_ID] = { "unique_id", "it has a unique identifier" },
	[PROBLEM_FALSE_WRITTEN] = { "default_written", "a default value is written out, which DER forbids" },
	[PROBLEM_EXTENSIONS_EMPTY] = { "extensions_empty", "the list of extensions is empty" },
	[PROBLEM_PATH_LENGTH_WITHOUT_CA] = { "path_length_without_ca", "there is a path length and no authority" },
	[PROBLEM_CA_NOT_CRITICAL] = { "basic_constraints_not_critical", "an authority's basic constraints aren't critical" },
	[PROBLEM_KEY_USAGE_EMPTY] = { "key_usage_empty", "the key usage has no bit set" },
	[PROBLEM_KEY_USAGE_ENCODING] = { "key_usage_encoding", "the key usage has zero bits at its end, which DER forbids" },
	[PROBLEM_KEY_USAGE_CERT_SIGN] = { "key_usage_cert_sign", "it may sign certificates and is no authority" },
	[PROBLEM_EXTENDED_KEY_USAGE_EMPTY] = { "extended_key_usage_empty", "the extended key usage is empty" },
	[PROBLEM_SAN_EMPTY] = { "san_empty", "the list of subject alternative names is empty" },
	[PROBLEM_SAN_NOT_CRITICAL] = { "san_not_critical", "the subject is empty and its alternative names aren't critical" },
	[PROBLEM_NAME_NOT_ASCII] = { "name_not_ascii", "a DNS, e-mail or URI name isn't ASCII" },
	[PROBLEM_NAME_CONSTRAINTS_EMPTY] = { "name_constraints_empty", "the name constraints are empty" },
	[PROBLEM_NAME_CONSTRAINTS_WITHOUT_CA] = { "name_constraints_without_ca", "there are name constraints and no authority" },
	[PROBLEM_NAME_CONSTRAINTS_NOT_CRITICAL] = { "name_constraints_not_critical", "the name constraints aren't critical" },
	[PROBLEM_AKI_CRITICAL] = { "aki_critical", "the authority key identifier is critical" },
	[PROBLEM_AKI_MISSING] = { "aki_missing", "the authority key identifier is missing" },
	[PROBLEM_SKI_CRITICAL] = { "ski_critical", "the subject key identifier is critical" },
	[PROBLEM_SKI_MISSING] = { "ski_missing", "an authority's subject key identifier is missing" },
};

const char *
certificate_problem_rule(enum certificate_problem problem)
{
	return problems[problem].rule;
}

const char *
certificate_problem_detail(enum certificate_problem problem)
{
	return problems[problem].detail;
}

enum signature_answer
certificate_verify(const struct certificate *child, const struct certificate *issuer, const char **why)
{
	if (!child->algorithms_agree) {         /* RFC 5280 §4.1.1.2: an unsigned field must not choose the algorithm */
		*why = "the signature's algorithm differs between its two places";
		return SIGNATURE_BAD;
	}
	return signature_check(child->algorithm, &issuer->key, child->tbs, child->signature, why);
}
