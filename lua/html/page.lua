-- What stands around the checks: head, summary, causes.

local check = require "kedge.html.check"
local element = require "kedge.html.element"
local instant = require "kedge.instant"
local show = require "kedge.show"
local waterfall = require "kedge.html.waterfall"

local page = {}

local STATUSES = { "ok", "warn", "fail", "skip" }
local WORDS = { ok = "ok", warn = "with warnings", fail = "failed", skip = "skipped" }
local SHOW = { { "all", "all" }, { "fail", "failed" }, { "warn", "with warnings" }, { "ok", "ok" }, { "skip", "skipped" } }

-- Should something of a peer's ever stand where it is obeyed, a browser loads and runs nothing.
local POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

local around, text = element.around, element.text

-- The report in a sentence.
local function sentence(summary)
  if summary.total == 0 then return "Nothing was checked" end
  local all = show.count(summary.total, "check")
  if summary.fail > 0 then return ("%d of %s failed"):format(summary.fail, all) end
  if summary.skip == summary.total then return ("%s skipped"):format(all) end
  if summary.warn > 0 then return ("%d of %s with warnings, none failed"):format(summary.warn, all) end
  return ("%s, all of them ok"):format(show.count(summary.total - summary.skip, "check"))
end

local function worst(summary)
  for _, status in ipairs { "fail", "warn", "ok" } do
    if summary[status] > 0 then return status end
  end
  return "skip"
end

--- From the doctype to the beginning of <main>. `opened` names the sections, a list of { id, name }.
function page.head(report, sections)
  local title, links = "kedge " .. report.script, {}
  for i, section in ipairs(sections) do links[i] = ('<li><a href="#%s">%s</a></li>'):format(section[1], section[2]) end
  return table.concat {
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="', POLICY,
    '">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n',
    around("title", ("%s: %s"):format(title, sentence(report.summary))), "\n<style>\n", require("kedge.html.style"),
    "</style>\n</head>\n<body>\n",
    '<a class="skip-link" href="#checks">To the checks</a>\n<header class="', worst(report.summary), '">\n', around("h1", title), "\n",
    element.of('p class="verdict"', text(sentence(report.summary))), "\n",
    around('p class="facts"', ("begun %s, took %s, kedge %s"):format(instant.format(report.started),
      waterfall.time(report.duration_ms), report.version)), "\n</header>\n",
    '<nav aria-label="Sections">\n<ul>', table.concat(links), "</ul>\n</nav>\n<main>\n",
  }
end

local function section(id, name)
  return ('<section id="%s" aria-labelledby="%s-name">\n<h2 id="%s-name">%s</h2>\n'):format(id, id, id, name)
end

