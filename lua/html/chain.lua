-- The certificates of a check as a tree, authorities above what they issued, coloured by validity.

local element = require "kedge.html.element"
local instant = require "kedge.instant"
local show = require "kedge.show"

local chain = {}

local DAY = 86400
local NAMES = 10 -- of a certificate that its card holds
local SOON = 30 -- days before its end at which a certificate is shown as a warning

local text = element.text

-- What the verdicts say of each certificate by its place: 0 the leaf, -1 the anchor.
local function failures_by_place(r)
  local found = {}
  for _, role in ipairs { "trust", "reference" } do
    local verdict = r.verdicts and r.verdicts[role] or {}
    for _, failure in ipairs(verdict.failures or {}) do
      local place = failure.certificate
      if place then
        local words = failure.code .. (failure.detail and ": " .. failure.detail or "")
        local list = found[place] or {}
        found[place] = list
        if not list[words] then
          list[words] = true -- both stores often say the same
          list[#list + 1] = words
        end
      end
    end
  end
  return found
end

-- Class and words of a certificate's dates at `now`.
local function validity(node, now)
  local cert = node.cert
  local before, after = cert.not_before and instant.parse(cert.not_before), cert.not_after and instant.parse(cert.not_after)
  if not node.is_anchor and not cert.subject then return "bad", "cannot be read" end
  if not after then return "unknown", "its dates cannot be read" end
  local days = cert.days_left or (after - now) // DAY
  if before and before > now then return "bad", "not valid before " .. cert.not_before end
  if days < 0 then return "bad", "expired " .. show.count(-days, "day") .. " ago" end
  return days < SOON and "soon" or "good", show.count(days, "day") .. " left"
end

-- Nodes of what was sent, and of the anchor, which may have been sent too.
local function nodes_of(r)
  local nodes, anchor = {}, nil
  for i, cert in ipairs(r.chain or {}) do
    nodes[i] = { cert = cert, place = i - 1, below = {} }
    if r.anchor and cert.sha256 == r.anchor.sha256 then anchor = anchor or nodes[i] end
  end
  if r.anchor and not anchor then
    anchor = { cert = r.anchor, place = -1, below = {} }
    nodes[#nodes + 1] = anchor
  end
  if anchor then anchor.is_anchor = true end
  return nodes, anchor
end

local function mark_path(r, nodes, anchor)
  local path = {}
  for _, place in ipairs(r.path or {}) do path[#path + 1] = nodes[place + 1] end
  if anchor and path[#path] ~= anchor then path[#path + 1] = anchor end
  for i, node in ipairs(path) do
    node.in_path = true
    node.above = path[i + 1]
  end
  return path[1] ~= nil
end

-- By its name, for what is in no path.
local function issuer_of(node, nodes)
  local issuer = node.cert.issuer
  if not issuer or issuer == node.cert.subject then return nil end
  for _, other in ipairs(nodes) do
    if other ~= node and other.cert.subject == issuer then return other end
  end
end

local function leads_to(node, wanted)
  local steps = 0
  while node and node ~= wanted and steps < 64 do
    node, steps = node.above, steps + 1
  end
  return node == wanted
end

-- The nodes that stand at the top; each other one is below its issuer.
local function tops_of(nodes)
  local tops = {}
  for _, node in ipairs(nodes) do
    if not node.in_path then
      local issuer = issuer_of(node, nodes)
      if issuer and not leads_to(issuer, node) then node.above = issuer end
    end
  end
  for _, node in ipairs(nodes) do
    table.insert(node.above and node.above.below or tops, node)
  end
  table.sort(tops, function(a, b)
    if (a.in_path or false) ~= (b.in_path or false) then return a.in_path end
    return a.place < b.place
  end)
  return tops
end

local function role_of(node, has_path)
  if node.is_anchor then return node.place < 0 and "anchor, from the store" or "anchor, sent too" end
  local role = node.place == 0 and "the server's own" or "sent as number " .. node.place
  return has_path and not node.in_path and role .. ", not needed" or role
end

-- The names it is for.
local function names_of(cert)
  local names = cert.san
  if type(names) ~= "table" or not names[1] then return nil end
  local more = #names > NAMES and (" and %d more"):format(#names - NAMES) or ""
  return "for " .. table.concat(names, ", ", 1, math.min(#names, NAMES)) .. more
end

local draw

local function draw_all(list, tree)
  local parts = {}
  for i, node in ipairs(list) do parts[i] = draw(node, tree) end
  return parts[1] and "<ul>\n" .. table.concat(parts) .. "</ul>\n" or ""
end

function draw(node, tree)
  local cert = node.cert
  local class, words = validity(node, tree.now)
  local failures = tree.failures[node.place]
  local parts = { element.of("b", text(cert.subject or "A certificate that cannot be read")),
    element.around(('span class="validity %s"'):format(class), words), element.around('span class="role"', role_of(node, tree.has_path)) }
  local facts = { cert.key or false, cert.not_before and "from " .. cert.not_before, cert.not_after and "until " .. cert.not_after,
    "SHA-256 " .. (cert.sha256 or "?") }
  local shown = {}
  for i = 1, 4 do shown[#shown + 1] = facts[i] or nil end
  parts[#parts + 1] = element.around('span class="names"', names_of(cert))
  parts[#parts + 1] = element.around('span class="facts"', table.concat(shown, "; "))
  for _, failure in ipairs(failures or {}) do parts[#parts + 1] = element.around('span class="failure"', failure) end
  return ('<li><div class="certificate %s">%s</div>\n%s</li>\n'):format(failures and "bad" or class, table.concat(parts, " "),
    draw_all(node.below, tree))
end

-- An issuer that wasn't sent, above what it issued.
local function absent(issuer, inner)
  return ('<li><div class="certificate absent"><b>%s</b> <span class="validity">was not sent</span></div>\n'):format(text(issuer))
    .. "<ul>\n" .. inner .. "</ul>\n</li>\n"
end

--- The tree of a result's certificates at the time `now` (seconds since 1970), or "" where there are none.
function chain.tree(r, now)
  if not r.chain and not r.anchor then return "" end
  local nodes, anchor = nodes_of(r)
  local tree = { now = now, failures = failures_by_place(r), has_path = mark_path(r, nodes, anchor) }
  local parts = {}
  for _, node in ipairs(tops_of(nodes)) do
    local issuer = not node.is_anchor and node.cert.issuer
    local drawn = draw(node, tree)
    parts[#parts + 1] = issuer and issuer ~= node.cert.subject and absent(issuer, drawn) or drawn
  end
  return '<h4>Certificates</h4>\n<ul class="tree">\n' .. table.concat(parts) .. "</ul>\n"
end

return chain
