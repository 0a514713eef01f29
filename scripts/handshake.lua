-- What a server shows in its TLS handshake, and what the stores say of it.

local kedge = require "kedge"

local function depth(text)
  local n = text:find("^%d%d?$") and tonumber(text)
  if n and n <= 32 then return n end
  return nil, "--verify-depth must be a whole number from 0 to 32"
end

-- The verdict of each source by itself: "ok", or what is the matter.
local function by_each(seen, sources, args)
  local verdicts = {}
  for _, source in ipairs(sources) do
    verdicts[source] = kedge.judge(seen, { trust = source, reference = false, depth = args.depth }).code
  end
  return verdicts
end

local function sources_of(opts)
  local sources = { "system", "ats" }
  for _, role in ipairs { "trust", "reference" } do
    for _, source in ipairs(opts[role] or {}) do sources[#sources + 1] = source end
  end
  return sources
end

local function pem_of(chain)
  local blocks = {}
  for i, der in ipairs(chain) do blocks[i] = kedge.pem.encode(der) end
  return table.concat(blocks)
end

-- The chain as it was sent, to where it was asked for.
local function hand_out(ctx, seen)
  local args, pem = ctx.args, pem_of(seen.chain or {})
  if args.showcerts then ctx:print(pem) end
  if not args.save_chain or pem == "" then return end
  local done, message = kedge.file.write(args.save_chain, pem)
  if not done then ctx:problem(message) end
end

return {
  summary = "what a server shows in its TLS handshake, and what the stores say of it",
  description = "One handshake without a request: version, suite, group and protocol, every certificate that was sent, the "
    .. "path to the anchor, and the verdict of each store by itself.",
  examples = {
    { "kedge handshake example.org", "In place of openssl s_client -connect example.org:443 -verify 10." },
    { "kedge handshake mail.example.org:993 --alpn none", "Another port, no application protocols offered." },
    { "kedge handshake example.org --showcerts >chain.pem", "The certificates as they were sent." },
  },
  options = function(cmd)
    cmd:argument("HOST", "a host, or HOST:PORT; [ADDRESS]:PORT for IPv6"):target("host")
    cmd:option("--sni", "the name to send (SNI) instead of HOST; none sends none"):argname("NAME")
    cmd:option("--alpn", "application protocols to offer; h2,http/1.1 unless told, none for none"):argname("LIST")
    cmd:option("--verify-depth", "intermediate certificates allowed; 10 unless told"):argname("N"):convert(depth):target("depth")
    cmd:flag("--showcerts", "print the chain as PEM, and nothing else")
    cmd:option("--save-chain", "write the chain as PEM"):argname("FILE")
  end,
  run = function(ctx)
    local args, opts = ctx.args, ctx.options
    args.depth, opts.details = args.depth or 10, "full"
    local item, message = kedge.target("tls://" .. args.host, { sni = args.sni, alpn = args.alpn or "h2,http/1.1" })
    if not item then ctx:usage(message) end
    ctx:each({ item }, function()
      local seen = kedge.observe(item, { depth = args.depth })
      local verdicts = kedge.judge(seen, { depth = args.depth })
      local r = kedge.explain(seen, verdicts)
      if verdicts then r.values = { stores = by_each(seen, sources_of(opts), args) } end
      hand_out(ctx, seen)
      if args.showcerts and r.status == "fail" then ctx:log(r.message) end
      return r
    end)
  end,
}
