#ifndef KEDGE_TLS_HELLO_H
#define KEDGE_TLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>

/* Looks at a server's first records before the engine does, because the engine
 * forgets what it refuses: the version of a ServerHello it can't speak, an ALPN
 * protocol that wasn't offered, a warning alert. It never fails: what it
 * doesn't understand it leaves to the engine. */

enum {
	TLS_HELLO_MAX = 512, /* bytes of a ServerHello that are looked at; usual ones have 60 to 130 */
	TLS_RECORD_HEADER = 5,
};

struct tls_hello {
	/* found so far */
	unsigned version; /* 0 until it was seen; 0x0304 if supported_versions says so */
	unsigned suite; /* 0 until it was seen */
	char alpn[256]; /* the selected protocol, as sent, with a final NUL */
	size_t alpn_length; /* 0: none was selected */
	int warning; /* number of the last warning alert before the ServerHello, or -1 */
	bool complete; /* the ServerHello was received whole */

	/* where it is */
	bool done;
	unsigned char header[TLS_RECORD_HEADER];
	size_t header_length, record_left;
	unsigned char alert[2];
	size_t alert_length;
	unsigned char message[TLS_HELLO_MAX];
	size_t message_length;
};

/* Makes it ready for one connection. */
void tls_hello_init(struct tls_hello *h);

/* Takes the next n bytes as they came from the network. */
void tls_hello_feed(struct tls_hello *h, const unsigned char *bytes, size_t n);

#endif
