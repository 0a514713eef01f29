"""Mistakes of a script's author: one clear message with the line in their file; other checks and the report go on; exit 3."""

import fcntl
import os
import signal
import struct
import sys
import tempfile
import termios
import textwrap
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
from kedge import rows

# A mistake in the file itself: nothing runs. Word, text of mine.lua, what the line says.
AT_LOAD = [
    ("no run", """
        return {
          summary = "x",
        }""", "mine.lua:1: the field 'run' (a function) is missing"),
    ("misspelt field", """
        return {
          summary = "x",
          rnu = function() end,
        }""", "mine.lua:3: the field 'rnu' is unknown; did you mean 'run'?"),
    ("wrong type", """
        local text = 5
        return {
          summary = text, run = function() end }""", "mine.lua:3: the field 'summary' is a number, not a string"),
    ("nothing returned", """
        local _ = 1""", "it returns nothing, not a table"),
    ("a format", """
        return { result = function() end }""", "-f ./mine.lua"),
    ("syntax", """
        local x = 1
        retrun {}""", "mine.lua:2: "),
    ("global misspelt", """
        local number = 1
        return { summary = nubmer, run = print }""", "mine.lua:2: there is no variable 'nubmer'; did you mean 'number'?"),
    ("kedge without require", """
        local now = kedge.now
        return {}""", 'mine.lua:1: there is no variable \'kedge\'; write local kedge = require "kedge"'),
    ("global made", """
        function helper() end
        return {}""", "mine.lua:1: 'helper' would become global, and shared by all checks: write local function helper(...)"),
    ("module misspelt", """
        local kedge = require "kegde"
        return {}""", "mine.lua:1: there is no module 'kegde'"),
    ("module of kedge misspelt", """
        local x = require "kedge.tragets"
        return {}""", "mine.lua:1: kedge has no module 'kedge.tragets'; did you mean 'kedge.target'?"),
    ("raised", """
        -- a comment
        error("no luck")""", "mine.lua:2: no luck"),
    ("options misspelt", """
        return {
          summary = "x", run = print,
          options = function(cmd)
            cmd:optoin("--days")
          end,
        }""", ["mine.lua:4: ", "'optoin'", "did you mean 'option'?"]),
    ("default misspelt", """
        return {
          summary = "x", run = print,
          options = function(_, defaults)
            defaults.tiemout = 3
          end,
        }""", "mine.lua:4: there is no option 'tiemout'; did you mean 'timeout'?"),
    ("default wrong", """
        return {
          summary = "x", run = print,
          options = function(_, defaults)
            defaults.tls = "1.9"
          end,
        }""", ["mine.lua:4: ", "1.0-1.2", "1.9"]),
]  # fmt: skip

