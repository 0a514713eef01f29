/* The way out that --interface names: a device ("eth0") or a local address
 * ("192.0.2.7", "fe80::1%eth0"). */
#ifndef KEDGE_INTERFACE_H
#define KEDGE_INTERFACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum { INTERFACE_TEXT_MAX = 63 }; /* bytes: the longest address with a zone */

/* AF_INET or AF_INET6 for an address, AF_UNSPEC for a device's name. */
int interface_family(const char *text);

/* Makes a socket of this family leave by it: 0, or ENODEV (no such device),
 * EADDRNOTAVAIL (not an address of this machine), EAFNOSUPPORT (an address of
 * the other family), EPERM (a kernel before 5.7 wants CAP_NET_RAW for a device).
 * Before connect. */
int interface_bind(int fd, int family, const char *text);

/* Whether sockets can leave by it now: 0 or an errno as above. */
int interface_check(const char *text);

/* True for 127.0.0.0/8 and ::1. */
bool interface_is_loopback(const struct sockaddr *);

/* Puts names of devices into `to`, separated by ", ", as many as fit whole. */
void interface_list(char *to, size_t size);

#endif
