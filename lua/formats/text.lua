-- For people: a line per check as it is done, then a paragraph per cause.

local causes = require "kedge.causes"
local show = require "kedge.show"

local format = {}

local NARROW = 60 -- columns below which a check takes two lines
local PROTOCOL_WIDTH, TAIL_WIDTH = 5, 33 -- columns of the protocol, and of code and time together

local MARKS = {
  ok = { word = "ok", sign = "\u{2713}", colour = "green" }, fail = { word = "FAIL", sign = "\u{2717}", colour = "red" },
  warn = { word = "warn", sign = "!", colour = "yellow" }, skip = { word = "skip", sign = "-", colour = "dim" },
}

local function mark_of(out, status)
  local mark, unicode = MARKS[status], out.traits.unicode
  local text = show.pad(unicode and mark.sign or mark.word, unicode and 1 or 4)
  return out:paint(mark.colour, text), (unicode and 1 or 4) + 1
end

local function time_text(ms)
  if not ms then return "" end
  return ms < 10000 and ("%.1f ms"):format(ms) or ("%.1f s"):format(ms / 1000)
end

local function host_of(r)
  local target = r.target
  if not target then return r.id end
  local host = target.host:find(":", 1, true) and "[" .. target.host .. "]" or target.host
  if target.port and target.port ~= 443 then host = host .. ":" .. target.port end
  return host .. (r.id:match("@[^@/]*$") or "")
end

local VERSIONS = { ["2"] = "h2", ["1.1"] = "http1", ["1.0"] = "http1" }

local function protocol_of(r)
  if not r.target then return "" end
  local spoken = r.http and VERSIONS[r.http.version] or r.labels and r.labels.protocol
  return spoken or r.id:match("/(%w+)[^/]*$") or ""
end

local function painted_code(out, r)
  local code = out:escape(r.status == "ok" and "" or r.code)
  return out:paint(MARKS[r.status].colour, code), show.width(code)
end

local function put(out, text)
  out:write((text:gsub("%s+$", "")), "\n")
end

