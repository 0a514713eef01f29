-- One file to look at, to print, to attach to a ticket: no script, nothing that is loaded. Summary and causes stand in
-- front, so rows are kept until the end. lua/html/ draws.

local causes = require "kedge.causes"
local check = require "kedge.html.check"
local page = require "kedge.html.page"
local waterfall = require "kedge.html.waterfall"

local format = {}

local OPEN = 10 -- failed checks, or changes, whose rows are open; where there are more, none is

function format.start(out, report)
  out.state = { causes = causes.new(), rows = {}, now = report.opts.at or report.started }
end

function format.result(out, r)
  local rows = out.state.rows
  out.state.causes:add(r, #rows + 1)
  rows[#rows + 1] = check.new(r, #rows + 1, out.state.now)
end

-- What the bars are measured by, and whether there are any.
local function scale_of(rows)
  local totals, has_stages = {}, false
  for _, one in ipairs(rows) do
    if one.total > 0 then totals[#totals + 1] = one.total end
    has_stages = has_stages or one.stages[1] ~= nil
  end
  return waterfall.scale(totals), has_stages
end

local function is_open(one, report)
  if report.summary.total == 1 then return true end
  if one.is_change then return report.summary.total <= OPEN end
  return one.status == "fail" and report.summary.fail <= OPEN
end

function format.finish(out, report)
  local rows, found = out.state.rows, page.causes(out.state.causes)
  local sections = { { "summary", "Summary" }, { "checks", "Checks" } }
  if found ~= "" then table.insert(sections, 2, { "causes", "Causes" }) end
  local scale, has_stages = scale_of(rows)
  local before, behind = page.checks(report.summary, has_stages)
  out:write(page.head(report, sections), page.summary(report), found, before)
  for _, one in ipairs(rows) do out:write(check.row(one, scale, is_open(one, report))) end
  out:write(behind, page.foot(report))
end

return format
