-- AlexaClientSDKConfig.json: points the SDK at an endpoint, or back at its own.

local avs = require "kedge.avs"
local edit = require "kedge.config_edit"
local show = require "kedge.show"

local function region(word)
  local found, hint = avs.region(word)
  if found then return "https://" .. found.base end
  return nil, ("unknown region '%s'%s"):format(show.escape(word:sub(1, 100)), hint)
end

return {
  offline = true,
  summary = "point the AVS Device SDK at an endpoint",
  description = "Sets \"endpoint\" in \"sampleApp\" of the SDK's AlexaClientSDKConfig.json, or takes it out again, and leaves "
    .. "every other byte as it is. Without --apply it shows what would change and ends with status 5, or with 0 if nothing "
    .. "would. Without --region, --endpoint and --reset it shows what is set.",
  examples = {
    { "kedge sdk-config AlexaClientSDKConfig.json", "Shows what is set." },
    { "kedge sdk-config AlexaClientSDKConfig.json --region eu", "Shows what would change." },
    { "kedge sdk-config AlexaClientSDKConfig.json --region eu --apply", "Changes it." },
    { "kedge sdk-config AlexaClientSDKConfig.json --reset --apply", "Lets the SDK use its own endpoint again." },
  },
  options = function(cmd)
    cmd:argument("FILE", "the SDK's AlexaClientSDKConfig.json"):target("file")
    cmd:mutex(
      cmd:option("--region", "fe, eu or na, the region's name, or a country in it"):argname("REGION"):convert(region),
      cmd:option("--endpoint", "an https URL without query, to which the SDK adds its paths"):argname("URL")
        :convert(edit.endpoint),
      cmd:flag("--reset", "take the endpoint out: the SDK uses its own again")
    )
    cmd:flag("--apply", "write the file")
  end,
  run = function(ctx)
    local args = ctx.args
    local url = args.region or args.endpoint
    if args.apply and not url and not args.reset then ctx:usage("--apply needs --region, --endpoint or --reset") end
    local result, status = edit.run { path = args.file, url = url, reset = args.reset, apply = args.apply }
    if not result then ctx:fail(status) end
    ctx:report(result)
    return status
  end,
}
