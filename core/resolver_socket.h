#ifndef KEDGE_RESOLVER_SOCKET_H
#define KEDGE_RESOLVER_SOCKET_H

#include <ares.h>

/* Makes what the channel asks leave by `interface` (see interface.h; alive as
 * long as the channel) or not at all. A name server on this machine itself
 * (127.0.0.53) is still asked when it is a device: it asks others by its own ways. */
void resolver_leave_by(ares_channel channel, char *interface);

#endif
