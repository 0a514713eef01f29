-- What an update would take: kedge.update.source alone, nothing is written.

local avs = require "kedge.avs"
local show = require "kedge.show"
local source = require "kedge.update.source"

return {
  summary = "what an update would take",
  offline = true,
  options = function(cmd)
    cmd:flag("--fetch", "from Amazon's repository")
    cmd:option("--from", "from a file or folder"):argname("FILE|DIR")
  end,
  run = function(ctx)
    local list, message, status = source.load { from = ctx.args.from, fetch = ctx.args.fetch, opts = ctx.options }
    if not list then
      if status == 2 then ctx:usage(show.escape(message)) end
      ctx:fail(show.escape(message))
    end
    for _, note in ipairs(list.notes) do ctx:log(show.escape(note)) end
    for _, one in ipairs(list) do
      local id = avs.authorities[one.place].file
      ctx:report { id = id, status = "ok", code = "ok", message = one.from, warnings = {}, values = { pem = one.pem } }
    end
  end,
}
