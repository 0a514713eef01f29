-- RFC 4180: a line of names, then a line for each result. Cells that a
-- spreadsheet would compute are made text by a ' in front.

local flat = require "kedge.flat"
local json = require "kedge.json"

local format = {}

local COLUMNS = { "id", "line", "run", "target.host", "target.port", "target.address", "status", "stage", "code", "cause",
  "message", "remedy", "timings_ms.dns", "timings_ms.tcp", "timings_ms.tls", "timings_ms.h2", "timings_ms.http",
  "timings_ms.total", "tls.version", "tls.cipher", "tls.group", "tls.alpn", "chain.0.subject", "chain.0.issuer",
  "chain.0.not_before", "chain.0.not_after", "chain.0.days_left", "chain.0.key", "chain.0.sha256", "chain.0.spki_sha256",
  "anchor.subject", "anchor.sha256", "anchor.not_after", "verdicts.trust.code", "verdicts.trust.store",
  "verdicts.reference.code", "verdicts.reference.store", "h2.ping_ms", "http.version", "http.status" }
-- What has no fixed set of names is a cell of JSON, of this kind.
local OBJECTS = { { "labels", "open" }, { "values", "open" }, { "warnings", "warning*" }, { "path", "plain*" }, { "chain", "certificate*" },
  { "verdicts", "verdicts" }, { "h2", "h2" } }
-- Columns are added at the end, so that those who count them go on counting right.
local LATER = { "tls.sni", "http.body", "http.truncated" }

local function cell(value)
  local text = flat.text(value)
  -- A ' that was there gets another: whoever takes one away has the text.
  if type(value) == "string" and text:find("^[=+%-@']") then text = "'" .. text end
  if text:find('[",]') then text = '"' .. text:gsub('"', '""') .. '"' end
  return text
end

local function write_line(out, cells)
  out:write(table.concat(cells, ","), "\r\n")
end

function format.start(out)
  local names = { table.unpack(COLUMNS) }
  for _, object in ipairs(OBJECTS) do names[#names + 1] = object[1] end
  table.move(LATER, 1, #LATER, #names + 1, names)
  write_line(out, names)
end

function format.result(out, r)
  local found, cells = {}, {}
  for _, field in ipairs(flat.list(r)) do found[field.name] = field.value end
  for i, name in ipairs(COLUMNS) do cells[i] = cell(found[name]) end
  for _, object in ipairs(OBJECTS) do
    local value = r[object[1]]
    cells[#cells + 1] = value and next(value) ~= nil and cell(json.encode(value, object[2])) or ""
  end
  for _, name in ipairs(LATER) do cells[#cells + 1] = cell(found[name]) end
  write_line(out, cells)
end

return format
