-- The certificates that an update may write, and nothing else: those of the six authorities. Whoever hands them over, it is
-- their keys that are believed. A certificate is taken only if
--   - the SHA-256 of its public key is one of the six, and its subject is the name that belongs to this key,
--   - its signature verifies under its own key or another of the six,
--   - it can be used as an anchor now (an authority's, within its dates).
-- Any other certificate that goes by one of the six names is a forgery or a mistake, and ends the whole run; so does a file
-- that holds none that can be used. Certificates of other authorities beside usable ones are left alone.

local audit = require "kedge.audit"
local avs = require "kedge.avs"
local chains = require "kedge.audit.chains"
local file = require "kedge.core.file"
local instant = require "kedge.instant"
local limits = require "kedge.limits"
local memo = require "kedge.memo"
local path = require "kedge.path"
local task = require "kedge.task"
local tree = require "kedge.core.tree"
local x509 = require "kedge.core.x509"

local source = {}

local REFUSED = 3 -- exit status: a named source can't be used

-- What is taken so far: `best`, by place in avs.authorities.
local function new_sieve(time)
  local sieve = { time = time, reference = audit.reference(), by_key = {}, by_name = {}, best = {} }
  for place, cert in ipairs(sieve.reference) do
    sieve.by_key[cert.spki_sha256], sieve.by_name[cert.subject] = place, place
  end
  return sieve
end

local function is_signed_by(cert, issuer)
  return (memo.signature(cert, issuer)) == "good"
end

local function is_signed_by_the_six(sieve, cert)
  if is_signed_by(cert, cert) then return true end
  for _, one in ipairs(sieve.reference) do
    if is_signed_by(cert, one) then return true end
  end
  return false
end

-- Whether a certificate is one of the six: its place, or nil and, if it claims a name of theirs, why it isn't.
local function recognize(sieve, cert)
  local place, claimed = sieve.by_key[cert.spki_sha256], sieve.by_name[cert.subject]
  if place ~= nil and place == claimed then
    if is_signed_by_the_six(sieve, cert) then return place end
    return nil, "its signature is of none of the six keys"
  end
  if not claimed then return nil end
  return nil, ("its public key is another one, SHA-256 %s"):format(x509.hex(cert.spki_sha256))
end

local function is_root(cert)
  return path.is_self_signed(cert) and is_signed_by(cert, cert)
end

-- Of two that can be used: the self-signed one (programs that want a root take no other), then the one that lives
-- longer, then the built-in one, then by hash, so that it never depends on the order of files.
local function is_better(sieve, cert, other)
  local function compare(a, b)
    if a ~= b then return a and not b end
  end
  local roots = compare(is_root(cert), is_root(other))
  if roots ~= nil then return roots end
  if cert.not_after ~= other.not_after then return cert.not_after > other.not_after end
  local built_in = sieve.reference[sieve.by_key[cert.spki_sha256]].sha256
  local known = compare(cert.sha256 == built_in, other.sha256 == built_in)
  if known ~= nil then return known end
  return cert.sha256 < other.sha256
end

local function take(sieve, place, cert, from)
  local best = sieve.best[place]
  if not best or is_better(sieve, cert, best.cert) then sieve.best[place] = { cert = cert, from = from } end
end

local LABELS = { CERTIFICATE = true, ["X509 CERTIFICATE"] = true }

-- The certificates of a file, in PEM or one in DER: list of { cert=, line= or nil }, and what could not be read.
local function certificates(text)
  if not text:find("-----BEGIN", 1, true) then
    local cert = memo.certificate(text)
    if cert then return { { cert = cert } }, {} end
    return {}, { "it is neither PEM nor one certificate in DER" }
  end
  local found, faults = {}, {}
  local blocks, skipped = x509.pem((text:gsub("^\u{FEFF}", "")))
  for _, block in ipairs(blocks) do
    local cert, message
    if LABELS[block.label] then cert, message = memo.certificate(block.der) end
    if cert then found[#found + 1] = { cert = cert, line = block.line } end
    if message then faults[#faults + 1] = ("line %d: %s"):format(block.line, message) end
  end
  for _, one in ipairs(skipped) do faults[#faults + 1] = ("line %d: %s"):format(one.line, one.message) end
  return found, faults
end

local function claims(name, entry, sieve, why)
  local authority = avs.authorities[sieve.by_name[entry.cert.subject]].name
  local where = entry.line and (", line %d"):format(entry.line) or ""
  return ("%s%s: a certificate goes by the name of %s and is not the genuine one (%s)"):format(name, where, authority, why)
end

-- Why nothing of a file was taken; `unfit` is what is wrong with a genuine certificate in it.
local function useless(name, found, faults, unfit)
  local why = unfit or faults[1]
  if not why and #found == 0 then why = "there is no certificate in it" end
  if not why then why = "what it holds is of other authorities" end
  return ("%s holds no certificate of Amazon's authorities that can be used: %s"):format(name, why)
end

--- Puts a file's text through the sieve; `name` is what a refusal calls it. The list of places for which it holds a
--- certificate that can be used; nil and a sentence where the run is to be refused.
function source.sift(sieve, name, text)
  local found, faults = certificates(text)
  local places, unfit = {}, nil
  for _, entry in ipairs(found) do
    local place, claim = recognize(sieve, entry.cert)
    if claim then return nil, claims(name, entry, sieve, claim) end
    local broken = place and chains.faults(entry.cert, sieve.time)
    if broken then unfit = unfit or avs.authorities[place].name .. ": " .. broken[1].detail end
    if place and not broken then
      take(sieve, place, entry.cert, name)
      places[#places + 1] = place
    end
  end
  if #places == 0 then return nil, useless(name, found, faults, unfit) end
  return places
end

-- The files that `from` means: list of paths; nil and a sentence. What is no regular file is never opened.
local function files_of(from)
  local status, message = file.stat(from)
  if not status then return nil, message end
  if status.type == "file" then return { from } end
  if status.type ~= "directory" then return nil, from .. " is neither a regular file nor a folder" end
  local names
  names, message = tree.list(from)
  if not names then return nil, message end
  local list = {}
  for _, name in ipairs(names) do
    local one = from:gsub("/*$", "/") .. name
    local kind, why, code = file.stat(one)
    if code == "local.permission" then return nil, why end
    if kind and kind.type == "file" then list[#list + 1] = one end
  end
  if #list == 0 then return nil, from .. " holds no file" end
  if #list > limits.source_files then return nil, ("%s holds more than %d files"):format(from, limits.source_files) end
  return list
end

local function read_all(sieve, from)
  local list, message = files_of(from)
  if not list then return nil, message end
  local left = limits.source_bytes
  for _, name in ipairs(list) do
    local text
    text, message = file.read(name, left)
    if not text then return nil, message end
    left = left - #text
    local good
    good, message = source.sift(sieve, name, text)
    if not good then return nil, message end
    if task.current() then task.breathe() end
  end
  return true
end

-- Those built in, which are subject to dates alone.
local function take_built_in(sieve)
  for place, cert in ipairs(sieve.reference) do
    if not chains.faults(cert, sieve.time) then take(sieve, place, cert, "built in") end
  end
  if next(sieve.best) then return true end
  return nil, ("none of the certificates that are built in is valid on %s"):format(instant.format(sieve.time))
end

local function time_of(opts)
  if opts.at then return opts.at end
  local clock = opts.clock or { device = task.time(), build = require("kedge.core.embedded").build_time }
  return math.max(clock.device, clock.build)
end

local function result(sieve, notes)
  local list, absent = { notes = notes or {} }, {}
  for place, authority in ipairs(avs.authorities) do
    local best = sieve.best[place]
    if best then
      list[#list + 1] = { place = place, der = best.cert.der, pem = x509.encode_pem(best.cert.der), from = best.from }
    else
      absent[#absent + 1] = authority.name
    end
  end
  if absent[1] then
    table.insert(list.notes, ("the source holds nothing for %s, which therefore is left as it is"):format(table.concat(absent, ", ")))
  end
  return list
end

--- The certificates to be had. wanted: from= a file or folder, or fetch= true for Amazon's repository, or neither: those
--- built in; opts= the options of the run. A list, in the order of avs.authorities, of { place=, der=, pem=, from= "built in",
--- a path or a URL }, with at most one for each authority, and in `notes` sentences to be said; nil, a sentence and an
--- exit status where the source is refused. With `fetch` it waits, and must run in a task.
function source.load(wanted)
  local sieve, notes = new_sieve(time_of(wanted.opts or {})), nil
  local done, message, status
  if wanted.fetch then
    done, message, status = require("kedge.update.fetch").into(sieve, wanted.opts)
    notes = done
  elseif wanted.from then
    done, message = read_all(sieve, wanted.from)
  else
    done, message = take_built_in(sieve)
  end
  if not done then return nil, message, status or REFUSED end
  return result(sieve, notes)
end

return source
