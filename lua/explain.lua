-- Everything seen and judged, turned into one result with one cause. Pure.

local evidence = require "kedge.evidence"

local explain = {}

-- What failed first wins; what failed besides is a warning. Each is { code=,
-- stage=, detail=, status=, verdict=, expected= }.

local function stage_of(code, stopped_at)
  local word = code:match("^[^.]*")
  if word == "tls" then return stopped_at or word end
  return require("kedge.reasons").stages[word] and word or nil
end

local function failed(code, detail, more)
  local found = more or {}
  found.code, found.detail, found.stage = code, detail, stage_of(code, found.stage)
  return found
end

-- The verdict on the chain, if it is bad.
local function of_verdicts(verdicts)
  if not verdicts or verdicts.accepted then return nil end
  local code, verdict = verdicts.code, verdicts.explains
  if not code then code, verdict = require("kedge.compare").verdicts(verdicts.trust, verdicts.reference) end
  if code == "ok" then return nil end
  return failed(code, nil, { verdict = verdict })
end

-- Where the observation ended, if it ended early. stopped.stage "trust" only
-- repeats the verdict.
local function of_stop(seen, verdicts, expectation)
  local stopped = seen.stopped
  if not stopped or (stopped.stage == "trust" and verdicts and not verdicts.accepted) then return nil end
  if expectation and not expectation.ok and stopped.stage == "http" then return nil end
  return failed(stopped.code, stopped.detail, { stage = stopped.stage })
end

local function of_expectation(expectation)
  if not expectation or expectation.ok then return nil end
  return failed(expectation.code, expectation.detail, { status = expectation.status, expected = expectation.expected })
end

-- A key that can't be used and a wrong signature in the handshake stand in
-- front of what the judge says of the certificates.
local function handshake_decides(stop, verdict)
  return stop and stop.stage == "trust" and (not verdict or verdict.code ~= "trust.bad_certificate")
end

local function add(list, item, code_taken)
  if item and item.code ~= code_taken then list[#list + 1] = item end
end

-- Failures in the order in which they count, then warnings in the order in which they happened.
local function findings(seen, verdicts, expectation)
  local verdict, stop = of_verdicts(verdicts), of_stop(seen, verdicts, expectation)
  local wish = of_expectation(expectation)
  local failures, warnings = {}, {}
  if handshake_decides(stop, verdict) then
    add(failures, stop)
    add(failures, verdict, stop.code)
  else
    add(failures, verdict)
    add(failures, stop, verdict and verdict.code)
  end
  for _, warning in ipairs(verdicts and verdicts.trust.warnings or {}) do
    add(warnings, failed(warning.code, warning.detail, { verdict = verdicts.trust }))
  end
  local h2 = seen.h2
  if h2 and not h2.ping_ms and not stop and seen.http and seen.http.status then
    add(warnings, failed("h2.no_ping_ack"))
  end
  for _, warning in ipairs(seen.warnings or {}) do add(warnings, failed(warning.code, warning.detail)) end
  if wish then add(wish.status == "warn" and warnings or failures, wish) end
  return failures, warnings
end

local function sentence(found, seen, verdicts)
  local facts = evidence.facts(found, seen, verdicts)
  local message, remedy = require("kedge.reasons").explain(found.code, facts)
  local about = evidence.about(found.code, facts)
  return message, remedy, about and found.code .. " " .. about or found.code
end

local function good_message(seen)
  if seen.http and seen.http.status then
    return ("the certificate is accepted; HTTP/%s answered with status %d"):format(seen.http.version, seen.http.status)
  end
  return "the handshake is done and the certificate is accepted"
end

-- Statuses, codes and sentences of the result.
local function conclude(r, seen, verdicts, failures, warnings)
  local main = failures[1] or warnings[1]
  r.warnings = {}
  if not main then
    r.status, r.code, r.message = "ok", "ok", good_message(seen)
    return r
  end
  r.code = main.code
  r.message, r.remedy, r.cause = sentence(main, seen, verdicts)
  if main.code == "local.interrupted" then
    r.status, r.cause = "skip", nil
    return r
  end
  r.status = failures[1] and "fail" or "warn"
  r.stage = failures[1] and main.stage or nil
  for i = 2, #failures do
    local message, remedy = sentence(failures[i], seen, verdicts)
    table.insert(r.warnings, { code = failures[i].code, message = message, remedy = remedy })
  end
  for _, warning in ipairs(warnings) do
    local message, remedy = sentence(warning, seen, verdicts)
    table.insert(r.warnings, { code = warning.code, message = message, remedy = remedy })
  end
  return r
end

--- The result of one check. `verdicts` ({ trust=, reference=, accepted= }) and
-- `expectation` (of expect.judge) may be nil.
function explain.result(seen, verdicts, expectation)
  local r = evidence.result(seen, verdicts)
  return conclude(r, seen, verdicts, findings(seen, verdicts, expectation))
end

return explain
