/* The HTTP/2 methods of kedge.core.net's streams. */
#include "net.h"

#include <string.h>

#define H2_MAX_SETTINGS 16
#define BODY_MAX 16384

static struct net_stream *
check_h2(lua_State *L)
{
	struct net_stream *stream = net_check(L);

	if (!stream->conn.h2)
		bind_misuse(L, "this stream does not speak HTTP/2 yet");
	return stream;
}

/* nil, message, code when the whole connection can bring nothing more; else 0. */
static int
fail_if_over(lua_State *L, struct net_stream *stream)
{
	struct conn *conn = &stream->conn;
	enum h2_fault fault = h2_fault(conn->h2);
	const struct h2_goaway *goaway = h2_goaway(conn->h2);

	if (fault == H2_OK && (conn->ended || conn->broken))
		fault = (enum h2_fault)h2_end(conn->h2);
	if (fault == H2_OK && !conn->ended && !conn->broken)
		return 0;
	if (fault == H2_GOAWAY || (fault == H2_OK && goaway->received))
		return bind_fail(L, "h2.goaway", "the server ended the connection with GOAWAY %s%s%s",
				 h2_error_name(goaway->code) ? h2_error_name(goaway->code) : "of an unknown code",
				 goaway->debug_length ? ": " : "", goaway->debug);
	if (fault == H2_OK || fault == H2_RESET)
		return bind_fail(L, "h2.reset", "the server closed the connection");
	return bind_fail(L, h2_fault_code(fault), "%s", h2_detail(conn->h2));
}

static int
fail_call(lua_State *L, struct net_stream *stream, int fault)
{
	int pushed = fail_if_over(L, stream);

	if (pushed)
		return pushed;
	if (fault == H2_BAD_FIELD)
		return bind_misuse(L, "a header field has bytes that HTTP does not allow");
	if (fault == H2_REFUSED)
		return bind_fail(L, "h2.goaway", "the server takes no more requests on this connection");
	return bind_fail(L, "local.limit", "too many streams or pings at once, or no memory");
}

/* Sending also receives, and what came may be for another routine. */
static void
flush(struct net_stream *stream)
{
	conn_flush(&stream->conn);
	bind_wake(&stream->changed);
}

/* stream:h2([settings]) -> true | nil, message, code: queues the preface and
 * SETTINGS; settings maps numbers to values. Nothing is sent before flush. */
static int
stream_h2(lua_State *L)
{
	struct net_stream *stream = net_check(L);
	struct h2_setting settings[H2_MAX_SETTINGS];
	size_t count = 0;

	if (stream->conn.phase != CONN_OPEN || stream->conn.h2)
		return luaL_error(L, "HTTP/2 starts once, after the handshake");
	lua_settop(L, 2);
	if (lua_istable(L, 2)) {
		for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
			luaL_argcheck(L, count < H2_MAX_SETTINGS, 2, "too many settings");
			luaL_argcheck(L, lua_isinteger(L, -2) && lua_isinteger(L, -1), 2, "settings are numbers");
			settings[count].id = (uint16_t)lua_tointeger(L, -2);
			settings[count++].value = (uint32_t)lua_tointeger(L, -1);
		}
	}
	if (!conn_start_h2(&stream->conn, settings, count))
		return bind_fail(L, "local.limit", "HTTP/2 cannot start: a setting is invalid, or there is no memory");
	lua_pushboolean(L, true);
	return 1;
}

static struct h2_field
check_field(lua_State *L, int list, lua_Integer i)
{
	struct h2_field field;

	lua_rawgeti(L, list, i);
	luaL_argcheck(L, lua_istable(L, -1), list, "fields are {name, value}");
	lua_rawgeti(L, -1, 1);
	lua_rawgeti(L, -2, 2);
	luaL_argcheck(L, lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) == LUA_TSTRING, list,
		      "fields are {name, value}");
	field.name = lua_tolstring(L, -2, &field.name_length);
	field.value = lua_tolstring(L, -1, &field.value_length);
	lua_pop(L, 3); /* they stay in the list */
	return field;
}

/* stream:h2_request(fields, ends) -> id | nil, message, code: queues a request;
 * fields is a list of {name, value} with the pseudo-fields first; ends: it has
 * no body. */
