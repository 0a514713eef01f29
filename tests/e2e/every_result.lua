-- kedge-lua every_result.lua FOLDER [OPTION=VALUE]...: writes one report with
-- every status, every stage and text of hostile peers into FOLDER, a file for
-- each format, named as the format. Prints the exit status that kedge would have,
-- and KiB of memory that are in use when all results are written. Options: formats=NAME,NAME besides json;
-- template=TEXT writes what --print TEXT prints; only=STATUS,STATUS keeps these results; times=N reports them N times;
-- warning_days=, critical_days=.

local folder = ...
local options = {}
for i = 2, select("#", ...) do
  local name, value = select(i, ...):match("^(.-)=(.*)$")
  options[name] = math.tointeger(tonumber(value)) or value
end

local FORMATS = options.times and {} or { "json" }
for name in (options.formats or "jsonl,csv,tap,junit"):gmatch("[^,]+") do FORMATS[#FORMATS + 1] = name end

-- What a peer may say, by what it would break.
local HOSTILE = {
  { "controls", "a\1b\27[2J\127c\0d\194\155e" }, { "newlines", "one\ntwo\r\nthree\ttab" }, { "invalid UTF-8", "\xff\xfe\xc3(\xed\xa0\x80" },
  { "directions", "gnp.\u{202e}exe \u{200f}\u{2066}x\u{2069}" }, { "quotes", [["double" 'single' `back` ''two'' \end\]] },
  { "markup", "]]> --> -- <b>&amp;</script><!-- %s *x* _y_ ~~z~~ [l](http://a.example) | pipe \\| both @user #12 www.a.example" },
  { "shell", "$(touch broken) `touch broken` ';touch broken;' ${HOME} $((1+1)) !! * ~" }, { "formula", "=1+2" }, { "at", "@SUM(1)" },
  { "minus", "-cmd|' /C calc'!A0" }, { "plus", "+1" }, { "apostrophe", "'=1" }, { "comma", "a,b;c\"d,\"\"" },
  { "directive", "id # SKIP not at all # TODO \\# x" }, { "yaml", "--- !!python/object: {a: [1]} & * ? | > %" },
  { "perfdata", "a|'b=c'=1;2;3 x=9" }, { "far", "\u{1F61C}\u{E0041}\u{FFFF}\u{FFFE}\u{10FFFF}\u{65E5}" },
  { "yes", "yes" }, { "null", "null" }, { "number", "0x1e3" }, { "long", ("x"):rep(1000) },
}

local DAY, BEGUN = 86400, 1795420800
local hash = ("5a"):rep(32)

local function certificate(subject, days, digit)
  local format = require("kedge.instant").format
  return { subject = subject, issuer = "CN=" .. subject, not_before = format(BEGUN - 100 * DAY), not_after = format(BEGUN + days * DAY),
    days_left = days, key = "RSA 2048", sha256 = (digit or "5a"):rep(32), spki_sha256 = hash }
end

local function whole(id, text)
  return {
    id = id, target = { host = "a.example", port = 8443, address = "192.0.2.1" },
    labels = { region = text, countries = { "Brazil", text }, [text] = "name", line = "5" },
    status = "ok", code = "ok", message = "the certificate is accepted " .. text,
    timings_ms = { dns = 1.25, tcp = 20.125, tls = 44, h2 = 21.3, http = 22.0, total = 108.9 },
    tls = { version = "TLSv1.2", cipher = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", group = "x25519", alpn = "h2" },
    chain = { certificate("CN=" .. text, 213), certificate("CN=authority", 1000, "a1"), certificate("CN=not needed", -3, "0e") },
    path = { 0, 1 }, anchor = { subject = text, sha256 = ("ac"):rep(32), not_after = "2030-01-01T00:00:00Z" },
    verdicts = { trust = { code = "ok", store = "store " .. text }, reference = { code = "ok", store = "ats" } }, warnings = {},
    h2 = { ping_ms = 20.5, settings = { MAX_CONCURRENT_STREAMS = 100 } }, http = { version = "2", status = 200, body = text },
    values = { queue = 3, depth_ms = 1.5, depth_s = 2, note = text, on = true, free_percent = 25,
      queue_total = 7, wait = { d = 2 }, [text] = 1,
      odd = { kilobytes_sum = 1, HTTPErrors = 2, gauge = 3, ["bits per kilometer"] = 4, bucket = 5, fahrenheit = 6,
        ["7"] = 7, ["7_h_x"] = 8, milliseconds_total = 9, temperatureKelvins = 10, ["up (%)"] = 0.5, weeks = 2,
        size_mib = 1.5, ["\u{65E5}"] = 11, info_count = -1 } },
  }
end

local results = {}

local function add(r) results[#results + 1] = r end

local function bad(id, status, code, message, stage)
  local warning = status == "warn" and { { code = code, message = message, remedy = "do " .. message } } or {}
  local r = { id = id, target = { host = "b.example", port = 443 }, status = status, stage = status == "fail" and stage or nil, code = code,
    cause = status ~= "skip" and code or nil, message = message, remedy = status ~= "skip" and "do " .. message or nil, warnings = warning }
  add(r)
  return r
end

-- What is a number, a list of places or a flag, by the field's name; the rest of json's fields is text.
local NUMBERS = { line = 3, run = 1, port = 443, days_left = 300, certificate = 0, ping_ms = 1.5, status = 200, path = { 0 },
  truncated = true }

-- A part of a result whose every text is `text`, names of its own too.
local function filled(kind, text)
  local element, fields = kind:match("^(.*)%*$"), require("kedge.json").kinds[kind]
  if kind == "plain" then return text end
  if kind == "timings" then return { dns = 1, tcp = 2, tls = 3, h2 = 4, http = 5, total = 15 } end
  if kind == "open" then return { [text] = text, list = { text, 1, false }, inner = { [text] = { text } } } end
  if element then return { filled(element, text) } end
  local part = {}
  for _, field in ipairs(fields) do
    local name, inner = field, "plain"
    if type(field) == "table" then name, inner = field[1], field[2] end
    part[name] = inner:find("^plain") and NUMBERS[name] or filled(inner, text)
  end
  return part
end

-- No peer gets so far, but a script might: text where codes, names and times belong.
local function everywhere(text, status)
  local r = filled("result", text)
  r.id, r.status = "everywhere/" .. text, status
  if status == "ok" or status == "skip" then r.cause, r.stage = nil, nil end
  add(r)
end

for i, row in ipairs(HOSTILE) do
  everywhere(row[2], ({ "ok", "warn", "fail", "skip" })[i % 4 + 1])
  add(whole("hostile/" .. row[1], row[2]))
  add(whole(row[2], row[2]))
  bad(row[2] .. "/fail", "fail", "trust.expired", row[2], "trust").verdicts = { trust = { code = "trust.expired", store = "s",
    failures = { { rule = "expired", code = "trust.expired", certificate = 0, detail = row[2] } } } }
  bad(row[2] .. "/warn", "warn", "trust.wrong_order", row[2])
  bad(row[2] .. "/skip", "skip", "local.interrupted", row[2])
end
for _, stage in ipairs { "dns", "tcp", "proxy", "tls", "trust", "alpn", "h2", "http" } do
  bad("stage/" .. stage, "fail", stage .. ".timeout", "no answer within 10 s", stage).timings_ms = { [stage] = 10000, total = 10000 }
end
bad("no stage", "fail", "local.limit", "too much").run = 2
local expired = whole("expired", "plain")
expired.status, expired.stage, expired.code, expired.cause, expired.line = "fail", "trust", "trust.expired", "trust.expired", 7
expired.chain[1], expired.path, expired.remedy = certificate("CN=old", -5), nil, "renew it"
expired.chain[3] = { sha256 = hash }
expired.anchor = nil
add(expired)
add({ id = "bundle.pem", status = "ok", code = "ok", message = "a finding without a target", warnings = {} })

local function is_wanted(r)
  return not options.only or ("," .. options.only .. ","):find("," .. r.status .. ",", 1, true)
end

local function render()
  -- Formats come from the tree, as every module of a test does.
  require("kedge.loader").format = function(name) return require("kedge.formats." .. name) end
  local opts = { format = {}, warning_days = options.warning_days, critical_days = options.critical_days }
  for i, name in ipairs(FORMATS) do opts.format[i] = { name = name, file = folder .. "/" .. name } end
  if options.template then
    local made = assert(require("kedge.print").format(options.template))
    table.insert(opts.format, { name = "--print", made = made, file = folder .. "/print" })
  end
  local outputs = assert(require("kedge.output").open(opts))
  local report = require("kedge.report").new("every", opts, outputs, BEGUN, function() return 0.25 end)
  for _ = 1, options.times or 1 do
    for _, r in ipairs(results) do
      if is_wanted(r) then report:add(r) end
    end
  end
  collectgarbage()
  local memory = collectgarbage("count")
  return ("%d %d"):format(report:finish(), memory // 1)
end

local done, status, traceback = require("kedge.task").main(render)
if not done then error(tostring(status) .. "\n" .. tostring(traceback)) end
io.stdout:write(status, "\n")
