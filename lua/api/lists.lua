-- What is a list to the calls that take one: items numbered from 1, none left
-- out. Anything else would be looked at in part, or not at all, without a word.

local blame = require "kedge.api.blame"

local lists = {}

--- The place of the first nil of a list that goes on behind it; nil where it doesn't.
function lists.gap(items)
  local count = 0
  while items[count + 1] ~= nil do count = count + 1 end
  for key in pairs(items) do
    if math.type(key) == "integer" and key > count then return count + 1 end
  end
end

--- Raises where `items` is no list, in the name of `call`.
function lists.check(call, items)
  local gap = lists.gap(items)
  if gap then blame("%s: item %d is nil, and others follow it", call, gap) end
  local key = next(items)
  if items[1] == nil and key ~= nil then blame("%s wants a list, not a table with the name '%s' and no items", call, tostring(key)) end
end

return lists