-- A bar of all results, by status.
local function shares(summary)
  local parts, words, at = {}, {}, 0
  for _, status in ipairs { "fail", "warn", "ok", "skip" } do
    local width = summary[status] / summary.total * 1000
    if width > 0 then
      parts[#parts + 1] = ('<rect class="%s" x="%.1f" width="%.1f" height="10"/>'):format(status, at, width)
      words[#words + 1] = ("%d %s"):format(summary[status], WORDS[status])
    end
    at = at + width
  end
  return ('<svg class="shares" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label="%s">%s</svg>\n'):format(
    table.concat(words, ", "), table.concat(parts))
end

local function judged_by(opts)
  local stores, rows = opts.stores or {}, {}
  if stores.trust then rows[1] = { "Judged by the store", stores.trust.name } end
  if stores.reference then rows[#rows + 1] = { "Reference", stores.reference.name } end
  if opts.at then rows[#rows + 1] = { "Judged at", instant.format(opts.at) } end
  local parts = {}
  for i, row in ipairs(rows) do parts[i] = ("<dt>%s</dt><dd>%s</dd>\n"):format(row[1], text(row[2])) end
  return parts[1] and "<dl>\n" .. table.concat(parts) .. "</dl>\n" or ""
end

--- How many results of which status, and what they were judged by.
function page.summary(report)
  local summary, heads, cells = report.summary, { '<th scope="col">checks</th>' }, { ("<td>%d</td>"):format(report.summary.total) }
  for i, status in ipairs(STATUSES) do
    heads[i + 1] = ('<th scope="col">%s</th>'):format(WORDS[status])
    cells[i + 1] = ('<td class="%s">%d</td>'):format(summary[status] > 0 and status or "none", summary[status])
  end
  return section("summary", "Summary") .. '<table class="counts">\n<thead><tr>'
    .. table.concat(heads) .. "</tr></thead>\n<tbody><tr>" .. table.concat(cells) .. "</tr></tbody>\n</table>\n"
    .. (summary.total > 0 and shares(summary) or "") .. judged_by(report.opts) .. "</section>\n"
end

local function seen(cause)
  local parts = {}
  for i, message in ipairs(cause.messages) do
    local whose = cause.messages[2] and element.of("bdi", text(message.id)) .. ": " or ""
    parts[i] = "<dd>" .. whose .. text(message.text) .. "</dd>"
  end
  if cause.untold > 0 then parts[#parts + 1] = ("<dd>and others like these in %s</dd>"):format(show.count(cause.untold, "check")) end
  return parts[1] and "<dt>Seen</dt>" .. table.concat(parts) .. "\n" or ""
end

local function checks_of(cause)
  local parts = {}
  for i, id in ipairs(cause.ids) do parts[i] = ('<a href="#r%d"><bdi>%s</bdi></a>'):format(cause.places[i], text(id)) end
  local more = cause.count > #cause.ids and (" and %d more"):format(cause.count - #cause.ids) or ""
  return (cause.noun == "change" and "<dt>Changes</dt><dd>" or "<dt>Checks</dt><dd>") .. table.concat(parts, ", ") .. more .. "</dd>\n"
end

local function part(name, words)
  return words and ("<dt>%s</dt><dd>%s</dd>\n"):format(name, text(words)) or ""
end

local function article(cause)
  return ('<article class="cause %s">\n<h3>%s <code>%s</code>, %s</h3>\n<dl>\n%s%s%s%s</dl>\n</article>\n'):format(cause.status,
    check.mark(cause.status), text(cause.code), show.count(cause.count, cause.noun), seen(cause),
    part("Why it matters", require("kedge.reasons").why(cause.code)), part("Remedy", cause.remedy), checks_of(cause))
end

--- One paragraph for each cause, or "" where there is none. `causes` as from kedge.causes.
function page.causes(causes)
  local parts, hidden = {}, causes.hidden
  for i, cause in ipairs(causes:in_order()) do parts[i] = article(cause) end
  if not parts[1] then return "" end
  local more = hidden.causes > 0 and ("<p>%s more in %s; they stand at the checks.</p>\n"):format(show.count(hidden.causes, "cause"),
    show.count(hidden.checks, "check")) or ""
  return section("causes", "Causes") .. table.concat(parts) .. more .. "</section>\n"
end

local function choices(summary)
  local parts = {}
  for i, choice in ipairs(SHOW) do
    local number = i == 1 and summary.total or summary[choice[1]]
    if number > 0 then
      parts[#parts + 1] = ('<label><input type="radio" name="show" id="show-%s"%s> %s (%d)</label>\n'):format(choice[1],
        i == 1 and " checked" or "", choice[2], number)
    end
  end
  if #parts < 3 then return "" end -- all of them are of one kind
  return "<fieldset>\n<legend>Show</legend>\n" .. table.concat(parts) .. "</fieldset>\n"
end

--- What stands in front of the rows, and behind them.
function page.checks(summary, has_stages)
  return section("checks", "Checks") .. choices(summary) .. (has_stages and waterfall.legend() .. "\n" or ""), "</section>\n"
end

--- The end of the document.
function page.foot(report)
  return ("</main>\n<footer>\n<p>%s</p>\n</footer>\n</body>\n</html>\n"):format(
    text(("Written by kedge %s. Everything is in this file; it loads nothing."):format(report.version)))
end

return page
