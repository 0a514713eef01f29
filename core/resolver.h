/*
 * One look-up of one family: c-ares on the event loop, on a channel of its
 * own, so that closing the look-up is cancelling it. A and AAAA are two.
 */
#ifndef KEDGE_RESOLVER_H
#define KEDGE_RESOLVER_H

#include <ares.h>
#include <ev.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "interface.h"
#include "resolver_socket.h"

#define RESOLVER_MAX_ADDRESSES 32
#define RESOLVER_MAX_SERVERS 8
#define RESOLVER_MAX_DESCRIPTORS 16

enum resolver_status {
	RESOLVER_PENDING, RESOLVER_OK, RESOLVER_NXDOMAIN, RESOLVER_NODATA, RESOLVER_TIMEOUT, RESOLVER_SERVFAIL,
	RESOLVER_REFUSED, RESOLVER_NO_SERVER, RESOLVER_BAD_ANSWER, RESOLVER_MEMORY
};

struct resolver_address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} socket;
};

struct resolver;
typedef void resolver_done(struct resolver *, void *context);

struct resolver {
	struct ev_loop *ev;
	ares_channel channel;
	bool open;
	ev_timer timer;
	struct resolver_io {
		ev_io io;
		struct resolver *resolver;
		bool used;
	} descriptors[RESOLVER_MAX_DESCRIPTORS];
	struct ares_addr_port_node servers[RESOLVER_MAX_SERVERS];
	size_t server_count, server; /* the first one asked */
	char name[256];
	char interface[INTERFACE_TEXT_MAX + 1]; /* empty: any way */
	struct resolver_sockets sockets;
	int family;
	enum resolver_status status;
	struct resolver_address addresses[RESOLVER_MAX_ADDRESSES];
	size_t address_count;
	resolver_done *done;
	void *context;
};

/* Starts to look `name` up: family is AF_INET or AF_INET6, server "ADDRESS[:PORT]"
 * or NULL for the system's, interface NULL or the way out (interface.h),
 * seconds bounds the whole look-up. done is called
 * once, from the loop or (for /etc/hosts) from here; the result stands in
 * status and addresses. False when the channel can't be made or server isn't
 * an address: status says which (NO_SERVER, MEMORY). */
bool resolver_start(struct resolver *, struct ev_loop *, const char *name, int family, const char *server,
    const char *interface, double seconds, resolver_done *done, void *context);

/* Ends the look-up, whatever its state; idempotent. Not from within done. */
void resolver_close(struct resolver *);

/* "dns.nxdomain" and so on; "ok". */
const char *resolver_code(enum resolver_status);

/* What people are told of it. */
const char *resolver_text(enum resolver_status);

#endif
