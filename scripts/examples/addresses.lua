-- Whether all addresses of a host serve the same certificate.
--
--   kedge ./addresses.lua example.org

local kedge = require "kedge"

-- The leaf that most of the addresses serve: its hash.
local function usual(results)
  local count, most = {}, nil
  for _, r in ipairs(results) do
    local hash = r.chain and r.chain[1].sha256
    if hash then
      count[hash] = (count[hash] or 0) + 1
      if not most or count[hash] > count[most] then most = hash end
    end
  end
  return most
end

return {
  summary = "compare what each address of a host serves",
  options = function(cmd) cmd:argument("TARGET", "a host or a URL"):args("+"):target("targets") end,
  run = function(ctx)
    ctx:each(ctx:targets(ctx.args.targets), function(target)
      local results = kedge.check(target, { all_addresses = true })
      local hash = usual(results)
      for i, r in ipairs(results) do
        if r.status == "ok" and r.chain[1].sha256 ~= hash then
          results[i] = kedge.warn(r, "addresses.differ", r.target.address .. " serves another certificate than the other addresses",
            "See whether this server missed the last renewal.")
        end
      end
      return results
    end)
  end,
}
