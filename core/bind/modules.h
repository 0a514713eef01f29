/* Which modules are compiled in, and the `require` that finds them and nothing else. */
#ifndef KEDGE_MODULES_H
#define KEDGE_MODULES_H

#include <lua.h>

int luaopen_kedge_core_admit(lua_State *);
int luaopen_kedge_core_call(lua_State *);
int luaopen_kedge_core_change(lua_State *);
int luaopen_kedge_core_embedded(lua_State *);
int luaopen_kedge_core_file(lua_State *);
int luaopen_kedge_core_lock(lua_State *);
int luaopen_kedge_core_loop(lua_State *);
int luaopen_kedge_core_net(lua_State *);
int luaopen_kedge_core_process(lua_State *);
int luaopen_kedge_core_prompt(lua_State *);
int luaopen_kedge_core_resolver(lua_State *);
int luaopen_kedge_core_store(lua_State *);
int luaopen_kedge_core_tree(lua_State *);
int luaopen_kedge_core_watch(lua_State *);
int luaopen_kedge_core_x509(lua_State *);

/* A package.searchers function: name -> loader, chunk name | text that says what was looked for. */
int modules_search(lua_State *);

/* Opens Lua's own libraries except loadlib, then sets the globals `require`
 * and `package` (loaded, preload, searchers; path and cpath are empty). */
void modules_open(lua_State *);

#endif
