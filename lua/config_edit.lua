-- One run of `kedge sdk-config`: reads the SDK's configuration, shows or makes
-- the change, says what comes next.

local diff = require "kedge.diff"
local file = require "kedge.core.file"
local limits = require "kedge.limits"
local result = require "kedge.result"
local sdk_config = require "kedge.sdk_config"
local show = require "kedge.show"

local config_edit = {}

local PENDING = 5 -- exit status: changes are pending

--- The URL that --endpoint means, without a slash at its end; nil and a sentence if it can't be one.
function config_edit.endpoint(text)
  local shown = "'" .. show.escape(text:sub(1, 200)) .. "'"
  if not text:find("^[hH][tT][tT][pP][sS]://") then return nil, ("--endpoint: %s is not an https URL"):format(shown) end
  local bad = text:match("[^%w%-._~:/%[%]%%]")
  if bad and bad:find("[?#]") then return nil, ("--endpoint: %s has a query or a fragment; the SDK adds its own paths"):format(shown) end
  if bad and bad ~= "@" then
    return nil, ("--endpoint: %s has a character that can't stand there: '%s'"):format(shown, show.escape(bad))
  end
  local target, message = require("kedge.target").parse(text)
  if not target then return nil, "--endpoint: " .. message end
  return (text:gsub("/+$", ""))
end

-- The command that tests what the SDK will use.
local function check_line(url)
  if not url then return "kedge regions" end
  return "kedge check " .. (url:find("[%[%]]") and "'" .. url .. "'" or url)
end

-- The file's text, or nil and a sentence.
local function read(path)
  local status, message = file.stat(path)
  if not status then return nil, message end
  if status.type ~= "file" then return nil, ("%s is not a file, it is a %s"):format(path, status.type) end
  return file.read(path, limits.json_bytes)
end

-- Writes the whole file, if it still holds what was read; true, or nil and a sentence.
local function write(path, before, text)
  local output <close>, message, code = file.replace(path)
  if not output then
    return nil, code == "local.permission" and message .. "; run it as the user who may, or with sudo" or message
  end
  local done
  done, message = output:write(text)
  if not done then return nil, path .. ": " .. message end
  if read(path) ~= before then return nil, path .. ": somebody else has changed it just now; nothing was written" end
  done, message = output:commit()
  if not done then return nil, path .. ": " .. message end
  return true
end

local function found(path, config)
  local r = result.make(path, "ok")
  r.values = { endpoint = config.endpoint }
  r.message = config.endpoint and "The endpoint is " .. config.endpoint or "No endpoint is set: the SDK uses its own."
  return r
end

local function unchanged(path, url)
  local r = result.make(path, "ok")
  r.values = { endpoint = url, changed = false }
  r.message = url and ("Nothing to do: the endpoint is %s."):format(url) or "Nothing to do: no endpoint is set."
  return r
end

local function goal(url)
  return url and "set the endpoint to " .. url or "take the endpoint out"
end

local function pending(path, url, difference)
  local r = result.make(path, "warn", "config.pending", ("The file would change as shown, to %s."):format(goal(url)),
    "Run it again with --apply to write the file, then restart the SDK.")
  r.values = { endpoint = url, changed = false, diff = difference }
  return r
end

local function applied(path, url, difference)
  local r = result.make(path, "ok")
  r.message = url and ("The endpoint is now %s."):format(url) or "The endpoint was taken out."
  r.remedy = "Restart the SDK, which reads this file only when it starts, and check what it will connect to."
  r.values = { endpoint = url, changed = true, diff = difference, next = check_line(url) }
  return r
end

--- Does what `wish` says: path; url, or reset, or neither to show what is set;
-- apply. The result and an exit status (nil: that of the result), or nil and a
-- sentence where the file can't be used; it is then as it was.
function config_edit.run(wish)
  local path = wish.path
  local text, message = read(path)
  if not text then return nil, message end
  local config
  config, message = sdk_config.read(text)
  if not config then return nil, ("%s, %s"):format(path, message) end
  if not wish.url and not wish.reset then return found(path, config) end
  local changed = sdk_config.change(config, wish.url)
  if changed == text then return unchanged(path, wish.url) end
  local difference = diff.unified(text, changed, path)
  if not wish.apply then return pending(path, wish.url, difference), PENDING end
  local done
  done, message = write(path, text, changed)
  if not done then return nil, message end
  return applied(path, wish.url, difference)
end

return config_edit
