/* What the parts of kedge.core.net share: the stream handle and how its failures are told. */
#ifndef KEDGE_BIND_NET_H
#define KEDGE_BIND_NET_H

#include "../conn.h"
#include "bind.h"

#define NET_STREAM "kedge.stream"

struct net_stream {
	struct conn conn;
	struct bind_condition changed;
	struct bind_holder reader, writer; /* one routine at a time for each */
	char sni[TLS_NAME_MAX + 1];
};

/* The stream at argument 1; raises for anything else and for a closed one. */
struct net_stream *net_check(lua_State *L);

/* nil, message, code of a failed connect, handshake or transfer. */
int net_fail(lua_State *L, struct net_stream *stream);

/* bind_wait for a change of the stream, until the time (of loop.now) that stands at
 * argument `deadline`, if one does: then nil, message, `late`. */
int net_wait(lua_State *L, struct net_stream *stream, int deadline, const char *late, lua_KContext context,
    lua_KFunction k);

/* The HTTP/2 methods of a stream. */
extern const luaL_Reg net_h2_methods[];

/* Calls k at once; it waits where it has to. */
int net_begin(lua_State *L, lua_KFunction k);

/* The code of a connection that failed with this errno. */
const char *net_connect_code(int error);

/* As bind_fail, for what interface.h gave. */
int net_fail_interface(lua_State *L, const char *interface, int error);

/* net.interface(name or address) -> true where connections can leave by it now,
 * and 4 or 6 where it is an address | nil, message, code */
int net_interface(lua_State *L);

/* net.descriptors(wanted) -> how many can still be opened, `wanted` at most; the soft limit is raised for it */
int net_descriptors(lua_State *L);

#endif
