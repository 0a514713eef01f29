-- kedge.core.x509 and kedge.core.store as Lua sees them; what they make of bad bytes is tests/core's.

local lu = require "luaunit"
local x509 = require "kedge.core.x509"
local store = require "kedge.core.store"

local function text(name)
  local file <close> = assert(io.open("trust/" .. name .. ".pem"))
  return file:read("a")
end

local function der(name)
  return x509.pem(text(name))[1].der
end

TestX509 = {}

function TestX509:test_fields_of_an_authority()
  local cert = assert(x509.parse(der "AmazonRootCA3"))
  lu.assertEquals(cert.subject_text, "CN=Amazon Root CA 3,O=Amazon,C=US")
  lu.assertEquals(cert.issuer, cert.subject)
  lu.assertEquals(cert.common_names, { "Amazon Root CA 3" })
  lu.assertEquals(cert.version, 3)
  lu.assertEquals(cert.signature_algorithm, "ecdsa-with-SHA256")
  lu.assertEquals(cert.signature_hash, "sha256")
  lu.assertIsTrue(cert.algorithms_agree)
  lu.assertEquals(cert.key, { type = "ec", curve = "P-256", bits = 256, supported = true })
  lu.assertEquals(os.date("!%F %T", cert.not_before), "2015-05-26 00:00:00")
  lu.assertEquals(os.date("!%F %T", cert.not_after), "2040-05-26 00:00:00")
  lu.assertEquals(x509.hex(cert.sha256), "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4")
  lu.assertEquals(x509.hex(cert.spki_sha256), "36abc32656acfc645c61b71613c4bf21c787f5cabbee48348d58597803d7abc9")
  lu.assertEquals(x509.sha256(cert.spki), cert.spki_sha256)
  lu.assertEquals(cert.basic_constraints, { ca = true, critical = true })
  lu.assertEquals(cert.key_usage, { digital_signature = true, key_cert_sign = true, crl_sign = true, critical = true })
  lu.assertEquals(x509.hex(cert.subject_key_id), "abb6dbd7069e37ac3086079170c79cc419b178c0")
  lu.assertNil(cert.extended_key_usage)
  lu.assertNil(cert.subject_alt_name)
  lu.assertNil(cert.name_constraints)
  lu.assertNil(cert.authority_key_id)
  lu.assertEquals(#cert.extensions, 3)
  lu.assertEquals(cert.extensions[1], { oid = "2.5.29.19", critical = true })
  lu.assertEquals(cert.unknown_critical, {})
  lu.assertEquals(cert.problems, {})
end

function TestX509:test_rsa_and_problems()
  local cert = assert(x509.parse(der "StarfieldClass2CertificationAuthority"))
  lu.assertEquals(cert.key, { type = "rsa", bits = 2048, exponent_length = 1, supported = true })
  lu.assertEquals(cert.problems[1], { rule = "serial_zero", detail = "the serial number is zero" })
  lu.assertIsTrue(cert.authority_key_id_has_issuer)
end

function TestX509:test_what_is_no_certificate()
  for _, bytes in ipairs { "", "0", "\x30\x00", der("AmazonRootCA1"):sub(1, -2), der "AmazonRootCA1" .. "\0" } do
    local cert, message, code = x509.parse(bytes)
    lu.assertNil(cert)
    lu.assertIsString(message)
    lu.assertEquals(code, "trust.bad_certificate")
  end
  lu.assertError(x509.parse)
  lu.assertError(x509.parse, {})
end

function TestX509:test_verify()
  local one, two = der "AmazonRootCA1", der "AmazonRootCA2"
  lu.assertIsTrue(x509.verify(one, one))
  local good, reason, detail = x509.verify(one, two)
  lu.assertIsFalse(good)
  lu.assertEquals(reason, "bad_signature")
  lu.assertIsString(detail)
  lu.assertEquals(select(2, x509.verify(one, "")), "bad_certificate")
end

function TestX509:test_pem_there_and_back()
  local blocks, skipped = x509.pem("text\n" .. text "AmazonRootCA1" .. "-----BEGIN X-----\nAAAA\n-----END X-----\n")
  lu.assertEquals(skipped, {})
  lu.assertEquals({ blocks[1].label, blocks[1].line, blocks[2].label, blocks[2].der }, { "CERTIFICATE", 2, "X", "\0\0\0" })
  lu.assertEquals(x509.encode_pem(blocks[1].der), text "AmazonRootCA1")
  blocks, skipped = x509.pem "-----BEGIN X-----\n!\n-----END X-----\n-----BEGIN Y-----\n"
  lu.assertEquals(blocks, {})
  lu.assertEquals(skipped, { { line = 1, message = "the block isn't base64" }, { line = 4, message = "the block has no END line" } })
end

function TestX509:test_small_tools()
  lu.assertEquals(x509.hex "\0\xAB\xff", "00abff")
  lu.assertEquals(x509.hex(x509.sha1 ""), "da39a3ee5e6b4b0d3255bfef95601890afd80709")
  lu.assertEquals(x509.dn_text(x509.parse(der "AmazonRootCA1").subject_der), "CN=Amazon Root CA 1,O=Amazon,C=US")
  lu.assertEquals(select(3, x509.dn_text "no name"), "trust.bad_certificate")
end

TestStore = {}

function TestStore:test_find()
  local st <close> = store.new "mine"
  lu.assertIsTrue(st:empty())
  lu.assertEquals(st:add_pem(text "AmazonRootCA1" .. text "AmazonRootCA2", "bundle"), 2)
  lu.assertIsTrue(st:add_der(der "AmazonRootCA1", "again"))
  lu.assertEquals({ #st, st:duplicates(), st:name(), st:empty() }, { 2, 1, "mine", false })
  local cert = x509.parse(der "AmazonRootCA2")
  lu.assertEquals(st:find(cert.subject), { cert.der })
  lu.assertEquals(st:find(cert.subject, true), { cert.der })
  lu.assertEquals(st:find "", {})
  lu.assertEquals(st:find_spki(cert.spki_sha256), { cert.der })
  lu.assertEquals(st:find_sha256(cert.sha256), cert.der)
  lu.assertNil(st:find_sha256(cert.spki_sha256))
  lu.assertEquals(st:all(), { der "AmazonRootCA1", der "AmazonRootCA2" })
  lu.assertEquals(st:skipped(), {})
end

function TestStore:test_files()
  local st <close> = store.new()
  lu.assertEquals(st:add_file "trust/AmazonRootCA1.pem", 1)
  lu.assertIsTrue(st:add_directory "trust")
  lu.assertEquals(#st, 6)
  lu.assertEquals(st:skipped(), { { file = "trust/README.md", message = "it holds no certificate" } })
end

function TestStore:test_failures()
  local st <close> = store.new()
  local added, message, code = st:add_file "trust/nowhere.pem"
  lu.assertNil(added)
  lu.assertEquals({ message, code }, { "trust/nowhere.pem: No such file or directory", "local.file" })
  lu.assertEquals(select(2, st:add_file "/dev/null"), "/dev/null: not a regular file")
  lu.assertEquals(select(3, st:add_directory "trust/nowhere"), "local.file")
  lu.assertEquals(select(2, st:add_der("0", "short")), "short: it isn't DER, or is cut short")
  lu.assertEquals(st:add_pem("-----BEGIN CERTIFICATE-----\n", "cut"), 0)
  lu.assertEquals(st:skipped()[2], { file = "cut", line = 1, message = "the block has no END line" })
end

function TestStore:test_closed()
  local st = store.new "x"
  st:close()
  st:close()
  lu.assertErrorMsgContains("closed", st.find, st, "")
  lu.assertErrorMsgContains("closed", function() return #st end)
  lu.assertEquals(tostring(st), "store x (closed)")
  lu.assertError(st.find, {}, "")
end

os.exit(lu.LuaUnit.run())
