-- JSON (RFC 8259) as reports need it: fields in a fixed order, the same bytes
-- for the same data, whatever bytes a peer sent.

local limits = require "kedge.limits"
local show = require "kedge.show"

local json = {}

-- Fields by kind of object, in order: a name, or { name, kind }. "*" behind a
-- kind makes it a list of these. A field in `always` is null where it is absent.
local KINDS = {
  report = { "schema", { "tool", "tool" }, "script", "started", "duration_ms", { "results", "result*" }, { "summary", "summary" } },
  tool = { "name", "version" },
  summary = { "total", "ok", "warn", "fail", "skip" },
  result = {
    "id", "line", "run", { "target", "target" }, { "labels", "open" }, "status", "stage", "code", "cause", "message", "remedy",
    { "timings_ms", "timings" }, { "tls", "tls" }, { "chain", "certificate*" }, { "path", "plain*" }, { "anchor", "anchor" },
    { "verdicts", "verdicts" }, { "warnings", "warning*" }, { "h2", "h2" }, { "http", "http" }, { "values", "open" },
    always = { stage = true, cause = true, message = true, remedy = true },
  },
  target = { "host", "port", "address" },
  timings = { "dns", "tcp", "tls", "h2", "http", "total" },
  tls = { "version", "cipher", "group", "alpn", "sni" },
  certificate = { "subject", "issuer", "serial", "not_before", "not_after", "days_left", "key", "signature", { "san", "plain*" },
    "sha256", "spki_sha256",
    always = { not_before = true, not_after = true } },
  anchor = { "subject", "sha256", "not_after", always = { not_after = true } },
  verdicts = { { "trust", "verdict" }, { "reference", "verdict" } },
  verdict = { "code", "store", { "failures", "failure*" } },
  failure = { "rule", "code", "certificate", "detail" },
  warning = { "code", "message", "remedy", always = { remedy = true } },
  h2 = { { "settings", "open" }, "ping_ms", { "goaway", "goaway" }, always = { ping_ms = true } },
  goaway = { "code", "name", "debug" },
  http = { "version", "status", "body", "truncated" },
}

--- What a script's lists hold where JSON has null; nothing else can be done with it than to compare it.
json.null = setmetatable({}, {
  __tostring = function() return "null" end,
  __index = function() error("this is null: nothing is in it", 2) end,
  __newindex = function() error("this is null: nothing goes into it", 2) end,
})

--- Fields of each kind of object, in order; kedge.flat walks by them too.
json.kinds = KINDS

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape_byte(c)
  return ESCAPES[c] or ("\\u%04x"):format(c:byte())
end

local function escape_code(bytes)
  local code = utf8.codepoint(bytes)
  if not show.is_hidden(code) then return bytes end
  if code < 0x10000 then return ("\\u%04x"):format(code) end
  code = code - 0x10000
  return ("\\u%04x\\u%04x"):format(0xD800 | code >> 10, 0xDC00 | code & 0x3FF)
end

--- `s` as a JSON string: valid UTF-8; controls, direction marks and the like as \uXXXX.
function json.string(s)
  if not s:find('[%c"\\\x80-\xFF]') then return '"' .. s .. '"' end
  s = show.utf8(s):gsub('[%c"\\]', escape_byte)
  if s:find("[\x80-\xFF]") then s = s:gsub(utf8.charpattern, function(c) return #c > 1 and escape_code(c) or nil end) end
  return '"' .. s .. '"'
end

--- A number: integers as they are, others with three decimals at most; null for what JSON can't say.
function json.number(n)
  if math.type(n) == "integer" then return ("%d"):format(n) end
  if n ~= n or n == math.huge or n == -math.huge then return "null" end
  if math.abs(n) >= 1e15 then return ("%.17g"):format(n) end
  return (("%.3f"):format(n):gsub("%.?0+$", ""))
end

local encode_kind

local function encode_list(list, kind, depth)
  local parts = {}
  for i, item in ipairs(list) do parts[i] = encode_kind(item, kind, depth) end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function sorted_keys(object)
  local keys, values = {}, {}
  for key, value in pairs(object) do
    keys[#keys + 1] = tostring(key)
    values[keys[#keys]] = value
  end
  table.sort(keys)
  return keys, values
end

-- An object or list of whoever made it: labels, values.
local function encode_open(value, depth)
  if depth > limits.value_depth then error("values and labels are nested too deeply (or within themselves)", 0) end
  if #value > 0 then return encode_list(value, "open", depth + 1) end
  local keys, values = sorted_keys(value)
  local parts = {}
  for i, key in ipairs(keys) do parts[i] = json.string(key) .. ":" .. encode_kind(values[key], "open", depth + 1) end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function encode_fields(object, fields, depth)
  local parts, always = {}, fields.always
  for _, field in ipairs(fields) do
    local name, kind = field, "plain"
    if type(field) == "table" then name, kind = field[1], field[2] end
    local value = object[name]
    if value ~= nil then
      parts[#parts + 1] = '"' .. name .. '":' .. encode_kind(value, kind, depth + 1)
    elseif always and always[name] then
      parts[#parts + 1] = '"' .. name .. '":null'
    end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function encode_kind(value, kind, depth)
  local kind_of_value = type(value)
  if kind_of_value == "string" then return json.string(value) end
  if kind_of_value == "number" then return json.number(value) end
  if kind_of_value == "boolean" then return tostring(value) end
  if kind_of_value ~= "table" then return json.string(tostring(value)) end
  local element = kind:match("^(.*)%*$")
  if element then return encode_list(value, element, depth) end
  local fields = KINDS[kind]
  return fields and encode_fields(value, fields, depth) or encode_open(value, depth)
end

--- `value` as JSON text; `kind` names what it is: "report", "result", "summary" … or "open" for any data.
function json.encode(value, kind)
  return encode_kind(value, kind or "open", 1)
end

return json
