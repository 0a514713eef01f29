#ifndef KEDGE_SOCKET_H
#define KEDGE_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "stream.h"

/* A TCP connection that never blocks. The caller owns the memory; socket_open
 * acquires the descriptor, socket_close releases it. */

enum { SOCKET_HEAD = 32 }; /* bytes: how much of the peer's first words is kept */

struct socket {
	struct stream stream; /* first: a struct socket * is a struct stream * */
	int fd; /* -1 when closed */
	int error; /* errno of the first failed read or write, else 0 */
	bool eof; /* the peer sent its FIN */
	uint64_t received, sent; /* bytes */
	unsigned char head[SOCKET_HEAD];
	size_t head_length;
};

/* Starts a connection with TCP_NODELAY and CLOEXEC on. `interface` is NULL or
 * the way out, see interface.h. Returns 0 (the connection may
 * still be under way: wait until the descriptor is writable, then
 * socket_finish) or an errno, in which case nothing is left open. */
int socket_open(struct socket *s, const struct sockaddr *address, socklen_t length, const char *interface);

/* Asks how the connection went, once the descriptor is writable: 0 or errno
 * (EINPROGRESS: not yet). The descriptor stays open either way. */
int socket_finish(struct socket *s);

/* Makes a stream of a descriptor that is connected already and owns it from now on. */
void socket_adopt(struct socket *s, int fd);

/* Closes the descriptor; may be called again. The counters and head stay readable. */
void socket_close(struct socket *s);

#endif
