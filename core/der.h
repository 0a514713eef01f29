/*
 * DER, read strictly and without allocation (X.690 §10, §11). Spans point into the bytes of whoever calls, which must
 * outlive them.
 */
#ifndef KEDGE_DER_H
#define KEDGE_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DER_DEPTH_MAX = 16,         /* nested constructed values */
	DER_OID_MAX = 64,           /* content octets of an object identifier */
	DER_OID_TEXT_SIZE = 300     /* room for any object identifier in dotted form, with its NUL */
};

enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_ENUMERATED = 0x0A,
	DER_UTF8_STRING = 0x0C,
	DER_PRINTABLE_STRING = 0x13,
	DER_T61_STRING = 0x14,
	DER_IA5_STRING = 0x16,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_VISIBLE_STRING = 0x1A,
	DER_UNIVERSAL_STRING = 0x1C,
	DER_BMP_STRING = 0x1E,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONSTRUCTED = 0x20,
	DER_CONTEXT = 0x80          /* + number; with DER_CONSTRUCTED where it holds values */
};

struct span {
	const unsigned char *data;
	size_t length;
};

struct der_value {
	unsigned char tag;
	struct span content;
	struct span whole;          /* tag and length included */
};

struct der {
	const unsigned char *at;
	const unsigned char *end;
};

/* Both spans hold the same bytes. */
bool span_equal(struct span a, struct span b);

/* A reader of the values that stand one after another in span. */
struct der der_open(struct span span);

/* Nothing is left to read. */
bool der_done(const struct der *der);

/* The next value has this tag; false at the end. */
bool der_is(const struct der *der, unsigned tag);

/* Reads the next value; false (der unchanged) at the end or if it isn't DER: tag of one byte, minimal definite length. */
bool der_next(struct der *der, struct der_value *value);

/* Reads the next value, which must have this tag. */
bool der_take(struct der *der, unsigned tag, struct der_value *value);

/* Steps into the next value, which must have this tag: inner reads its content, der goes on behind it. */
bool der_enter(struct der *der, unsigned tag, struct der *inner);

/*
 * Every value in span, at any depth up to DER_DEPTH_MAX, is DER: lengths, BOOLEAN, INTEGER, BIT STRING, NULL, OBJECT
 * IDENTIFIER, and strings that aren't in pieces. What hides in an OCTET STRING or behind an implicit tag isn't looked at.
 */
bool der_well_formed(struct span span);

/* The INTEGER's value as an unsigned number if it is one and at most limit, else limit; false if it is negative. */
bool der_unsigned(const struct der_value *value, uint32_t limit, uint32_t *number);

/*
 * Seconds since 1970 of a UTCTime (years 1950 to 2049) or GeneralizedTime in the forms that RFC 5280 §4.1.2.5 allows,
 * with seconds and Z; false for everything else and for dates that don't exist. Source: core/der_time.c.
 */
bool der_time(const struct der_value *value, int64_t *seconds);

/* Writes the dotted form of an object identifier's content; one that holds an arc over 64 bits as "oid-" and hex. */
void der_oid_text(struct span oid, char text[DER_OID_TEXT_SIZE]);

#endif
