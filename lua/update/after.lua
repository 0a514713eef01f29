-- What checks that were made after an update say of it, in half a sentence. Pure.

local show = require "kedge.show"

local after = {}

-- "The name is unknown." as it stands behind "because".
local function clause(message)
  local text = message:gsub("%.$", "")
  if text:find("^%u%l* ") then text = text:sub(1, 1):lower() .. text:sub(2) end
  return text
end

-- The message of the cause that most of the failed results have, and how many have another.
local function main_cause(failed)
  local counts, best = {}, nil
  for _, r in ipairs(failed) do
    local cause = r.cause or r.code
    counts[cause] = (counts[cause] or 0) + 1
  end
  for _, r in ipairs(failed) do
    if not best or counts[r.cause or r.code] > counts[best.cause or best.code] then best = r end
  end
  return best.message or best.code, #failed - counts[best.cause or best.code]
end

--- What the results of a check of the regions come to: "a check of the three regions now passes", or that it still fails
--- and why.
function after.conclusion(results)
  local failed, done = {}, 0
  for _, r in ipairs(results) do
    if r.status == "fail" then failed[#failed + 1] = r end
    if r.status ~= "skip" then done = done + 1 end
  end
  if done == 0 then return "no check of the three regions was made" end
  if #failed == 0 and done < #results then return "a check of the three regions was interrupted" end
  if #failed == 0 then return "a check of the three regions now passes" end
  local message, others = main_cause(failed)
  local part = #failed < #results and (" in %d of %s"):format(#failed, show.count(#results, "check")) or ""
  local more = others > 0 and (" (and for other reasons in %s)"):format(show.count(others, "check")) or ""
  return ("a check of the three regions still fails%s because %s%s"):format(part, clause(message), more)
end

return after
