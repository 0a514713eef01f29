-- What the place of an output can show: width, colour, characters. The C
-- library's locale is never set, since a static program has none but "C".

local file = require "kedge.core.file"

local terminal = {}

local WIDTH, WIDTH_MIN, WIDTH_MAX = 80, 20, 100

local function environment(name)
  local value = os.getenv(name)
  return value ~= "" and value or nil
end

--- True where LC_ALL, LC_CTYPE or LANG, the first that is set, names UTF-8.
function terminal.is_utf8()
  local locale = environment("LC_ALL") or environment("LC_CTYPE") or environment("LANG") or ""
  return locale:lower():find("utf%-?8") ~= nil
end

local function width_of(fd, is_terminal)
  local width = is_terminal and file.width(fd) or tonumber(environment("COLUMNS")) or WIDTH
  return math.tointeger(math.max(WIDTH_MIN, math.min(width // 1, WIDTH_MAX))) or WIDTH
end

--- Traits of descriptor `fd` (nil for a file): { terminal=, width= in columns,
-- colour=, unicode= (marks beyond ASCII), ascii= (nothing beyond ASCII) }.
-- `when` is the value of --color.
function terminal.traits(fd, when)
  if not fd then return { terminal = false, width = WIDTH, colour = false, unicode = false, ascii = false } end
  local is_terminal = file.isatty(fd)
  local clever = is_terminal and os.getenv("TERM") ~= "dumb"
  local utf8 = terminal.is_utf8()
  return {
    terminal = clever, width = width_of(fd, is_terminal), unicode = is_terminal and utf8, ascii = is_terminal and not utf8,
    colour = when == "always" or (when ~= "never" and clever and not environment("NO_COLOR")),
  }
end

return terminal
