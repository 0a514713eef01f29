-- JUnit's XML: a suite for the run, a test case for each result. Counts stand
-- in front, so the cases are kept until the end.

local flat = require "kedge.flat"
local instant = require "kedge.instant"
local show = require "kedge.show"

local format = {}

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&apos;" }

-- XML 1.0 has no way to say most controls; clean text has none.
local function xml(text)
  return (show.clean(text):gsub("[&<>\"']", ENTITIES))
end

local function attribute(name, text)
  return (' %s="%s"'):format(name, xml(text))
end

local function seconds(ms)
  return ("%.6f"):format((ms or 0) / 1000)
end

local function properties(r)
  local parts = {}
  for _, field in ipairs(flat.list(r)) do
    if field.value ~= nil then
      parts[#parts + 1] = "<property" .. attribute("name", field.name) .. attribute("value", flat.text(field.value)) .. "/>\n"
    end
  end
  return "<properties>\n" .. table.concat(parts) .. "</properties>\n"
end

local function outcome(element, r)
  local text = r.remedy and xml(r.remedy) or ""
  return ("<%s%s%s>%s</%s>\n"):format(element, attribute("type", r.code), attribute("message", r.message or r.code), text, element)
end

local function warnings(r)
  local lines = {}
  for i, warning in ipairs(r.warnings or {}) do
    lines[i] = xml(("warning %s: %s"):format(warning.code, warning.message or "")) .. "\n"
  end
  return lines[1] and "<system-out>" .. table.concat(lines) .. "</system-out>\n" or ""
end

function format.result(out, r)
  local time = seconds(r.timings_ms and r.timings_ms.total)
  local text = "<testcase" .. attribute("classname", out.state.script) .. attribute("name", r.id) .. attribute("time", time) .. ">\n"
    .. properties(r)
  if r.status == "skip" then text = text .. outcome("skipped", r) end
  if r.status == "fail" then text = text .. outcome("failure", r) end
  table.insert(out.state, text .. warnings(r) .. "</testcase>\n")
end

function format.start(out, report)
  out.state.script = "kedge." .. report.script
end

function format.finish(out, report)
  local summary = report.summary
  local counts = attribute("name", "kedge " .. report.script)
    .. (' tests="%d" failures="%d" errors="0" skipped="%d" time="%s"'):format(summary.total, summary.fail, summary.skip,
      seconds(report.duration_ms))
  out:write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites', counts, ">\n<testsuite", counts,
    attribute("timestamp", (instant.format(report.started):gsub("Z$", ""))), ">\n", table.concat(out.state),
    "</testsuite>\n</testsuites>\n")
end

return format
