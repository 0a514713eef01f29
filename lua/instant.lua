-- Moments as people write them. Seconds since 1970-01-01T00:00:00Z, 64 bits,
-- in the Gregorian calendar without beginning or end; the C library's time_t
-- is not asked.

local instant = {}

local DAY = 86400
local DAYS_TO_1970 = 719468 -- from 0000-03-01
local DAYS_OF_ERA = 146097  -- 400 years

-- Days since 1970-01-01. Years begin in March here, so that the leap day is a year's last.
local function days_from_civil(year, month, day)
  if month <= 2 then year = year - 1 end
  local era, year_of_era = year // 400, year % 400
  local day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
  return era * DAYS_OF_ERA + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - DAYS_TO_1970
end

local function civil_from_days(days)
  days = days + DAYS_TO_1970
  local era, day_of_era = days // DAYS_OF_ERA, days % DAYS_OF_ERA
  local year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
  local day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
  local shifted = (5 * day_of_year + 2) // 153
  local month = shifted < 10 and shifted + 3 or shifted - 9
  return era * 400 + year_of_era + (month <= 2 and 1 or 0), month, day_of_year - (153 * shifted + 2) // 5 + 1
end

local MONTH_DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function month_days(year, month)
  local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  return month == 2 and leap and 29 or MONTH_DAYS[month]
end

--- "2026-11-23T08:00:00Z"; years beyond 9999 or before 0 carry a sign.
function instant.format(seconds)
  local year, month, day = civil_from_days(seconds // DAY)
  local second = seconds % DAY
  local shape = year >= 0 and year <= 9999 and "%04d" or "%+05d"
  return (shape .. "-%02d-%02dT%02d:%02d:%02dZ"):format(year, month, day, second // 3600, second // 60 % 60, second % 60)
end

-- Extended and basic forms of a date, of a time and of a zone; captures are digits.
local DATES = { "^(%d%d%d%d)%-(%d%d)%-(%d%d)()", "^(%d%d%d%d)(%d%d)(%d%d)()" }
local TIMES = { "^[Tt ](%d%d):(%d%d):(%d%d)()", "^[Tt ](%d%d):(%d%d)()", "^[Tt ](%d%d)(%d%d)(%d%d)()", "^[Tt ](%d%d)(%d%d)()" }
local ZONES = { "^([+-])(%d%d):(%d%d)()$", "^([+-])(%d%d)(%d%d)()$", "^([+-])(%d%d)()$" }

local function first_match(patterns, text, position)
  for _, pattern in ipairs(patterns) do
    local found = { text:sub(position):match(pattern) }
    if found[1] then
      found.next = position + table.remove(found) - 1
      return found
    end
  end
end

local function zone_seconds(text, position)
  local rest = text:sub(position)
  if rest == "" or rest == "Z" or rest == "z" then return 0 end
  local zone = first_match(ZONES, text, position)
  if not zone then return nil end
  local hours, minutes = tonumber(zone[2]), tonumber(zone[3] or 0)
  if hours > 23 or minutes > 59 then return nil end
  return (zone[1] == "-" and -1 or 1) * (hours * 3600 + minutes * 60)
end

local function time_of_day(text, position)
  local time = first_match(TIMES, text, position)
  if not time then return nil end
  local hour, minute, second = tonumber(time[1]), tonumber(time[2]), tonumber(time[3] or 0)
  -- 24:00:00 is the next midnight; a leap second counts as the one after it.
  if hour > 24 or minute > 59 or second > 60 or (hour == 24 and minute + second > 0) then return nil end
  local fraction = text:match("^[.,]%d+()", time.next)
  return hour * 3600 + minute * 60 + second, fraction or time.next
end

local function parse_iso(text)
  local date = first_match(DATES, text, 1)
  if not date then return nil end
  local year, month, day = tonumber(date[1]), tonumber(date[2]), tonumber(date[3])
  if month < 1 or month > 12 or day < 1 or day > month_days(year, month) then return nil end
  local seconds, position = 0, date.next
  if position <= #text then
    seconds, position = time_of_day(text, position)
    if not seconds then return nil end
  end
  local zone = zone_seconds(text, position)
  return zone and days_from_civil(year, month, day) * DAY + seconds - zone
end

--- Seconds of `text`: ISO 8601 (a date, or date and time; UTC unless a zone is
-- given; fractions are cut off) or @SECONDS since 1970. nil when it is neither.
function instant.parse(text)
  local unix = text:match("^@(%-?%d+)$")
  if unix then return math.tointeger(tonumber(unix)) end
  return parse_iso(text)
end

return instant
