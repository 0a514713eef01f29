-- Writes, as C, what the binary carries: `lua5.4 embed.lua OUTPUT FILE...`.
-- Lua files become bytecode (stripped unless DEBUG is set in the environment),
-- PEM files and the reference stay text. Kind and name follow from the path. Bytecode is the
-- format of the machine that builds: cross-building to another byte order
-- needs EMBED_SOURCE, which embeds the Lua text itself. All of it is compressed
-- by gzip, for devices of small flash.

local output = arg[1]
local keep_debug = (os.getenv("DEBUG") or "") ~= ""
local as_source = (os.getenv("EMBED_SOURCE") or "") ~= ""

-- First match wins; what the pattern captures is the name, with dots for slashes.
local places = {
  { pattern = "^lua/(kedge%.d)%.lua$", kind = "TEXT" },
  { pattern = "^lua/(new/.+)%.lua$", kind = "TEXT" },
  { pattern = "^lua/formats/(.+)%.lua$", kind = "FORMAT" },
  { pattern = "^lua/(kedge)%.lua$", kind = "MODULE" },
  { pattern = "^lua/(.+)%.lua$", kind = "MODULE", prefix = "kedge." },
  { pattern = "^scripts/([^/]+)%.lua$", kind = "SCRIPT" },
  { pattern = "^trust/([^/]+%.pem)$", kind = "ANCHOR" },
  { pattern = "([^/]+)%.lua$", kind = "MODULE" }, -- argparse, dkjson
}

local function fail(message)
  io.stderr:write("embed: ", message, "\n")
  os.exit(1)
end

local function place_of(path)
  for _, place in ipairs(places) do
    local name = path:match(place.pattern)
    if name then return place.kind, (place.prefix or "") .. name:gsub("/", ".") end
  end
  fail(path .. ": no place in the binary for a file of this name")
end

local function read(path)
  local file, message = io.open(path, "rb")
  if not file then fail(message) end
  local text = file:read("a")
  file:close()
  return text
end

local function content_of(path, kind)
  local text = read(path)
  if kind == "ANCHOR" or kind == "TEXT" then return text end
  local chunk, message = load(text, "@" .. path, "t")
  if not chunk then fail(message) end
  return as_source and text or string.dump(chunk, not keep_debug)
end

local function compressed(content)
  local name = output .. ".raw"
  local raw = assert(io.open(name, "wb"))
  assert(raw:write(content))
  assert(raw:close())
  local gzip = assert(io.popen(("gzip -9nc <'%s'"):format(name), "r"))
  local data = gzip:read("a")
  if not gzip:close() then fail("gzip failed") end
  os.remove(name)
  return data
end

local function write_bytes(out, data)
  for start = 1, #data, 24 do
    out:write("\t", table.concat({ data:byte(start, start + 23) }, ","), ",\n")
  end
end

local files = {}
for i = 2, #arg do
  local kind, name = place_of(arg[i])
  files[#files + 1] = { kind = kind, name = name, path = arg[i] }
end
table.sort(files, function(a, b)
  if a.kind ~= b.kind then return a.kind < b.kind end
  return a.name < b.name
end)

local out, message = io.open(output .. ".new", "wb")
if not out then fail(message) end
out:write("/* Made by core/bind/embed.lua. */\n#include \"core/bind/embedded.h\"\n")
for i, file in ipairs(files) do
  local content = content_of(file.path, file.kind)
  local data = compressed(content)
  file.length, file.size = #data, #content
  out:write(("\nstatic const unsigned char data_%d[] = { /* %s */\n"):format(i, file.path))
  write_bytes(out, data)
  out:write("\t0\n};\n")
end
out:write("\nconst struct embedded embedded_files[] = {\n")
for i, file in ipairs(files) do
  out:write(("\t{ EMBEDDED_%s, \"%s\", \"@%s\", data_%d, %d, %d },\n"):format(file.kind, file.name, file.path, i, file.length, file.size))
end
out:write("};\nconst size_t embedded_count = ", #files, ";\n")
-- The moment of the build: no believable clock shows an earlier time.
out:write("const int64_t embedded_build_time = ", os.getenv("SOURCE_DATE_EPOCH") or os.time(), ";\n")
if not out:close() then fail(output .. ": cannot be written") end
assert(os.rename(output .. ".new", output))
