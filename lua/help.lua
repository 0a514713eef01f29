-- What kedge says about itself.

local options = require "kedge.options"

local help = {}

local WIDTH = 80

--- What stands there when no command was given.
function help.short()
  return "kedge tells why a device cannot reach a TLS service.\n\n"
    .. "  kedge regions           check the endpoints of the Alexa Voice Service\n"
    .. "  kedge check TARGET...   check any TLS service: host, host:port, https://...\n"
    .. "  kedge list              all commands\n"
    .. "  kedge new NAME          write a check of your own, and its test\n"
    .. "  kedge help COMMAND      what a command does and takes\n"
    .. "  kedge help api          what scripts of your own can call\n"
end

local function parser_for(name, description)
  local parser = require("argparse")(name, description):add_help(false):help_max_width(WIDTH)
  return parser:help_description_margin(28):help_usage_margin(2):usage_max_width(WIDTH)
end

-- "-f, --format NAME[:FILE]" in place of argparse's label, which repeats the value.
local function relabel(element)
  local label = table.concat(element._aliases, ", ")
  if element._maxargs > 0 then label = label .. " " .. (element._argname or "VALUE") end
  element._get_label_lines = function() return { label } end
end

local function add_option(parser, spec)
  local names = table.concat(spec, " ")
  local element
  if spec.value then
    element = parser:option(names):argname(spec.value)
  else
    element = parser:flag(names)
  end
  return element:description(spec.help)
end

-- Groups: the script's own options first, then everybody's.
local function add_options(parser, name)
  local own, common = { table.unpack(parser._options) }, {}
  for i, spec in ipairs(options.list) do common[i] = add_option(parser, spec) end
  for _, element in ipairs(parser._options) do relabel(element) end
  if own[1] then parser:group("Options of " .. name, table.unpack(own)) end
  parser:group("Options of every command", table.unpack(common))
end

local EXIT = "Exit status: 0 all ok (warnings allowed), 1 a check failed, 2 usage, 3 a script, format or file failed, "
  .. "4 nothing could be tested (all failed in dns or tcp), 5 changes are pending, 130 or 143 interrupted."

local OTHERWISE = "In place of COMMAND a path to a Lua file, or\n\n"
  .. "  -e CODE                 run a line of Lua, words behind it are its `...`\n"
  .. "  -i                      open a prompt\n"
  .. "  -                       read a script from standard input\n"

--- `kedge help` and `kedge --help`.
function help.overview()
  local parser = parser_for("kedge"):usage("Usage: kedge [OPTION]... COMMAND [ARG]..."):epilog(EXIT)
  add_options(parser, "kedge")
  return help.short() .. "\n" .. OTHERWISE .. "\n" .. parser:get_help():gsub("%s+$", "") .. "\n"
end

-- "[--base] [<region>] ..." of the script's own parser, for the usage line.
local function own_usage(script, name)
  local parser = parser_for(name):usage_max_width(1000)
  if script.options then script.options(parser, {}) end
  return parser:get_usage():gsub("^Usage:%s*%S+%s*", ""):gsub("\n%s*", " ")
end

local function wrapped(text, indent)
  local space = (" "):rep(indent)
  return space .. table.concat(require("kedge.show").wrap(text, WIDTH - indent), "\n" .. space) .. "\n"
end

-- Command lines to be pasted, whole, and below each what it does.
local function examples_of(script)
  if not script.examples then return "" end
  local parts = { "Examples:\n" }
  for _, one in ipairs(script.examples) do parts[#parts + 1] = ("  %s\n%s"):format(one[1], wrapped(one[2], 6)) end
  return table.concat(parts) .. "\n"
end

--- `kedge help NAME`: what a script does, its options and everybody's, examples.
function help.of_script(script, name)
  local parser = parser_for("kedge " .. name, script.description or script.summary)
  local usage = ("kedge [OPTION]... %s %s"):format(name, own_usage(script, name))
  parser:usage("Usage: " .. table.concat(require("kedge.show").wrap(usage, WIDTH - 7), "\n       "))
  if script.options then script.options(parser, {}) end
  add_options(parser, name)
  return parser:get_help():gsub("%s+$", "") .. "\n\n" .. examples_of(script) .. wrapped(EXIT, 0)
end

-- One folder's scripts and formats, or what is built in.
local function folder_lines(group, widest)
  local show, lines, formats = require "kedge.show", { group.title .. "\n" }, {}
  for _, one in ipairs(group) do
    if one.format then
      formats[#formats + 1] = one.name
    elseif one.summary then
      local hidden = one.hidden and " (hidden by the one above: name it by its path)" or ""
      local text = show.wrap(show.escape(one.summary .. hidden), WIDTH - widest - 4)
      lines[#lines + 1] = "  " .. show.pad(show.escape(one.name), widest + 2)
        .. table.concat(text, "\n" .. (" "):rep(widest + 4)) .. "\n"
    end
  end
  if formats[1] then
    local text = show.wrap(table.concat(formats, " "), WIDTH - widest - 4)
    lines[#lines + 1] = "  " .. show.pad("-f", widest + 2) .. table.concat(text, "\n" .. (" "):rep(widest + 4)) .. "\n"
  end
  return table.concat(lines)
end

--- `kedge list`: text, and a list of sentences about files that can't be used.
function help.list()
  local groups, by_folder, faults, widest = {}, {}, {}, 2
  for _, one in ipairs(require("kedge.loader").catalog()) do
    local title = one.folder or "built in"
    if not by_folder[title] then
      by_folder[title] = { title = title }
      groups[#groups + 1] = by_folder[title]
    end
    if one.fault then faults[#faults + 1] = one.fault end
    if not one.format then widest = math.max(widest, #one.name) end
    table.insert(by_folder[title], one)
  end
  local parts = {}
  for i, group in ipairs(groups) do parts[i] = folder_lines(group, widest) end
  return table.concat(parts, "\n"), faults
end

--- `kedge --version`: one line for kedge, one for each library.
function help.versions()
  local embedded = require "kedge.core.embedded"
  local libraries = require("kedge.core.net").versions()
  return ("kedge %s\nLua %s\nBearSSL %s\nnghttp2 %s\nc-ares %s\n"):format(embedded.version,
    libraries.lua or _VERSION:match("[%d.]+"), libraries.bearssl, libraries.nghttp2, require("kedge.core.resolver").version())
end

return help