# A mistake in the function of one item ("b"), whose lines begin at 5: the line after it stands in the message.
IN_A_CHECK = [
    ("runtime error", 'return nil + 1', 5, "attempt to perform arithmetic on a nil value"),
    ("raised", 'error("no luck")', 5, "no luck"),
    ("raised a table", 'error({ 1 })', 5, "an error that is a table was raised"),
    ("raised a status", 'error({ status = 404, body = "nothing there" })', 5, "an error that is a table was raised"),
    ("raised a result", 'error(kedge.fail(item, "queue.long", "too many wait"))', 5, "too many wait"),
    ("raised nothing", 'error(nil)', 5, "an error that is a nil was raised"),
    ("local misspelt", 'return kedge.ok(itme)', 5, "there is no variable 'itme'; did you mean 'item'?"),
    ("library misspelt", 'return kedge.ok(string.fromat("x"))', 5, "string has no 'fromat'; did you mean 'format'?"),
    ("global made", 'count = 1', 5, "'count' would become global, and shared by all checks: write local count"),
    ("kedge misspelt", 'return kedge.chek(item)', 5, "kedge has no 'chek'; did you mean 'check'?"),
    ("option misspelt", 'return kedge.check("127.0.0.1:1", { tiemout = 3 })', 5, "kedge.check has no option 'tiemout'; did you mean 'timeout'?"),
    ("option wrong", 'return kedge.check("127.0.0.1:1", { timeout = "soon" })', 5, "soon"),
    ("target wrong", 'return kedge.check("htps://a.test")', 5, "https"),
    ("argument misspelt", 'return ctx.args.hots', 5, "there is no argument 'hots'; did you mean 'host'?"),
    ("option of ctx misspelt", 'return ctx.options.tiemout', 5, "there is no option 'tiemout'; did you mean 'timeout'?"),
    ("ctx misspelt", 'ctx:reprot(kedge.ok(item))', 5, "ctx has no 'reprot'; did you mean 'report'?"),
    ("result's field misspelt", 'return { id = item, status = "ok", mesage = "x" }', 4, "a result has no field 'mesage'; did you mean 'message'?"),
    ("result's type", 'return { id = item, status = "ok", message = 5 }', 4, "'message' is a string, not a number"),
    ("result's status", 'return { id = item, status = "good" }', 4, "'status' is ok, warn, fail or skip"),
    ("no result", 'return true', 4, "a result is a table, not a boolean"),
    ("reported misspelt", 'ctx:report({ id = item, status = "ok", mesage = "x" })', 5, "did you mean 'message'?"),
    ("code", 'return kedge.fail(item, "Too long")', 5, "two words"),
    ("wait in sort", 'table.sort({ 1, 2 }, function() kedge.sleep(0) end)', 5, "cannot wait here: not inside sort"),
    ("wait in gsub", '("x"):gsub(".", function() kedge.check("127.0.0.1:1") end)', 5, "cannot wait here: not inside sort, gsub"),
    ("wait in tostring", 'tostring(setmetatable({}, { __tostring = function() kedge.sleep(0) end }))', 5, "cannot wait here"),
    ("wait in a coroutine", 'coroutine.wrap(function() kedge.sleep(0) end)()', 5, "cannot wait here"),
    ("too early", 'require("kedge.task").spawn(kedge.sleep, 1000)', 4, "returned while 1 of its coroutines were at work"),
    ("exit", 'os.exit(0)', 5, "return a status from run"),
    ("popen", 'io.popen("true")', 5, "kedge.run"),
    ("deep", 'local function f() return 1 + f() end f()', 5, "stack overflow"),
    ("bytecode", 'assert(load(string.dump(function() end)))', 5, "binary chunk"),
]  # fmt: skip

ITEMS = """\
local kedge = require "kedge"
return { summary = "x", options = function(cmd) cmd:option("--host") end,
  run = function(ctx)
    ctx:each({ "a", "b", "c" }, function(item) if item ~= "b" then return kedge.ok(item) end
      %s
    end)
  end }
"""

# A mistake in run, after one result was reported. Lines of it begin at 4.
IN_RUN = [
    ("raised", 'error("no luck")', "mine.lua:4: no luck"),
    ("status", "return 9", "mine.lua:2: the script ./mine.lua returned 9, which is not a status from 0 to 5"),
    ("result returned", 'return kedge.ok("b")', "mine.lua:2: run returned a table, which nobody reads: report a result with ctx:report(result)"),
    ("too early", 'require("kedge.task").spawn(kedge.sleep, 1000)', "mine.lua:2: run returned while 1 of its coroutines were at work"),
    ("a list with a gap", 'ctx:each({ "a", "b", nil, "d" }, print)', "mine.lua:4: ctx:each: item 3 is nil, and others follow it"),
    ("no list", "ctx:each(nil, print)", "mine.lua:4: ctx:each wants a list or an iterator, not a nil"),
    ("no script", 'ctx:run("regoins")', "mine.lua:4: unknown command 'regoins'; did you mean 'regions'?"),
    ("words of a script", 'ctx:run("check", { "--expect-sttus", "2xx" })', "mine.lua:4: check: unknown option '--expect-sttus'; did you mean '--expect-status'?"),
    ("argument of a script", 'ctx:run("check", { "127.0.0.1:1", protcol = "h2" })', "mine.lua:4: there is no argument 'protcol'; did you mean 'protocol'?"),
]  # fmt: skip

