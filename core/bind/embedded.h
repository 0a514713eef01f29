/*
 * What is compiled into the binary besides C: Lua modules, formats, scripts
 * and trust anchors, as core/bind/embed.lua wrote them at build time.
 */
#ifndef KEDGE_EMBEDDED_H
#define KEDGE_EMBEDDED_H

#include <lua.h>
#include <stddef.h>
#include <stdint.h>

enum embedded_kind { EMBEDDED_MODULE, EMBEDDED_FORMAT, EMBEDDED_SCRIPT, EMBEDDED_ANCHOR, EMBEDDED_TEXT };

struct embedded {
	enum embedded_kind kind;
	const char *name;       /* "kedge.check", "text", "regions", "AmazonRootCA1.pem" */
	const char *chunk_name; /* "@lua/check.lua" */
	const unsigned char *data; /* as gzip compressed it */
	size_t length, size;       /* of data, and of what it stands for */
};

extern const struct embedded embedded_files[];
extern const size_t embedded_count;
extern const int64_t embedded_build_time; /* seconds since 1970 */

/* The file of this kind and name, or NULL. */
const struct embedded *embedded_find(enum embedded_kind, const char *name);

/* Pushes the file's content as a string. */
void embedded_push(lua_State *, const struct embedded *);

/* Pushes the file's chunk as a function; LUA_OK, or an error status with a message pushed. */
int embedded_load(lua_State *, const struct embedded *);

#endif
