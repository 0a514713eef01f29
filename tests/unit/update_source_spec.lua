-- Which certificates an update takes, and from what. The six authorities are stood in for by six that openssl makes here,
-- so that there can be others with their keys: re-issued, cross-signed, forged.

local lu = require "luaunit"
local audit = require "kedge.audit"
local avs = require "kedge.avs"
local file = require "kedge.core.file"
local x509 = require "kedge.core.x509"
local source = require "kedge.update.source"

local DAY = 86400
local NOW = os.time() + DAY -- what openssl makes here begins now
local CONFIGURED = audit.reference

local folder, ours -- what is made for all tests; `ours[place]` is the certificate in PEM

local function run(command, ...)
  assert(os.execute(command:format(...) .. " >/dev/null 2>&1"), command:format(...))
end

local function write(name, text)
  local path = name:sub(1, 1) == "/" and name or folder .. "/" .. name
  local handle <close> = assert(io.open(path, "wb"))
  assert(handle:write(text))
  return path
end

local function read(path)
  return assert(file.read(path))
end

local function key(name)
  local path = ("%s/%s.key"):format(folder, name)
  if not io.open(path) then
    run("openssl ecparam -name prime256v1 -genkey -noout -out %s", path)
    run("openssl pkey -in %s -pubout -out %s.pub", path, path)
  end
  return path
end

local EXTENSIONS = "basicConstraints=critical,CA:%s\nsubjectKeyIdentifier=hash\n"
local made = 0

-- A certificate in PEM. how: subject= and key= words, by= word of another key and issuer= its subject (nil: itself),
-- days= (4000), ca= "FALSE"
local function make(how)
  made = made + 1
  local base = ("%s/made-%d"):format(folder, made)
  write(base .. ".ext", EXTENSIONS:format(how.ca or "TRUE"))
  local signer = "-signkey " .. key(how.key)
  if how.by then
    run("openssl x509 -new -subj '/C=US/O=Lab/CN=%s' -force_pubkey %s.pub -signkey %s -out %s.ca", how.issuer or how.by, key(how.by),
      key(how.by), base)
    signer = ("-CA %s.ca -CAkey %s"):format(base, key(how.by))
  end
  run("openssl x509 -new -subj '/C=US/O=Lab/CN=%s' -force_pubkey %s.pub %s -days %d -extfile %s.ext -out %s.pem", how.subject,
    key(how.key), signer, how.days or 4000, base, base)
  return read(base .. ".pem")
end

local function der(pem)
  return x509.pem(pem)[1].der
end

local function setup()
  folder, ours = os.tmpname(), {}
  os.remove(folder)
  run("mkdir %s", folder)
  for place = 1, 6 do ours[place] = make { subject = "R" .. place, key = "R" .. place } end
end

local function load(from, days)
  return source.load { from = from, opts = { at = NOW + (days or 0) * DAY } }
end

-- A file with these certificates, its path.
local count = 0
local function holding(...)
  count = count + 1
  return write(("source-%d.pem"):format(count), table.concat { ... })
end

local function new_folder(files)
  count = count + 1
  local path = ("%s/folder-%d"):format(folder, count)
  run("mkdir %s", path)
  for name, text in pairs(files) do write(path .. "/" .. name, text) end
  return path
end

local function places(list)
  local found = {}
  for i, one in ipairs(list) do found[i] = one.place end
  return found
end

local function refused(says, from, days)
  local list, message, status = load(from, days)
  lu.assertNil(list)
  lu.assertEquals(status, 3)
  for _, words in ipairs(says) do lu.assertStrContains(message, words) end
  lu.assertNotStrContains(message, "\n")
  return message
end

TestSource = {}

function TestSource.setUp()
  if not folder then setup() end
  audit.reference = function()
    local list = {}
    for place, pem in ipairs(ours) do list[place] = assert(x509.parse(der(pem))) end
    return list
  end
end

function TestSource.tearDown()
  audit.reference = CONFIGURED
end

function TestSource.test_one_of_several_in_pem()
  local from = holding(ours[3], ours[1])
  local list = assert(load(from))
  lu.assertEquals(places(list), { 1, 3 })
  lu.assertEquals(list[1].der, der(ours[1]))
  lu.assertEquals(der(list[1].pem), der(ours[1]))
  lu.assertEquals(list[1].from, from)
  lu.assertStrContains(list.notes[1], avs.authorities[2].name)
end

function TestSource.test_der()
  local list = assert(load(write("one.der", der(ours[2]))))
  lu.assertEquals(places(list), { 2 })
  lu.assertEquals(list[1].der, der(ours[2]))
end

function TestSource.test_a_folder_with_any_names()
  local from = new_folder {
    ["a.pem"] = ours[1], ["b.crt"] = ours[2], ["c.cer"] = der(ours[3]), ["d.der"] = der(ours[4]), ["with space"] = ours[5],
    [".f"] = ours[6],
  }
  local list = assert(load(from))
  lu.assertEquals(places(list), { 1, 2, 3, 4, 5, 6 })
  lu.assertEquals(list[5].from, from .. "/with space")
  lu.assertEquals(list.notes, {})
  lu.assertEquals(assert(load(from .. "//"))[5].from, from .. "/with space")