-- Host on a line of its own; protocol, code and time below it, the code below
-- these where there is no room beside them.
local function narrow_line(out, r, mark, indent, host, protocol)
  for i, piece in ipairs(show.wrap(host, out.width - #indent)) do put(out, (i == 1 and mark .. " " or indent) .. piece) end
  local code, width = painted_code(out, r)
  local time = time_text(r.timings_ms and r.timings_ms.total)
  local room = out.width - #indent - PROTOCOL_WIDTH - 2
  local fits = width + 1 + #time <= room
  local gap = (" "):rep(room - (fits and width or 0) - #time)
  put(out, indent .. show.pad(protocol, PROTOCOL_WIDTH) .. "  " .. (fits and code or "") .. gap .. time)
  if not fits then put(out, indent .. code) end
end

local function line(out, r)
  local mark, mark_width = mark_of(out, r.status)
  local host, protocol = out:escape(host_of(r)), out:escape(protocol_of(r))
  local host_width = out.width - mark_width - PROTOCOL_WIDTH - TAIL_WIDTH - 4
  if out.width < NARROW or show.width(host) > host_width then
    return narrow_line(out, r, mark, (" "):rep(mark_width), host, protocol)
  end
  local code, width = painted_code(out, r)
  local time = time_text(r.timings_ms and r.timings_ms.total)
  put(out, ("%s %s  %s  %s%s%s"):format(mark, show.pad(host, host_width), show.pad(protocol, PROTOCOL_WIDTH), code,
    (" "):rep(math.max(1, TAIL_WIDTH - width - #time)), time))
end

-- "Label  text" with the text wrapped beside the label, or below it where it is narrow; under an empty label it goes on.
local function labelled(out, label, text)
  if not text then return end
  text = out:escape(text)
  local is_narrow = out.width < NARROW
  local indent = is_narrow and 2 or 10
  for i, piece in ipairs(show.wrap(is_narrow and label ~= "" and label .. ": " .. text or text, out.width - indent)) do
    out:write(not is_narrow and i == 1 and "  " .. show.pad(label, 8) or (" "):rep(indent), piece, "\n")
  end
end

-- What the checks of a cause say: one sentence, or several with whose they are.
local function seen(out, cause)
  local messages = cause.messages
  for i, message in ipairs(messages) do
    labelled(out, i == 1 and "Seen" or "", messages[2] and ("%s: %s"):format(message.id, message.text) or message.text)
  end
  if cause.untold > 0 then labelled(out, "", ("and others like these in %s"):format(show.count(cause.untold, "check"))) end
end

local function paragraph(out, cause)
  local mark, mark_width = mark_of(out, cause.status)
  local code, count = out:escape(cause.code), show.count(cause.count, cause.noun)
  local fits = mark_width + show.width(code) + 2 + #count <= out.width
  out:write("\n", mark, " ", out:paint("bold", code), fits and ", " or ",\n  ", count, "\n")
  seen(out, cause)
  labelled(out, "Why", require("kedge.reasons").why(cause.code))
  labelled(out, "Remedy", cause.remedy)
  local ids = table.concat(cause.ids, ", ")
  if cause.count > #cause.ids then ids = ("%s and %d more"):format(ids, cause.count - #cause.ids) end
  labelled(out, cause.noun == "change" and "Changes" or "Checks", ids)
end

-- Changes to a file, a line at a time: what is cut off and what is added.
local function changes(out, text)
  for piece in text:gmatch("([^\n]*)\n") do
    local colour = piece:find("^%+") and "green" or piece:find("^%-") and "red"
    local shown = out:escape((piece:gsub("\r$", "")))
    out:write(colour and out:paint(colour, shown) or shown, "\n")
  end
end

-- A finding of an audit is its sentence; the id and code of a bad one stand in its paragraph.
local function sentence(out, r)
  local mark, mark_width = mark_of(out, r.status)
  for i, piece in ipairs(show.wrap(out:escape(r.message), out.width - mark_width)) do
    put(out, (i == 1 and mark .. " " or (" "):rep(mark_width)) .. piece)
  end
end

-- A result about no target says in words what was found, and what comes next.
local function finding(out, r)
  if r.values and type(r.values.diff) == "string" then changes(out, r.values.diff) end
  if r.status ~= "ok" then return end
  if r.message ~= r.code then labelled(out, "Found", r.message) end
  labelled(out, "Next", r.remedy)
  if r.values and r.values.next then out:write((" "):rep(10), out:escape(tostring(r.values.next)), "\n") end
end

-- A change to a store is its sentence and what it looks like; what comes of all of them has a remedy.
local function change(out, r)
  sentence(out, r)
  if r.values and type(r.values.diff) == "string" then changes(out, r.values.diff) end
  if r.values and type(r.values.output) == "string" then changes(out, r.values.output .. "\n") end
  if r.status == "ok" then labelled(out, "Next", r.remedy) end
end

local function wrapped(out, text)
  for _, piece in ipairs(show.wrap(out:escape(text), out.width)) do out:write(piece, "\n") end
end

local function judged_by(opts)
  local stores = opts.stores or {}
  if not stores.trust then return nil end
  local text = "Judged by the store " .. stores.trust.name
  if stores.reference then text = text .. ", with " .. stores.reference.name .. " as reference" end
  return opts.at and text .. ", at " .. require("kedge.instant").format(opts.at) or text
end

-- An update has changes, which are no checks; an audit has findings.
local function count(out, r)
  local labels, counted = r.labels or {}, out.state.counted
  local noun = labels.finding and "finding" or labels.update and "change" or "check"
  counted[noun] = (counted[noun] or 0) + ((noun ~= "change" or labels.update == "change") and 1 or 0)
end

local function summary_text(out, report)
  local summary, parts, counted = report.summary, {}, out.state.counted
  if counted.change and not counted.check and not counted.finding then
    return ("%s (%s)"):format(show.count(counted.change, "change"), time_text(report.duration_ms))
  end
  for _, part in ipairs { { "ok", "ok" }, { "warn", "with warnings" }, { "fail", "failed" }, { "skip", "skipped" } } do
    if summary[part[1]] > 0 then parts[#parts + 1] = ("%d %s"):format(summary[part[1]], part[2]) end
  end
  local found = #parts > 0 and ": " .. table.concat(parts, ", ") or ""
  local noun = counted.finding and not counted.check and not counted.change and "finding" or "check"
  return ("%s%s (%s)"):format(show.count(summary.total, noun), found, time_text(report.duration_ms))
end

function format.start(out, report)
  out.state.causes, out.state.counted = causes.new(), {}
  out.state.details = report.opts.details -- "full", where a script asks for it
end

function format.result(out, r)
  if r.run and r.run ~= out.state.run then
    out:write(out.state.run and "\n" or "", ("Run %d\n"):format(r.run))
    out.state.run = r.run
  end
  local labels = r.labels or {}
  if labels.finding then
    sentence(out, r)
  elseif labels.update then
    change(out, r)
  else
    line(out, r)
    if not r.target then finding(out, r) end
  end
  local is_full = out.state.details == "full"
  if out.verbose or is_full then require("kedge.details").write(out, r, is_full) end
  out.state.causes:add(r)
  count(out, r)
end

function format.finish(out, report)
  local found = out.state.causes
  for _, cause in ipairs(found:in_order()) do paragraph(out, cause) end
  if found.hidden.causes > 0 then
    out:write("\n")
    wrapped(out, ("%s more in %s; -f json has them all."):format(show.count(found.hidden.causes, "cause"),
      show.count(found.hidden.checks, "check")))
  end
  if report.summary.total > 0 then out:write("\n") end
  local stores = judged_by(report.opts)
  if stores and report.summary.total > 0 then wrapped(out, stores) end
  wrapped(out, summary_text(out, report))
end

return format
