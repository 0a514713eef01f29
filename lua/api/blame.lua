-- Misuse is told with the line of whoever called kedge, however deep in kedge
-- it was noticed.

local OWN = debug.getinfo(1, "S").source:match("^@(.*)api/blame%.lua$") -- nil where line numbers were stripped

local function is_own(source)
  return source:sub(1, 1) ~= "@" or OWN and source:sub(2, #OWN + 1) == OWN
end

--- Raises the message (formatted with `...`) as an error of the nearest caller that isn't kedge's own.
return function(message, ...)
  if select("#", ...) > 0 then message = message:format(...) end
  local level = 2
  while true do
    local info = debug.getinfo(level, "Sl")
    if not info then error(message, 0) end
    if info.currentline > 0 and not is_own(info.source) then error(message, level) end
    level = level + 1
  end
end
