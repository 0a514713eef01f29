-- Every code with its sentences, in plain words. The sentences themselves
-- stand in lua/reasons/, by stage, and are loaded when one is needed.
--
-- An entry holds `seen` (what happened), `why` (why it matters) and `fix` (what
-- to do). {field} is filled in from what explain knows; a part in [brackets] is
-- left out where a field inside it is unknown.

local reasons = {}

local FILES = {
  dns = "network", tcp = "network", tls = "tls", alpn = "tls", trust = "trust", h2 = "http", http = "http",
  ["local"] = "device", script = "device", store = "store",
}

--- The stages at which a check can stop; the first word of a code.
reasons.stages = { dns = true, tcp = true, proxy = true, tls = true, trust = true, alpn = true, h2 = true, http = true }

--- The entry of a code, or nil for one of a script's own.
function reasons.find(code)
  local file = FILES[code:match("^[^.]*")]
  if not file then return nil end
  local entries = require("kedge.reasons." .. file)
  return entries[code] or (code:find("^tls%.alert%.") and entries["tls.alert"]) or nil
end

--- `template` with the fields of `facts` in it.
function reasons.fill(template, facts)
  local function fill(part)
    local complete = true
    local text = part:gsub("{([%w_]+)}", function(field)
      if facts[field] == nil then complete = false end
      return tostring(facts[field])
    end)
    return text, complete
  end
  -- Brackets are resolved before anything of a peer's is in the text.
  local parts, position = {}, 1
  while true do
    local open = template:find("[", position, true)
    local close = open and template:find("]", open, true)
    parts[#parts + 1] = (fill(template:sub(position, (open or 0) - 1)))
    if not close then break end
    local text, complete = fill(template:sub(open + 1, close - 1))
    if complete then parts[#parts + 1] = text end
    position = close + 1
  end
  return table.concat(parts)
end

--- Sentence and remedy for a code and what is known: message, remedy.
-- Codes without an entry get the detail as their message, and no remedy.
function reasons.explain(code, facts)
  local entry = reasons.find(code)
  if not entry then return facts.detail or code, nil end
  return reasons.fill(entry.seen, facts), entry.fix and reasons.fill(entry.fix, facts)
end

--- Why it matters, or nil.
function reasons.why(code)
  local entry = reasons.find(code)
  return entry and entry.why
end

return reasons
