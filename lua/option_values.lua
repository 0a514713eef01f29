-- What the values of options become. Each function gives the value, or nil and
-- the rest of a sentence that begins with the option's name, or another
-- sentence (see options.refusal), and perhaps a hint.

local values = {}

local SECONDS_MAX = 1e9

local function number(text)
  local digits = text:match("^(%d*%.?%d*)[eE][+-]?%d+$") or text:match("^%d*%.?%d*$")
  return digits and digits:find("%d") and tonumber(text) or nil
end

function values.seconds_above_zero(text)
  local n = number(text)
  if n and n > 0 and n <= SECONDS_MAX then return n end
  return nil, "must be a number of seconds above 0"
end

function values.seconds(text)
  local n = number(text)
  if n and n >= 0 and n <= SECONDS_MAX then return n end
  return nil, "must be a number of seconds from 0"
end

function values.count(most)
  return function(text)
    local n = text:find("^%d+$") and math.tointeger(tonumber(text))
    if n and n >= 1 and n <= most then return n end
    if most == math.maxinteger then return nil, "must be a whole number from 1" end
    return nil, ("must be a whole number from 1 to %d"):format(most)
  end
end

function values.days(text)
  local n = #text <= 6 and text:find("^%d+$") and math.tointeger(tonumber(text))
  if n then return n end
  return nil, "must be a whole number of days from 0"
end

local TLS_VERSIONS = { ["1.0"] = 0x0301, ["1.1"] = 0x0302, ["1.2"] = 0x0303 }

function values.tls_versions(text)
  local low, high = text:match("^([^-]+)%-([^-]+)$")
  low, high = low or text, high or text
  if low == "1.3" or high == "1.3" then return nil, "cannot be 1.3: BearSSL, kedge's TLS library, stops at 1.2" end
  local min, max = TLS_VERSIONS[low], TLS_VERSIONS[high]
  if not min or not max then return nil, "must be 1.0, 1.1, 1.2 or a range such as 1.0-1.2" end
  if min > max then return nil, "must name the lower version first" end
  return { min = min, max = max }
end

function values.moment(text)
  local at = require("kedge.instant").parse(text)
  if at then return at end
  return nil, "must be a time such as 2026-11-23, 2026-11-23T08:00:00Z or @1795420800"
end

function values.dns_server(text)
  local bare = select(2, text:gsub(":", ":")) > 1 and not text:find("[", 1, true)
  local found = require("kedge.target").authority(bare and "[" .. text .. "]" or text, 53)
  if not found or not found.ip then return nil, "must be ADDRESS or ADDRESS:PORT (an IPv6 address with a port in brackets)" end
  return ("%s:%d"):format(found.shown, found.port)
end

-- curl's forms: NAME, ADDR, if!NAME, host!ADDR
function values.interface(text)
  local kind, name = text:match("^(%l+)!(.*)$")
  name = name or text
  if kind and kind ~= "if" and kind ~= "host" or #name == 0 or #name > 63 or name:find("[%s%c/!]") then
    return nil, "must be the name of an interface or a local address"
  end
  return name
end

function values.format(text)
  local name, file = text:match("^([^:]*):(.*)$")
  if file == "" then return nil, "must be NAME or NAME:FILE" end
  return { name = name or text, file = file ~= "-" and file or nil }
end

--- A function that takes one of these words; else nil, what the value must be, and a hint.
function values.one_of(...)
  local words = { ... }
  return function(text)
    for _, word in ipairs(words) do
      if text == word then return word end
    end
    local list = table.concat(words, ", ")
    return nil, (#words > 1 and "must be one of " or "must be ") .. list, require("kedge.nearest").hint(text, words)
  end
end

function values.not_empty(text)
  if text ~= "" then return text end
  return nil, "must not be empty"
end

function values.route(kind)
  return function(text) return require("kedge.route")[kind](text) end
end

return values
