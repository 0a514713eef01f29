-- /etc/ca-certificates.conf, read as update-ca-certificates reads it. Pure.

local config = {}

--- Its entries in order: list of { line=, name= behind the folder, is_disabled= by "!", fault= why the tool drops the
--- line without a word, or nil }. Comments and empty lines are no entries.
function config.parse(text)
  local entries, number = {}, 0
  for line, ending in text:gmatch("([^\n]*)(\n?)") do
    number = number + 1
    if line ~= "" and line:sub(1, 1) ~= "#" then
      local disabled, name = line:match("^(!?)%s*(.-)%s*$")
      local fault = line:find("\r$") and "it ends in a carriage return" or ending == "" and "the newline at its end is missing"
      if name ~= "" then
        entries[#entries + 1] = { line = number, name = name, is_disabled = disabled == "!",
          fault = disabled == "" and fault or nil }
      end
    end
  end
  return entries
end

--- By name: the last entry of that name decides, but one that is not disabled wins, as the tool removes before it adds.
function config.by_name(entries)
  local found = {}
  for _, entry in ipairs(entries) do
    local known = found[entry.name]
    if not known or not entry.is_disabled and (known.is_disabled or known.fault) then found[entry.name] = entry end
  end
  return found
end

-- What files of the six are called here and there: "AmazonRootCA1.pem", "Amazon_Root_CA_1.crt", "Amazon Root CA 1".
local function folded(name)
  name = name:match("[^/]*$"):lower()
  repeat
    local count
    name, count = name:gsub("%.%l%l%l$", "")
  until count == 0
  return (name:gsub("[^%w]", ""))
end

local ALIASES = { starfieldclass2ca = "starfieldclass2certificationauthority" }

--- Which of `authorities` (see avs) the name of a file promises: its place in the list, or nil.
function config.promised(name, authorities)
  local word = folded(name:sub(-255))
  word = ALIASES[word] or word
  for i, authority in ipairs(authorities) do
    if word == folded(authority.name) or word == folded(authority.file) then return i end
  end
end

return config
