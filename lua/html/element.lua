-- Text and elements of HTML. Attributes are constants or numbers: text of a peer's stands between tags, nowhere else.

local show = require "kedge.show"

local element = {}

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

--- Text of whoever's, as it may stand between two tags: clean (see show.clean), and no tag of its own.
function element.text(text)
  return (show.clean(text):gsub("[&<>\"']", ENTITIES))
end

--- <name attributes>inner</name>; `name` may carry its attributes ('p class="x"'), `inner` is HTML or nil.
function element.of(name, inner)
  return ("<%s>%s</%s>"):format(name, inner or "", name:match("^%w+"))
end

--- An element around text of whoever's; "" where there is none.
function element.around(name, text)
  return text and text ~= "" and element.of(name, element.text(text)) or ""
end

--- A table of names and values: a list of { name, text }; `heading` stands over the names.
function element.fields(heading, list)
  local parts = {}
  for i, row in ipairs(list) do
    parts[i] = ('<tr><th scope="row">%s</th><td>%s</td></tr>\n'):format(element.text(row[1]), element.text(row[2]))
  end
  return ('<table class="fields">\n<thead><tr><th scope="col">%s</th><th scope="col">Value</th></tr></thead>\n'):format(heading)
    .. "<tbody>\n" .. table.concat(parts) .. "</tbody>\n</table>\n"
end

return element
