-- One result a line, as soon as it is there.

local json = require "kedge.json"

local format = {}

function format.result(out, r)
  out:write(json.encode(r, "result"), "\n")
end

return format
