-- The options that every command has: what they are called, what they take,
-- what their values become. A script's own options are argparse's affair.

local options = {}

local CONCURRENCY_MAX = 10000
local SECONDS_MAX = 1e9

-- Values. Each function gives the value, or nil and the rest of a sentence that
-- begins with the option's name, or another sentence; see options.refusal.

local function number(text)
  local digits = text:match("^(%d*%.?%d*)[eE][+-]?%d+$") or text:match("^%d*%.?%d*$")
  return digits and digits:find("%d") and tonumber(text) or nil
end

local function seconds_above_zero(text)
  local n = number(text)
  if n and n > 0 and n <= SECONDS_MAX then return n end
  return nil, "must be a number of seconds above 0"
end

local function seconds(text)
  local n = number(text)
  if n and n >= 0 and n <= SECONDS_MAX then return n end
  return nil, "must be a number of seconds from 0"
end

local function count(most)
  return function(text)
    local n = text:find("^%d+$") and math.tointeger(tonumber(text))
    if n and n >= 1 and n <= most then return n end
    if most == math.maxinteger then return nil, "must be a whole number from 1" end
    return nil, ("must be a whole number from 1 to %d"):format(most)
  end
end

local function days(text)
  local n = #text <= 6 and text:find("^%d+$") and math.tointeger(tonumber(text))
  if n then return n end
  return nil, "must be a whole number of days from 0"
end

local TLS_VERSIONS = { ["1.0"] = 0x0301, ["1.1"] = 0x0302, ["1.2"] = 0x0303 }

local function tls_versions(text)
  local low, high = text:match("^([^-]+)%-([^-]+)$")
  low, high = low or text, high or text
  if low == "1.3" or high == "1.3" then return nil, "cannot be 1.3: BearSSL, kedge's TLS library, stops at 1.2" end
  local min, max = TLS_VERSIONS[low], TLS_VERSIONS[high]
  if not min or not max then return nil, "must be 1.0, 1.1, 1.2 or a range such as 1.0-1.2" end
  if min > max then return nil, "must name the lower version first" end
  return { min = min, max = max }
end

local function moment(text)
  local at = require("kedge.instant").parse(text)
  if at then return at end
  return nil, "must be a time such as 2026-11-23, 2026-11-23T08:00:00Z or @1795420800"
end

local function dns_server(text)
  local bare = select(2, text:gsub(":", ":")) > 1 and not text:find("[", 1, true)
  local found = require("kedge.target").authority(bare and "[" .. text .. "]" or text, 53)
  if not found or not found.ip then return nil, "must be ADDRESS or ADDRESS:PORT (an IPv6 address with a port in brackets)" end
  return ("%s:%d"):format(found.shown, found.port)
end

local function format(text)
  local name, file = text:match("^([^:]*):(.*)$")
  if file == "" then return nil, "must be NAME or NAME:FILE" end
  return { name = name or text, file = file ~= "-" and file or nil }
end

