-- One result as a row that opens.

local chain = require "kedge.html.chain"
local element = require "kedge.html.element"
local flat = require "kedge.flat"
local waterfall = require "kedge.html.waterfall"

local check = {}

local WORDS = { ok = "ok", warn = "warning", fail = "failed", skip = "skipped" }
local SIGNS = { ok = "\u{2713}", warn = "!", fail = "\u{2717}", skip = "\u{2013}" }

local around, text = element.around, element.text

--- A status as a mark: a sign and a word, so that colour isn't what tells it.
function check.mark(status)
  return ('<span class="mark %s"><span aria-hidden="true">%s</span> %s</span>'):format(status, SIGNS[status], WORDS[status])
end

local function name_of(r)
  local parts = { r.id }
  if r.line then parts[#parts + 1] = ("line %d"):format(r.line) end
  if r.run then parts[#parts + 1] = ("run %d"):format(r.run) end
  return table.concat(parts, ", ")
end

local function target_of(r)
  local target = r.target
  if not target then return r.message end
  local host = tostring(target.host)
  if host:find(":", 1, true) then host = "[" .. host .. "]" end
  local shown = target.port and host .. ":" .. target.port or host
  return target.address and target.address ~= target.host and shown .. " at " .. target.address or shown
end

local function head(r)
  local code = r.code ~= "ok" and r.code or nil
  -- HTML has headings in a summary, tidy doesn't know it.
  return check.mark(r.status) .. element.of('span class="name" role="heading" aria-level="3"', element.of("bdi", text(name_of(r))))
    .. around('span class="code"', code) .. around('span class="target"', target_of(r))
end

local function warnings(r)
  local parts = {}
  for i, warning in ipairs(r.warnings or {}) do
    if i > 1 or r.status ~= "warn" then
      local remedy = warning.remedy and " <b>Remedy:</b> " .. text(warning.remedy) or ""
      parts[#parts + 1] = "<li>" .. element.of("code", text(warning.code)) .. " " .. text(warning.message or "") .. remedy .. "</li>\n"
    end
  end
  return parts[1] and '<h4>Besides</h4>\n<ul class="besides">\n' .. table.concat(parts) .. "</ul>\n" or ""
end

local LINE_ELEMENTS = { ["+"] = "ins", ["-"] = "del" }

-- Text of several lines: a difference of files, what a program said.
local function lines_of(heading, value)
  if type(value) ~= "string" then return "" end
  local parts = {}
  for piece in (value:gsub("\n$", "") .. "\n"):gmatch("([^\n]*)\n") do
    parts[#parts + 1] = element.of(LINE_ELEMENTS[piece:sub(1, 1)] or "span", text((piece:gsub("\r$", ""))))
  end
  return ('<h4>%s</h4>\n<pre class="diff" tabindex="0">%s</pre>\n'):format(heading, table.concat(parts, "\n"))
end

-- What was agreed on, and what each store says.
local function connection(r)
  local parts = {}
  local function add(name, words)
    if words and words ~= "" then parts[#parts + 1] = ("<dt>%s</dt><dd>%s</dd>\n"):format(name, text(words)) end
  end
  if r.tls then
    local tls = {}
    for _, name in ipairs { "version", "cipher", "group" } do tls[#tls + 1] = r.tls[name] end
    tls[#tls + 1] = r.tls.alpn and "ALPN " .. r.tls.alpn
    add("TLS", table.concat(tls, ", "))
  end
  if r.http and r.http.version then add("HTTP", ("%s, status %s"):format(r.http.version, r.http.status or "unknown")) end
  for _, role in ipairs { { "trust", "Device's store" }, { "reference", "Reference" } } do
    local verdict = r.verdicts and r.verdicts[role[1]]
    if verdict then add(role[2], ("%s (%s)"):format(verdict.code or "?", verdict.store or "?")) end
  end
  return parts[1] and "<h4>Connection</h4>\n<dl>\n" .. table.concat(parts) .. "</dl>\n" or ""
end

-- Lists of plain values stand in one cell.
local function plain_list(value)
  if type(value) ~= "table" or #value == 0 then return nil end
  local parts = {}
  for i, item in ipairs(value) do
    if type(item) == "table" then return nil end
    parts[i] = flat.text(item)
  end
  return table.concat(parts, ", ")
end

local ALREADY = { diff = true, output = true } -- values that stand above, a line at a time

local function own_data(r)
  local list = {}
  for _, kind in ipairs { "labels", "values" } do
    local lists = {}
    for name, value in pairs(r[kind] or {}) do lists[tostring(name)] = plain_list(value) end
    for _, field in ipairs(flat.own(r[kind])) do
      local name = field.name:match("^(.*)%.%d+$")
      local joined = name and lists[name]
      if joined then
        if field.name == name .. ".0" then list[#list + 1] = { name, joined } end
      elseif not (kind == "values" and ALREADY[field.name]) then
        list[#list + 1] = { field.name, flat.text(field.value) }
      end
    end
  end
  return list[1] and "<h4>Labels and values</h4>\n" .. element.fields("Name", list) or ""
end

local function all_fields(r)
  local list = {}
  for i, field in ipairs(flat.list(r)) do list[i] = { field.name, flat.text(field.value) } end
  return '<details class="all"><summary>All fields</summary>\n' .. element.fields("Field", list) .. "</details>\n"
end

local function body(r, now)
  local values = r.values or {}
  local remedy = r.remedy and element.of('p class="remedy"', "<b>Remedy:</b> " .. text(r.remedy)) or ""
  return around("p", r.message) .. remedy .. warnings(r) .. lines_of("Changes", values.diff) .. lines_of("Output", values.output)
    .. waterfall.table(r) .. connection(r) .. chain.tree(r, now) .. own_data(r) .. all_fields(r)
end

--- A result, `place` in the report, judged at `now`: what check.row makes a row of.
function check.new(r, place, now)
  local stages, total = waterfall.stages(r)
  local is_change = r.values ~= nil and type(r.values.diff) == "string"
  return { status = r.status, place = place, is_change = is_change, head = head(r), body = body(r, now), stages = stages, total = total,
    time = r.timings_ms and r.timings_ms.total }
end

--- The row of a result, its bar measured by `scale` milliseconds.
function check.row(one, scale, is_open)
  local bar, time = waterfall.bar(one.stages, one.total, scale), around('span class="time"', waterfall.time(one.time))
  local class = (bar == "" and one.status == "ok") and "plain ok" or one.status
  return ('<details class="check %s"%s><summary>%s%s%s</summary>\n<div class="body" id="r%d">\n%s</div></details>\n'):format(class,
    is_open and " open" or "", one.head, bar, time, one.place, one.body)
end

return check
