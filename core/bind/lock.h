/* A held lock as kedge.core.process needs it, to let a child inherit it. */
#ifndef KEDGE_BIND_LOCK_H
#define KEDGE_BIND_LOCK_H

#include <lua.h>

/* The descriptor of the flock at `index`, held; raises for anything else. */
int bind_lock_fd(lua_State *L, int index);

#endif
