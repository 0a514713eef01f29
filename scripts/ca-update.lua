-- The trust store of this system, or of an image: adds what is missing of Amazon's authorities, and loses none.

local show = require "kedge.show"
local update = require "kedge.update"

local TOOL_SECONDS = 600 -- for update-ca-certificates, whose hooks may rebuild other stores

local function seconds(text)
  local number = tonumber(text)
  if number and number > 0 and number <= 86400 then return number end
  return nil, ("--tool-timeout: '%s' is not a number of seconds"):format(show.escape(text:sub(1, 100)))
end

-- The same command for somebody who may.
local function with_sudo(args)
  local words = { "sudo kedge ca-update" }
  for _, name in ipairs { "root", "from" } do
    local value = args[name]
    if value and value:find("[^%w/._+,=@:-]") then value = "'" .. value:gsub("'", "'\\''") .. "'" end
    if value and value ~= "/" then words[#words + 1] = ("--%s %s"):format(name, value) end
  end
  if args.fetch then words[#words + 1] = "--fetch" end
  if args.rollback then words[#words + 1] = "--rollback" end
  return table.concat(words, " ") .. " --apply"
end

return {
  offline = true,
  summary = "repair a trust store: add Amazon's authorities, lose none",
  description = "Adds what is missing of the six authorities that the chains of the Alexa Voice Service end in to the trust "
    .. "store of this system, or with --root of a system unpacked below a folder. Without --apply it shows what would change "
    .. "and ends with status 5, or with 0 if nothing would. With --apply the store is backed up, changed, proven to have every "
    .. "certificate that it had, and otherwise put back as it was. Backups (the last three) and the journal of a run that is "
    .. "under way lie in /var/lib/kedge of that system, or, where that can't be written, in .kedge beside the store; a run "
    .. "that was interrupted is finished or rolled back by the next one. No authority is ever removed or disabled.",
  examples = {
    { "kedge ca-update", "What would change on this device; nothing is written." },
    { "sudo kedge ca-update --apply --then-check", "Repairs it, then checks the three regions with the store that was repaired." },
    { "sudo kedge ca-update --root /mnt/card --apply", "An SD card that is mounted there, before it goes into the device." },
    { "kedge ca-update --root output/target --apply", "What Buildroot is about to put into its image; as the user who builds." },
    { "sudo kedge ca-update --fetch --apply", "With the certificates that Amazon's repository holds today." },
    { "kedge ca-update --from ~/certificates", "With those in a folder or file: each file has to hold one that can be used." },
    { "sudo kedge ca-update --rollback --apply", "Back to what was there before the last run, byte for byte." },
  },
  options = function(cmd)
    cmd:option("--root", "the folder below which the system lies; / unless told"):argname("DIR"):default("/")
    cmd:option("--from", "take certificates from this file or folder instead of those built in"):argname("FILE|DIR")
    cmd:flag("--fetch", "take certificates from Amazon's repository")
    cmd:flag("--rollback", "go back to what was there before the last run")
    cmd:flag("--apply", "do it")
    cmd:flag("--then-check", "with --apply: check the three regions afterwards, by the store that was repaired")
    cmd:option("--tool-timeout", "stop update-ca-certificates and roll back after this time; 600 unless told"):argname("SECONDS")
      :convert(seconds)
  end,
  run = function(ctx)
    local args = ctx.args
    if args.from and args.fetch then ctx:usage("--from and --fetch exclude one another") end
    if args.rollback and (args.from or args.fetch) then ctx:usage("--rollback takes neither --from nor --fetch") end
    if args.then_check and (args.rollback or not args.apply) then ctx:usage("--then-check needs --apply, and no --rollback") end
    if args.fetch or args.then_check then require("kedge.launch").warn_of_proxies(ctx.options, "kedge ca-update") end
    local status, message, code = update.run {
      root = args.root, from = args.from, fetch = args.fetch, apply = args.apply, rollback = args.rollback, opts = ctx.options,
      seconds = args.tool_timeout or TOOL_SECONDS, again = with_sudo(args),
      report = function(r) ctx:report(r) end,
      log = function(text) ctx:log(show.escape(text)) end,
      conclusion = function(facts)
        if not args.then_check then return nil end
        local store = facts.system:real(facts.layout.bundle or facts.layout.directory)
        return require("kedge.update.after").conclusion((ctx:run("regions", { "--trust", store })))
      end,
    }
    if not status and code == 2 then ctx:usage(show.escape(message)) end
    if not status then ctx:fail(show.escape(message)) end
    return math.type(status) == "integer" and status or nil
  end,
}
