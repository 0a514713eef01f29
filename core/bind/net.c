/* kedge.core.net: a connection as Lua sees it, TCP, then TLS, then perhaps HTTP/2 (net_h2.c). */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_MAX 16384

static void
on_changed(struct conn *conn, void *context)
{
	struct net_stream *stream = context;

	(void)conn;
	bind_wake(&stream->changed);
}

struct net_stream *
net_check(lua_State *L)
{
	struct net_stream *stream = luaL_checkudata(L, 1, NET_STREAM);

	if (stream->conn.phase == CONN_CLOSED)
		bind_misuse(L, "the stream is closed");
	return stream;
}

int
net_begin(lua_State *L, lua_KFunction k)
{
	return k(L, LUA_OK, 0);
}

int
net_wait(lua_State *L, struct net_stream *stream, int deadline, const char *late, lua_KContext context, lua_KFunction k)
{
	double left = -1;

	if (!lua_isnoneornil(L, deadline)) {
		left = luaL_checknumber(L, deadline) - loop_now();
		if (left <= 0)
			return bind_fail(L, late, "nothing came within the time that was given");
	}
	return bind_wait(L, &stream->changed, left, context, k);
}

/* TCP. */

/* The socket address of text and port, with an IPv6 zone by name or number; its length or 0. */
static socklen_t
address_of(const char *text, const char *zone, int port, struct sockaddr_storage *to)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof *to);
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		return sizeof *v4;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
		return 0;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)port);
	if (zone) {
		char *end;
		unsigned long number = strtoul(zone, &end, 10);

		v6->sin6_scope_id = *end ? if_nametoindex(zone) : (unsigned)number;
		if (v6->sin6_scope_id == 0)
			return 0;
	}
	return sizeof *v6;
}

/* net.connect(address, port, [zone], [interface]) -> stream that is connecting
 * | nil, message, code. The address is text, IPv4 or IPv6. */
static int
net_connect(lua_State *L)
{
	const char *text = luaL_checkstring(L, 1);
	lua_Integer port = luaL_checkinteger(L, 2);
	const char *zone = luaL_optstring(L, 3, NULL), *interface = luaL_optstring(L, 4, NULL);
	struct sockaddr_storage address;
	struct net_stream *stream;
	socklen_t length;
	int error;

	luaL_argcheck(L, port >= 0 && port <= 65535, 2, "port from 0 to 65535");
	length = address_of(text, zone, (int)port, &address);
	if (length == 0 && zone)
		return bind_fail(L, "tcp.unreachable", "no interface '%s'", zone);
	luaL_argcheck(L, length > 0, 1, "an IPv4 or IPv6 address");
	stream = lua_newuserdatauv(L, sizeof *stream, 0);
	memset(stream, 0, sizeof *stream);
	conn_init(&stream->conn, bind_loop(L)->ev, on_changed, stream);
	luaL_setmetatable(L, NET_STREAM);
	error = conn_connect(&stream->conn, (struct sockaddr *)&address, length, interface);
	if (error && interface)
		return net_fail_interface(L, interface, error);
	if (error)
		return bind_fail_errno(L, net_connect_code(error), NULL, error);
	return 1;
}

static int
connected_k(lua_State *L, int status, lua_KContext context)
{
	struct net_stream *stream = luaL_checkudata(L, 1, NET_STREAM);

	(void)context;
	if (status == LUA_YIELD && stream->conn.phase == CONN_CLOSED)
		return bind_fail(L, "local.closed", "the stream was closed while it connected"); /* a race's loser */
	net_check(L);
	if (stream->conn.phase == CONN_CONNECTING)
		return bind_wait(L, &stream->changed, -1, 0, connected_k);
	if (stream->conn.phase == CONN_FAILED)
		return net_fail(L, stream);
	lua_pushboolean(L, true);
	return 1;
}

/* stream:connected() -> true | nil, message, code; waits for the connection. */
static int
stream_connected(lua_State *L)
{
	return net_begin(L, connected_k);
}

/* TLS. */

/* context: the argument that is the deadline */
static int
handshake_k(lua_State *L, int status, lua_KContext context)
{
	struct net_stream *stream = net_check(L);

	(void)status;
	switch (stream->conn.phase) {
	case CONN_HANDSHAKE:
	case CONN_FINISHING: return net_wait(L, stream, (int)context, "tls.timeout", context, handshake_k);
	case CONN_FAILED: return net_fail(L, stream);
	default: lua_pushboolean(L, true); return 1;
	}
}

