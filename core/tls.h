#ifndef KEDGE_TLS_H
#define KEDGE_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream.h"
#include "tls_names.h"

/* A TLS client that judges nobody: it records any chain, holds its second
 * flight until it is told to go on, and says precisely what went wrong.
 * It owns no descriptor: each call is given the stream below.
 *
 * The way of a connection:
 *   tls_new - tls_pump TLS_CHAIN until TLS_REACHED (nothing but the ClientHello
 *   has left) - the verdict - tls_pump TLS_OPEN - read and write by tls_stream -
 *   tls_pump TLS_SHUT once - tls_free. */

enum tls_goal {
	TLS_CHAIN, /* the server's first flight is complete, ours is held */
	TLS_OPEN, /* application data can pass, and what was written is on its way */
	TLS_SHUT, /* close_notify was sent if it could be; never waits */
};

enum tls_step {
	TLS_REACHED,
	TLS_WANT_READ, /* call again when the stream below is readable */
	TLS_WANT_WRITE, /* call again when it is writable */
	TLS_FAILED, /* for good: see tls_info()->fault */
};

enum tls_fault {
	TLS_OK,
	TLS_CLOSED, /* end of file or close_notify in the handshake */
	TLS_RESET,
	TLS_NOT_TLS,
	TLS_VERSION, /* alert 70, or a version that wasn't offered */
	TLS_NO_CIPHER, /* alert 40 before the ServerHello */
	TLS_CLIENT_CERT_REQUIRED, /* asked for a certificate, then broke off */
	TLS_ALERT, /* any other fatal alert */
	TLS_BAD_MESSAGE,
	TLS_TOO_LARGE, /* a bound on certificates was passed */
	TLS_FLOOD, /* TLS_RECEIVED_MAX bytes that led to nothing */
	TLS_ALPN_MISMATCH, /* alert 120, or a protocol that wasn't offered */
	TLS_KEY_UNSUPPORTED, /* the leaf's key: the chain is complete all the same */
	TLS_BAD_SIGNATURE, /* of the ServerKeyExchange */
	TLS_NO_ENTROPY, /* tls_new only: try again until the deadline */
	TLS_NO_MEMORY,
	TLS_MISUSE, /* tls_new only: a config that can't be sent */
};

/* Bounds: DESIGN section 8 */
enum {
	TLS_RECEIVED_MAX = 1 << 20, /* bytes before the handshake is done; later, in a row without application data */
	TLS_NAME_MAX = 253, /* bytes of a server name */
	TLS_ALPN_COUNT_MAX = 8,
	TLS_ALPN_NAME_MAX = 255, /* bytes of one protocol's name: RFC 7301 */
	TLS_ALPN_TOTAL_MAX = 400, /* bytes of all names with their length bytes: BearSSL has 512 for one extension */
	TLS_SAID_MAX = 64, /* bytes kept of what a peer says first */
};

struct tls_config {
	const char *name; /* for SNI, NULL sends none */
	const char *const *alpn; /* in order of preference */
	size_t alpn_count; /* 0: the extension isn't sent */
	unsigned version_min, version_max; /* 0x0301 to 0x0303 */
};

/* What is known so far; strings and pointers live as long as the struct tls. */
struct tls_info {
	enum tls_fault fault; /* the first one, never overwritten */
	int engine_error; /* BearSSL's number, 0 if none: tls_engine_error_text */
	int error; /* errno of the stream below, 0 if none */
	int alert; /* the fatal alert received (0: close_notify), or -1 */
	const char *alert_name; /* or NULL */
	int warning; /* the last warning alert before our hello was answered (112: name unknown), or -1 */
	unsigned version; /* of the ServerHello, also one that wasn't offered; 0 before it */
	const char *version_name; /* or NULL */
	unsigned suite; /* of the ServerHello; 0 before it */
	const char *cipher; /* its name, or NULL */
	const char *group; /* of the ECDHE exchange, or NULL */
	const char *alpn; /* the protocol the server selected, also one that wasn't offered (peer's bytes!), or NULL */
	bool server_hello; /* one was received whole */
	bool chain_complete; /* the certificate message was received whole */
	bool client_certificate_requested;
	bool close_notify; /* received: the end of the stream is genuine */
	const unsigned char *said; /* the peer's first bytes: text where it doesn't speak TLS */
	size_t said_length; /* <= TLS_SAID_MAX */
	uint64_t received, sent; /* bytes through the stream below */
};

struct tls;

/* Makes a client; `config` and what it points at are copied. NULL and *why:
 * TLS_NO_ENTROPY, TLS_NO_MEMORY or TLS_MISUSE. */
struct tls *tls_new(const struct tls_config *config, enum tls_fault *why);

/* Frees it (NULL is allowed), wiping its keys. */
void tls_free(struct tls *t);

/* Works towards a goal until it is reached or `below` isn't ready. TLS_CHAIN
 * reached: the chain, with ECDHE also its key's signature, is here and nothing
 * more is sent until TLS_OPEN is asked for. TLS_OPEN may be called again at any
 * time to send what tls_stream()->write took: TLS_WANT_WRITE as long as some of
 * that waits. TLS_SHUT always gives TLS_REACHED. */
enum tls_step tls_pump(struct tls *t, struct stream *below, enum tls_goal goal);

/* True when encrypted bytes wait for the stream below: pump TLS_OPEN when it is writable. */
bool tls_pending(const struct tls *t);

/* True when nothing goes on, reading included, until the stream below takes
 * encrypted bytes: wait for it to be writable, not readable. */
bool tls_stalled(const struct tls *t);

/* What is known so far; refreshed by the call, valid until tls_free. */
const struct tls_info *tls_info(struct tls *t);

/* Certificates that were received whole, leaf first as sent. */
size_t tls_chain_count(const struct tls *t);

/* The DER of certificate i (< count) and its length; valid once the chain is complete. */
const unsigned char *tls_chain_certificate(const struct tls *t, size_t i, size_t *length);

/* Application data, once TLS_OPEN was reached, over the `below` of the last
 * pump. Bytes may be buffered above the descriptor, so read until STREAM_AGAIN
 * before waiting for it (also right after TLS_OPEN). A read of 0 is the peer's
 * end, genuine only with tls_info()->close_notify. Failures set the fault. */
struct stream *tls_stream(struct tls *t);

/* The reason code of a fault: "tls.closed", "alpn.mismatch", "trust.unsupported",
 * "local.entropy"; for TLS_ALERT "tls.alert", to be followed by "." and the
 * alert's name. TLS_OK: "ok". */
const char *tls_fault_code(enum tls_fault fault);

#endif
