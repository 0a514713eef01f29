-- A table for a comment on GitHub and wherever else Markdown has tables.

local flat = require "kedge.flat"
local json = require "kedge.json"
local show = require "kedge.show"

local format = {}

local function code(text)
  return text == "" and "" or "`" .. text .. "`"
end

-- Words of plain letters stay as they are. In code nothing is a link, a mention
-- or a tag; only | and ` can't stand there.
local function word(text)
  if text:find("^[%w.,;()'/\x80-\xFF-]+:?$") and not text:find("www.", 1, true) then return text end
  local parts = {}
  for piece, sign in text:gmatch("([^`|]*)([`|]?)") do
    parts[#parts + 1] = code(piece) .. (sign == "" and "" or ("&#%d;"):format(sign:byte()))
  end
  return table.concat(parts)
end

local function cell(text)
  return (show.clean(text or ""):gsub("[^ ]+", word))
end

local function own_data(r)
  local parts = {}
  for _, kind in ipairs { "labels", "values" } do
    for _, field in ipairs(flat.own(r[kind])) do parts[#parts + 1] = ("%s=%s"):format(field.name, flat.text(field.value)) end
  end
  return table.concat(parts, "; ")
end

local function messages_of(r)
  local parts = { r.message }
  for i, warning in ipairs(r.warnings or {}) do
    if i > 1 or r.status ~= "warn" then parts[#parts + 1] = ("%s: %s"):format(warning.code, warning.message or "") end
  end
  return table.concat(parts, "; ")
end

function format.start(out)
  out:write("| Status | Check | Stage | Code | ms | Message | Remedy | Data |\n|---|---|---|---|---:|---|---|---|\n")
end

function format.result(out, r)
  local total = r.timings_ms and r.timings_ms.total
  local cells = { r.status == "fail" and "**fail**" or r.status, cell(r.id), cell(r.stage), cell(r.code),
    total and json.number(total) or "", cell(messages_of(r)), cell(r.remedy), cell(own_data(r)) }
  out:write("| ", table.concat(cells, " | "), " |\n")
end

function format.finish(out, report)
  local summary = report.summary
  out:write(("\n%s of %s: %d ok, %d with warnings, %d failed, %d skipped\n"):format(show.count(summary.total, "check"),
    cell(report.script), summary.ok, summary.warn, summary.fail, summary.skip))
end

return format
