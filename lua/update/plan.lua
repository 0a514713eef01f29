-- What is to be done so that a store has the certificates that are wanted, for good, and loses none. Reads what a survey
-- found; changes nothing.

local avs = require "kedge.avs"
local bounds = require "kedge.update.bounds"
local configuration = require "kedge.update.configuration"
local forecast = require "kedge.update.forecast"
local links = require "kedge.update.links"
local memo = require "kedge.memo"
local names = require "kedge.update.names"
local refusal = require "kedge.update.refusal"
local stores = require "kedge.audit.stores"
local survey = require "kedge.update.survey"
local x509 = require "kedge.core.x509"

local plan = {}

local function is_crt(name) return name:find("%.crt$") ~= nil end

local function wish_of(one)
  return (avs.authorities[one.place].file:gsub("%.pem$", ""))
end

-- The files that the package ships with nothing but this certificate: their names.
local function shipped_with(facts, sha256)
  if not facts.shipped then
    facts.shipped = {}
    for _, name in ipairs(facts.system:files(facts.layout.shipped, is_crt)) do
      local path = facts.layout.shipped .. "/" .. name
      local file = forecast.file(facts, path, refusal.check(facts.system:read(path), path .. " has just vanished"))
      if file.is_single then
        local list = facts.shipped[file.certs[1].sha256] or {}
        facts.shipped[file.certs[1].sha256] = list
        list[#list + 1] = name
      end
    end
  end
  return facts.shipped[sha256] or {}
end

local function is_provided(made, sha256)
  return made.bundle[sha256] ~= nil and made.directory[sha256] ~= nil
end

-- How a shipped file can be taken in: "enable" with its name, "add" with its name, or nil.
local function by_line(facts, sha256)
  local text, unlisted = facts.text, nil
  if text:sub(-1) ~= "\n" then text = text .. "\n" end
  for _, name in ipairs(shipped_with(facts, sha256)) do
    local standing = configuration.standing(text, name)
    if standing == "disabled" then return "enable", name end
    if standing == "unlisted" and not name:find("[\\%c]") and not name:find("^[ #!]") and not name:find(" $") then
      unlisted = unlisted or name
    end
  end
  if unlisted then return "add", unlisted end
end

-- Lines for those that the package ships; the others get a file. Where the lines don't do it (another file of the same base
-- name comes later), a file does.
local function configure(facts, wanted, self)
  local by_file = {}
  for _ = 1, 2 do
    local enable, add = {}, {}
    for _, one in ipairs(wanted) do
      local how, name
      if not by_file[one] and not is_provided(self.before, one.cert.sha256) then how, name = by_line(facts, one.cert.sha256) end
      if how == "enable" then enable[name] = true elseif how == "add" then add[#add + 1] = name end
    end
    self.changes = configuration.changes(facts.text, enable, add)
    self.text = configuration.change(facts.text, self.changes)
    self.made = forecast.make(facts, self.text, self.files)
    local is_done = true
    for _, one in ipairs(wanted) do
      if not is_provided(self.made, one.cert.sha256) then by_file[one], is_done = true, false end
    end
    if is_done then break end
  end
  return by_file
end

local function add_file(facts, self, cert, wish, why)
  bounds.check_folder(facts.system, facts.layout.chosen[1])
  self.taken = self.taken or names.taken(facts)
  local path = ("%s/%s.crt"):format(facts.layout.chosen[1], names.choose(self.taken, cert, wish))
  local file = forecast.file(facts, path, x509.encode_pem(cert.der))
  file.cert, file.why = cert, why
  self.files[#self.files + 1] = file
end

-- Whether the folder keeps a certificate without the tool's doing: a name of its own in it, with this certificate alone, that
-- the tool neither removes nor gives to another file.
local function stays(facts, self, entry)
  local system, folder = facts.system, facts.layout.directory
  local hashed = system:look(system:real(folder) .. "/" .. entry.file:match("[^/]*$"))
  if not hashed then return false end
  if hashed.type == "file" then return true end
  local name = hashed.target and hashed.target:gsub("^%./", "")
  if not name or name:find("/", 1, true) or not name:find("%.pem$") and not name:find("%.c[er][rt]$") then return false end
  if forecast.source_of(self.made, name) then return false end
  local named = system:look(system:real(folder) .. "/" .. name)
  if named and named.type == "link" then
    for _, removed in ipairs(configuration.removed(self.text)) do
      if removed:match("[^/]*$"):gsub("%.crt$", "") .. ".pem" == name then return false end
    end
  end
  local text = system:read(folder .. "/" .. name)
  return text ~= nil and forecast.file(facts, name, text).is_single
end

-- Files for those that programs can use now and that the tool would leave out.
local function keep_live(facts, self)
  local kept = {}
  local function keep(entry)
    if kept[entry.cert.sha256] then return end
    kept[entry.cert.sha256] = true
    add_file(facts, self, entry.cert, nil, "kept")
  end
  for _, entry in ipairs(facts.stores.bundle and facts.stores.bundle.entries or {}) do
    if not self.made.bundle[entry.cert.sha256] then keep(entry) end
  end
  for _, entry in ipairs(facts.stores.directory and facts.stores.directory.entries or {}) do
    if not self.made.directory[entry.cert.sha256] and not stays(facts, self, entry) then keep(entry) end
  end
end

--- The links of files whose certificates are not found in the folder although the link is there: without one of them the
--- tool would not hash the folder anew. made: a forecast.
function plan.stale_links(facts, made)
  local store, list = facts.stores.directory, {}
  if not store then return list end
  local folder = facts.system:real(facts.layout.directory)
  for name, path in pairs(made.links) do
    local file = facts.files[path]
    local sha256 = file and file.is_single and file.certs[1].sha256
    if sha256 and not survey.holds(store, sha256) then
      for _, one in ipairs { name, "ca-cert-" .. name } do
        local entry = facts.system:look(folder .. "/" .. one)
        if entry and entry.type == "link" then list[#list + 1] = one end
      end
    end
  end
  table.sort(list)
  return list
end

local function lacks_any(facts, wanted)
  for _, one in ipairs(wanted) do
    local sha256 = one.cert.sha256
    if not survey.holds(facts.stores.bundle, sha256) then return true end
    if facts.stores.directory and not survey.holds(facts.stores.directory, sha256) then return true end
  end
  return false
end

-- The tool's `read` takes such a name for another, and then the tool fails, or takes in something else.
local function check_names(facts)
  for _, folder in ipairs(facts.layout.chosen) do
    for _, name in ipairs(facts.system:files(folder, is_crt)) do
      if name:find("[\\\n]") then
        refusal.raise(("%s/%s: update-ca-certificates can't read a file with a backslash or a line break in its name: rename it"):format(
          folder, name))
      end
    end
  end
end

-- By the system's own tool.
local function with_tool(facts, wanted, tool)
  if tool.how == "folders" then links.check(facts) end
  local self = { mode = "tool", files = {}, before = forecast.make(facts, facts.text) }
  local by_file = configure(facts, wanted, self)
  for _, one in ipairs(wanted) do
    if by_file[one] then add_file(facts, self, one.cert, wish_of(one), one) end
  end
  self.made = forecast.make(facts, self.text, self.files)
  local new = facts.layout.bundle .. ".new"
  local place = facts.system:name(new)
  self.remainder = place and facts.system:look(place) and new or nil
  self.is_needed = self.changes[1] ~= nil or self.files[1] ~= nil or self.remainder ~= nil or lacks_any(facts, wanted)
  if self.is_needed then
    check_names(facts)
    keep_live(facts, self)
  end
  self.made = forecast.make(facts, self.text, self.files)
  for _, one in ipairs(wanted) do
    if not is_provided(self.made, one.cert.sha256) then
      refusal.raise(("no way was found to have %s taken in by this configuration"):format(avs.authorities[one.place].name))
    end
  end
  self.relink = plan.stale_links(facts, self.made)
  return self
end

-- What is added to a folder: a file, and the link by which OpenSSL finds it where the folder has such links.
local function add_to_folder(facts, self, one)
  local folder = facts.layout.directory
  self.taken = self.taken or names.taken(facts)
  local name = names.choose(self.taken, one.cert, wish_of(one)) .. ".pem"
  self.files[#self.files + 1] = { path = folder .. "/" .. name, text = one.pem, cert = one.cert, why = one }
  local store, hash, n = facts.stores.directory, stores.hash(one.cert), 0
  local has_links = false
  for _, there in ipairs(facts.system:list(folder)) do has_links = has_links or there:find("^%x%x%x%x%x%x%x%x%.%d+$") ~= nil end
  if store and not has_links then return end
  while self.taken[("%s.%d"):format(hash, n)] do n = n + 1 end
  local link = ("%s.%d"):format(hash, n)
  self.taken[link] = true
  self.links[#self.links + 1] = { path = folder .. "/" .. link, target = name }
end

-- By hand: a bundle is appended to, a folder gets a file.
local function by_hand(facts, wanted)
  local self = { mode = "hand", files = {}, links = {}, changes = {}, relink = {}, append = "", appended = {} }
  if not facts.stores.bundle and not facts.stores.directory then
    refusal.raise(("%s: there is no store, and nothing to make one from"):format(facts.layout.bundle or facts.layout.directory))
  end
  for _, one in ipairs(wanted) do
    if facts.stores.bundle and not survey.holds(facts.stores.bundle, one.cert.sha256) then
      self.append = self.append .. one.pem
      self.appended[#self.appended + 1] = one
    end
    if facts.stores.directory and not survey.holds(facts.stores.directory, one.cert.sha256) then add_to_folder(facts, self, one) end
  end
  if self.append ~= "" then
    local text = facts.system:read(facts.layout.bundle)
    if text ~= "" and text:sub(-1) ~= "\n" then self.append = "\n" .. self.append end
  end
  self.is_needed = self.append ~= "" or self.files[1] ~= nil
  return self
end

-- By a person, with a tool that kedge doesn't drive.
local function by_commands(facts, wanted)
  local self = { mode = "commands", missing = {}, files = {}, changes = {}, relink = {} }
  for _, one in ipairs(wanted) do
    if lacks_any(facts, { one }) then self.missing[#self.missing + 1] = one end
  end
  self.is_needed = self.missing[1] ~= nil
  return self
end

--- What is to be done: { mode= "tool", "hand" or "commands", is_needed=, files= new ones { path=, text=, cert=, why= the
--- wanted one or "kept" }, changes= of the configuration and its new text=, remainder= path or nil, relink= names of
--- links, made= the forecast; append= text behind the bundle and appended= whose, links= { path=, target= }; missing= }.
--- wanted: as from kedge.update.source. tool: as from kedge.update.tool, or nil where there is none.
function plan.make(facts, wanted, tool)
  facts.shipped = nil
  for _, one in ipairs(wanted) do one.cert = refusal.check(memo.certificate(one.der)) end
  local family = facts.layout.family
  if family == "openwrt" or family == "fedora" then return by_commands(facts, wanted) end
  if family ~= "debian" or not facts.text or not tool then return by_hand(facts, wanted) end
  return with_tool(facts, wanted, tool)
end

return plan
