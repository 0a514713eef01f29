-- A plugin's output for Nagios, Icinga and others like them: a status line with
-- performance data, a line for each check, and the plugin's exit status.

local flat = require "kedge.flat"
local json = require "kedge.json"
local show = require "kedge.show"

local format = {}

local STATES = { [0] = "OK", "WARNING", "CRITICAL", "UNKNOWN" }
local WORST = { 2, 1, 3, 0 } -- of several states the first of these is the plugin's
local OF_STATUS = { ok = 0, warn = 1, fail = 2, skip = 3 }
local WARNING_DAYS, CRITICAL_DAYS = 14, 7

local function plain(text)
  return (flat.text(text):gsub("|", "\\x7c"))
end

-- Readers differ in what they make of a quote in a label.
local function label(text)
  return "'" .. plain(text):gsub("['=]", function(c) return ("\\x%02x"):format(c:byte()) end) .. "'"
end

-- Days of the certificate that ends first, of the path or, without one, of all that was sent.
local function days_left(r)
  local chain, found = r.chain or {}, nil
  local places = r.path and r.path[1] and r.path or nil
  for i = 1, places and #places or #chain do
    local certificate = chain[places and places[i] + 1 or i]
    local days = certificate and certificate.days_left
    found = days and math.min(days, found or days) or found
  end
  return found
end

local function state_of(out, r, days)
  local state = r.code == "script.error" and 3 or OF_STATUS[r.status]
  if state > 1 or not days then return state end
  return days < out.state.critical and 2 or days < out.state.warning and 1 or state
end

local function performance(out, r, days)
  local list, name = out.state.performance, r.id .. (r.line and " line " .. r.line or "") .. (r.run and " run " .. r.run or "")
  local total = r.timings_ms and r.timings_ms.total
  if total then list[#list + 1] = ("%s=%.6fs;;;0"):format(label(name), total / 1000) end
  if days then
    list[#list + 1] = ("%s=%d;%d:;%d:"):format(label(name .. " days"), days, out.state.warning, out.state.critical)
  end
  for _, field in ipairs(flat.own(r.values)) do
    local text = type(field.value) == "number" and json.number(field.value) or "null"
    if text ~= "null" and not text:find("e") then list[#list + 1] = label(name .. " " .. field.name) .. "=" .. text end
  end
end

local function own_text(r)
  local parts = {}
  for _, kind in ipairs { "labels", "values" } do
    for _, field in ipairs(flat.own(r[kind])) do parts[#parts + 1] = ("%s=%s"):format(field.name, flat.text(field.value)) end
  end
  return parts[1] and " (" .. table.concat(parts, ", ") .. ")" or ""
end

function format.start(out, report)
  out.state = { warning = report.opts.warning_days or WARNING_DAYS, critical = report.opts.critical_days or CRITICAL_DAYS,
    performance = {}, lines = {}, found = {} }
end

function format.result(out, r)
  local days, state = days_left(r), out.state
  local own = state_of(out, r, days)
  if r.status ~= "skip" then state.found[own] = true end
  if days then state.days = math.min(days, state.days or days) end
  performance(out, r, days)
  local word = r.status == "skip" and "SKIPPED" or STATES[own]
  local message = r.message or ""
  local remedy = r.remedy and (message:find("%.$") and " " or ". ") .. r.remedy or ""
  table.insert(state.lines, plain(("%s %s: %s, %s"):format(word, r.id, r.code, message) .. remedy .. own_text(r)) .. "\n")
end

-- What broke is UNKNOWN, whatever the checks that were made say.
local function worst(found, report)
  if report:broke() then return 3 end
  for _, state in ipairs(WORST) do
    if found[state] then return state end
  end
  return 3 -- nothing was tested
end

local function days_text(days)
  if not days then return "" end
  if days < 0 then return (", a certificate ended %s ago"):format(show.count(-days, "day")) end
  return (", the first certificate ends in %s"):format(show.count(days, "day"))
end

function format.finish(out, report)
  local state, summary, status = out.state, report.summary, worst(out.state.found, report)
  local broken = report:broke() and not state.found[3] and ", kedge itself failed (standard error tells)" or ""
  local performance_text = state.performance[1] and " | " .. table.concat(state.performance, " ") or ""
  out:write(("KEDGE %s - %s of %s: %d ok, %d with warnings, %d failed, %d skipped%s%s%s\n"):format(STATES[status],
    show.count(summary.total, "check"), plain(report.script), summary.ok, summary.warn, summary.fail, summary.skip,
    days_text(state.days), broken, performance_text), table.concat(state.lines))
  return status
end

return format
