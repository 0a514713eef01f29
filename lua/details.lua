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

local function certificate_text(i, certificate)
  if not certificate.subject then return ("%d cannot be read, SHA-256 %s"):format(i, certificate.sha256) end
  local days = certificate.days_left and (" (%s left)"):format(show.count(certificate.days_left, "day")) or ""
  return ("%d %s; by %s; %s; until %s%s"):format(i, certificate.subject, certificate.issuer or "?", certificate.key or "?",
    certificate.not_after or "?", days)
end

local function verdict_text(role, verdict)
  local parts = { ("%s: %s (%s)"):format(role, verdict.code, verdict.store or "?") }
  for _, failure in ipairs(verdict.failures or {}) do
    local where = failure.certificate and (", certificate %d"):format(failure.certificate) or ""
    parts[#parts + 1] = ("%s%s: %s"):format(failure.code, where, failure.detail or failure.rule)
  end
  return table.concat(parts, "; ")
end

local function lines_of(r)
  local lines = {}
  local function add(text) lines[#lines + 1] = text end
  if r.target and r.target.address then add("address " .. r.target.address) end
  add(timings_text(r.timings_ms or {}))
  if r.tls then add(tls_text(r.tls)) end
  for i, certificate in ipairs(r.chain or {}) do add(certificate_text(i - 1, certificate)) end
  if r.anchor then add("anchor " .. (r.anchor.subject or r.anchor.sha256)) end
  for _, role in ipairs { "trust", "reference" } do
    if r.verdicts and r.verdicts[role] then add(verdict_text(role, r.verdicts[role])) end
  end
  if r.http and r.http.status then add(("HTTP/%s, status %d"):format(r.http.version, r.http.status)) end
  if r.status ~= "ok" and r.message then add(r.message) end
  return lines
end

--- Writes the details of one result to an output.
function details.write(out, r)
  for _, text in ipairs(lines_of(r)) do
    for i, piece in ipairs(show.wrap(out:escape(text), out.width - 7)) do
      out:write(i == 1 and "     " or "       ", out:paint("dim", piece), "\n")
    end
  end
end

return details
