-- Results gathered by cause: one entry for everything that one thing explains,
-- however many checks it broke. Bounded, whatever a run brings.

local limits = require "kedge.limits"

local causes = {}
causes.__index = causes

--- An empty collection; fields `list` and `hidden` ({ causes=, checks= } beyond the bound).
function causes.new()
  return setmetatable({ list = {}, by_key = {}, hidden = { causes = 0, checks = 0 }, hidden_keys = {}, hidden_count = 0 }, causes)
end

local function new_entry(self, key, about)
  if #self.list >= limits.causes then
    self.hidden.checks = self.hidden.checks + 1
    if not self.hidden_keys[key] and self.hidden_count < limits.causes * limits.causes then
      self.hidden_keys[key] = true
      self.hidden_count = self.hidden_count + 1
    end
    self.hidden.causes = self.hidden_count
    return nil
  end
  local entry = { code = about.code, status = about.status, remedy = about.remedy, count = 0, ids = {}, places = {}, messages = {},
    untold = 0, noun = about.code:find("%.pending$") and "change" or "check" }
  self.by_key[key] = entry
  table.insert(self.list, entry)
  return entry
end

local function name_of(r)
  local name = r.line and ("%s (line %d)"):format(r.id, r.line) or r.id
  return r.run and ("%s (run %d)"):format(name, r.run) or name
end

-- One cause may say something else of each server: an address, what it answered, a date.
local function add_message(entry, text, id)
  for _, message in ipairs(entry.messages) do
    if message.text == text then return end
  end
  if #entry.messages < limits.cause_messages then
    table.insert(entry.messages, { text = text, id = id })
  else
    entry.untold = entry.untold + 1
  end
end

local function add(self, key, about, r, place)
  local entry = self.by_key[key] or new_entry(self, key, about)
  if not entry then return end
  local name = name_of(r)
  entry.count = entry.count + 1
  if about.message then add_message(entry, about.message, name) end
  if #entry.ids < limits.cause_ids then
    entry.ids[#entry.ids + 1] = name
    entry.places[#entry.ids] = place
  end
end

-- Each change to a store has its sentence; one for all of them explains them.
local function explained(r)
  if not (r.labels and r.labels.update == "change") then return r end
  local message = require("kedge.reasons").explain(r.code, {})
  return { code = r.code, status = r.status, message = message, remedy = r.remedy }
end

--- Adds one result, `place` in the report: its cause, and the warnings it has besides.
function causes:add(r, place)
  if r.status == "ok" then return end
  if r.cause then add(self, r.cause, explained(r), r, place) end
  for _, warning in ipairs(r.warnings or {}) do
    if warning.code ~= r.code then
      local about = { code = warning.code, status = "warn", message = warning.message, remedy = warning.remedy }
      add(self, warning.code .. "\0" .. (warning.message or ""), about, r, place)
    end
  end
end

--- The entries, failures first, in the order in which they came: { code=, status=, remedy=, count= of checks, or what noun= says;
-- ids=, places= of the first of these; messages= { text=, id= of who said it first }, untold= checks that said yet another }.
function causes:in_order()
  local ordered = {}
  for _, is_failure in ipairs { true, false } do
    for _, entry in ipairs(self.list) do
      if (entry.status == "fail") == is_failure then ordered[#ordered + 1] = entry end
    end
  end
  return ordered
end

return causes
