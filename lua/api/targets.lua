-- Targets of calls: text as on the command line, and what a call's options say besides.

local blame = require "kedge.api.blame"
local expect = require "kedge.expect"
local nearest = require "kedge.nearest"
local options = require "kedge.api.options"
local target = require "kedge.target"

local targets = {}

local PROTOCOLS = { "auto", "h2", "http1", "tls" }
local EXPECTED = { "body", "fold", "mismatch", "no_reply", "pattern", "status" }
local MEANINGS = { fail = true, warn = true }

local function one_of(call, what, value, words)
  for _, word in ipairs(words) do
    if value == word then return value end
  end
  blame("%s: %s is one of %s, not '%s'%s", call, what, table.concat(words, ", "), tostring(value), nearest.hint(tostring(value), words))
end

-- { status = "2xx" or a list, body = text, ... } as lua/expect.lua wants it.
local function expectation(call, given)
  local wanted = {}
  for field, value in pairs(given) do
    one_of(call, "a field of 'expect'", field, EXPECTED)
    wanted[field] = value
  end
  if wanted.status ~= nil then
    local list = {}
    for i, word in ipairs(type(wanted.status) == "table" and wanted.status or { wanted.status }) do
      local text, message = expect.status(tostring(word))
      if not text then blame("%s: %s", call, (message:gsub("^%-%-expect%-status", "expect.status"))) end
      list[i] = text
    end
    wanted.status = list
  end
  if wanted.body ~= nil and type(wanted.body) ~= "string" then blame("%s: expect.body is text", call) end
  if wanted.pattern then
    local good, message = expect.pattern(wanted.body or "")
    if not good then blame("%s: expect.body: %s", call, message) end
  end
  for _, field in ipairs { "mismatch", "no_reply" } do
    if wanted[field] ~= nil and not MEANINGS[wanted[field]] then blame("%s: expect.%s is 'fail' or 'warn'", call, field) end
  end
  return wanted
end

local SNI_MAX, ALPN_MAX, ALPN_COUNT, ALPN_TOTAL = 253, 255, 8, 400 -- bytes; core/tls.h

-- "h2,http/1.1" or a list, as a list ("none" is the empty one); nil, what is wrong with it.
local function alpn_words(value)
  local list, total = {}, 0
  if value == "none" then return list end
  if type(value) == "string" then
    for word in (value .. ","):gmatch("([^,]*),") do list[#list + 1] = word end
  else
    table.move(value, 1, #value, 1, list)
  end
  for _, word in ipairs(list) do
    if type(word) ~= "string" or #word < 1 or #word > ALPN_MAX then return nil, "ALPN is a list of names of 1 to 255 bytes, or none" end
    total = total + #word + 1
  end
  if #list > ALPN_COUNT or total > ALPN_TOTAL then return nil, "ALPN holds 8 names and 400 bytes at most" end
  return list
end

-- What is wrong with a name to send; nil if nothing is.
local function sni_fault(value)
  if not value or not (value == "" or #value > SNI_MAX or value:find("[%c ]")) then return nil end
  return ("the name to send (SNI) is 1 to %d bytes without spaces"):format(SNI_MAX)
end

local function alpn_list(call, value)
  local list, fault = alpn_words(value)
  return list or blame("%s: %s", call, fault)
end

local function parsed(call, text, protocol)
  if type(text) ~= "string" then blame("%s wants a target, text such as 'https://host:port', not a %s", call, type(text)) end
  local item, message = target.parse(text, { protocol = protocol })
  if not item then blame("%s: %s", call, message) end
  return item
end

--- The target that `what` (text, or a target) and the options `given` mean;
--- raises for one that can't be.
function targets.read(call, what, given)
  local protocol = given.protocol and one_of(call, "'protocol'", given.protocol, PROTOCOLS)
  local item
  if type(what) == "table" and what.alpn and what.port then
    item = target.with(what, protocol or what.protocol, what.id)
    if item.protocol == what.protocol then item.alpn = what.alpn end
  else
    item = parsed(call, what, protocol)
  end
  if given.expect and item.protocol == "tls" then blame("%s: tls:// makes no request whose reply could be as expected", call) end
  item.id, item.labels = given.id or item.id, given.labels or item.labels
  if given.sni ~= nil then
    local fault = sni_fault(given.sni)
    if fault then blame("%s: %s", call, fault) end
    item.sni = given.sni ~= "none" and given.sni
  end
  if given.alpn ~= nil then item.alpn = alpn_list(call, given.alpn) end
  if given.expect then item.expect = expectation(call, given.expect) end
  return item
end

--- kedge.target: a target made once, as an item of ctx:each for instance; nil,
--- message for text that names none, or can't be sent.
function targets.target(what, given)
  local opts, found, message = options.read("kedge.target", given, options.fields.target), true, nil
  if type(what) == "string" then found, message = target.parse(what) end
  if found and opts.alpn ~= nil then message = select(2, alpn_words(opts.alpn)) end
  message = message or sni_fault(opts.sni)
  if message then return nil, message end
  return targets.read("kedge.target", what, given or {})
end

-- What the options say besides, for an item that was read from text.
local function complete(item, given)
  if item.scheme == "tls" and given.expect then return item end
  return targets.read("ctx:targets", item, { expect = given.expect, labels = next(item.labels) and item.labels or given.labels,
    sni = given.sni, alpn = given.alpn })
end

--- ctx:targets: the targets of words of a command line, lists in files (@FILE) and
--- standard input (@-) among them, as ctx:each takes them.
function targets.list(ctx, words, given)
  given = given or {}
  options.read("ctx:targets", given, { "alpn", "expect", "labels", "protocol", "sni" })
  if type(words) ~= "table" then blame("ctx:targets wants a list of words, not a %s", type(words)) end
  local items = require("kedge.target_list").open(ctx, words, { protocol = given.protocol, expects = given.expect ~= nil })
  if type(items) == "function" then
    return function()
      local item = items()
      return item and complete(item, given)
    end
  end
  for i, item in ipairs(items) do items[i] = complete(item, given) end
  return target.number(items)
end

--- The list that text or a list means, for handshake{alpn=}.
targets.alpn = alpn_list

return targets
