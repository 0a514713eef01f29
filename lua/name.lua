-- Host names and addresses against a certificate's subjectAltName, as RFC 9525 says.
-- The common name is never looked at: browsers and curl don't.

local name = {}

local SHOWN = 3 -- names of the certificate that a detail lists

-- A name that can be presented in a certificate: letters, digits, "-" and "_" (not in the RFC, but
-- in use and accepted by browsers), no empty label. RFC 5280 §4.2.1.6 forbids the rest.
local function is_host(text)
  return #text > 0 and #text <= 253 and not text:find("[^%w%-_.]") and not ("." .. text .. "."):find("..", 1, true)
end

-- What a wildcard stands for has two labels at least: "*" and "*.com" are no one's.
local function wildcard_suffix(pattern)
  local suffix = pattern:match("^%*(%..+)$")
  if suffix and is_host(suffix:sub(2)) and suffix:find(".", 2, true) then return suffix end
end

local function matches_dns(presented, host)
  presented = presented:lower()
  if presented == host then return is_host(presented) end
  local suffix = wildcard_suffix(presented)
  local dot = suffix and host:find(".", 1, true)
  return dot ~= nil and dot > 1 and host:sub(dot) == suffix
end

--- The four octets of a dotted IPv4 address, raw; nil if the text is none.
function name.ipv4(text)
  local octets = { text:match("^(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)$") }
  if #octets ~= 4 then return nil end
  for i, octet in ipairs(octets) do
    if tonumber(octet) > 255 or octet:find("^0%d") then return nil end
    octets[i] = string.char(tonumber(octet))
  end
  return table.concat(octets)
end

-- "a:b:c" -> its 16-bit groups, raw; the last may be a dotted IPv4 address.
local function groups(text)
  local raw = {}
  if text == "" then return "" end
  for part in (text .. ":"):gmatch("([^:]*):") do
    local tail = #raw > 0 and raw[#raw]
    if tail and #tail == 4 then return nil end
    local group = part:find("^%x%x?%x?%x?$") and string.pack(">I2", tonumber(part, 16)) or name.ipv4(part)
    if not group then return nil end
    raw[#raw + 1] = group
  end
  return table.concat(raw)
end

--- The sixteen octets of an IPv6 address without zone, raw; nil if the text is none (RFC 4291 §2.2).
function name.ipv6(text)
  local before, after = text:match("^(.-)::(.*)$")
  local head, tail = groups(before or text), groups(after or "")
  if not head or not tail or before and before:find("%.") then return nil end
  local missing = 16 - #head - #tail
  if before and missing < 2 or not before and missing ~= 0 or not text:find(":", 1, true) then return nil end
  return head .. ("\0"):rep(missing) .. tail
end

--- The name to look for at a target: {dns=} or {ip=<4 or 16 raw octets>}; nil if it has neither.
function name.of(target)
  if target.ip then return { ip = name.ipv4(target.ip) or name.ipv6(target.ip), text = target.ip } end
  if target.name then return { dns = target.name, text = target.name } end
end

local function hex_groups(raw)
  local text = {}
  for group in raw:gmatch("..") do text[#text + 1] = ("%x"):format((string.unpack(">I2", group))) end
  return table.concat(text, ":")
end

--- An address in raw octets as people read it; octets of another length in hexadecimal.
function name.show_address(raw)
  if #raw == 4 then return ("%d.%d.%d.%d"):format(raw:byte(1, 4)) end
  if #raw == 16 then return hex_groups(raw) end
  return (raw:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function names_of(cert)
  local shown, more = {}, 0
  for _, entry in ipairs(cert.subject_alt_name) do
    local text = entry.type == "dns" and entry.value or entry.type == "ip" and name.show_address(entry.value)
    if text and #shown < SHOWN then
      shown[#shown + 1] = text
    elseif text then
      more = more + 1
    end
  end
  if #shown == 0 then return nil end
  return table.concat(shown, ", ") .. (more > 0 and (" and %d more"):format(more) or "")
end

--- Whether the certificate is for the wanted name: {dns=host} (a final dot counts for nothing) or
--- {ip=raw octets}. A wildcard counts only as the whole left-most label and stands for one label.
--- Gives true, or false and a sentence that says for whom it is instead.
function name.match(cert, wanted)
  local host = wanted.dns and wanted.dns:lower():gsub("%.$", "")
  for _, entry in ipairs(cert.subject_alt_name or {}) do
    if host and entry.type == "dns" and matches_dns(entry.value, host) then return true end
    if wanted.ip and entry.type == "ip" and entry.value == wanted.ip then return true end
  end
  local whom = cert.subject_alt_name and names_of(cert)
  local what = wanted.text or wanted.dns or wanted.ip and name.show_address(wanted.ip) or "an address that cannot be read"
  if whom then return false, ("the certificate is for %s, not for %s"):format(whom, what) end
  return false, ("the certificate names no host, so not %s either"):format(what)
end

return name
