-- NAME: a report format of your own.
--
--   kedge check example.org -f ./NAME.lua          writes it to standard output
--   kedge check example.org -f ./NAME.lua:FILE     to a file, which appears when it is whole
--   kedge ./NAME_test.lua                          tests it
--
-- In ~/.config/kedge/ it has a name: -f NAME. Each of the three functions may be left out. They must not wait.

return {
  -- Once, before the first result. report.script is the command; out.state is a table of the format's own.
  start = function(out, report)
    out:write("# kedge ", out:escape(report.script), "\n")
  end,

  -- For each result, as soon as it is done: r.id, r.status, r.code, r.message ... `-f json` shows all fields.
  -- Text that came from a server or a user goes through out:escape, so that it can't break the line.
  result = function(out, r)
    out:write(("%-4s %s %s: %s\n"):format(r.status, out:escape(r.id), r.code, out:escape(r.message)))
  end,

  -- Once, at the end: report.summary counts total, ok, warn, fail, skip. A whole number that is returned here would be
  -- the exit status.
  finish = function(out, report)
    out:write(("# %d checks, %d failed\n"):format(report.summary.total, report.summary.fail))
  end,
}
