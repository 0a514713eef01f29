/* kedge.core.net: the interface that connections leave by, and how many there can be. */
#include "net.h"

#include <errno.h>

#include "../descriptors.h"
#include "../interface.h"

int
net_fail_interface(lua_State *L, const char *interface, int error)
{
	char names[256];

	switch (error) {
	case ENODEV:
		interface_list(names, sizeof names);
		return bind_fail(L, "local.interface", "there is no interface '%s' (there are: %s)", interface, names);
	case EADDRNOTAVAIL: return bind_fail(L, "local.interface", "%s is not an address of this device", interface);
	case EPERM:
		return bind_fail(L, "local.permission", "this kernel lets only root choose the interface %s",
				 interface);
	default: return bind_fail_errno(L, net_connect_code(error), NULL, error);
	}
}

int
net_interface(lua_State *L)
{
	const char *interface = luaL_checkstring(L, 1);
	int error = interface_check(interface), family = interface_family(interface);

	if (error)
		return net_fail_interface(L, interface, error);
	lua_pushboolean(L, true);
	if (family == AF_UNSPEC)
		return 1;
	lua_pushinteger(L, family == AF_INET ? 4 : 6);
	return 2;
}

int
net_descriptors(lua_State *L)
{
	lua_Integer wanted = luaL_checkinteger(L, 1);

	luaL_argcheck(L, wanted >= 0 && wanted <= 1 << 30, 1, "a number of descriptors");
	lua_pushinteger(L, (lua_Integer)descriptors_free((long)wanted));
	return 1;
}
