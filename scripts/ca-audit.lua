-- The trust store of this system, or of an image: are Amazon's authorities in it, and do chains to them verify?

local audit = require "kedge.audit"
local show = require "kedge.show"

return {
  summary = "audit a trust store: can it verify Amazon's authorities?",
  description = "Reads the trust store of this system and says for each of Amazon's four roots whether a chain to it can be "
    .. "verified, and what became of each authority: in the store, switched off, on the disk only, expired, another "
    .. "certificate, absent. Nothing is changed, and no network is used. With --root the system unpacked below a folder is "
    .. "looked at (the mount of an SD card, a Buildroot target folder), its links followed inside it. Status 0: chains to all "
    .. "four roots verify with every store that is there; 1: something that matters is missing, expired or unusable, or the "
    .. "stores disagree; 3: no layout that kedge knows, or a store that can't be read.",
  offline = true,
  examples = {
    { "kedge ca-audit", "The store of this system." },
    { "kedge ca-audit --root /mnt/card", "A system on an SD card that is mounted there, before it is started." },
    { "kedge ca-audit --root output/target", "What Buildroot is about to put into the image." },
    { "kedge ca-audit --store /opt/app/cacert.pem", "One bundle that a program brings along." },
    { "kedge ca-audit --at 2035-01-01", "What will have expired by then." },
  },
  options = function(cmd)
    cmd:option("--root", "the folder below which the system lies; / unless told"):argname("DIR"):default("/")
    cmd:option("--store", "this bundle or folder (a path below --root) instead of the system's own"):argname("FILE|DIR")
  end,
  run = function(ctx)
    local opts = ctx.options
    if opts.trust or opts.reference then ctx:usage("ca-audit takes --store, not --trust or --reference") end
    local results, status = audit.run { root = ctx.args.root, store = ctx.args.store, at = opts.at, clock = opts.clock }
    if not results then ctx:fail(show.escape(status)) end
    for _, r in ipairs(results) do ctx:report(r) end
    return status
  end,
}
