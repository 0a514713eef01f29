/*
 * One connection on the event loop: a socket, then TLS over it, then perhaps
 * HTTP/2 over that. All input and output is done here, from the loop or from
 * the call that caused it; `changed` is called when there is something new to
 * see, and whoever waits looks for itself. The conn owns all three layers.
 */
#ifndef KEDGE_CONN_H
#define KEDGE_CONN_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

#include "h2.h"
#include "socket.h"
#include "tls.h"

/* Bytes read for HTTP/2 in one turn of the loop, so that one fast peer doesn't stop the others. */
#define CONN_TURN_BYTES ((size_t)64 * 1024)

enum conn_phase {
	CONN_CLOSED, /* before connect and after close */
	CONN_CONNECTING,
	CONN_PLAIN, /* connected, no TLS yet */
	CONN_HANDSHAKE, /* to the end of the server's first flight */
	CONN_HELD, /* the chain is here, our second flight waits */
	CONN_FINISHING, /* the second flight goes out */
	CONN_OPEN, /* application data passes */
	CONN_FAILED /* connecting or TLS failed: error, or tls_info()->fault */
};

struct conn;
typedef void conn_changed(struct conn *, void *context);

struct conn {
	struct socket socket;
	struct tls *tls;
	struct h2 *h2;
	struct ev_loop *ev;
	ev_io io;
	enum conn_phase phase;
	int error; /* errno of a connect that failed */
	bool ended; /* HTTP/2: the peer's bytes are at their end */
	bool broken; /* HTTP/2: TLS failed, or reading did */
	bool mute; /* HTTP/2: writing failed; the peer's last words may still be readable */
	const unsigned char *out; /* HTTP/2: taken from it and not written yet */
	size_t out_length;
	conn_changed *changed;
	void *context;
};

/* Makes a closed connection; allocates nothing. */
void conn_init(struct conn *, struct ev_loop *, conn_changed *, void *context);

/* Starts to connect; `interface` as for socket_open. 0, or the errno with which it failed at once. */
int conn_connect(struct conn *, const struct sockaddr *, socklen_t, const char *interface);

/* Starts the handshake of a PLAIN connection up to HELD. TLS_OK, or why the
 * client could not be made (TLS_NO_ENTROPY may be tried again). */
enum tls_fault conn_handshake(struct conn *, const struct tls_config *);

/* Lets the held second flight go. */
void conn_go_on(struct conn *);

/* Reads or writes application data (or plain bytes before TLS); as struct
 * stream. After STREAM_AGAIN `changed` is called when it is worth another try. */
ssize_t conn_read(struct conn *, void *to, size_t n);
ssize_t conn_write(struct conn *, const void *from, size_t n);

/* Starts HTTP/2 on an OPEN connection: preface and SETTINGS are queued. False without memory. */
bool conn_start_h2(struct conn *, const struct h2_setting *settings, size_t n);

/* Sends what HTTP/2 has queued; call it after queueing something. */
void conn_flush(struct conn *);

/* Closes everything at once; a GOAWAY or close_notify is sent if it can be. Idempotent. */
void conn_close(struct conn *);

#endif
