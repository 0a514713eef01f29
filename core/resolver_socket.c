#include "resolver_socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "interface.h"

static ares_socket_t
open_socket(int family, int type, int protocol, void *context)
{
	struct resolver_sockets *sockets = context;
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
		sockets->exhausted = true;
	return fd;
}

static int
close_socket(ares_socket_t fd, void *context)
{
	(void)context;
	return close(fd);
}

/* Binds the socket to the way out; 0 or an errno. */
static int
choose_way(int fd, const struct sockaddr *to, const char *interface)
{
	if (!interface || (interface_family(interface) == AF_UNSPEC && interface_is_loopback(to)))
		return 0;
	return interface_bind(fd, to->sa_family, interface);
}

static int
connect_socket(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t length, void *context)
{
	const struct resolver_sockets *sockets = context;
	int error = choose_way(fd, address, sockets->interface);

	if (error == 0)
		return connect(fd, address, length);
	errno = error;
	return -1;
}

static ares_ssize_t
receive(ares_socket_t fd, void *to, size_t size, int flags, struct sockaddr *from, ares_socklen_t *length,
	void *context)
{
	(void)context;
	return recvfrom(fd, to, size, flags, from, length);
}

static ares_ssize_t
send_vector(ares_socket_t fd, const struct iovec *parts, int count, void *context)
{
	(void)context;
	return writev(fd, parts, count);
}

static const struct ares_socket_functions functions = { open_socket, close_socket, connect_socket, receive,
							send_vector };

void
resolver_use_sockets(ares_channel channel, struct resolver_sockets *sockets)
{
	ares_set_socket_functions(channel, &functions, sockets);
}
