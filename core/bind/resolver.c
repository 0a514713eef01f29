/* kedge.core.resolver: a look-up as a handle that is waited for. */
#include "bind.h"

#include <arpa/inet.h>
#include <string.h>

#include "../resolver.h"

#define LOOKUP "kedge.lookup"

struct lookup {
	struct resolver resolver;
	struct bind_condition changed;
	bool started, closed;
};

static void
on_done(struct resolver *resolver, void *context)
{
	struct lookup *lookup = context;

	(void)resolver;
	bind_wake(&lookup->changed);
}

/* resolver.start(name, family, seconds, [server], [interface]) -> look-up | nil,
 * message, code. family is 4 or 6; server "ADDRESS[:PORT]" instead of the
 * system's; interface as for net.connect; seconds bounds it. */
static int
resolver_start_(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	lua_Integer family = luaL_checkinteger(L, 2);
	double seconds = luaL_checknumber(L, 3);
	const char *server = luaL_optstring(L, 4, NULL), *interface = luaL_optstring(L, 5, NULL);
	struct loop *loop = bind_loop(L);
	struct lookup *lookup = lua_newuserdatauv(L, sizeof *lookup, 0);

	memset(lookup, 0, sizeof *lookup);
	luaL_setmetatable(L, LOOKUP);
	lookup->started = resolver_start(&lookup->resolver, loop->ev, name, family == 6 ? AF_INET6 : AF_INET, server,
	    interface, seconds, on_done, lookup);
	if (!lookup->started)
		return bind_fail(L, resolver_code(lookup->resolver.status), "%s", resolver_text(lookup->resolver.status));
	return 1;
}

static void
push_addresses(lua_State *L, const struct resolver *resolver)
{
	lua_createtable(L, (int)resolver->address_count, 0);
	for (size_t i = 0; i < resolver->address_count; i++) {
		const struct resolver_address *address = &resolver->addresses[i];
		char text[INET6_ADDRSTRLEN] = "";

		if (address->socket.any.sa_family == AF_INET)
			inet_ntop(AF_INET, &address->socket.v4.sin_addr, text, sizeof text);
		else
			inet_ntop(AF_INET6, &address->socket.v6.sin6_addr, text, sizeof text);
		lua_pushstring(L, text);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
}

static int
lookup_wait_k(lua_State *L, int status, lua_KContext context)
{
	struct lookup *lookup = luaL_checkudata(L, 1, LOOKUP);

	(void)status;
	(void)context;
	if (lookup->closed)
		return luaL_error(L, "the look-up was closed");
	switch (lookup->resolver.status) {
	case RESOLVER_PENDING: return bind_wait(L, &lookup->changed, -1, 0, lookup_wait_k);
	case RESOLVER_OK: push_addresses(L, &lookup->resolver); return 1;
	default:
		return bind_fail(L, resolver_code(lookup->resolver.status), "%s", resolver_text(lookup->resolver.status));
	}
}

/* lookup:wait() -> list of addresses as text | nil, message, code */
static int
lookup_wait(lua_State *L)
{
	return lookup_wait_k(L, LUA_OK, 0);
}

static int
lookup_close(lua_State *L)
{
	struct lookup *lookup = luaL_checkudata(L, 1, LOOKUP);

	if (!lookup->closed && lookup->started)
		resolver_close(&lookup->resolver);
	lookup->closed = true;
	bind_wake(&lookup->changed);
	return 0;
}

/* resolver.version() -> c-ares' */
static int
resolver_version(lua_State *L)
{
	lua_pushstring(L, ares_version(NULL));
	return 1;
}

static const luaL_Reg functions[] = { { "start", resolver_start_ }, { "version", resolver_version }, { NULL, NULL } };
static const luaL_Reg methods[] = { { "wait", lookup_wait }, { "close", lookup_close }, { NULL, NULL } };
static const luaL_Reg metamethods[] = { { "__gc", lookup_close }, { "__close", lookup_close }, { NULL, NULL } };

int luaopen_kedge_core_resolver(lua_State *L);

int
luaopen_kedge_core_resolver(lua_State *L)
{
	bind_class(L, LOOKUP, methods, metamethods);
	luaL_newlib(L, functions);
	return 1;
}
