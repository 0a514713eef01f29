-- What a backup's manifest says of the files that a run may change, one record a line:
--   file PATH COPY PLACE SIZE SHA256   a regular file, whose copy of this size and sum lies beside the manifest
--   absent PATH                        nothing was there
--   link PATH TARGET                   a symbolic link
--   folder PATH                        a folder that wasn't there
--   links PATH                         of this folder all links are in the manifest
--   writes PATH SHA256                 what kedge itself means to write there
--   end SHA256                         the sum of all lines above
-- Paths are those inside the system, without links on their way, so that a card may be mounted elsewhere next time.
-- Whoever owns a card may have written it: nothing is taken on trust. Pure.

local refusal = require "kedge.update.refusal"
local x509 = require "kedge.core.x509"

local manifest = {}

-- Fields as text without white space.
local function encode(text)
  return (text:gsub("[^%w/._:-]", function(byte) return ("%%%02x"):format(byte:byte()) end))
end

local function decode(text)
  if text:gsub("%%%x%x", ""):find("%", 1, true) then return nil end
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local function is_path(text)
  if text:sub(1, 1) ~= "/" or text:find("[/\0]$") or text:find("\0", 1, true) then return false end
  for part in text:sub(2):gmatch("[^/]*") do
    if part == "" or part == "." or part == ".." then return false end
  end
  return true
end

local function is_target(text) return text ~= "" and not text:find("\0", 1, true) end
local function is_copy(text) return text:find("^[1-9]%d?%d?%d?%d?$") ~= nil end
local function is_place(text) return text:find("^%d+:%d+$") ~= nil end
local function is_size(text) return #text < 12 and text:find("^%d+$") ~= nil end
local function is_sum(text) return #text == 64 and not text:find("[^0-9a-f]") end

local FIELDS = {
  file = { is_path, is_copy, is_place, is_size, is_sum }, absent = { is_path }, link = { is_path, is_target },
  folder = { is_path }, links = { is_path }, writes = { is_path, is_sum },
}

--- The sum of a text, in hexadecimal digits.
function manifest.sum(text)
  return x509.hex(x509.sha256(text))
end

--- A text with its sum as its last line.
function manifest.seal(text)
  return ("%send %s\n"):format(text, manifest.sum(text))
end

--- The text without its sum; raises where it is not the one that was sealed. shown: the file's name.
function manifest.open(text, shown)
  local body, sum = text:match("^(.-)end (%x+)\n$")
  if body and not body:find("\n$") and body ~= "" then body = nil end
  if not body then refusal.raise(shown .. " is not whole", nil, { is_damaged = true }) end
  if manifest.sum(body) ~= sum then refusal.raise(shown .. " is damaged: it isn't what kedge wrote", nil, { is_damaged = true }) end
  return body
end

--- Records (lists of fields) as text.
function manifest.format(records)
  local lines = {}
  for i, record in ipairs(records) do
    local fields = {}
    for k, field in ipairs(record) do fields[k] = encode(field) end
    lines[i] = table.concat(fields, " ") .. "\n"
  end
  return manifest.seal(table.concat(lines))
end

local function parse_record(line)
  local words = {}
  for word in line:gmatch("[^ ]*") do words[#words + 1] = decode(word) or "" end
  local checks = FIELDS[words[1]]
  if not checks or #words ~= #checks + 1 then return nil end
  for i, check in ipairs(checks) do
    if not check(words[i + 1]) then return nil end
  end
  return words
end

--- The records of a text; raises where it has any that kedge doesn't write. shown: the file's name.
function manifest.parse(text, shown)
  local records = {}
  for line in manifest.open(text, shown):gmatch("([^\n]*)\n") do
    local record = parse_record(line)
    if not record then
      refusal.raise(("%s is damaged: line %d is none of kedge's"):format(shown, #records + 1), nil, { is_damaged = true })
    end
    records[#records + 1] = record
  end
  return records
end

--- The record of this kind about a path, or nil.
function manifest.find(records, kind, path)
  for _, record in ipairs(records) do
    if record[1] == kind and record[2] == path then return record end
  end
end

return manifest
