-- kedge.trust.load: stores in the hands of scripts.

local blame = require "kedge.api.blame"
local certificate = require "kedge.certificate"
local judge = require "kedge.judge"
local memo = require "kedge.memo"
local name = require "kedge.name"
local options = require "kedge.api.options"
local sources = require "kedge.sources"
local target = require "kedge.target"
local task = require "kedge.task"
local verdict = require "kedge.api.verdict"
local x509 = require "kedge.core.x509"

local stores = {}

local methods = {}
stores.methods = methods
local store_mt = { __index = methods, __name = "kedge.store" }

function store_mt.__len(self)
  return #self.core
end

function store_mt.__tostring(self)
  return ("store %s (%d certificates)"):format(self.name, #self.core)
end

local function check(self, call)
  if getmetatable(self) ~= store_mt then blame("call it with a colon: store:%s(...)", call) end
end

local function public(der)
  local cert, message = memo.certificate(der)
  if not cert then return nil, message, "trust.bad_certificate" end
  return certificate.public(cert, task.time())
end

--- All certificates of the store that can be read.
function methods:anchors()
  check(self, "anchors")
  local list = {}
  for _, der in ipairs(self.core:all()) do list[#list + 1] = public(der) end
  return list
end

--- The certificate with this SHA-256 (hexadecimal, colons and spaces allowed), or nil.
function methods:find(sha256)
  check(self, "find")
  local digits = type(sha256) == "string" and sha256:gsub("[: ]", "")
  if not digits or #digits ~= 64 or digits:find("%X") then blame("store:find wants a SHA-256 in hexadecimal") end
  local der = self.core:find_sha256((digits:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end)))
  return der and public(der) or nil
end

--- The name to look for in a certificate, as the judge wants it; nil for false.
function stores.wanted(call, host)
  if not host then return nil end
  local found, message = target.authority(host:find(":", 1, true) and "[" .. host .. "]" or host)
  if not found then blame("%s: %s", call, message) end
  return name.of(found)
end

--- What judge.chain is to know, of options as options.read gives them.
function stores.how(call, opts, host)
  return {
    time = opts.at or task.time(), at_given = opts.at ~= nil, build = require("kedge.core.embedded").build_time,
    name = stores.wanted(call, host), policy = opts.policy, depth = opts.depth, breathe = task.current() and task.breathe,
  }
end

-- A chain of DER, of PEM, or of certificates that kedge.x509.parse gave, as DER.
local function ders_of(call, chain)
  if type(chain) ~= "table" then blame("%s wants a chain: a list of certificates, the leaf first", call) end
  local ders = {}
  for i, one in ipairs(chain) do
    ders[i] = type(one) == "table" and one.der or one
    if type(ders[i]) ~= "string" then blame("%s: certificate %d of the chain is a %s", call, i, type(one)) end
  end
  return ders
end

--- The verdict on a chain (list of DER, or of parsed certificates; leaf first) by this store.
function methods:verify(chain, given)
  check(self, "verify")
  local opts = options.read("store:verify", given, { "at", "depth", "name", "policy" })
  local how = stores.how("store:verify", opts, given and given.name)
  return verdict.public(judge.chain(ders_of("store:verify", chain), self, how))
end

--- The certificates that the sources name, added up: a store | nil, message, code.
function stores.load(...)
  local names = table.pack(...)
  if names.n == 1 and type(names[1]) == "table" then names = table.pack(table.unpack(names[1])) end
  for i = 1, names.n do
    if type(names[i]) ~= "string" then blame("kedge.trust.load wants sources, texts, not a %s", type(names[i])) end
  end
  if names.n == 0 then blame("kedge.trust.load wants a source: 'system', 'ats', a file or a folder") end
  names.n = nil
  local store, message, code = sources.open(names)
  if not store then return nil, message, code == "usage" and "local.file" or code end
  return setmetatable(store, store_mt)
end

--- kedge.x509.parse: the certificate in DER | nil, message, code.
function stores.parse(der)
  if type(der) ~= "string" then blame("kedge.x509.parse wants a certificate in DER, not a %s", type(der)) end
  return public(der)
end

--- kedge.pem.decode: the blocks of a PEM text, and what of it is none.
function stores.decode(text)
  if type(text) ~= "string" then blame("kedge.pem.decode wants text, not a %s", type(text)) end
  return x509.pem(text)
end

return stores
