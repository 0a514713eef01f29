-- A reply, or the want of one, against what was expected. Pure.
--
-- What is expected of a target stands in target.expect, else in the options:
--   status   list of "200", "2xx"; any of them will do
--   body     text that the body has to hold
--   fold     true: upper and lower case are one
--   pattern  true: `body` is a Lua pattern, matched line by line
--   mismatch "fail" (default) or "warn": what another body means
--   no_reply "fail" (default) or "warn": what the want of a valid reply means

local limits = require "kedge.limits"

local expect = {}

local OK = { ok = true, status = "ok" }

-- What the options ask for, or nil.
local function of_options(opts)
  if not opts.expect_status and not opts.expect_body then return nil end
  return { status = opts.expect_status, body = opts.expect_body, pattern = opts.pattern }
end

-- A pattern over a peer's bytes is one call that nothing interrupts: short
-- lines keep it at a tenth of a second, and the clock ends a row of bad ones.
-- true, false, or nil when it took too long.
local function line_matches(body, pattern)
  local started = os.clock()
  for line in body:gmatch("[^\r\n]*") do
    if line:sub(1, limits.pattern_line):find(pattern) then return true end
    if os.clock() - started > limits.pattern_seconds then return nil end
  end
  return false
end

local function body_holds(body, wanted)
  if wanted.pattern then return line_matches(body, wanted.body) end
  if wanted.fold then return body:lower():find(wanted.body:lower(), 1, true) ~= nil end
  return body:find(wanted.body, 1, true) ~= nil
end

local function status_among(status, list)
  for _, word in ipairs(list) do
    local class = word:match("^(%d)xx$")
    if class and status // 100 == tonumber(class) or tonumber(word) == status then return true end
  end
  return false
end

local function judge_body(http, wanted)
  local holds = body_holds(http.body or "", wanted)
  if holds then return OK end
  local code = http.truncated and "http.too_large" or "http.unexpected_body"
  local status, detail = wanted.mismatch or "fail", nil
  if holds == nil then
    code, status, detail = "local.limit", "fail", "the pattern takes too long on this body"
  elseif http.truncated then
    detail = "the expected text is not in the part that was read"
  end
  return { ok = false, status = status, code = code, detail = detail, expected = wanted.body }
end

local function judge_reply(seen, wanted)
  local http = seen.http
  if wanted and wanted.status and not status_among(http.status, wanted.status) then
    return { ok = false, status = "fail", code = "http.status", expected = table.concat(wanted.status, " or ") }
  end
  -- nginx asks for a certificate in the handshake and refuses by HTTP.
  local unexplained = not (wanted and wanted.status)
  if unexplained and http.status == 400 and seen.tls and seen.tls.client_certificate_requested then
    return { ok = false, status = "fail", code = "tls.client_cert_required" }
  end
  if wanted and wanted.body then return judge_body(http, wanted) end
  return OK
end

-- The connection was secure and no valid reply came.
local function judge_silence(stopped, wanted)
  local code = stopped.code:find("^http%.") and stopped.code or "http.bad_reply"
  return { ok = false, status = wanted.no_reply, code = code, detail = stopped.detail }
end

--- What was observed against what target or options expect, as { ok=, status=
-- "ok", "warn" or "fail", code=, detail=, expected= }. ok where nothing was
-- asked for or where no reply could come.
function expect.judge(seen, opts)
  local wanted = seen.target.expect or of_options(opts or {})
  local stopped = seen.stopped
  if stopped and stopped.stage == "http" and wanted and wanted.no_reply then return judge_silence(stopped, wanted) end
  if stopped or not seen.http or not seen.http.status then return OK end
  return judge_reply(seen, wanted)
end

-- Position behind the class that begins at `i`, or nil, what is wrong.
local function class_end(pattern, i)
  local c = pattern:sub(i, i)
  if c == "%" then
    if i == #pattern then return nil, "it ends with '%'" end
    return i + 2
  elseif c ~= "[" then
    return i + 1
  end
  i = pattern:sub(i + 1, i + 1) == "^" and i + 2 or i + 1
  repeat -- the first character is in the set even if it is ']'
    if i > #pattern then return nil, "a '[' has no ']'" end
    i = i + (pattern:sub(i, i) == "%" and 2 or 1)
  until pattern:sub(i, i) == "]"
  return i + 1
end

-- Behind a single character, class or set: what repeats it is counted; the position behind that.
local function pass_repetition(pattern, i, costs)
  local sign = pattern:sub(i, i)
  if sign == "?" then
    costs.optional = costs.optional + 1
  elseif sign:find("^[*+-]") then
    costs.unbounded = costs.unbounded + 1
  else
    return i
  end
  return i + 1
end

-- Lua finds most faults of a pattern only where a match reaches them, which
-- would be in the middle of somebody's check. `costs` counts what makes a match slow.
local function pattern_fault(pattern, costs)
  local i, open, captures = pattern:sub(1, 1) == "^" and 2 or 1, {}, 0
  while i <= #pattern do
    local two = pattern:sub(i, i + 1)
    local message
    if two:sub(1, 1) == "(" then
      captures, i = captures + 1, i + 1
      open[#open + 1] = captures
      if captures > 32 then return "it has too many captures" end
    elseif two:sub(1, 1) == ")" then
      if not table.remove(open) then return "a ')' has no '('" end
      i = i + 1
    elseif two == "%b" then
      if i + 3 > #pattern then return "'%b' needs two characters" end
      costs.unbounded = costs.unbounded + 1
      i = i + 4
    elseif two == "%f" then
      if pattern:sub(i + 2, i + 2) ~= "[" then return "'%f' needs a '['" end
      i, message = class_end(pattern, i + 2)
    elseif two:find("^%%%d") then
      local n = tonumber(two:sub(2))
      if n == 0 or n > captures then return ("'%s' refers to no capture"):format(two) end
      for _, unclosed in ipairs(open) do
        if unclosed == n then return ("'%s' refers to no capture"):format(two) end
      end
      i = i + 2
    else
      local first = i
      i, message = class_end(pattern, i)
      if i then
        costs.set = math.max(costs.set, i - first)
        i = pass_repetition(pattern, i, costs)
      end
    end
    if not i then return message end
  end
  return open[1] and "a '(' has no ')'" or nil
end

--- The value of --expect-status: "200" or "2xx"; nil, message.
function expect.status(text)
  if text:find("^[1-5]xx$") or text:find("^[1-5]%d%d$") then return text end
  return nil, ("--expect-status must be a status such as 200 or a class such as 2xx, not '%s'"):format(text:sub(1, 40))
end

-- How many characters one line may have looked at, in the worst case: each
-- unbounded repetition tries every length, and without "^" all is tried at every place.
local function worst_case(text, costs)
  local degree, steps = costs.unbounded + (text:sub(1, 1) == "^" and 0 or 1), 1
  for i = 1, degree do steps = steps * limits.pattern_line / i end
  return steps * 2 ^ costs.optional * math.max(1, costs.set / 16)
end

--- true for a Lua pattern that can be used, else nil, message. One that could
-- take long on a single line is refused: nothing interrupts a match.
function expect.pattern(text)
  local costs = { unbounded = 0, optional = 0, set = 1 }
  local fault = pattern_fault(text, costs)
  if fault then return nil, ("'%s' is not a Lua pattern: %s"):format(text:sub(1, 200), fault) end
  if worst_case(text, costs) > limits.pattern_steps then
    return nil, ("'%s' could take minutes on one line, since it repeats so much: use two of *, + and - at most, three behind a ^")
      :format(text:sub(1, 200))
  end
  return true
end

return expect
