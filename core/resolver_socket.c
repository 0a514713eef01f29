/* c-ares' own ares_set_local_dev goes on by another way where the device can't be bound to. */
#include "resolver_socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "interface.h"

static ares_socket_t
open_socket(int family, int type, int protocol, void *interface)
{
	(void)interface;
	return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static int
close_socket(ares_socket_t fd, void *interface)
{
	(void)interface;
	return close(fd);
}

static int
connect_socket(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t length, void *interface)
{
	bool own = interface_family(interface) == AF_UNSPEC && interface_is_loopback(address);
	int error = own ? 0 : interface_bind(fd, address->sa_family, interface);

	if (error == 0)
		return connect(fd, address, length);
	errno = error;
	return -1;
}

static ares_ssize_t
receive(ares_socket_t fd, void *to, size_t size, int flags, struct sockaddr *from, ares_socklen_t *length,
	void *interface)
{
	(void)interface;
	return recvfrom(fd, to, size, flags, from, length);
}

static ares_ssize_t
send_vector(ares_socket_t fd, const struct iovec *parts, int count, void *interface)
{
	(void)interface;
	return writev(fd, parts, count);
}

static const struct ares_socket_functions functions = { open_socket, close_socket, connect_socket, receive,
							send_vector };

void
resolver_leave_by(ares_channel channel, char *interface)
{
	ares_set_socket_functions(channel, &functions, interface);
}
