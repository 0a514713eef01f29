-- Whatever a script reports and result.fault lets pass: no format raises on it, and each writes text.

local lu = require "luaunit"
local json = require "kedge.json"
local result = require "kedge.result"

TestFormats = {}

local FORMATS = { "csv", "html", "json", "jsonl", "junit", "markdown", "nagios", "prometheus", "sh", "tap", "text" }
local TEXTS = { "", "x", "a\nb", "\xff", "-", "CN=a", "2026-01-01T00:00:00Z", "9999-13-01T00:00:00Z", "ok" }
local WHOLE = { 0, 1, -1, 5, 3.0, math.maxinteger, math.mininteger }
local NUMBERS = { 0, 1.5, -1, 1 / 0, -1 / 0, 0 / 0, 1e300, 12 }
local PLACES = { {}, { 0 }, { 0, 1 }, { 5 }, { -1 }, { 1, 0, 1 }, { 0, 0 }, { math.maxinteger } }
local STATUSES = { "ok", "warn", "fail", "skip" }

local function one_of(list) return list[math.random(#list)] end

local function own_data(depth)
  local kind = depth < 4 and math.random(5) or math.random(3)
  if kind == 1 then return one_of(TEXTS) end
  if kind == 2 then return one_of(NUMBERS) end
  if kind == 3 then return math.random(2) == 1 end
  local data = {}
  for i = 1, math.random(0, 3) do data[kind == 4 and i or "name" .. i .. one_of { "", ".x", " y", "_ms" }] = own_data(depth + 1) end
  return data
end

local function single(kind, name)
  if name == "port" or name == "days_left" or name == "certificate" or (kind == "http" and name == "status") or (kind == "goaway"
    and name == "code") then return one_of(WHOLE) end
  if kind == "timings" or name == "ping_ms" then return one_of(NUMBERS) end
  if name == "truncated" then return true end
  return one_of(TEXTS)
end

local function made(kind, name)
  if name == "path" then return one_of(PLACES) end
  if kind == "plain*" then return { one_of(TEXTS), one_of(TEXTS) } end
  if kind == "open" then return { a = own_data(1), b_ms = own_data(1) } end
  local element, object = kind:match("^(.*)%*$"), {}
  if element then
    for i = 1, math.random(0, 3) do object[i] = made(element) end
    return object
  end
  for _, field in ipairs(json.kinds[kind]) do
    local inner_name, inner = field, "plain"
    if type(field) == "table" then inner_name, inner = field[1], field[2] end
    if math.random(6) > 1 then object[inner_name] = inner == "plain" and single(kind, inner_name) or made(inner, inner_name) end
  end
  return object
end

local function random_result(i)
  local r = made("result")
  r.id, r.status, r.code = "id" .. i, one_of(STATUSES), "own.code"
  r.line, r.run = i % 3 == 0 and i or nil, i % 5 == 0 and i or nil
  r.message, r.warnings = r.message or "message", r.warnings or {}
  return r
end

local function render(name, r, details)
  local format = require("kedge.formats." .. name)
  local out = { state = {}, traits = {}, width = 80, verbose = true, paint = function(_, _, text) return text end,
    escape = function(_, text) return require("kedge.show").escape(text) end,
    write = function(_, ...) for _, text in ipairs { ... } do assert(type(text) == "string") end end }
  local report = { opts = { details = details }, script = "x", version = "1", started = 0, duration_ms = 1,
    broke = function() return false end, summary = { total = 1, ok = 0, warn = 0, fail = 0, skip = 0 } }
  report.summary[r.status] = 1
  if format.start then format.start(out, report) end
  format.result(out, r)
  if format.finish then format.finish(out, report) end
end

-- What a format writes of one result.
local function written(name, r)
  local format, pieces = require("kedge.formats." .. name), {}
  local out = { state = {}, traits = {}, write = function(_, ...) table.move({ ... }, 1, select("#", ...), #pieces + 1, pieces) end }
  if format.start then format.start(out, {}) end
  format.result(out, r)
  format.finish(out, { summary = { total = 1, ok = 1, warn = 0, fail = 0, skip = 0 }, started = 0, duration_ms = 1 })
  return table.concat(pieces)
end

function TestFormats.test_own_names_that_become_one_are_all_there()
  local r = { id = "x", status = "ok", code = "ok", message = "m", warnings = {},
    values = { ["a b"] = 1, ["a-b"] = 2, a_b = 3, ["\u{E9}"] = 4, ["\u{E8}"] = 5 }, labels = { ["a b"] = "x", ["a-b"] = "y", a_b = "z" } }
  local sh, count = written("sh", r), 0
  local seen = {}
  for name, value in sh:gmatch("(kedge_1_[vl][%w_]+)='([^'\n]*)'") do
    lu.assertNil(seen[name], name)
    seen[name], count = value, count + 1
  end
  lu.assertEquals(count, 8)
  lu.assertEquals({ seen.kedge_1_values_a_b, seen.kedge_1_values_a_b_2, seen.kedge_1_values_a_b_3 }, { "1", "2", "3" })
  local prometheus = written("prometheus", r)
  lu.assertStrContains(prometheus, 'label_a_b="x",label_a_b_2="y",label_a_b_3="z"')
  for name, value in pairs(r.values) do
    local label = name ~= "a b" and ',name="' .. name:gsub("%-", "%%-") .. '"' or ""
    lu.assertStrMatches(prometheus, (".*\nkedge_value[_ab]*{id=\"x\"%s} %d\n.*"):format(label, value))
  end
end

function TestFormats.test_no_format_raises_on_a_result_that_is_one()
  math.randomseed(11)
  local tried = 0
  for i = 1, 3000 do
    local r = random_result(i)
    if not result.fault(r) then
      tried = tried + 1
      for _, name in ipairs(FORMATS) do
        local done, message = pcall(render, name, r, i % 2 == 0 and "full" or nil)
        lu.assertTrue(done, name .. ": " .. tostring(message))
      end
    end
  end
  lu.assertTrue(tried > 500, tried .. " results")
end

os.exit(lu.LuaUnit.run("-o", "tap"))
