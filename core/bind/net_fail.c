/* How failures of connections are told to Lua: nil, message, code. */
#include <bearssl.h>
#include <errno.h>

#include "net.h"

const char *
net_connect_code(int error)
{
	switch (error) {
	case ECONNREFUSED: return "tcp.refused";
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE: return "tcp.reset";
	case ETIMEDOUT: return "tcp.timeout";
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS: return "local.limit";
	default: return "tcp.unreachable";
	}
}

static int
fail_alert(lua_State *L, const struct tls_info *info)
{
	lua_pushnil(L);
	lua_pushfstring(L, "the server refused with alert %d (%s)", info->alert, info->alert_name);
	lua_pushfstring(L, "tls.alert.%s", info->alert_name);
	return 3;
}

static int
fail_version(lua_State *L, const struct tls_info *info)
{
	if (info->alert >= 0)
		return bind_fail(L, "tls.version", "the server refuses the TLS versions offered (alert %d, %s)",
				 info->alert, info->alert_name);
	return bind_fail(L, "tls.version", "the server answered with %s, which was not offered",
			 info->version_name ? info->version_name : "an unknown version");
}

/* Whatever a peer said stands behind the last colon and is shown escaped. */
static int
fail_not_tls(lua_State *L, const struct tls_info *info)
{
	lua_pushnil(L);
	lua_pushliteral(L, "the server answered with something that isn't TLS: ");
	lua_pushlstring(L, (const char *)info->said, info->said_length);
	lua_concat(L, 2);
	lua_pushliteral(L, "tls.not_tls");
	return 3;
}

static int
fail_closed(lua_State *L, const struct tls_info *info)
{
	if (info->received == 0)
		return bind_fail(L, "tls.closed", "the server closed the connection without a word");
	return bind_fail(L, "tls.closed", "the server closed the connection during the handshake, after %I bytes",
			 (LUAI_UACINT)info->received);
}

static int
fail_tls(lua_State *L, const struct tls_info *info)
{
	const char *code = tls_fault_code(info->fault);

	switch (info->fault) {
	case TLS_ALERT: return fail_alert(L, info);
	case TLS_VERSION: return fail_version(L, info);
	case TLS_NOT_TLS: return fail_not_tls(L, info);
	case TLS_CLOSED: return fail_closed(L, info);
	case TLS_RESET:
		return bind_fail(L, code, "the connection was reset during TLS, after %I bytes were received",
				 (LUAI_UACINT)info->received);
	case TLS_NO_CIPHER: return bind_fail(L, code, "the server refuses every cipher suite offered (alert 40)");
	case TLS_CLIENT_CERT_REQUIRED:
		return bind_fail(L, code, "the server asked for a client certificate and broke off");
	case TLS_TOO_LARGE: return bind_fail(L, code, "the server's certificate message is larger than kedge accepts");
	case TLS_FLOOD: return bind_fail(L, code, "the server sent bytes without end that lead to nothing");
	case TLS_ALPN_MISMATCH:
		if (info->alert >= 0)
			return bind_fail(L, code, "the server refuses the application protocols offered (alert 120)");
		return bind_fail(L, code, "the server selected an application protocol that was not offered");
	case TLS_KEY_UNSUPPORTED: return bind_fail(L, code, "the server's certificate has a key that kedge cannot use");
	case TLS_BAD_SIGNATURE:
		return bind_fail(L, code, "the server's key exchange is not signed by its certificate's key");
	case TLS_NO_ENTROPY: return bind_fail(L, code, "the kernel has no random bytes yet");
	default: return bind_fail(L, code, "%s", tls_engine_error_text(info->engine_error));
	}
}

int
net_fail(lua_State *L, struct net_stream *stream)
{
	struct conn *conn = &stream->conn;
	int error = conn->error ? conn->error : conn->socket.error;

	if (conn->tls && tls_info(conn->tls)->fault != TLS_OK)
		return fail_tls(L, tls_info(conn->tls));
	if (error == 0)
		return bind_fail(L, "tcp.reset", "the connection is broken");
	return bind_fail_errno(L, net_connect_code(error), NULL, error);
}
