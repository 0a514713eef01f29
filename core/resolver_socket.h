/* The sockets that c-ares asks name servers through, made by us: its own way
 * out (ares_set_local_dev) is silently another where the device can't be bound
 * to, and it calls a want of descriptors an unreachable server. */
#ifndef KEDGE_RESOLVER_SOCKET_H
#define KEDGE_RESOLVER_SOCKET_H

#include <ares.h>
#include <stdbool.h>

struct resolver_sockets {
	const char *interface; /* where they leave by (interface.h), or NULL */
	bool exhausted;        /* there was no descriptor or no memory for one */
};

/* Makes the channel's sockets these; `sockets` lives as long as the channel.
 * With a device's name a server on this machine itself (127.0.0.53) is still
 * asked: it asks others by its own ways. */
void resolver_use_sockets(ares_channel channel, struct resolver_sockets *sockets);

#endif
