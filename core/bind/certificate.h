/* A certificate as a Lua table, for core/bind/x509.c. */
#ifndef KEDGE_BIND_CERTIFICATE_H
#define KEDGE_BIND_CERTIFICATE_H

#include <lua.h>

#include "../certificate.h"

/* Pushes the table of all that was read, except the field der. */
void certificate_push(lua_State *L, const struct certificate *c);

/* Pushes a whole name's RFC 4514 text; false and nothing for one that can't be read. */
bool certificate_push_name(lua_State *L, struct span name);

/* Pushes the raw digest of span. */
void certificate_push_digest(lua_State *L, enum digest_kind kind, struct span span);

#endif