end

-- word, what stands around the certificate
local AROUND = {
  { "text", "Certificate:\n  Issuer: me\n%s\nthe end" },
  { "no last newline", "%s", true },
  { "carriage returns", "%s", false, "\r\n" },
  { "byte-order mark", "\u{FEFF}%s" },
  { "garbage between blocks",
    "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n\0\1\2\n%s-----BEGIN CERTIFICATE-----\nAAAA\n" },
  { "another kind of block", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n%s" },
}

function TestSource.test_what_may_stand_around_it()
  for _, row in ipairs(AROUND) do
    local pem = row[4] and ours[1]:gsub("\n", row[4]) or ours[1]
    if row[3] then pem = pem:gsub("\n$", "") end
    local list, message = load(holding((row[2]:gsub("%%s", { ["%s"] = pem }))))
    lu.assertNotNil(list, row[1] .. ": " .. tostring(message))
    lu.assertEquals(list[1].der, der(ours[1]), row[1])
  end
end

function TestSource.test_duplicates_are_one()
  lu.assertEquals(places(assert(load(holding(ours[1], ours[2], ours[1])))), { 1, 2 })
end

function TestSource.test_authorities_of_others_are_left_alone()
  local parts = {}
  for i = 1, 12 do parts[i] = make { subject = "Other " .. i, key = "other" } end
  parts[#parts + 1] = make { subject = "Other", key = "R4", days = 100 }
  for place = 1, 6 do table.insert(parts, place * 2, ours[place]) end
  local list = assert(load(holding(table.unpack(parts))))
  lu.assertEquals(places(list), { 1, 2, 3, 4, 5, 6 })
  lu.assertEquals(list[4].der, der(ours[4]))
end

TestChoice = { setUp = TestSource.setUp, tearDown = TestSource.tearDown }

local function check_chosen(wanted, from, days)
  local list = assert(load(from, days))
  lu.assertEquals(#list, 1)
  lu.assertEquals(list[1].der, der(wanted))
end

-- Whatever the order, `wanted` is taken.
local function chosen(wanted, other)
  check_chosen(wanted, holding(wanted, other))
  check_chosen(wanted, holding(other, wanted))
  check_chosen(wanted, new_folder { a = wanted, b = other })
  check_chosen(wanted, new_folder { a = other, b = wanted })
end

function TestChoice.test_self_signed_before_cross_signed()
  chosen(ours[1], make { subject = "R1", key = "R1", by = "R5", days = 8000 })
end

function TestChoice.test_cross_signed_by_another_of_the_six_alone()
  local cross = make { subject = "R1", key = "R1", by = "R5" }
  lu.assertEquals(assert(load(holding(cross)))[1].der, der(cross))
end

function TestChoice.test_a_name_of_its_own_and_the_key_of_another()
  chosen(ours[1], make { subject = "R1", key = "R1", by = "R5", issuer = "R1", days = 8000 })
end

function TestChoice.test_the_one_that_lives_longer()
  chosen(make { subject = "R1", key = "R1", days = 5000 }, ours[1])
end

function TestChoice.test_an_expired_one_beside_a_good_one()
  local expired = make { subject = "R1", key = "R1", days = 10 }
  check_chosen(ours[1], holding(expired, ours[1]), 100)
  check_chosen(ours[1], holding(ours[1], expired), 100)
end

function TestChoice.test_of_equals_always_the_same()
  local one, other = make { subject = "R2", key = "R2", days = 3000 }, make { subject = "R2", key = "R2", days = 3000 }
  local first = assert(load(holding(one, other)))[1].der
  lu.assertEquals(assert(load(holding(other, one)))[1].der, first)
end

TestRefused = { setUp = TestSource.setUp, tearDown = TestSource.tearDown }

function TestRefused.test_a_claimant()
  local forged = make { subject = "R1", key = "forger" }
  for _, from in ipairs { holding(forged), holding(ours[1], ours[2], forged) } do
    refused({ from, "line", avs.authorities[1].name, "public key" }, from)
  end
  refused({ "/b", avs.authorities[1].name }, new_folder { a = ours[1], b = forged })
  refused({ "/b" }, new_folder { a = ours[1], b = der(forged) })
end

function TestRefused.test_a_claimant_by_canonical_name()
  local forged = make { subject = "  r1 ", key = "forger" }
  refused({ avs.authorities[1].name }, holding(ours[1], forged))
end

function TestRefused.test_a_claimant_with_the_key_of_another_of_the_six()
  refused({ avs.authorities[1].name, "public key" }, holding(ours[1], make { subject = "R1", key = "R2" }))
end

function TestRefused.test_the_genuine_key_under_a_strangers_signature()
  refused({ avs.authorities[1].name, "signature" }, holding(ours[1], make { subject = "R1", key = "R1", by = "forger" }))
end

function TestRefused.test_a_changed_certificate()
  local bytes = der(ours[1])
  local at = bytes:find("R1", 1, true) + 300
  local changed = bytes:sub(1, at) .. string.char(bytes:byte(at + 1) ~ 1) .. bytes:sub(at + 2)
  refused({}, write("changed.der", changed))
end

-- word, content, says
local USELESS = {
  { "empty", function() return "" end, "neither PEM nor" },
  { "text", function() return "hello\n" end, "neither PEM nor" },
  { "no certificate", function() return "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n" end, "no certificate in it" },
  { "garbage", function() return "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n" end, "line 1" },
  { "another authority", function() return make { subject = "Other", key = "other" } end, "other authorities" },
  { "its key by another name", function() return make { subject = "Other", key = "R1" } end, "other authorities" },
  { "no authority's", function() return make { subject = "R1", key = "R1", ca = "FALSE" } end, "not marked as an authority's" },
}

function TestRefused.test_a_file_without_one_that_can_be_used()
  for i, row in ipairs(USELESS) do
    local text = row[2]()
    refused({ "useless-" .. i, row[3] }, write("useless-" .. i, text))
    refused({ "useless-" .. i, row[3] }, new_folder { ["a.pem"] = ours[1], ["useless-" .. i] = text })
  end
end

function TestRefused.test_expired()
  refused({ "it ended on" }, holding(ours[1]), 5000)
end

function TestRefused.test_a_private_key_is_never_shown()
  local secret = read(key "forger")
  local message = refused({}, holding(secret))
  for line in secret:gmatch("[^\n]+") do lu.assertNotStrContains(message, line) end
  lu.assertEquals(places(assert(load(holding(secret, ours[1])))), { 1 })
end

function TestRefused.test_what_is_not_there()
  refused({ "/nowhere", "No such file" }, folder .. "/nowhere")
  refused({ "holds no file" }, new_folder {})
end

function TestRefused.test_only_regular_files_are_opened()
  local from = new_folder { ["a.pem"] = ours[1], target = ours[2] }
  run("mkfifo %s/fifo && mkdir %s/sub && ln -s fifo %s/to-fifo && ln -s gone %s/dead && ln -s target %s/link", from, from, from, from, from)
  run("ln -s /dev/zero %s/zero", from)
  local list = assert(load(from))
  lu.assertEquals(places(list), { 1, 2 })
  lu.assertEquals(list[2].from, from .. "/link")
  refused({ "/fifo", "regular" }, from .. "/fifo")
  refused({ "/to-fifo", "regular" }, from .. "/to-fifo")
  refused({ "/dev/zero" }, "/dev/zero")
end

function TestRefused.test_bounds()
  refused({ "large", "larger than" }, write("large", ours[1] .. ("x"):rep(16 << 20)))
  local half = ours[1] .. ("x"):rep(9 << 20)
  refused({ "/b", "larger than" }, new_folder { a = half, b = half })
  local many = {}
  for i = 1, 1001 do many["f" .. i] = "" end
  refused({ "1000 files" }, new_folder(many))
end

TestBuiltIn = {}

function TestBuiltIn.test_all_six()
  local list = assert(source.load { opts = { at = NOW } })
  lu.assertEquals(places(list), { 1, 2, 3, 4, 5, 6 })
  for i, one in ipairs(list) do
    lu.assertEquals(one.from, "built in")
    lu.assertEquals(one.der, der(read("trust/" .. avs.authorities[i].file)))
  end
  lu.assertEquals(list.notes, {})
end

function TestBuiltIn.test_they_pass_the_sieve_themselves()
  local list = assert(source.load { from = "trust/AmazonRootCA1.pem", opts = { at = NOW } })
  lu.assertEquals(places(list), { 1 })
  local parts = {}
  for i, authority in ipairs(avs.authorities) do parts[i] = read("trust/" .. authority.file) end
  if not folder then setup() end
  lu.assertEquals(places(assert(load(holding(table.concat(parts))))), { 1, 2, 3, 4, 5, 6 })
end

function TestBuiltIn.test_a_whole_bundle()
  local bundle = "/etc/ssl/certs/ca-certificates.crt"
  if not io.open(bundle) then return end
  lu.assertEquals(#assert(source.load { from = bundle, opts = { at = NOW } }) >= 4, true)
end

function TestBuiltIn.test_one_that_has_expired_is_left_out()
  local list = assert(source.load { opts = { at = os.time { year = 2035, month = 1, day = 1 } } })
  lu.assertEquals(places(list), { 1, 2, 3, 4, 5 })
  lu.assertStrContains(list.notes[1], avs.authorities[6].name)
  local none, message, status = source.load { opts = { at = os.time { year = 2060, month = 1, day = 1 } } }
  lu.assertNil(none)
  lu.assertEquals(status, 3)
  lu.assertStrContains(message, "2060")
end

function TestBuiltIn.test_a_clock_before_the_build_does_not_count()
  lu.assertEquals(#assert(source.load { opts = { clock = { device = 0, build = NOW } } }), 6)
end

local status = lu.LuaUnit.run()
if folder then os.execute("rm -r " .. folder) end
os.exit(status)