static int
stream_h2_request(lua_State *L)
{
	struct net_stream *stream = check_h2(L);
	struct h2_field fields[H2_FIELDS];
	lua_Integer count;
	int32_t id;

	luaL_checktype(L, 2, LUA_TTABLE);
	count = (lua_Integer)lua_rawlen(L, 2);
	luaL_argcheck(L, count > 0 && count <= H2_FIELDS, 2, "1 to 128 fields");
	for (lua_Integer i = 0; i < count; i++)
		fields[i] = check_field(L, 2, i + 1);
	id = h2_request(stream->conn.h2, fields, (size_t)count, lua_toboolean(L, 3));
	if (id < 0)
		return fail_call(L, stream, id);
	lua_pushinteger(L, id);
	return 1;
}

/* stream:h2_ping() -> number | nil, message, code: queues a PING */
static int
stream_h2_ping(lua_State *L)
{
	struct net_stream *stream = check_h2(L);
	unsigned number;
	int fault = h2_ping(stream->conn.h2, &number);

	if (fault)
		return fail_call(L, stream, fault);
	lua_pushinteger(L, (lua_Integer)number);
	return 1;
}

/* stream:h2_flush(): sends what is queued */
static int
stream_h2_flush(lua_State *L)
{
	flush(check_h2(L));
	return 0;
}

static int
pong_k(lua_State *L, int status, lua_KContext context)
{
	struct net_stream *stream = check_h2(L);
	int failed;

	(void)status;
	(void)context;
	if (h2_ping_done(stream->conn.h2, (unsigned)luaL_checkinteger(L, 2))) {
		lua_pushboolean(L, true);
		return 1;
	}
	failed = fail_if_over(L, stream);
	return failed ? failed : net_wait(L, stream, 3, "h2.timeout", 0, pong_k);
}

/* stream:h2_pong(number, [deadline]) -> true | nil, message, code: waits for the answer to that PING */
static int
stream_h2_pong(lua_State *L)
{
	lua_settop(L, 3);
	return net_begin(L, pong_k);
}