/* Fills names from the list at `index`; raises for one that is no string or too many. */
static size_t
check_alpn(lua_State *L, int index, const char *names[TLS_ALPN_COUNT_MAX])
{
	size_t count = lua_istable(L, index) ? lua_rawlen(L, index) : 0;

	luaL_argcheck(L, count <= TLS_ALPN_COUNT_MAX, index, "too many application protocols");
	for (size_t i = 0; i < count; i++) {
		lua_rawgeti(L, index, (lua_Integer)i + 1); /* stays in the table, so the pointer stays good */
		names[i] = luaL_checkstring(L, -1);
		lua_pop(L, 1);
	}
	return count;
}

/* stream:handshake(sni|nil, alpn list, min, max, [deadline]) -> true | nil,
 * message, code; waits until the server's first flight is complete. Ours is
 * held: nothing but the ClientHello has left. Versions are 0x0301 to 0x0303. */
static int
stream_handshake(lua_State *L)
{
	struct net_stream *stream = net_check(L);
	const char *names[TLS_ALPN_COUNT_MAX];
	struct tls_config config = { .alpn = names };
	enum tls_fault fault;

	config.name = luaL_optstring(L, 2, NULL);
	config.alpn_count = check_alpn(L, 3, names);
	config.version_min = (unsigned)luaL_checkinteger(L, 4);
	config.version_max = (unsigned)luaL_checkinteger(L, 5);
	if (stream->conn.phase != CONN_PLAIN)
		return luaL_error(L, "a handshake needs a connected stream without TLS");
	fault = conn_handshake(&stream->conn, &config);
	if (fault == TLS_MISUSE)
		return luaL_error(L, "server name or application protocols that TLS cannot carry");
	if (fault != TLS_OK)
		return bind_fail(L, fault == TLS_NO_MEMORY ? "local.limit" : tls_fault_code(fault), "%s",
				 fault == TLS_NO_ENTROPY ? "the kernel has no random bytes yet"
							 : "not enough memory for a TLS client");
	if (config.name)
		snprintf(stream->sni, sizeof stream->sni, "%s", config.name);
	lua_settop(L, 6);
	return handshake_k(L, LUA_OK, 6);
}

/* stream:go_on([deadline]) -> true | nil, message, code; lets the held flight go and waits for the end of the
 * handshake. Called again, also after a wait that was cut off, it waits on or tells how that went. */
static int
stream_go_on(lua_State *L)
{
	struct net_stream *stream = net_check(L);

	if (!stream->conn.tls || stream->conn.phase == CONN_HANDSHAKE)
		return luaL_error(L, "no handshake is held");
	conn_go_on(&stream->conn);
	lua_settop(L, 2);
	return handshake_k(L, LUA_OK, 2);
}

static void
set_string(lua_State *L, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	lua_pushstring(L, value);
	lua_setfield(L, -2, key);
}

/* stream:info() -> {version, cipher, group, alpn, sni, alert, warning,
 * client_certificate_requested, chain_complete, received, sent} | nil before TLS */
static int
stream_info(lua_State *L)
{
	struct net_stream *stream = net_check(L);
	const struct tls_info *info;

	if (!stream->conn.tls)
		return 0;
	info = tls_info(stream->conn.tls);
	lua_createtable(L, 0, 12);
	set_string(L, "version", info->version_name);
	set_string(L, "cipher", info->cipher);
	set_string(L, "group", info->group);
	set_string(L, "alpn", info->alpn);
	set_string(L, "sni", stream->sni);
	set_string(L, "alert", info->alert_name);
	if (info->warning >= 0)
		set_string(L, "warning", tls_alert_name(info->warning));
	lua_pushboolean(L, info->client_certificate_requested);
	lua_setfield(L, -2, "client_certificate_requested");
	lua_pushboolean(L, info->chain_complete);
	lua_setfield(L, -2, "chain_complete");
	lua_pushboolean(L, info->close_notify);
	lua_setfield(L, -2, "close_notify");
	lua_pushinteger(L, (lua_Integer)info->received);
	lua_setfield(L, -2, "received");
	lua_pushinteger(L, (lua_Integer)info->sent);
	lua_setfield(L, -2, "sent");
	return 1;
}

