-- Names of metrics as promtool wants them: snake_case, base units, and no word
-- that belongs to another type of metric.

local metric = {}

-- Last words that are units: the base unit, and how many of it one is.
local UNITS = {
  ns = { "seconds", 1e-9 }, us = { "seconds", 1e-6 }, ms = { "seconds", 1e-3 }, s = { "seconds", 1 }, sec = { "seconds", 1 },
  milliseconds = { "seconds", 1e-3 }, microseconds = { "seconds", 1e-6 }, minutes = { "seconds", 60 }, hours = { "seconds", 3600 },
  days = { "seconds", 86400 }, weeks = { "seconds", 604800 }, percent = { "ratio", 0.01 }, kb = { "bytes", 1e3 }, mb = { "bytes", 1e6 },
  gb = { "bytes", 1e9 }, kib = { "bytes", 2 ^ 10 }, mib = { "bytes", 2 ^ 20 }, gib = { "bytes", 2 ^ 30 },
}

local BASE = "amperes bytes celsius grams joules kelvin meters metres moles seconds volts"
local AVOIDED = {}
for word in ("total count sum bucket info counter gauge histogram summary untyped ns us ms s sec b kb mb gb tb pb m h d minutes hours "
  .. "days weeks kelvins fahrenheit rankine inches yards miles bits calories pounds ounces"):gmatch("%S+") do
  AVOIDED[word] = true
end

-- Words such as "kilobytes".
local function is_scaled(word)
  for unit in BASE:gmatch("%S+") do
    if #word > #unit and word:sub(-#unit) == unit then return true end
  end
  return false
end

local function words_of(text)
  local words = {}
  for word in text:gsub("(%l)(%u)", "%1_%2"):lower():gmatch("%w+") do words[#words + 1] = word end
  return words
end

--- "kedge_value_depth_seconds" and the factor of its values, for a value of
-- one's own that is called `text` ("depth_ms").
function metric.name(prefix, text)
  local words, name, factor = words_of(text), prefix, 1
  local unit = UNITS[words[#words]]
  if unit then words[#words], factor = unit[1], unit[2] end
  for _, word in ipairs(words) do
    name = name .. ((AVOIDED[word] or is_scaled(word)) and "" or "_") .. word
  end
  return name, factor
end

--- The name of a label for `text`.
function metric.label(prefix, text)
  return prefix .. "_" .. table.concat(words_of(text), "_")
end

return metric
