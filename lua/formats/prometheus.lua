-- Text exposition format, for node_exporter's textfile collector. Samples of
-- one name stand together, so they are kept until the end.

local flat = require "kedge.flat"
local instant = require "kedge.instant"
local json = require "kedge.json"
local metric = require "kedge.metric"

local format = {}

local STAGES = { "dns", "tcp", "tls", "h2", "http", "total" }
local ESCAPES = { ["\\"] = "\\\\", ['"'] = '\\"' }

local function labels_text(labels)
  local parts, seen = {}, {}
  for _, label in ipairs(labels) do
    if not seen[label[1]] then parts[#parts + 1] = ('%s="%s"'):format(label[1], (flat.text(label[2]):gsub('[\\"]', ESCAPES))) end
    seen[label[1]] = true
  end
  return parts[1] and "{" .. table.concat(parts, ",") .. "}" or ""
end

-- Adds a sample; of two with the same labels the first stays.
local function add(out, name, help, labels, value, factor)
  local state = out.state
  if not state[name] then
    state[name] = { ("# HELP %s %s\n# TYPE %s gauge\n"):format(name, help, name), seen = {} }
    state[#state + 1] = state[name]
  end
  local text, family = labels_text(labels), state[name]
  local number = json.number(value)
  if family.seen[text] or number == "null" then return end
  family.seen[text] = true
  if factor and factor ~= 1 then number = ("%.12g"):format(tonumber(number) * factor) end
  family[#family + 1] = ("%s%s %s\n"):format(name, text, number)
end

local function earliest(certificates)
  local found
  for _, certificate in ipairs(certificates) do
    local at = certificate.not_after and instant.parse(certificate.not_after)
    found = at and math.min(at, found or at) or found
  end
  return found
end

local function add_certificates(out, r, labelled)
  local chain, path = r.chain or {}, { r.anchor }
  for _, place in ipairs(r.path or {}) do path[#path + 1] = chain[place + 1] end
  for _, set in ipairs { { "leaf", { chain[1] } }, { "sent_chain", chain }, { "path", path } } do
    local at = earliest(set[2])
    if at then
      add(out, "kedge_certificate_not_after_timestamp_seconds", "Earliest end of validity of the leaf, of all that was sent, of the path.",
        labelled { "of", set[1] }, at)
    end
  end
end

local function add_own(out, r, labelled)
  local taken = { kedge_value = true } -- a name without letters that a metric may have
  for _, field in ipairs(flat.own(r.values)) do
    local value = field.value
    if type(value) == "boolean" then value = value and 1 or 0 end
    if type(value) == "number" then
      local name, factor = metric.name("kedge_value", field.name)
      -- Two names may become one: wait_ms and wait_s.
      local labels = taken[name] and labelled { "name", field.name } or labelled()
      taken[name] = true
      add(out, name, "A value of the script's own.", labels, value, factor)
    else
      add(out, "kedge_value_info", "Text of the script's own.", labelled({ "name", field.name }, { "value", value }), 1)
    end
  end
end

local function add_info(out, r, labelled)
  local target, tls = r.target or {}, r.tls or {}
  local labels = labelled({ "host", target.host }, { "port", target.port }, { "address", target.address }, { "status", r.status },
    { "tls_version", tls.version }, { "tls_cipher", tls.cipher })
  local taken = {}
  for _, field in ipairs(flat.own(r.labels)) do
    labels[#labels + 1] = { flat.unique(taken, metric.label("label", field.name)), field.value }
  end
  add(out, "kedge_check_info", "What was checked; labels of its own begin with label_.", labels, 1)
end

function format.result(out, r)
  local function labelled(...)
    local labels = { { "id", r.id } }
    for _, name in ipairs { "line", "run" } do labels[#labels + 1] = r[name] and { name, r[name] } end
    return table.move({ ... }, 1, select("#", ...), #labels + 1, labels)
  end
  if r.status ~= "skip" then
    add(out, "kedge_check_success", "1 if the check was ok, perhaps with warnings.", labelled(), r.status == "fail" and 0 or 1)
  end
  add(out, "kedge_check_warnings", "Warnings of the check.", labelled(), #(r.warnings or {}))
  for _, stage in ipairs(STAGES) do
    local ms = r.timings_ms and r.timings_ms[stage]
    if ms then add(out, "kedge_check_duration_seconds", "Time of each stage.", labelled { "stage", stage }, ms, 1e-3) end
  end
  if r.status == "fail" then
    add(out, "kedge_check_failure_info", "Why the check failed.", labelled({ "stage", r.stage }, { "code", r.code }), 1)
  end
  add_certificates(out, r, labelled)
  add_info(out, r, labelled)
  add_own(out, r, labelled)
end

function format.finish(out, report)
  for _, status in ipairs { "ok", "warn", "fail", "skip" } do
    add(out, "kedge_checks", "Results of the last run.", { { "status", status } }, report.summary[status])
  end
  add(out, "kedge_last_run_timestamp_seconds", "When the last run began.", {}, report.started)
  add(out, "kedge_last_run_duration_seconds", "How long it took.", {}, report.duration_ms, 1e-3)
  for _, family in ipairs(out.state) do out:write(table.concat(family)) end
end

return format