static int
settings_k(lua_State *L, int status, lua_KContext context)
{
	struct net_stream *stream = check_h2(L);
	const struct h2_setting *settings;
	size_t count;
	int failed;

	(void)status;
	(void)context;
	if (!h2_settings_received(stream->conn.h2)) {
		failed = fail_if_over(L, stream);
		return failed ? failed : net_wait(L, stream, 2, "h2.timeout", 0, settings_k);
	}
	count = h2_settings(stream->conn.h2, &settings);
	lua_createtable(L, (int)count, 0);
	for (size_t i = 0; i < count; i++) {
		lua_createtable(L, 0, 3);
		lua_pushinteger(L, settings[i].id);
		lua_setfield(L, -2, "id");
		lua_pushinteger(L, (lua_Integer)settings[i].value);
		lua_setfield(L, -2, "value");
		lua_pushstring(L, h2_setting_name(settings[i].id));
		lua_setfield(L, -2, "name");
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return 1;
}

/* stream:h2_settings([deadline]) -> list of {id, name, value} | nil, message, code: waits for the peer's SETTINGS */
static int
stream_h2_settings(lua_State *L)
{
	lua_settop(L, 2);
	return net_begin(L, settings_k);
}

/* nil, message, code when the request failed; else 0. */
static int
fail_if_stream_over(lua_State *L, struct net_stream *stream, const struct h2_stream *request)
{
	const char *code = h2_stream_code(request);
	const char *name;

	if (!code)
		return request->ended ? 0 : fail_if_over(L, stream);
	name = h2_error_name(request->reset_code);
	if (request->refused)
		return bind_fail(L, code, "the server ended the connection before it answered (GOAWAY)");
	if (request->too_large)
		return bind_fail(L, code, "the reply's header list is larger than kedge accepts");
	if (request->malformed)
		return bind_fail(L, code, "the reply breaks the rules of HTTP/2");
	return bind_fail(L, code, "the server reset the request (%s)", name ? name : "unknown code");
}

static void
push_fields(lua_State *L, const struct h2_stream *request)
{
	lua_createtable(L, (int)request->field_count, 0);
	for (size_t i = 0; i < request->field_count; i++) {
		const struct h2_field *field = &request->fields[i];

		lua_createtable(L, 2, 0);
		lua_pushlstring(L, field->name, field->name_length);
		lua_rawseti(L, -2, 1);
		lua_pushlstring(L, field->value, field->value_length);
		lua_rawseti(L, -2, 2);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
}

static const struct h2_stream *
check_request(lua_State *L, struct net_stream *stream)
{
	const struct h2_stream *request = h2_stream(stream->conn.h2, (int32_t)luaL_checkinteger(L, 2));

	if (!request)
		luaL_argerror(L, 2, "no such request");
	return request;
}

static int
reply_k(lua_State *L, int status, lua_KContext context)
{
	struct net_stream *stream = check_h2(L);
	const struct h2_stream *request = check_request(L, stream);
	int failed;

	(void)status;
	(void)context;
	if (!request->headers_done) {
		failed = fail_if_stream_over(L, stream, request);
		return failed ? failed : net_wait(L, stream, 3, "http.timeout", 0, reply_k);
	}
	lua_pushinteger(L, request->status);
	push_fields(L, request);
	return 2;
}

/* stream:h2_reply(id, [deadline]) -> status, list of {name, value} | nil, message, code: waits for the headers */
static int
stream_h2_reply(lua_State *L)
{
	lua_settop(L, 3);
	return net_begin(L, reply_k);
}

static int
body_k(lua_State *L, int status, lua_KContext context)
{
	struct net_stream *stream = check_h2(L);
	const struct h2_stream *request = check_request(L, stream);
	char bytes[BODY_MAX];
	ssize_t n = h2_read(stream->conn.h2, request->id, bytes, sizeof bytes);
	int failed;

	(void)status;
	(void)context;
	if (n >= 0) {
		lua_pushlstring(L, bytes, (size_t)n);
		if (n > 0)
			flush(stream); /* the window that was opened again */
		return 1;
	}
	failed = fail_if_stream_over(L, stream, request);
	return failed ? failed : net_wait(L, stream, 3, "http.timeout", 0, body_k);
}

/* stream:h2_body(id, [deadline]) -> a piece of the body, "" at its end | nil, message, code */
static int
stream_h2_body(lua_State *L)
{
	lua_settop(L, 3);
	return net_begin(L, body_k);
}

static int
write_body_k(lua_State *L, int status, lua_KContext done)
{
	struct net_stream *stream = check_h2(L);
	const struct h2_stream *request = check_request(L, stream);
	size_t length;
	const char *bytes = luaL_checklstring(L, 3, &length);
	ssize_t taken =
		h2_write(stream->conn.h2, request->id, bytes + done, length - (size_t)done, lua_toboolean(L, 4));
	int failed;

	(void)status;
	if (taken < 0) {
		failed = fail_if_stream_over(L, stream, request);
		return failed ? failed
			      : bind_fail(L, "http.bad_reply", "the server answered before it had the whole request");
	}
	flush(stream);
	done += taken;
	if ((size_t)done == length) {
		lua_pushboolean(L, true);
		return 1;
	}
	failed = fail_if_over(L, stream);
	return failed ? failed : net_wait(L, stream, 5, "http.timeout", done, write_body_k);
}

/* stream:h2_write(id, bytes, ends, [deadline]) -> true when all were taken | nil,
 * message, code: a piece of the request's body; ends: it is the last one */
static int
stream_h2_write(lua_State *L)
{
	luaL_checkstring(L, 3);
	lua_settop(L, 5);
	return net_begin(L, write_body_k);
}

/* stream:h2_cancel(id): forgets the request, with RST_STREAM where it is open */
static int
stream_h2_cancel(lua_State *L)
{
	struct net_stream *stream = check_h2(L);

	h2_cancel(stream->conn.h2, (int32_t)luaL_checkinteger(L, 2));
	flush(stream); /* RST_STREAM, and the window that is given back */
	return 0;
}

/* stream:h2_goaway() -> {code, name, last_stream, debug} | nil when none was received */
static int
stream_h2_goaway(lua_State *L)
{
	struct net_stream *stream = check_h2(L);
	const struct h2_goaway *goaway = h2_goaway(stream->conn.h2);

	if (!goaway->received)
		return 0;
	lua_createtable(L, 0, 4);
	lua_pushinteger(L, (lua_Integer)goaway->code);
	lua_setfield(L, -2, "code");
	lua_pushstring(L, h2_error_name(goaway->code));
	lua_setfield(L, -2, "name");
	lua_pushinteger(L, goaway->last_stream);
	lua_setfield(L, -2, "last_stream");
	lua_pushstring(L, goaway->debug);
	lua_setfield(L, -2, "debug");
	return 1;
}

const luaL_Reg net_h2_methods[] = {
	{ "h2", stream_h2 },
	{ "h2_request", stream_h2_request },
	{ "h2_ping", stream_h2_ping },
	{ "h2_flush", stream_h2_flush },
	{ "h2_write", stream_h2_write },
	{ "h2_pong", stream_h2_pong },
	{ "h2_settings", stream_h2_settings },
	{ "h2_reply", stream_h2_reply },
	{ "h2_body", stream_h2_body },
	{ "h2_cancel", stream_h2_cancel },
	{ "h2_goaway", stream_h2_goaway },
	{ NULL, NULL },
};
