-- What -v adds below a check's line.

local show = require "kedge.show"

local details = {}

local function timings_text(timings)
  local parts = {}
  for _, stage in ipairs { "dns", "tcp", "tls", "h2", "http" } do
    if timings[stage] then parts[#parts + 1] = ("%s %.1f"):format(stage, timings[stage]) end
  end
  return parts[1] and table.concat(parts, ", ") .. " ms" or nil
end

local function tls_text(tls)
  return table.concat({ tls.version, tls.cipher or "?", tls.group or "no group", "ALPN " .. (tls.alpn or "none") }, ", ")
end

-- " (90 days left)", " (ended 3 days ago)", or nothing where the date can't be read.
local function days_text(certificate)
  local days = certificate.days_left
  if not days then return "" end
  return days < 0 and (" (ended %s ago)"):format(show.count(-days, "day")) or (" (%s left)"):format(show.count(days, "day"))
end

local function certificate_text(i, certificate)
  if not certificate.subject then return ("%d cannot be read, SHA-256 %s"):format(i, certificate.sha256) end
  return ("%d %s; by %s; %s; until %s%s"):format(i, certificate.subject, certificate.issuer or "?", certificate.key or "?",
    certificate.not_after or "?", days_text(certificate))
end

local function verdict_text(role, verdict)
  local parts = { ("%s: %s (%s)"):format(role, verdict.code, verdict.store or "?") }
  for _, failure in ipairs(verdict.failures or {}) do
    local where = failure.certificate and (", certificate %d"):format(failure.certificate) or ""
    parts[#parts + 1] = ("%s%s: %s"):format(failure.code, where, failure.detail or failure.rule)
  end
  return table.concat(parts, "; ")
end

-- All of a certificate: lines with a label.
local function certificate_lines(add, i, certificate)
  add(("%d %s"):format(i, certificate.subject or "cannot be read"))
  if certificate.subject then
    add(certificate.issuer or "?", "issuer")
    add(("%s to %s%s"):format(certificate.not_before or "?", certificate.not_after or "?", days_text(certificate)), "valid")
    add(("%s, signed with %s"):format(certificate.key or "?", certificate.signature or "?"), "key")
    if certificate.san then add(table.concat(certificate.san, ", "), "names") end
    add(certificate.serial or "?", "serial")
  end
  add(certificate.sha256 or "?", "SHA-256")
  if certificate.spki_sha256 then add(certificate.spki_sha256, "of key") end
end

local function path_text(r)
  local anchor = r.anchor.subject or r.anchor.sha256 or "?"
  if not r.path then return "anchor " .. anchor end
  local until_text = r.anchor.not_after and (" (until %s)"):format(r.anchor.not_after) or ""
  return ("path %s, to the anchor %s%s"):format(table.concat(r.path, ", "), anchor, until_text)
end

local function of_tls(add, r, is_full)
  if r.tls then add(tls_text(r.tls) .. (is_full and ", SNI " .. (r.tls.sni or "none") or "")) end
  for i, certificate in ipairs(r.chain or {}) do
    if is_full then certificate_lines(add, i - 1, certificate) else add(certificate_text(i - 1, certificate)) end
  end
  if r.anchor then add(is_full and path_text(r) or "anchor " .. (r.anchor.subject or r.anchor.sha256 or "?")) end
  for _, role in ipairs { "trust", "reference" } do
    if r.verdicts and r.verdicts[role] then add(verdict_text(role, r.verdicts[role])) end
  end
end

local function own_data(add, r)
  local flat = require "kedge.flat"
  for _, field in ipairs(flat.own(r.values)) do add(("%s: %s"):format(field.name, flat.text(field.value))) end
end

-- Lines as { text=, label= or nil }.
local function lines_of(r, is_full)
  local lines = {}
  local function add(text, label) lines[#lines + 1] = { text = text, label = label } end
  if r.target and r.target.address then add("address " .. r.target.address) end
  local timings = timings_text(r.timings_ms or {})
  if timings then add(timings) end
  of_tls(add, r, is_full)
  if r.http and r.http.status then add(("HTTP/%s, status %d"):format(r.http.version, r.http.status)) end
  if is_full and r.values then own_data(add, r) end
  if r.status ~= "ok" and r.message then add(r.message) end
  return lines
end

local LABEL = 8 -- columns

local function write_line(out, line)
  local indent = line.label and 7 + LABEL or 5
  for i, piece in ipairs(show.wrap(out:escape(line.text), out.width - (line.label and indent or 7))) do
    local head = (" "):rep(i == 1 and indent or indent + 2)
    if line.label then head = i == 1 and "       " .. show.pad(line.label, LABEL) or (" "):rep(indent) end
    out:write(head, out:paint("dim", piece), "\n")
  end
end

--- Writes the details of one result to an output; `is_full`: all that is known
--- of each certificate, and own data.
function details.write(out, r, is_full)
  for _, line in ipairs(lines_of(r, is_full)) do write_line(out, line) end
end

return details
