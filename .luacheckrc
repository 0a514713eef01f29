-- kedge's Lua is plain Lua 5.4: no global is written, and none is read but Lua's own.
std = "lua54"
max_line_length = 140 -- sentences for people are kept on one line
self = false -- a method that needs no self is still a method
files["tests/**/*.lua"] = {
  -- luaunit finds its tests among the globals that begin with Test.
  allow_defined_top = true,
}
