-- The stages of a check as bars: one behind the other in a check's own table, all in one line in its row.

local element = require "kedge.html.element"
local json = require "kedge.json"

local waterfall = {}

local STAGES = { "dns", "tcp", "tls", "h2", "http" }
local IN_STAGE = { trust = "tls", alpn = "tls", proxy = "tcp" } -- stages without a time of their own, and in whose they end
local UNITS = 1000 -- across a drawing, whatever its width
local OUTLIER = 5 -- times the median of all checks, beyond which a bar in a row is cut off

--- Stages with their times: list of { name=, from=, ms=, stopped= true where the check ended }, and the milliseconds of all.
-- They follow one another; what lies between them (judging, waiting) is at the end.
function waterfall.stages(r)
  local timings, list, at = r.timings_ms or {}, {}, 0
  local stopped = r.status == "fail" and (IN_STAGE[r.stage] or r.stage)
  for _, name in ipairs(STAGES) do
    local ms = timings[name]
    if type(ms) == "number" and ms >= 0 and ms < math.huge then
      list[#list + 1] = { name = name, from = at, ms = ms, stopped = name == stopped }
      at = at + ms
    end
  end
  local total = type(timings.total) == "number" and timings.total < math.huge and timings.total or 0
  return list, math.max(at, total)
end

--- What the bars of all rows are measured by: milliseconds, for a list of totals.
function waterfall.scale(totals)
  if not totals[1] then return 1 end
  local sorted = table.move(totals, 1, #totals, 1, {})
  table.sort(sorted)
  local limit, scale = OUTLIER * sorted[(#sorted + 1) // 2], 0
  for _, total in ipairs(sorted) do
    if total <= limit then scale = total end
  end
  return scale > 0 and scale or 1
end

local function rect(stage, scale, from)
  local x, width = (from or stage.from) / scale * UNITS, stage.ms / scale * UNITS
  x = math.min(x, UNITS)
  return ('<rect class="%s" x="%.1f" width="%.1f" height="10"/>'):format(stage.name, x, math.max(1, math.min(width, UNITS - x)))
end

local function drawing(class, inner)
  return ('<svg class="%s" viewBox="0 0 %d 10" preserveAspectRatio="none" aria-hidden="true">%s</svg>'):format(class, UNITS, inner)
end

--- The drawing of a row: all stages in one line. The row says its time in words.
function waterfall.bar(stages, total, scale)
  local parts = {}
  for i, stage in ipairs(stages) do parts[i] = rect(stage, scale) end
  if not stages[1] and total > 0 then parts[1] = rect({ name = "rest", ms = total }, scale, 0) end
  return parts[1] and drawing(total > scale and "bar cut" or "bar", table.concat(parts)) or ""
end

--- A time for people.
function waterfall.time(ms)
  if not ms or ms ~= ms then return "" end
  return ms < 10000 and ("%.1f ms"):format(ms) or ("%.1f s"):format(ms / 1000)
end

--- The table of a check's stages, or "" where there are none.
function waterfall.table(r)
  local stages, total = waterfall.stages(r)
  local parts = {}
  for i, stage in ipairs(stages) do
    local note = stage.stopped and " <b>stopped here</b>" or ""
    parts[i] = ('<tr><th scope="row">%s%s</th><td class="time">%s ms</td><td class="draw">%s</td></tr>\n'):format(stage.name, note,
      json.number(stage.ms), drawing("wide", rect(stage, total > 0 and total or 1)))
  end
  if not parts[1] then return "" end
  local all = r.timings_ms.total
  local foot = all and ('<tfoot><tr><th scope="row">total</th><td class="time">%s ms</td><td></td></tr></tfoot>\n')
    :format(json.number(all)) or ""
  return '<h4>Where the time went</h4>\n<table class="stages">\n<thead><tr><th scope="col">Stage</th><th scope="col">Time</th>'
    .. '<th scope="col">From start to end</th></tr></thead>\n<tbody>\n' .. table.concat(parts) .. "</tbody>\n" .. foot .. "</table>\n"
end

--- What the colours of the bars mean.
function waterfall.legend()
  local parts = {}
  for i, name in ipairs(STAGES) do
    local sample = ('<svg viewBox="0 0 10 10" aria-hidden="true"><rect class="%s" width="10" height="10"/></svg>'):format(name)
    parts[i] = element.of("li", sample .. " " .. name)
  end
  return element.of('ul class="legend" aria-label="Colours of the stages"', table.concat(parts))
end

return waterfall
