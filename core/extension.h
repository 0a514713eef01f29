/* The certificate extensions that kedge reads (RFC 5280 §4.2), and the general names in them. */
#ifndef KEDGE_EXTENSION_H
#define KEDGE_EXTENSION_H

#include "der.h"

enum extension_kind {
	EXTENSION_BASIC_CONSTRAINTS,
	EXTENSION_KEY_USAGE,
	EXTENSION_EXTENDED_KEY_USAGE,
	EXTENSION_SUBJECT_ALT_NAME,
	EXTENSION_NAME_CONSTRAINTS,
	EXTENSION_AUTHORITY_KEY_ID,
	EXTENSION_SUBJECT_KEY_ID,
	EXTENSION_CERTIFICATE_POLICIES,
	EXTENSION_KINDS,                /* how many; and: one that kedge doesn't read */
};

enum { EXTENSIONS_MAX = 64 };           /* of one certificate */

/* Bits of KeyUsage, first one first, as key_usage holds them: 1U << number. */
enum key_usage {
	USAGE_DIGITAL_SIGNATURE,
	USAGE_NON_REPUDIATION,
	USAGE_KEY_ENCIPHERMENT,
	USAGE_DATA_ENCIPHERMENT,
	USAGE_KEY_AGREEMENT,
	USAGE_KEY_CERT_SIGN,
	USAGE_CRL_SIGN,
	USAGE_ENCIPHER_ONLY,
	USAGE_DECIPHER_ONLY,
	USAGES
};

/* Tag numbers of GeneralName. */
enum general_name_type {
	NAME_OTHER,
	NAME_EMAIL,
	NAME_DNS,
	NAME_X400,
	NAME_DIRECTORY,
	NAME_EDI,
	NAME_URI,
	NAME_IP,
	NAME_REGISTERED_ID,
	NAME_TYPES
};

struct general_name {
	enum general_name_type type;
	struct span value;              /* content; of NAME_DIRECTORY the whole Name */
};

struct extension {
	struct span oid;                /* content */
	bool critical;
	bool false_written;             /* critical FALSE is written out, which DER forbids and old software does */
	struct span value;              /* content of the OCTET STRING */
};

struct extension_facts {
	bool present[EXTENSION_KINDS];
	bool critical[EXTENSION_KINDS];
	bool ca, ca_false_written;
	bool has_path_length;
	uint32_t path_length;           /* at most INT32_MAX, which also stands for more */
	unsigned key_usage;
	bool key_usage_minimal;         /* no zero bits at its end, as DER wants */
	struct span extended_key_usage; /* object identifiers, one after another */
	struct span subject_alt_name;   /* general names, one after another */
	struct span permitted, excluded;/* general subtrees; data NULL: absent */
	struct span authority_key_id;   /* data NULL: absent, in each of these */
	bool authority_has_issuer;
	struct span subject_key_id;
	struct span certificate_policies; /* PolicyInformation, one after another */
	bool names_ascii;               /* email, DNS and URI names are, as their type promises */
};

/* Reads the next of a certificate's extensions; false if it isn't one. */
bool extension_take(struct der *extensions, struct extension *extension);

/* Which one it is, EXTENSION_KINDS for one that kedge doesn't read. */
enum extension_kind extension_kind(struct span oid);

/* Reads its content into facts; false if the content isn't what its kind promises. */
bool extension_read(enum extension_kind kind, const struct extension *extension, struct extension_facts *facts);

/* Reads the next general name (its directory name is checked); false if it isn't one. */
bool general_name_take(struct der *names, struct general_name *name);

/* Reads the next base of a name constraint: a general name without minimum and maximum (RFC 5280 §4.2.1.10). */
bool general_subtree_take(struct der *subtrees, struct general_name *base);

/* "serverAuth" and so on for a purpose in ExtendedKeyUsage; NULL for another one. */
const char *extended_key_usage_name(struct span oid);

#endif