--- A function that takes one of these words; else nil, what the value must be, and a hint.
function options.one_of(...)
  local words = { ... }
  return function(text)
    for _, word in ipairs(words) do
      if text == word then return word end
    end
    local list = table.concat(words, ", ")
    return nil, (#words > 1 and "must be one of " or "must be ") .. list, require("kedge.nearest").hint(text, words)
  end
end

local function not_empty(text)
  if text ~= "" then return text end
  return nil, "must not be empty"
end

local function route(kind)
  return function(text) return require("kedge.route")[kind](text) end
end

--- The options, in the order of the help. `name` is the field of what
-- options.new gives ("--all-addresses" is all_addresses unless `target` says
-- otherwise), `value` what the help calls its argument, `convert` checks it,
-- `list` collects every use, `format` names the only format that reads it.
options.list = {
  { "-f", "--format", value = "NAME[:FILE]", convert = format, list = true,
    help = "report format (csv, json, jsonl, junit, markdown, nagios, prometheus, sh, tap, text), on standard output or in FILE; "
      .. "may be given several times" },
  { "--warning-days", value = "N", convert = days, format = "nagios",
    help = "-f nagios: warn of a certificate that ends in less; 14 unless told" },
  { "--critical-days", value = "N", convert = days, format = "nagios",
    help = "-f nagios: critical if one ends in less; 7 unless told" },
  { "--trust", value = "SOURCE", convert = not_empty, list = true,
    help = "the store to judge by: system (the default), ats (built in), a file or a folder; several are added up" },
  { "--reference", value = "SOURCE", convert = not_empty, list = true,
    help = "the store that the chain ought to end in" },
  { "--policy", value = "NAME", convert = options.one_of("webpki"), help = "the rules to judge by: webpki (the default)" },
  { "--tls", value = "VERSION", convert = tls_versions,
    help = "TLS version to offer, or a range: 1.2 (the default), 1.0-1.2 for old servers" },
  { "--at", value = "TIME", convert = moment, help = "judge at this time, ISO 8601 or @unix, instead of the device's clock" },
  { "--connect-to", value = "H1:P1:H2:P2", convert = route("connect_to"), list = true,
    help = "connect to H2:P2 instead of H1:P1, as curl does" },
  { "--resolve", value = "H:P:ADDR", convert = route("resolve"), list = true,
    help = "use this address for H:P, as curl does" },
  { "--dns", value = "ADDR[:PORT]", convert = dns_server, help = "ask this name server instead of the system's" },
  { "-4", target = "ipv4", help = "use IPv4 only" },
  { "-6", target = "ipv6", help = "use IPv6 only" },
  { "--all-addresses", help = "one check for each address of a host" },
  { "--timeout", value = "SECONDS", convert = seconds_above_zero, help = "for one whole check; 10 unless told" },
  { "-j", "--concurrency", value = "N", convert = count(CONCURRENCY_MAX), help = "checks in flight; 64 unless told" },
  { "--repeat", value = "N", target = "repeat_count", convert = count(math.maxinteger), help = "run the checks N times" },
  { "--interval", value = "SECONDS", convert = seconds, help = "from the start of one run to the next; 1 unless told" },
  { "--insecure", help = "go on to HTTP although the verdict is bad; the check still fails" },
  { "--strict", help = "warnings fail" },
  { "--color", value = "WHEN", convert = options.one_of("auto", "always", "never"), help = "auto (the default), always or never" },
  { "-q", "--quiet", help = "print errors only; the exit status tells" },
  { "-v", "--verbose", help = "say more about each check" },
  { "-h", "--help", help = "show this help" },
  { "-V", "--version", help = "show the versions of kedge and its libraries" },
}

local by_name = {}
for _, spec in ipairs(options.list) do
  for _, name in ipairs(spec) do by_name[name] = spec end
  spec.target = spec.target or spec[#spec]:gsub("^%-+", ""):gsub("%-", "_")
end

--- The option called `name` ("-j", "--concurrency"), or nil.
function options.find(name)
  return by_name[name]
end

--- Every long name.
function options.names()
  local names = {}
  for _, spec in ipairs(options.list) do names[#names + 1] = spec[#spec] end
  return names
end

--- Options as they are when nothing was given.
function options.new()
  return { policy = "webpki", tls = { min = 0x0303, max = 0x0303 }, timeout = 10, concurrency = 64, interval = 1,
    color = "auto", format = {} }
end

--- The sentence that refuses `text` as a value of the option `name`.
function options.refusal(name, text, message, hint)
  local shown = require("kedge.show").escape(text:sub(1, 200))
  if message:find("^must ") or message:find("^is ") then
    return ("%s %s, not '%s'%s"):format(name, message, shown, hint or "")
  end
  if message:find("^cannot ") or message:find("^has ") then return name .. " " .. message end
  return name .. ": " .. message
end

--- Stores one use of `spec` under its name as it was written. `text` is nil
-- for a flag. true, or nil and a sentence.
function options.set(into, spec, name, text)
  if not spec.value then
    into[spec.target] = true
    return true
  end
  local value, message, hint = spec.convert(text)
  if value == nil then return nil, options.refusal(name, text, message, hint) end
  if spec.list then
    into[spec.target] = into[spec.target] or {}
    table.insert(into[spec.target], value)
  else
    into[spec.target] = value
  end
  return true
end

-- An option that only one format reads is refused without it: it would be a wish that nobody heard.
local function unheard(opts)
  local given = {}
  for _, spec in ipairs(opts.format) do given[spec.name] = true end
  for _, spec in ipairs(options.list) do
    if spec.format and opts[spec.target] ~= nil and not given[spec.format] then
      return ("%s is for -f %s alone"):format(spec[#spec], spec.format)
    end
  end
end

--- Fills in what follows from several options; true, or nil and a sentence.
function options.finish(opts)
  if opts.ipv4 and opts.ipv6 then return nil, "-4 and -6 exclude each other" end
  local fault = unheard(opts)
  if fault then return nil, fault end
  opts.family = opts.ipv4 and 4 or opts.ipv6 and 6 or nil
  if #opts.format == 0 and not opts.quiet then opts.format[1] = { name = "text" } end
  return true
end

return options
