-- One document for the whole run, a result a line.

local instant = require "kedge.instant"
local json = require "kedge.json"

local format = {}

function format.result(out, r)
  table.insert(out.state, json.encode(r, "result"))
end

function format.finish(out, report)
  local head = json.encode({
    schema = "kedge.report/1", tool = { name = "kedge", version = report.version }, script = report.script,
    started = instant.format(report.started), duration_ms = report.duration_ms,
  }, "report")
  out:write(head:sub(1, -2), ',\n"results":[')
  for i, text in ipairs(out.state) do out:write(i > 1 and ",\n" or "\n", text) end
  out:write(out.state[1] and "\n" or "", '],\n"summary":', json.encode(report.summary, "summary"), "}\n")
end

return format
