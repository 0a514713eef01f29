-- Targets as people write them: what they mean, what they are called.

local show = require "kedge.show"

local target = {}

local NAME_MAX, LABEL_MAX = 253, 63 -- RFC 1035 §2.3.4, without the final dot
local LINE_MAX = 4096
local PORT = 443

local SCHEMES = { https = "auto", h2 = "h2", http1 = "http1", tls = "tls" }
local SCHEME_NAMES = { "https", "h2", "http1", "tls" }
local ALPN = { auto = { "h2", "http/1.1" }, h2 = { "h2" }, http1 = { "http/1.1" }, tls = {} }

local function quote(text)
  return "'" .. show.escape(text:sub(1, 200)) .. "'"
end

-- nil where `host` is a name that can be asked for, else what is wrong with it.
local function name_fault(host)
  local name = host:gsub("%.$", "")
  local bad = name:match("[^%w%-._]")
  if bad and bad:byte() >= 0x80 then
    return quote(host) .. " has letters beyond ASCII: write it in its punycode form (xn--...), as `idn2 NAME` prints it"
  elseif bad then
    return quote(host) .. " is not a host name: " .. quote(bad) .. " can't be part of one"
  elseif #name > NAME_MAX then
    return ("the host name %s... is %d bytes long; %d is the most"):format(quote(name:sub(1, 40)), #name, NAME_MAX)
  end
  for label in (name .. "."):gmatch("([^.]*)%.") do
    if label == "" then return quote(host) .. " is not a host name: a label is empty" end
    if #label > LABEL_MAX then
      return ("the label '%s...' is %d bytes long; %d is the most"):format(label:sub(1, 40), #label, LABEL_MAX)
    end
  end
  if name:find("^%d+$") or name:find("%.%d+$") then
    return quote(host) .. " looks like an IPv4 address, but isn't four numbers from 0 to 255"
  end
end

-- "fe80::1%eth0" -> address, zone; nil, message.
local function ipv6(text)
  local address, zone = text:match("^([^%%]*)%%(.*)$")
  address = address or text
  if not require("kedge.name").ipv6(address) then return nil, quote(text) .. " is not an IPv6 address" end
  if zone then
    zone = zone:gsub("^25(.)", "%1") -- RFC 6874 writes %25 in a URL
    if not zone:find("^[%w_.:-]+$") or #zone > 15 then return nil, quote(text) .. ": the zone is no interface's name" end
  end
  return address, zone
end

local function port_number(text, whole)
  local port = text:find("^%d+$") and #text <= 5 and tonumber(text)
  if port and port >= 1 and port <= 65535 then return port end
  return nil, ("the port of %s is not a number from 1 to 65535"):format(quote(whole))
end

-- Splits "host", "host:port", "[v6]", "[v6]:port": host, port text or nil, bracketed; or nil, message.
local function split_authority(text)
  if text:find("^%[") then
    local inside, rest = text:match("^%[([^%]]*)%](.*)$")
    local port = rest and rest:match("^:(.*)$")
    if not inside or (rest ~= "" and not port) then
      return nil, quote(text) .. ": an IPv6 address is written [ADDRESS] or [ADDRESS]:PORT"
    end
    return inside, port, true
  end
  if select(2, text:gsub(":", ":")) > 1 then
    return nil, quote(text) .. " has several colons: write an IPv6 address in brackets, [ADDRESS] or [ADDRESS]:PORT"
  end
  local host, port = text:match("^([^:]*):(.*)$")
  return host or text, port, false
end

--- Host and port of "host:port" as { host=, shown=, name= or ip= (and zone=), port= };
-- port is `default` if it is left out. nil, message if it is no such thing.
function target.authority(text, default)
  local host, port_text, bracketed = split_authority(text)
  if not host then return nil, port_text end
  if host == "" then return nil, quote(text) .. ": the host is missing" end
  local port, message = default, nil
  if port_text then port, message = port_number(port_text, text) end
  if message then return nil, message end
  local found = { host = host, shown = bracketed and "[" .. host .. "]" or host, port = port }
  if bracketed then
    found.ip, found.zone = ipv6(host)
    if not found.ip then return nil, found.zone end
    if found.zone then found.shown = "[" .. found.ip .. "%" .. found.zone .. "]" end
  elseif host:find("^[%d.]+$") and require("kedge.name").ipv4(host) then
    found.ip = host
  else
    local fault = name_fault(host)
    if fault then return nil, fault end
    found.name = host:gsub("%.$", ""):lower()
  end
  return found
end

local function path_of(rest, text)
  local path = rest:gsub("#.*$", "")
  if path:find("[%c\x80-\xFF ]") then return nil, quote(text) .. ": the path must be percent-encoded" end
  return path:sub(1, 1) == "/" and path or "/" .. path
end

-- The scheme and what it asks for, or nil, message.
local function scheme_of(text)
  local scheme = text:match("^([%w+.-]+)://")
  if not scheme then return "https", text end
  local known = scheme:lower()
  if SCHEMES[known] then return known, text:sub(#scheme + 4) end
  if known == "http" then return nil, quote(text) .. " is without TLS, which is what kedge tests; write https:// or http1://" end
  return nil, ("%s: the scheme '%s' is unknown%s"):format(quote(text), scheme:sub(1, 20),
    require("kedge.nearest").hint(scheme, SCHEME_NAMES))
end

-- The protocol that scheme and --protocol together mean, or nil, message.
local function protocol_of(scheme, asked, text)
  local own = SCHEMES[scheme]
  if not asked or asked == "auto" or asked == own then return own end
  if own == "auto" then return asked end
  return nil, ("%s contradicts --protocol %s"):format(quote(text), asked)
end

--- What `text` names, as a table: id, text, host (as written), shown (with
-- brackets), name (lower case, no final dot) or ip and zone, port, scheme,
-- protocol (auto, h2, http1, tls), alpn, path, labels. `opts` may hold
-- protocol (of the command line), line, and expects (true when a reply is
-- judged, which tls:// never gets). nil, message where it names nothing.
function target.parse(text, opts)
  opts = opts or {}
  if text == "" then return nil, "an empty word is not a target" end
  local scheme, rest = scheme_of(text)
  if not scheme then return nil, rest end
  local authority, after = rest:match("^([^/?#]*)(.*)$")
  if authority:find("@", 1, true) then return nil, quote(text) .. ": names and passwords in a target are not supported" end
  if authority == "" then return nil, quote(text) .. ": the host is missing" end
  local found, message = target.authority(authority, PORT)
  if not found then return nil, message end
  found.protocol, message = protocol_of(scheme, opts.protocol, text)
  if not found.protocol then return nil, message end
  found.path, message = path_of(after, text)
  if not found.path then return nil, message end
  if scheme == "tls" and found.path ~= "/" then return nil, quote(text) .. ": tls:// makes no request, so it has no path" end
  if scheme == "tls" and opts.expects then return nil, quote(text) .. ": tls:// makes no request whose reply could be as expected" end
  found.text, found.scheme, found.labels, found.line = text, scheme, {}, opts.line
  found.alpn = ALPN[found.protocol]
  found.id = ("%s:%d/%s"):format(found.shown, found.port, found.protocol)
  return found
end

--- The same target under another protocol ("h2", "http1"), with another id.
function target.with(original, protocol, id)
  local copy = {}
  for key, value in pairs(original) do copy[key] = value end
  copy.protocol, copy.alpn, copy.id = protocol, ALPN[protocol], id
  return copy
end

--- Gives the second and further targets of one id "#2", "#3" behind it.
function target.number(list)
  local seen = {}
  for _, item in ipairs(list) do
    local n = (seen[item.id] or 0) + 1
    seen[item.id] = n
    if n > 1 then item.id = item.id .. "#" .. n end
  end
  return list
end

-- "host:port<TAB>label" -> what stands before the tab, label or nil. Behind a tab "#" begins a comment too.
local function split_label(text)
  local word, label = text:match("^([^\t]*)\t(.*)$")
  if not word or label:find("^%s*#") then return text end
  label = label:gsub("%s+$", "")
  return word, label ~= "" and label or nil
end

--- The target of one line of a list, nil for a blank line or a comment, or
-- nil, message. What stands behind a tab becomes labels.label. `opts` as for target.parse.
function target.line(text, opts)
  if #text > LINE_MAX then return nil, ("the line is longer than %d bytes"):format(LINE_MAX) end
  local label
  text = text:gsub("^\u{FEFF}", ""):gsub("^#.*", "")
  text, label = split_label(text)
  text = text:gsub("^%s+", ""):gsub("^#.*", ""):gsub("%s+#.*$", ""):gsub("%s+$", "")
  if text == "" and label then return nil, ("the label '%s' has no target"):format(show.escape(label:sub(1, 200))) end
  if text == "" then return nil end
  if text:find("%s") then
    return nil, quote(text) .. " is more than one word; a line holds one target, and behind a tab its label"
  end
  local found, message = target.parse(text, opts)
  if found and label then found.labels.label = label end
  return found, message
end

return target
