-- Misuse is told with the line of whoever called kedge, however deep in kedge
-- it was noticed.

local author = require "kedge.author"

--- Raises the message (formatted with `...`) as an error of the nearest caller that isn't kedge's own.
return function(message, ...)
  if select("#", ...) > 0 then message = message:format(...) end
  error(author.placed(message), 0)
end
