/* What the two halves of core/dn share: a name's attributes and the characters of their values. */
#ifndef KEDGE_DN_INSIDE_H
#define KEDGE_DN_INSIDE_H

#include "dn.h"

struct attribute {
	struct span oid;                /* content */
	struct span oid_whole;
	struct der_value value;
};

/* The characters of a string, one by one. */
struct characters {
	struct span rest;
	unsigned char tag;
};

enum character { CHARACTER, CHARACTER_END, CHARACTER_BAD };

/* Values of this tag are characters. */
bool dn_is_string(unsigned char tag);

/* Writes c, which is Unicode, as UTF-8; returns its length in bytes. */
size_t dn_utf8_write(uint32_t c, unsigned char out[4]);

/* The characters of a string value. */
struct characters dn_characters(const struct der_value *value);

/* The next character. The types of one byte a character are read as Latin-1, as OpenSSL does. */
enum character dn_character(struct characters *characters, uint32_t *c);

/* The next attribute of an RDN. */
bool dn_attribute_take(struct der *set, struct attribute *attribute);

/* The RDNs of a name in order, each as a reader of its attributes; their number, or -1. */
int dn_rdns(struct span name, struct der rdns[DN_RDN_MAX]);

#endif
