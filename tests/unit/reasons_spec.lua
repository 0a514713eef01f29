local lu = require "luaunit"
local reasons = require "kedge.reasons"

TestReasons = {}

-- Every code that is pinned, by stage.
local CODES = {
  dns = "nxdomain nodata timeout servfail refused no_server bad_answer",
  tcp = "refused timeout unreachable reset",
  tls = "timeout closed reset not_tls version no_cipher client_cert_required alert.internal_error alert.unknown bad_message "
    .. "too_large flood",
  trust = "unknown_issuer missing_ca not_ats incomplete_chain wrong_order self_signed expired not_yet_valid clock "
    .. "name_mismatch bad_signature weak_key weak_signature not_ca path_length name_constraints critical_extension bad_usage "
    .. "unsupported bad_certificate no_store partial_chain unverified",
  alpn = "none mismatch",
  h2 = "not_h2 timeout goaway reset protocol_error flood no_ping_ack",
  http = "timeout status unexpected_body bad_reply too_large",
  ["local"] = "file permission tool_missing tool_failed limit entropy busy interrupted",
  script = "error",
}

-- What explain may fill in (lua/evidence.lua).
local FIELDS = {}
for field in ("which certificate authority store now build detail expected address status alert goaway subject issuer "
  .. "last_issuer anchor"):gmatch("%S+") do FIELDS[field] = "<" .. field .. ">" end

local function each_code(fn)
  for stage, words in pairs(CODES) do
    for word in words:gmatch("%S+") do fn(stage .. "." .. word) end
  end
end

function TestReasons.test_every_code_has_its_sentences()
  each_code(function(code)
    local entry = reasons.find(code)
    lu.assertNotNil(entry, code)
    for _, part in ipairs { "seen", "why", "fix" } do
      lu.assertNotNil(entry[part]:find("%a.*%.$"), code)
      for field in entry[part]:gmatch("{([^}]*)}") do lu.assertNotNil(FIELDS[field], code .. " " .. field) end
    end
    lu.assertNil(entry.why:find("[{%[]"), code)
  end)
end

function TestReasons.test_sentences_read_well_with_all_and_with_few_facts()
  local few = { which = "A certificate", store = "the store", now = "now", alert = "x", status = 200 }
  each_code(function(code)
    for _, facts in ipairs { FIELDS, few } do
      local message, remedy = reasons.explain(code, facts)
      for _, text in ipairs { message, remedy } do
        lu.assertNil(text:find("nil", 1, true), text)
        lu.assertNil(text:find("[%[%]{}]"), text)
        lu.assertNil(text:find("  ", 1, true), text)
        lu.assertNil(text:find(" [,;:]") or text:find(" %.$") or text:find(" %. "), text)
      end
    end
  end)
end

function TestReasons.test_no_command_is_named_that_is_not_there()
  each_code(function(code)
    local entry = reasons.find(code)
    for _, text in pairs(entry) do
      for _, word in ipairs { "diagnose", "kedge verify", "handshake HOST", "--proxy" } do
        lu.assertNil(text:find(word, 1, true), code)
      end
    end
  end)
end

function TestReasons.test_a_peers_text_is_never_a_template()
  local message = reasons.explain("tls.not_tls", { detail = "{store} [x] %d {detail}" })
  lu.assertStrContains(message, "{store} [x] %d {detail}")
end

function TestReasons.test_codes_of_a_script()
  lu.assertNil(reasons.find("cert.expires_soon"))
  lu.assertNil(reasons.why("cert.expires_soon"))
  lu.assertEquals({ reasons.explain("cert.expires_soon", { detail = "in a week" }) }, { "in a week" })
end

os.exit(lu.LuaUnit.run("-o", "tap"))
