/*
 * For static linking only: light stand-ins for what glibc makes heavy.
 * c-ares can look up names of services, kedge never asks it to (ports are
 * numbers); glibc's look-up weighs 100 KB and would want shared libraries at
 * run time. libm's asin and acos, which only Lua's math library calls, weigh
 * 78 KB, for they are there once for each kind of processor.
 */
#include <errno.h>
#include <math.h>
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

/* Exact to a unit or two in the last place. */
double
asin(double x)
{
	return atan2(x, sqrt((1 - x) * (1 + x)));
}

double
acos(double x)
{
	return atan2(sqrt((1 - x) * (1 + x)), x);
}
