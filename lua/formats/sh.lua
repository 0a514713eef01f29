-- Assignments for eval in a POSIX shell, a variable for each field.

local flat = require "kedge.flat"

local format = {}

local STATUSES = { "total", "ok", "warn", "fail", "skip" }

-- Inside single quotes nothing is special but the quote that ends them.
local function assign(out, name, text)
  out:write("kedge_", name, "='", (text:gsub("'", "'\\''")), "'\n")
end

function format.start(out)
  out.state.count = 0
end

function format.result(out, r)
  out.state.count = out.state.count + 1
  local taken = {}
  for _, field in ipairs(flat.list(r)) do
    local name = flat.unique(taken, (flat.text(field.name):gsub("[^%w_]", "_")))
    assign(out, out.state.count .. "_" .. name, flat.text(field.value))
  end
end

function format.finish(out, report)
  for _, status in ipairs(STATUSES) do assign(out, status, tostring(report.summary[status])) end
end

return format
