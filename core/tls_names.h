#ifndef KEDGE_TLS_NAMES_H
#define KEDGE_TLS_NAMES_H

/* Names that IANA's TLS registries give to numbers. All strings are static. */

/* Name of an alert (0-255), "handshake_failure" for 40; an unknown one is "unknown". */
const char *tls_alert_name(int alert);

/* Name of a cipher suite, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" for 0xC02F; NULL when unknown. */
const char *tls_suite_name(unsigned suite);

/* Name of a group, "x25519" for 29; NULL when unknown. */
const char *tls_group_name(int group);

/* Name of a protocol version, "TLSv1.2" for 0x0303; NULL when unknown. */
const char *tls_version_name(unsigned version);

/* What a BearSSL error number means, as a short phrase for people. */
const char *tls_engine_error_text(int error);

#endif
