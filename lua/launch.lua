-- A command from its options to its exit status: opens what they name, runs it.

local launch = {}

local WARNINGS_SHOWN = 3

--- Says one line on standard error; the exit status (2 unless given).
function launch.complain(message, status)
  require("kedge.output").say(message)
  return status or 2
end

--- Writes a text to standard output; the exit status.
function launch.show(text)
  local written, message, code = require("kedge.output").print(text)
  if written or code == "local.pipe" then return 0 end
  return launch.complain("standard output cannot be written: " .. message, 3)
end

--- Says that `name` goes past a proxy that the environment names.
function launch.warn_of_proxies(opts, name)
  if opts.quiet then return end
  for _, variable in ipairs { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" } do
    if (os.getenv(variable) or "") ~= "" then
      return require("kedge.output").say(("warning: %s is set, but %s connects directly"):format(variable, name))
    end
  end
end

-- What was skipped inside stores is said at the end, when what was needed of
-- them is loaded; all of it with -v.
local function warn_of_stores(opts)
  if opts.quiet then return end
  local say, sources = require("kedge.output").say, require "kedge.sources"
  for _, role in ipairs { "trust", "reference" } do
    local warnings = opts.stores[role] and sources.warnings(opts.stores[role]) or {}
    local most = opts.verbose and #warnings or math.min(#warnings, WARNINGS_SHOWN)
    for i = 1, most do say("warning: " .. warnings[i]) end
    if #warnings > most then say(("warning: %d more of this kind (-v shows them)"):format(#warnings - most)) end
  end
end

local function writes_to_stdout(opts)
  for _, spec in ipairs(opts.format) do
    if not spec.file then return true end
  end
  return false
end

--- Runs `script`, called `name`, with its arguments and the finished options:
-- the exit status. A `casual` one (kedge -e) has a report only where it
-- reports something, and prints to standard output unless -f was given.
function launch.run(script, name, args, opts, casual)
  local outputs, message, status
  if opts.script_dir then
    outputs, message = require("kedge.places").ask_first(opts.script_dir)
    if not outputs then return launch.complain("--script-dir: " .. message, 3) end
  end
  opts.stores = {}
  if not script.offline then
    outputs, message, status = require("kedge.sources").open_all(opts)
    if not outputs then return launch.complain(message, status) end
  end
  local output, task = require "kedge.output", require "kedge.task"
  require("kedge.interrupt").listen()
  outputs, message, status = output.open(opts)
  if not outputs then return launch.complain(message, status) end
  output.keep_for_report(not casual and writes_to_stdout(opts))
  opts.user_agent = "kedge/" .. require("kedge.core.embedded").version
  if not script.offline then launch.warn_of_proxies(opts, "kedge " .. name) end
  local report = require("kedge.report").new(name, opts, outputs, task.time(), task.now)
  report.is_casual = casual
  status = require("kedge.run").start(script, name, args, opts, report)
  warn_of_stores(opts)
  return status
end

return launch
