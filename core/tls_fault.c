#include "tls_inside.h"

#include <errno.h>
#include <string.h>

enum { /* alerts that have a code of their own */
       ALERT_HANDSHAKE_FAILURE = 40,
       ALERT_PROTOCOL_VERSION = 70,
       ALERT_NO_APPLICATION_PROTOCOL = 120,
};

static const char *const codes[] = {
	[TLS_OK] = "ok",
	[TLS_CLOSED] = "tls.closed",
	[TLS_RESET] = "tls.reset",
	[TLS_NOT_TLS] = "tls.not_tls",
	[TLS_VERSION] = "tls.version",
	[TLS_NO_CIPHER] = "tls.no_cipher",
	[TLS_CLIENT_CERT_REQUIRED] = "tls.client_cert_required",
	[TLS_ALERT] = "tls.alert",
	[TLS_BAD_MESSAGE] = "tls.bad_message",
	[TLS_TOO_LARGE] = "tls.too_large",
	[TLS_FLOOD] = "tls.flood",
	[TLS_ALPN_MISMATCH] = "alpn.mismatch",
	[TLS_KEY_UNSUPPORTED] = "trust.unsupported",
	[TLS_BAD_SIGNATURE] = "trust.bad_signature",
	[TLS_NO_ENTROPY] = "local.entropy",
	[TLS_NO_MEMORY] = "local.limit",
	[TLS_MISUSE] = "script.error",
};

const char *
tls_fault_code(enum tls_fault fault)
{
	return codes[fault];
}

void
tls_fail(struct tls *t, enum tls_fault fault)
{
	if (t->info.fault == TLS_OK)
		t->info.fault = fault;
}

bool
tls_alpn_mismatch(const struct tls *t)
{
	const struct tls_hello *h = &t->hello;

	if (h->alpn_length == 0)
		return false;
	for (size_t i = 0; i < TLS_ALPN_COUNT_MAX && t->alpn[i] != NULL; i++)
		if (strlen(t->alpn[i]) == h->alpn_length && memcmp(t->alpn[i], h->alpn, h->alpn_length) == 0)
			return false;
	return true;
}

bool
tls_wanted_certificate(const struct tls *t)
{
	return t->identity.requested && t->released && !t->used;
}

static enum tls_fault
alert_fault(const struct tls *t, int alert)
{
	if (tls_wanted_certificate(t))
		return TLS_CLIENT_CERT_REQUIRED;
	if (t->opened)
		return TLS_ALERT;
	switch (alert) {
	case ALERT_HANDSHAKE_FAILURE: return t->hello.version == 0 ? TLS_NO_CIPHER : TLS_ALERT;
	case ALERT_PROTOCOL_VERSION: return TLS_VERSION;
	case ALERT_NO_APPLICATION_PROTOCOL: return TLS_ALPN_MISMATCH;
	default: return TLS_ALERT;
	}
}

static bool
version_refused(const struct tls *t)
{
	unsigned version = t->hello.version;

	return version != 0 && (version < t->client.eng.version_min || version > t->client.eng.version_max);
}

static enum tls_fault
chain_fault(const struct tls *t)
{
	switch (t->chain.fault) {
	case TLS_CHAIN_TOO_LARGE: return TLS_TOO_LARGE;
	case TLS_CHAIN_NO_MEMORY: return TLS_NO_MEMORY;
	case TLS_CHAIN_KEY: return TLS_KEY_UNSUPPORTED;
	default: return TLS_OK;
	}
}

enum tls_fault
tls_engine_fault(const struct tls *t)
{
	int error = br_ssl_engine_last_error(&t->client.eng);

	if (t->chain.fault != TLS_CHAIN_OK)
		return chain_fault(t);
	if (error == BR_ERR_OK)
		return tls_wanted_certificate(t) ? TLS_CLIENT_CERT_REQUIRED : TLS_CLOSED;
	if (error >= BR_ERR_RECV_FATAL_ALERT && error < BR_ERR_SEND_FATAL_ALERT)
		return alert_fault(t, error - BR_ERR_RECV_FATAL_ALERT);
	if (version_refused(t))
		return TLS_VERSION;
	if (error == BR_ERR_EXTRA_EXTENSION && tls_alpn_mismatch(t))
		return TLS_ALPN_MISMATCH; /* one was selected though none was offered */
	if (error == BR_ERR_BAD_SIGNATURE)
		return TLS_BAD_SIGNATURE;
	if (error == BR_ERR_X509_WEAK_PUBLIC_KEY)
		return TLS_KEY_UNSUPPORTED; /* too short for the key exchange */
	return TLS_BAD_MESSAGE;
}

enum tls_fault
tls_broken_fault(const struct tls *t, int error)
{
	if (tls_wanted_certificate(t))
		return TLS_CLIENT_CERT_REQUIRED;
	/* where a write failed before, it has already taken the errno of the reset */
	return error == 0 && t->write_error == 0 ? TLS_CLOSED : TLS_RESET;
}