SILENT = [
    ("nothing", "", "mine.lua:2: nothing was reported: run reports with ctx:report(result) or ctx:each(list, function)"),
    ("no return", 'ctx:each({ "a" }, function(item)\n kedge.ok(item) end)', "mine.lua:3: nothing was reported: the function given to ctx:each"),
]  # fmt: skip

RUN = 'local kedge = require "kedge"\nreturn { summary = "x", run = function(ctx)%s\n%s end }\n'

# Loops without end; the line that is told.
ENDLESS = [
    ("plain", "while true do end", 5),
    ("in a coroutine", "coroutine.wrap(function() while true do end end)()", 5),
    ("in sort", "table.sort({ 1, 2 }, function() while true do end end)", 5),
    ("caught", "while true do pcall(function() for _ = 1, 1000 do end end) end", 5),
    ("calls of kedge", "while true do kedge.now() end", 5),
    ("strings", 'while true do ("x"):rep(10) end', 5),
]  # fmt: skip

BAD_FORMATS = [
    ("empty", "return {}", "mine.lua:1: it has none of start, result and finish"),
    ("misspelt", "return { result = print,\n finnish = print }", "mine.lua:2: the field 'finnish' is unknown; did you mean 'finish'?"),
    ("a script", 'return { summary = "x", run = print }', "mine.lua:1: "),
    ("syntax", "return {", "mine.lua:1: "),
]  # fmt: skip


