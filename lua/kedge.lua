-- The public interface: `local kedge = require "kedge"`. Thin; the rooms are in
-- lua/api/, each read when it is needed first. lua/kedge.d.lua describes it.

local frame = require("kedge.core.call").frame
local nearest = require "kedge.nearest"

-- Where a name of the interface lies: { module, field }; or of a table, names in it.
local PLACES = {
  check = { "kedge.api.checks", "check" }, observe = { "kedge.api.checks", "observe" },
  judge = { "kedge.api.checks", "judge" }, explain = { "kedge.api.checks", "explain" },
  target = { "kedge.api.targets", "target" }, choice = { "kedge.api.tools", "choice" },
  ok = { "kedge.api.results", "ok" }, warn = { "kedge.api.results", "warn" },
  fail = { "kedge.api.results", "fail" }, skip = { "kedge.api.results", "skip" },
  map = { "kedge.api.tools", "map" }, all = { "kedge.api.tools", "all" }, sleep = { "kedge.api.tools", "sleep" },
  now = { "kedge.api.tools", "now" }, time = { "kedge.api.tools", "time" },
  sha256 = { "kedge.api.tools", "sha256" }, run = { "kedge.api.tools", "run" }, file = { "kedge.api.tools", "file" },
  json = {
    decode = { "kedge.api.json", "decode" }, encode = { "kedge.api.json", "encode" }, null = { "kedge.api.json", "null" },
  },
  resolve = { "kedge.api.stream", "resolve" }, connect = { "kedge.api.stream", "connect" },
  open = { "kedge.api.session", "open" },
  trust = { load = { "kedge.api.stores", "load" } },
  x509 = { parse = { "kedge.api.stores", "parse" } },
  pem = { decode = { "kedge.api.stores", "decode" }, encode = { "kedge.api.tools", "encode_pem" } },
}

local open

-- A table that finds its fields when they are asked for, and names the nearest of one that isn't there.
local function lazy(places, called)
  return setmetatable({}, { __index = function(self, field)
    local place = places[field]
    if place then
      local value = open(place, called .. "." .. field)
      rawset(self, field, value)
      return value
    end
    local known = {}
    for name in pairs(places) do known[#known + 1] = name end
    table.sort(known)
    require("kedge.api.blame")("%s has no '%s'%s", called, tostring(field), nearest.hint(tostring(field), known))
  end, __pairs = function(self)
    for field in pairs(places) do local _ = self[field] end
    return next, self, nil
  end })
end

function open(place, called)
  local value = place[1] and require(place[1])[place[2]]
  if type(value) == "function" then return frame(value) end
  if value then return value end
  return lazy(place, called)
end

return lazy(PLACES, "kedge")
