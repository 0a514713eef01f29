#include "interface.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The socket address of an address as text, its zone included; its length, or 0 for what is none. */
static socklen_t
address_of(const char *text, struct sockaddr_storage *to)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;
	const char *zone = strchr(text, '%');
	char bare[INET6_ADDRSTRLEN];
	size_t length = zone ? (size_t)(zone - text) : strlen(text);

	memset(to, 0, sizeof *to);
	if (length >= sizeof bare)
		return 0;
	memcpy(bare, text, length);
	bare[length] = '\0';
	if (!zone && inet_pton(AF_INET, bare, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		return sizeof *v4;
	}
	if (inet_pton(AF_INET6, bare, &v6->sin6_addr) != 1)
		return 0;
	v6->sin6_family = AF_INET6;
	v6->sin6_scope_id = zone ? if_nametoindex(zone + 1) : 0;
	return sizeof *v6;
}

int
interface_family(const char *text)
{
	struct sockaddr_storage address;

	return address_of(text, &address) ? address.ss_family : AF_UNSPEC;
}

static int
bind_device(int fd, const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length >= IFNAMSIZ)
		return ENODEV;
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)length) < 0 ? errno : 0;
}

int
interface_bind(int fd, int family, const char *text)
{
	const int on = 1;
	struct sockaddr_storage address;
	socklen_t length = address_of(text, &address);

	if (length == 0)
		return bind_device(fd, text);
	if (address.ss_family != family)
		return EAFNOSUPPORT;
	/* the port is chosen by connect: one local port may then serve several peers */
	(void)setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	if (bind(fd, (const struct sockaddr *)&address, length) == 0)
		return 0;
	return errno == EINVAL ? EADDRNOTAVAIL : errno; /* EINVAL: a link-local address without its zone */
}

int
interface_check(const char *text)
{
	int family = interface_family(text), fd, error;

	if (family == AF_UNSPEC)
		family = AF_INET;
	fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	error = interface_bind(fd, family, text);
	(void)close(fd);
	return error;
}

bool
interface_is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	if (address->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
	return false;
}

void
interface_list(char *to, size_t size)
{
	struct if_nameindex *list = if_nameindex();
	size_t used = 0;

	to[0] = '\0';
	for (const struct if_nameindex *one = list; one && one->if_name; one++) {
		size_t length = strlen(one->if_name) + (used ? 2 : 0);

		if (used + length >= size)
			break;
		used += (size_t)snprintf(to + used, size - used, "%s%s", used ? ", " : "", one->if_name);
	}
	if (list)
		if_freenameindex(list);
}