def unread(pipe):
    """Bytes that wait in a pipe."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]


class Author(kedge.Test):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())

    def write(self, text, name="mine.lua"):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(textwrap.dedent(text).lstrip("\n"))

    def run_it(self, *arguments):
        return kedge.run("./mine.lua", *arguments, cwd=self.folder)

    @rows(AT_LOAD)
    def at_load(self, _, text, words):
        self.write(text)
        for arguments in (["./mine.lua"], ["help", "./mine.lua"]):
            self.refused(*arguments, says=words, exit_status=3, cwd=self.folder)

    @rows(IN_A_CHECK)
    def in_a_check(self, _, line, number, words):
        self.write(ITEMS % line)
        done = self.run_it("-f", "json")
        self.assertEqual((done.status, done.err), (3, ""), str(done))
        self.assertEqual([(r["id"], r["status"]) for r in done.results], [("a", "ok"), ("b", "fail"), ("c", "ok")], str(done))
        result = done.results[1]
        self.assertEqual(result["code"], "script.error")
        self.assertIn(words, result["message"])
        self.assertIn(f"mine.lua:{number}: ", result["message"])
        self.assertNotIn("?:-1", result["message"])

    def test_what_is_given_to_kedge_check_as_it_is(self):
        self.write(RUN % ("", 'ctx:each({ { id = "a", host = "x" }, "b c" }, kedge.check)'))
        done = self.run_it("-f", "json")
        self.assertEqual((done.status, [r["code"] for r in done.results]), (3, ["script.error"] * 2), str(done))
        for result, words in zip(done.results, ("wants a target", "'b c' is not a host name"), strict=True):
            self.assertIn("mine.lua:3: ", result["message"])
            self.assertIn(words, result["message"])

    def test_an_iterator_that_raises_loses_nothing(self):
        self.write(RUN % ("", """local n = 0
            ctx:each(function() n = n + 1 if n == 3 then error("no more") end return "i" .. n end,
              function(item) kedge.sleep(0.05) return kedge.ok(item) end)"""))
        done = self.run_it("-f", "json")
        self.assertEqual((done.status, sorted(r["id"] for r in done.results)), (3, ["i1", "i2"]), str(done))
        self.assertIn("mine.lua:4: no more", done.err)

    @rows([
        ("a gap", 'return { kedge.ok("1"), nil, kedge.ok("3") }', ["1"], "result 2 of the list that the function returned is nil"),
        ("an empty list", "return {}", [], "returned an empty list; where nothing is to be reported it returns nothing"),
    ])
    def lists_of_results(self, _, line, ids, words):
        self.write(ITEMS % line)
        done = self.run_it("-f", "json")
        self.assertEqual((done.status, [r["id"] for r in done.results]), (3, ["a", "b", *ids, "c"]), str(done))
        self.assertRegex(done.results[1]["message"], rf"mine\.lua:\d+: .*{words}")

    @rows([
        ("a host alone", 'ctx:each({ host = "x" }, print)', "ctx:each wants a list, not a table with the name 'host'"),
        ("a gap", 'ctx:each({ "a", nil, "c" }, print)', "ctx:each: item 2 is nil, and others follow it"),
        ("names for kedge.map", "kedge.map({ a = 1 }, print)", "kedge.map wants a list, not a table with the name 'a'"),
        ("a gap for kedge.map", "kedge.map({ 1, nil, 3 }, print)", "kedge.map: item 2 is nil, and others follow it"),
        ("a gap for kedge.all", "kedge.all({ nil, print })", "kedge.all: item 1 is nil, and others follow it"),
    ])
    def no_list(self, _, line, words):
        self.write(RUN % ("", line))
        done = self.run_it("-f", "json")
        self.assertEqual((done.status, done.results), (3, []), str(done))
        self.assertIn("mine.lua:3: " + words, done.err)

    @rows([
        ("a number", ["--days", "abc"], "--days: 'abc' is no number", 2),
        ("by its short name", ["-d", "abc"], "--days: 'abc' is no number", 2),
        ("a whole number", ["1.5"], "N: '1.5' is no whole number", 2),
        ("one of some", ["--map", "c"], "--map: 'c' is none of a, b", 2),
        ("whatever", ["--odd", "x"], "--odd: 'x' is not what it takes", 2),
        ("with a message", ["--own", "x"], "own words of x", 2),
        ("one that raises", ["--raise", "x"], "mine.lua:5: boo", 3),
    ])
    def values_of_options(self, _, words, says, status):
        self.write("""\
            return { summary = "x", run = function() return 0 end, options = function(cmd)
              cmd:option("-d --days"):convert(tonumber)
              cmd:option("--map"):convert { a = 1, b = 2 }
              cmd:option("--odd"):convert(function() return nil end)
              cmd:option("--raise"):convert(function() error("boo") end)
              cmd:option("--own"):convert(function(text) return nil, "own words of " .. text end)
              cmd:argument("N"):args("*"):convert(math.tointeger)
            end }""")
        self.refused("./mine.lua", *words, says=says, exit_status=status, cwd=self.folder)

    def test_what_ctx_each_takes_kedge_map_takes(self):
        self.write(RUN % ("", 'for _, r in ipairs(kedge.map({ "127.0.0.1:1", "127.0.0.1:2" }, kedge.check)) do ctx:report(r) end'))
        done = self.run_it("-f", "json")
        self.assertEqual([r["code"] for r in done.results], ["tcp.refused"] * 2, str(done))

    @rows(IN_RUN)
    def in_run(self, _, line, words):
        self.write(RUN % ('\nctx:report(kedge.ok("a"))', line))
        done = self.run_it("-f", "json")
        self.assertEqual((done.status, [r["id"] for r in done.results]), (3, ["a"]), str(done))
        self.assertIn(words, done.err)
        self.assertEqual(done.err.count("\n"), 1, done.err)

    @rows(SILENT)
    def silent(self, _, line, words):
        self.write(RUN % ("", line))
        done = self.run_it("-f", "json")
        self.assertEqual((done.status, done.results), (3, []), str(done))
        self.assertIn(words, done.err)

    def test_nothing_to_report_can_be_right(self):
        for line in ("return 0", "ctx:each({}, print)", "ctx:each(function() end, print)"):
            self.write(RUN % ("", line))
            done = self.run_it("-f", "json")
            self.assertEqual((done.status, done.err), (0, ""), line + str(done))

    def test_a_wait_in_require(self):
        self.write('require("kedge").sleep(0)\n', "helper.lua")
        self.write('\nlocal x = require "helper"\nreturn {}')
        self.refused("./mine.lua", says="helper.lua:1: cannot wait here: not inside sort, gsub, a metamethod or require",
                     exit_status=3, cwd=self.folder)  # fmt: skip

    def interrupted(self, text, count=1):
        """Runs mine.lua, sends SIGINT once it says that it is there; its end."""
        self.write(text)
        process = kedge.start("./mine.lua", "-f", "json", cwd=self.folder)
        self.addCleanup(kedge.stop, process)
        self.assertEqual(process.stderr.readline(), b"kedge: here\n")
        for _ in range(count):
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=kedge.GUARD)
        return process.returncode, out, err

    @rows(ENDLESS)
    def endless(self, _, line, number):
        """The function that spins is told; the report is written; kedge dies by the signal."""
        status, out, err = self.interrupted(ITEMS % f'ctx:log("here") {line}')
        self.assertEqual((status, err), (-signal.SIGINT, b""))
        results = kedge.validated(out)["results"]
        self.assertEqual([(r["id"], r["status"]) for r in results], [("a", "ok"), ("b", "fail"), ("c", "ok")])
        self.assertIn(f"mine.lua:{number}: interrupted here", results[1]["message"])

    def test_endless_in_run(self):
        status, out, err = self.interrupted(RUN % ('\nctx:report(kedge.ok("a")) ctx:log("here")', "while true do end"))
        self.assertEqual((status, [r["id"] for r in kedge.validated(out)["results"]]), (-signal.SIGINT, ["a"]))
        self.assertIn(b"mine.lua:4: interrupted here", err)

    def test_a_function_that_waits_is_interrupted_too(self):
        text = ITEMS % 'ctx:log("here") kedge.sleep(1000)'
        status, out, err = self.interrupted(text)
        self.assertEqual((status, err), (-signal.SIGINT, b""))
        results = kedge.validated(out)["results"]
        self.assertEqual([(r["id"], r["code"]) for r in results], [("a", "ok"), ("b", "local.interrupted"), ("c", "ok")])

    def test_a_second_signal_ends_at_once(self):
        self.write(ITEMS % 'ctx:log("here") while true do ("x"):rep(1e8) end')
        process = kedge.start("./mine.lua", "-f", "json:out.json", cwd=self.folder)
        self.addCleanup(kedge.stop, process)
        self.assertEqual(process.stderr.readline(), b"kedge: here\n")
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=kedge.GUARD)
        self.assertIn(process.returncode, (-signal.SIGINT, -signal.SIGTERM))
        self.assertEqual(os.listdir(self.folder), ["mine.lua"])

    @rows(BAD_FORMATS)
    def bad_format(self, _, text, words):
        self.write(text)
        self.refused("check", "127.0.0.1:1", "-f", "./mine.lua", says=words, exit_status=3, cwd=self.folder)

    def test_a_format_that_fails_hurts_no_other(self):
        self.write("return {\nresult = function(out, r)\n  out:write(r.nothing.there) end }")
        done = kedge.run("check", "127.0.0.1:1", "-f", "json", "-f", "./mine.lua:out.txt", cwd=self.folder)
        self.assertEqual((done.status, len(done.results)), (3, 1), str(done))
        self.assertIn("mine.lua:3: ", done.err)
        self.assertEqual(os.listdir(self.folder), ["mine.lua"])

    def test_reporting_from_a_coroutine_waits_for_a_reader(self):
        """Where nobody can wait in the loop, what is written blocks, and arrives whole."""
        for call in ("coroutine.wrap(function() %s end)()", 'table.sort({ 1, 2 }, function() %s end)', '("x"):gsub("x", function() %s end)'):
            report = 'ctx:report(kedge.ok("item " .. i, nil, ("x"):rep(4000)))'
            self.write(RUN % ("", f"for i = 1, 100 do {call % report} end"))
            with kedge.start("./mine.lua", "-f", "jsonl", cwd=self.folder) as process:
                self.addCleanup(kedge.stop, process)
                while unread(process.stdout) < fcntl.fcntl(process.stdout, fcntl.F_GETPIPE_SZ) // 2:
                    self.assertIsNone(process.poll(), call)
                    time.sleep(0.01)
                lines = process.stdout.read().splitlines()
                self.assertEqual((len(lines), process.stderr.read()), (100, b""), call)

    def test_print_does_not_spoil_a_report(self):
        self.write(RUN % ("", 'print("hello", 1) return 0'))
        done = self.run_it("-f", "json")
        self.assertEqual((done.status, done.err, done.results), (0, "hello\t1\n", []), str(done))
        done = self.run_it("-q")
        self.assertEqual((done.status, done.out, done.err), (0, "hello\t1\n", ""), str(done))

    @rows([
        ("io.write", 'io.write("hello ", 1, "\\n")'),
        ("io.stdout", 'io.stdout:write("hello"):write(" 1\\n")'),
        ("io.output", 'io.output():write("hello 1\\n") io.output():flush() io.output():setvbuf("no")'),
    ])
    def writing_does_not_spoil_a_report(self, _, code):
        self.write(RUN % ("", code + " return 0"))
        done = self.run_it("-f", "json")
        self.assertEqual((done.status, done.err, done.results), (0, "hello 1\n", []), str(done))
        done = self.run_it("-q")
        self.assertEqual((done.status, done.out, done.err), (0, "hello 1\n", ""), str(done))

    def test_files_are_files(self):
        self.write(RUN % ("", """
            io.output("out"):write("a\\nb\\n") io.close()
            assert(io.read() == "first" and io.lines()() == "second" and io.stdin:read("a") == "third\\n")
            local list = {} for line in io.lines("out") do list[#list + 1] = line end
            io.input("out") assert(io.read() == "a" and io.type(io.stdout) == "file" and io.type(1) == nil)
            assert(not pcall(io.stdout.close, io.stdout) and not pcall(io.write, {}) and io.stdout:read() == nil)
            ctx:report(kedge.ok(table.concat(list)))"""))
        done = kedge.run("./mine.lua", "-f", "json", cwd=self.folder, stdin="first\nsecond\nthird\n")
        self.assertEqual((done.status, [r["id"] for r in done.results]), (0, ["ab"]), str(done))

    def test_what_at_reads_is_read_by_nobody_else(self):
        for code in ("io.read()", "io.stdin:read()", "io.lines()", "io.stdin:lines()"):
            self.write(RUN % ("", 'local list = ctx:targets { "@-" }\n%s ctx:each(list, kedge.check)' % code))
            done = kedge.run("./mine.lua", "-f", "json", cwd=self.folder, stdin="127.0.0.1:1\n127.0.0.1:2\n")
            self.assertEqual((done.status, done.results), (3, []), str(done))
            self.assertIn("mine.lua:4: standard input isn't for scripts here: @- reads targets from it", done.err)

    def test_a_script_that_runs_itself_ends(self):
        self.write(RUN % ("", 'ctx:report(kedge.ok("once more")) ctx:run("./mine.lua")'))
        done = self.run_it("-f", "json")
        self.assertEqual((done.status, len(done.results)), (3, 17), str(done))
        self.assertIn("mine.lua:3: ./mine.lua: scripts run each other more than 16 deep", done.err)
        self.assertEqual(done.err.count("\n"), 1, done.err)


if __name__ == "__main__":
    unittest.main()