/* stream:chain() -> list of DER, as sent | nil when no certificate message came whole */
static int
stream_chain(lua_State *L)
{
	struct net_stream *stream = net_check(L);
	size_t count;

	if (!stream->conn.tls || !tls_info(stream->conn.tls)->chain_complete)
		return 0;
	count = tls_chain_count(stream->conn.tls);
	lua_createtable(L, (int)count, 0);
	for (size_t i = 0; i < count; i++) {
		size_t length;
		const unsigned char *der = tls_chain_certificate(stream->conn.tls, i, &length);

		lua_pushlstring(L, (const char *)der, length);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return 1;
}

/* Application data. */

static int
read_k(lua_State *L, int status, lua_KContext context)
{
	struct net_stream *stream = net_check(L);
	char bytes[READ_MAX];
	int pushed = 0;
	ssize_t n;

	(void)status;
	n = conn_read(&stream->conn, bytes, (size_t)context);
	if (n == STREAM_AGAIN)
		pushed = net_wait(L, stream, 3, "peer.timeout", context, read_k); /* returns only when it is late */
	stream->reader.routine = NULL;
	if (n == STREAM_AGAIN)
		return pushed;
	if (n < 0)
		return net_fail(L, stream);
	lua_pushlstring(L, bytes, (size_t)n);
	return 1;
}

/* Raises where data can't pass, or another coroutine is at it. */
static void
begin_transfer(lua_State *L, struct net_stream *stream, struct bind_holder *holder, const char *another)
{
	if (!bind_hold(L, holder))
		bind_misuse(L, "another coroutine is %s this stream", another);
	if (stream->conn.phase != CONN_PLAIN && stream->conn.phase != CONN_OPEN)
		bind_misuse(L, "the handshake of this stream has not ended");
}

/* stream:read([n], [deadline]) -> 1 to n bytes (16384 at most), "" at the end | nil, message, code */
static int
stream_read(lua_State *L)
{
	struct net_stream *stream = net_check(L);
	lua_Integer n = luaL_optinteger(L, 2, READ_MAX);

	luaL_argcheck(L, n >= 1, 2, "a number of bytes from 1");
	lua_settop(L, 3);
	begin_transfer(L, stream, &stream->reader, "reading from");
	return read_k(L, LUA_OK, n > READ_MAX ? READ_MAX : (lua_KContext)n);
}

static int
write_k(lua_State *L, int status, lua_KContext done)
{
	struct net_stream *stream = net_check(L);
	size_t length;
	const char *bytes = luaL_checklstring(L, 2, &length);
	ssize_t n = 0;
	int pushed = 0;

	(void)status;
	while ((size_t)done < length && (n = conn_write(&stream->conn, bytes + done, length - (size_t)done)) >= 0)
		done += n;
	if (n == STREAM_AGAIN)
		pushed = net_wait(L, stream, 3, "peer.timeout", done, write_k); /* returns only when it is late */
	stream->writer.routine = NULL;
	if (n == STREAM_AGAIN)
		return pushed;
	if (n < 0)
		return net_fail(L, stream);
	lua_pushboolean(L, true);
	return 1;
}

/* stream:write(bytes, [deadline]) -> true when all were taken | nil, message, code */
static int
stream_write(lua_State *L)
{
	struct net_stream *stream = net_check(L);

	luaL_checkstring(L, 2);
	lua_settop(L, 3);
	begin_transfer(L, stream, &stream->writer, "writing to");
	return write_k(L, LUA_OK, 0);
}

/* stream:close(): everything at once; waiters get an error. Idempotent. */
static int
stream_close(lua_State *L)
{
	struct net_stream *stream = luaL_checkudata(L, 1, NET_STREAM);

	conn_close(&stream->conn);
	bind_wake(&stream->changed);
	return 0;
}

/* net.versions() -> {lua=, bearssl=, nghttp2=}; BearSSL 0.6 has no version of its own to ask. */
static int
net_versions(lua_State *L)
{
	lua_createtable(L, 0, 3);
	lua_pushliteral(L, LUA_VERSION_MAJOR "." LUA_VERSION_MINOR "." LUA_VERSION_RELEASE);
	lua_setfield(L, -2, "lua");
	lua_pushliteral(L, "0.6");
	lua_setfield(L, -2, "bearssl");
	lua_pushstring(L, nghttp2_version(0)->version_str);
	lua_setfield(L, -2, "nghttp2");
	return 1;
}

static const luaL_Reg functions[] = {
	{ "connect", net_connect },
	{ "descriptors", net_descriptors },
	{ "interface", net_interface },
	{ "versions", net_versions },
	{ NULL, NULL },
};
static const luaL_Reg methods[] = {
	{ "connected", stream_connected }, { "handshake", stream_handshake }, { "go_on", stream_go_on },
	{ "info", stream_info },           { "chain", stream_chain },         { "read", stream_read },
	{ "write", stream_write },         { "close", stream_close },         { NULL, NULL },
};
static const luaL_Reg metamethods[] = { { "__gc", stream_close }, { "__close", stream_close }, { NULL, NULL } };

int luaopen_kedge_core_net(lua_State *L);

int
luaopen_kedge_core_net(lua_State *L)
{
	bind_class(L, NET_STREAM, methods, metamethods);
	luaL_getmetatable(L, NET_STREAM);
	lua_getfield(L, -1, "__index");
	luaL_setfuncs(L, net_h2_methods, 0);
	lua_pop(L, 2);
	luaL_newlib(L, functions);
	return 1;
}
