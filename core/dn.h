/*
 * Distinguished names (X.501): the one canonical form by which kedge compares them (RFC 5280 §7.1), and their text (RFC 4514).
 *
 * The canonical form is OpenSSL's: the RDNs without the outer SEQUENCE, every string as a UTF8String in lower case (ASCII
 * only), white space trimmed and folded, the attributes of one RDN in DER order. So a hash of it is the name of a link in
 * /etc/ssl/certs, and one name contains another as a subtree exactly if its form begins with the other's.
 *
 * A name here is always the whole SEQUENCE.
 */
#ifndef KEDGE_DN_H
#define KEDGE_DN_H

#include "der.h"

enum {
	DN_RDN_MAX = 128,               /* RDNs of one name */
	DN_ATTRIBUTES_MAX = 32          /* attributes of one RDN */
};

/* The name is well formed, within the bounds, and its strings are what their types promise. */
bool dn_check(struct span name);

/* Bytes that always hold the canonical form of a name of this length. */
size_t dn_canonical_bound(size_t name_length);

/* Writes the canonical form to out (dn_canonical_bound bytes); false for a name that dn_check refuses. */
bool dn_canonical(struct span name, unsigned char *out, size_t *length);

/* The hash of a canonical form that names the links of a hashed directory. */
uint32_t dn_hash(struct span canonical);

/* The name holds no attribute at all. */
bool dn_empty(struct span name);

/* Bytes that always hold the text of a name of this length. */
size_t dn_text_bound(size_t name_length);

/*
 * Writes RFC 4514 text in UTF-8 (dn_text_bound bytes, no NUL). Control characters, direction marks and other characters
 * that show nothing are escaped as \XX. False for a name that dn_check refuses.
 */
bool dn_text(struct span name, char *out, size_t *length);

/* Calls each with every common name in UTF-8, first RDN first; out is room for dn_text_bound bytes. */
bool dn_common_names(struct span name, char *out, void (*each)(void *context, const char *text, size_t length), void *context);

#endif
