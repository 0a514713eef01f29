-- kedge-lua tests/conformance/graphs.lua: judges the graphs on standard input, one JSON object a line
-- ({"sent": PEM, "anchors": PEM, "time": seconds}), and answers each with a line.

local dkjson = require "dkjson"
local core_store = require "kedge.core.store"
local judge = require "kedge.judge"
local x509 = require "kedge.core.x509"

local function judged(graph)
  local ders = {}
  for i, block in ipairs(x509.pem(graph.sent)) do ders[i] = block.der end
  local store = { name = "graph", core = core_store.new "graph" }
  store.core:add_pem(graph.anchors, "anchors")
  return judge.chain(ders, store, { time = graph.time, at_given = true })
end

for line in io.lines() do
  local verdict = judged(assert(dkjson.decode(line)))
  print(dkjson.encode {
    accepted = verdict.accepted, code = verdict.code, indices = setmetatable(verdict.indices, { __jsontype = "array" }),
    anchor = verdict.anchor and x509.hex(verdict.anchor.sha256),
    detail = verdict.failures[1] and verdict.failures[1].detail,
  })
end
