/*
 * For the static build only. c-ares can look up names of services, kedge
 * never asks it to: ports are numbers. glibc's look-up would want shared
 * libraries at run time and weighs 100 KB; with these there is none.
 */
#include <errno.h>
#include <netdb.h>
#include <stddef.h>

struct servent *
getservbyname(const char *name, const char *proto)
{
	(void)name;
	(void)proto;
	return NULL;
}

int
getservbyport_r(int port, const char *proto, struct servent *result_buf,
                char *buf, /* NOLINT(readability-non-const-parameter): the library's prototype */
                size_t buflen, struct servent **result)
{
	(void)port;
	(void)proto;
	(void)result_buf;
	(void)buf;
	(void)buflen;
	*result = NULL;
	return ENOENT;
}
