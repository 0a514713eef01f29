-- The endpoints of the Alexa Voice Service: every region over HTTP/2 and HTTP/1.1.

local avs = require "kedge.avs"
local kedge = require "kedge"

local EXPECT = {
  h2 = { body = avs.message, fold = true, mismatch = "warn" },
  http1 = { no_reply = "warn" },
}

local function region(word)
  local found, hint = avs.region(word)
  if found then return found end
  if hint == "" then hint = ": fe, eu, na, a region's name, or a country in it" end
  return nil, ("unknown region '%s'%s"):format(word:sub(1, 100), hint)
end

-- `wanted` as a set, or everything where nothing was asked for.
local function set(wanted, everything)
  local chosen = {}
  for _, name in ipairs(#wanted > 0 and wanted or everything) do chosen[name] = true end
  return chosen
end

local function targets(args)
  local endpoints = {}
  for _, endpoint in ipairs(avs.endpoints) do endpoints[endpoint] = args[endpoint] or not (args.base or args.legacy) end
  local regions, protocols = set(args.regions, avs.regions), set(args.protocol, { "h2", "http1" })
  local list = {}
  for _, one in ipairs(avs.regions) do
    for _, endpoint in ipairs(avs.endpoints) do
      for _, name in ipairs { "h2", "http1" } do
        if regions[one] and endpoints[endpoint] and protocols[name] then
          list[#list + 1] = kedge.target(one[endpoint], { id = ("%s/%s/%s"):format(one.code, endpoint, name), protocol = name,
            labels = { region = one.name, endpoint = endpoint, protocol = name, countries = one.countries }, expect = EXPECT[name] })
        end
      end
    end
  end
  return list
end

return {
  summary = "check the endpoints of the Alexa Voice Service (AVS)",
  description = "Checks whether this device reaches the endpoints of the Alexa Voice Service, and whether its trust store "
    .. "accepts their certificates, over HTTP/2 and HTTP/1.1. Without a REGION all are checked.",
  examples = {
    { "kedge regions", "All twelve checks." },
    { "kedge regions eu", "One region; a country in it will do as well: kedge regions Germany." },
    { "kedge regions na --base --protocol h2 -v", "One endpoint over one protocol, with all details." },
  },
  options = function(cmd, defaults)
    cmd:argument("REGION", "fe, eu or na, the region's name, or a country in it"):args("*"):convert(region):target("regions")
    cmd:flag("--base", "the endpoints that devices use today")
    cmd:flag("--legacy", "the endpoints that older devices use")
    cmd:option("--protocol", "h2 or http1; may be given twice"):argname("NAME"):count("*")
      :convert(kedge.choice("--protocol", "h2", "http1"))
    defaults.reference = { "ats" }
  end,
  run = function(ctx)
    ctx:each(targets(ctx.args), kedge.check)
  end,
}
