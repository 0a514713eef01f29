local lu = require "luaunit"
local instant = require "kedge.instant"

TestInstant = {}

-- as written, seconds
local TIMES = {
  { "1970-01-01", 0 }, { "1970-01-01T00:00:00Z", 0 }, { "2026-11-23T08:00:00Z", 1795420800 }, { "20261123T080000Z", 1795420800 },
  { "2026-11-23 08:00", 1795420800 }, { "2026-11-23T09:00:00+01:00", 1795420800 }, { "2026-11-23T02:30:00-0530", 1795420800 },
  { "2026-11-23T09+01", nil }, { "2026-11-23T0900+01", 1795420800 }, { "2026-11-23t08:00:00.999z", 1795420800 },
  { "2024-02-29", 1709164800 }, { "2023-02-29", nil }, { "2100-02-29", nil }, { "2000-02-29", 951782400 },
  { "2038-01-19T03:14:08Z", 2147483648 }, { "9999-12-31T23:59:59Z", 253402300799 }, { "0001-01-01", -62135596800 },
  { "2016-12-31T23:59:60Z", 1483228800 }, { "2026-11-23T24:00:00Z", 1795478400 }, { "2026-11-23T24:00:01Z", nil },
  { "@0", 0 }, { "@-1", -1 }, { "@1795420800", 1795420800 }, { "@9223372036854775807", math.maxinteger },
  { "@9223372036854775808", nil }, { "@", nil }, { "@1.5", nil }, { "1795420800", nil }, { "", nil }, { "now", nil },
  { "2026-13-01", nil }, { "2026-00-01", nil }, { "2026-01-32", nil }, { "2026-1-1", nil }, { "2026-11-23T25:00", nil },
  { "2026-11-23T08:60", nil }, { "2026-11-23T08:00:00X", nil }, { "2026-11-23T08:00:00+24:00", nil }, { "2026-11-23T", nil },
}

function TestInstant.test_as_written()
  for _, case in ipairs(TIMES) do lu.assertEquals(instant.parse(case[1]), case[2], case[1]) end
end

function TestInstant.test_there_and_back()
  for second = -62135596800, 253402300799, 86400 * 997 + 12345 do
    lu.assertEquals(instant.parse(instant.format(second)), second)
  end
end

function TestInstant.test_far_away()
  lu.assertEquals(instant.format(253402300800), "+10000-01-01T00:00:00Z")
  lu.assertEquals(instant.format(math.maxinteger), "+292277026596-12-04T15:30:07Z")
  lu.assertEquals(instant.format(math.mininteger), "-292277022657-01-27T08:29:52Z")
end

os.exit(lu.LuaUnit.run("-o", "tap"))
