-- The options that every command has: what they are called, what they take,
-- what their values become. A script's own options are argparse's affair.

local values = require "kedge.option_values"

local options = {}

local CONCURRENCY_MAX = 10000

--- See values.one_of.
options.one_of = values.one_of

--- The options, in the order of the help. `name` is the field of what
-- options.new gives ("--all-addresses" is all_addresses unless `target` says
-- otherwise), `value` what the help calls its argument, `convert` checks it,
-- `list` collects every use, `format` names the only format that reads it.
options.list = {
  { "-f", "--format", value = "NAME[:FILE]", convert = values.format, list = true,
    help = "report format (csv, html, json, jsonl, junit, markdown, nagios, prometheus, sh, tap, text, or a Lua file), "
      .. "on standard output or in FILE; may be given several times" },
  { "--print", value = "TEMPLATE", convert = function(text) return require("kedge.print").format(text) end,
    help = "print this for each check, as curl's -w: '{id} {code} {timings_ms.total}\\n'; names as in -f json, {{ }} are braces" },
  { "--warning-days", value = "N", convert = values.days, format = "nagios",
    help = "-f nagios: warn of a certificate that ends in less; 14 unless told" },
  { "--critical-days", value = "N", convert = values.days, format = "nagios",
    help = "-f nagios: critical if one ends in less; 7 unless told" },
  { "--trust", value = "SOURCE", convert = values.not_empty, list = true,
    help = "the store to judge by: system (the default), ats (built in), a file, a pipe or a folder; several are added up" },
  { "--reference", value = "SOURCE", convert = values.not_empty, list = true,
    help = "the store that the chain ought to end in" },
  { "--policy", value = "NAME", convert = values.one_of("webpki"), help = "the rules to judge by: webpki (the default)" },
  { "--tls", value = "VERSION", convert = values.tls_versions,
    help = "TLS version to offer, or a range: 1.2 (the default), 1.0-1.2 for old servers" },
  { "--at", value = "TIME", convert = values.moment, help = "judge at this time, ISO 8601 or @unix, instead of the device's clock" },
  { "--connect-to", value = "H1:P1:H2:P2", convert = values.route("connect_to"), list = true,
    help = "connect to H2:P2 instead of H1:P1, as curl does" },
  { "--resolve", value = "H:P:ADDR", convert = values.route("resolve"), list = true,
    help = "use this address for H:P, as curl does" },
  { "--dns", value = "ADDR[:PORT]", convert = values.dns_server, help = "ask this name server instead of the system's" },
  { "--interface", value = "NAME|ADDR", convert = values.interface,
    help = "leave by this interface or local address, as curl does; look-ups too" },
  { "-4", target = "ipv4", help = "use IPv4 only" },
  { "-6", target = "ipv6", help = "use IPv6 only" },
  { "--all-addresses", help = "one check for each address of a host" },
  { "--timeout", value = "SECONDS", convert = values.seconds_above_zero, help = "for one whole check; 10 unless told" },
  { "-j", "--concurrency", value = "N", convert = values.count(CONCURRENCY_MAX), help = "checks in flight; 64 unless told" },
  { "--repeat", value = "N", target = "repeat_count", convert = values.count(math.maxinteger), help = "run the checks N times" },
  { "--interval", value = "SECONDS", convert = values.seconds, help = "from the start of one run to the next; 1 unless told" },
  { "--insecure", help = "go on to HTTP although the verdict is bad; the check still fails" },
  { "--strict", help = "warnings fail" },
  { "--script-dir", value = "DIR", convert = values.not_empty, list = true,
    help = "look for scripts and formats there first" },
  { "--color", value = "WHEN", convert = values.one_of("auto", "always", "never"), help = "auto (the default), always or never" },
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

-- What holds where neither the user nor a script's defaults say anything.
local BASE = { policy = "webpki", tls = { min = 0x0303, max = 0x0303 }, timeout = 10, concurrency = 64, interval = 1,
  color = "auto" }

--- Options as they are when nothing was given; options.finish fills in the rest.
function options.new()
  return { format = {} }
end

--- What holds where nothing was given: a table of its own.
function options.base()
  local base = { format = {} }
  for name, value in pairs(BASE) do base[name] = value end
  return base
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

local function convert(spec, value)
  if type(value) == "number" then value = tostring(value) end
  if type(value) ~= "string" or not spec.value then return value end
  local converted, message, hint = spec.convert(value)
  if converted == nil then return nil, options.refusal("'" .. spec.target .. "'", value, message, hint) end
  return converted
end

-- A value that a script gives for `spec`: a flag's boolean, a list's items, or one; nil, message.
local function given_value(spec, value)
  if not spec.value and type(value) ~= "boolean" then
    return nil, ("'%s' is true or false, not a %s"):format(spec.target, type(value))
  end
  if not spec.list then return convert(spec, value) end
  local list = {}
  for i, item in ipairs(type(value) == "table" and value or { value }) do
    local converted, message = convert(spec, item)
    if converted == nil then return nil, message end
    list[i] = converted
  end
  return list
end

local function targets()
  local names = {}
  for _, spec in ipairs(options.list) do names[#names + 1] = spec.target end
  return names
end

--- Stores what a script gives by name, `{ tls = "1.0-1.2", timeout = 3 }`: text and numbers are read as on the
-- command line, what is neither is taken as it is. true, or nil and a sentence.
function options.take(into, given)
  for name, value in pairs(given) do
    local spec
    for _, one in ipairs(options.list) do
      if one.target == name then spec = one end
    end
    if not spec then
      return nil, ("there is no option '%s'%s"):format(tostring(name), require("kedge.nearest").hint(tostring(name), targets()))
    end
    local converted, message = given_value(spec, value)
    if converted == nil then return nil, message end
    into[name] = converted
  end
  return true
end

--- A script's defaults, where the user gave nothing else; opts.defaulted keeps which these are. true, or nil and a sentence.
function options.default(opts, defaults)
  local read = {}
  local done, message = options.take(read, defaults)
  if not done then return nil, message end
  opts.defaulted = {}
  for name, value in pairs(read) do
    if opts[name] == nil then opts[name], opts.defaulted[name] = value, true end
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

-- An interface that is an address of the family that wasn't asked for.
local function family_fault(opts)
  if not opts.interface or not (opts.ipv4 or opts.ipv6) then return nil end
  local address, name = opts.interface:gsub("%%.*$", ""), require "kedge.name"
  if opts.ipv6 and name.ipv4(address) or opts.ipv4 and name.ipv6(address) then
    return ("--interface %s and %s exclude each other"):format(opts.interface, opts.ipv4 and "-4" or "-6")
  end
end

--- Fills in what follows from several options; true, or nil and a sentence.
function options.finish(opts)
  if opts.ipv4 and opts.ipv6 then return nil, "-4 and -6 exclude each other" end
  local fault = unheard(opts)
  if fault then return nil, fault end
  for name, value in pairs(BASE) do
    if opts[name] == nil then opts[name] = value end
  end
  local contradiction = family_fault(opts)
  if contradiction then return nil, contradiction end
  opts.family = opts.ipv4 and 4 or opts.ipv6 and 6 or nil
  local last = opts.format[#opts.format]
  if opts.print and not (last and last.made) then table.insert(opts.format, { name = "--print", made = opts.print }) end
  if #opts.format == 0 and not opts.quiet then opts.format[1] = { name = "text" } end
  return true
end

return options
