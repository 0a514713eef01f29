"""Scripts and formats of one's own: where they are found, what root may run, -e, -, new, list, help; against the lab."""

import ctypes
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
from kedge import rows

NOBODY = 65534
CLONE_NEWNET = 0x40000000

SCRIPT = """\
local kedge = require "kedge"
return {
  summary = "%s",
  offline = true,
  run = function(ctx) ctx:report(kedge.ok("%s")) end,
}
"""
FORMAT = 'return { result = function(out, r) out:write("%s ", r.id, "\\n") end }\n'


class Folders(kedge.Test):
    """Folders of all the places, each with what a test puts there."""

    parts = ("nginx",)

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.places = {
            "--script-dir": "first", "KEDGE_PATH": "path one", "KEDGE_PATH again": "path two", "XDG_CONFIG_HOME": "config/kedge",
            "HOME": "home/.config/kedge",
        }  # fmt: skip
        for folder in self.places.values():
            os.makedirs(os.path.join(self.folder, folder))
        self.env = {
            "KEDGE_PATH": f"{self.at('path one')}::{self.at('path two')}", "XDG_CONFIG_HOME": self.at("config"), "HOME": self.at("home"),
        }  # fmt: skip

    def at(self, *names):
        return os.path.join(self.folder, *names)

    def put(self, place, name, text):
        path = self.at(self.places.get(place, place), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def script(self, place, name="mine", word=None):
        return self.put(place, f"{name}.lua", SCRIPT % (word or place, word or place))

    def run_it(self, *arguments, **env):
        return kedge.run(*arguments, env={**self.env, **env}, cwd=self.folder)

    def ran(self, *arguments, **env):
        """The id of the one result: which file it was."""
        done = self.run_it(*arguments, "-f", "json", **env)
        self.assertEqual((done.status, done.err, len(done.results)), (0, "", 1), str(done))
        return done.results[0]["id"]


class Places(Folders):
    ORDER = ["--script-dir", "KEDGE_PATH", "KEDGE_PATH again", "XDG_CONFIG_HOME"]

    def test_order_of_scripts(self):
        """Each place wins over all behind it."""
        for place in reversed(self.ORDER):
            self.script(place)
            asked = ["--script-dir", self.at("first")] if place == "--script-dir" else []
            self.assertEqual(self.ran("mine", *asked), place)
        self.assertEqual(self.ran("mine"), "KEDGE_PATH")

    def test_order_of_formats(self):
        for place in reversed(self.ORDER):
            self.put(place, "words.lua", FORMAT % place)
            asked = ["--script-dir", self.at("first")] if place == "--script-dir" else []
            done = self.run_it("check", "127.0.0.1:1", "-f", "words", *asked)
            self.assertEqual((done.status, done.out), (4, f"{place} 127.0.0.1:1/auto\n"), str(done))

    def test_home_where_xdg_config_home_says_nothing(self):
        self.script("HOME")
        for value in ("", "relative"):
            self.assertEqual(self.ran("mine", XDG_CONFIG_HOME=value), "HOME")
        self.refused("mine", says="unknown command 'mine'", env=self.env)

    def test_etc_and_the_prefix(self):
        """The last two places, in a mount namespace of their own: nothing of this machine is touched."""
        prefix = kedge.run("-e", 'require("kedge.core.embedded").prefix').out.strip()
        shared = f"{prefix}/share"
        if os.geteuid() != 0 or not os.path.isdir(shared):
            self.skipTest("needs root and a folder to mount on")
        self.script("etc/kedge", word="etc")
        self.script("share/kedge", word="prefix")
        self.script("share/kedge", "other", "other")
        mounts = "mount -t tmpfs none /etc && mkdir /etc/kedge && cp etc/kedge/* /etc/kedge/ && mount -t tmpfs none {0} && cp -r share/kedge {0}/ && "
        for name, word in (("mine", "etc"), ("other", "other")):
            done = subprocess.run(
                ["unshare", "-m", "sh", "-c", mounts.format(shared) + f'exec "$0" {name} -f jsonl', kedge.KEDGE],
                cwd=self.folder, env=kedge.environment(HOME="/nonexistent"), capture_output=True, text=True, timeout=kedge.GUARD, check=False)  # fmt: skip
            if "mount" in done.stderr:
                self.skipTest(done.stderr.strip())
            self.assertIn(f'"id":"{word}"', done.stdout, done.stderr)

    def test_a_bundled_name_is_taken_from_outside_only_when_that_is_said(self):
        for place in self.ORDER[1:]:
            self.script(place, "regions")
        path = self.script("--script-dir", "regions")
        done = self.run_it("help", "regions")
        self.assertIn("Alexa Voice Service", done.out)
        self.assertEqual(self.ran("--script-dir", self.at("first"), "regions"), "--script-dir")
        self.assertEqual(self.ran("regions", f"--script-dir={self.at('first')}"), "--script-dir")
        self.assertEqual(self.ran(path), "--script-dir")

    def test_a_built_in_format_likewise(self):
        for place in ("KEDGE_PATH", "--script-dir"):
            self.put(place, "text.lua", FORMAT % place)
        self.assertIn("1 check: 1 failed", self.run_it("check", "127.0.0.1:1").out)
        self.assertEqual(self.run_it("check", "127.0.0.1:1", "--script-dir", self.at("first")).out, "--script-dir 127.0.0.1:1/auto\n")

    def test_paths(self):
        self.script(".", "here", "here")
        os.symlink("here.lua", self.at("link.lua"))
        os.rename(self.script(".", "x", "no suffix"), self.at("plain"))
        for path, word in (("./here.lua", "here"), ("here.lua", "here"), (self.at("here.lua"), "here"), ("./link.lua", "here"), ("./plain", "no suffix")):
            self.assertEqual(self.ran(path), word)

    def test_modules_beside_the_script(self):
        """Beside the file itself, wherever a link to it is; with its folder's folders; each loaded once."""
        self.put("lib", "helper.lua", 'local deep = require "deep.er"\nreturn { word = deep.word, again = require "deep.er" == deep }')
        self.put("lib/deep", "er.lua", 'return { word = "deep" }')
        self.put("lib", "tool.lua", 'local kedge, h = require "kedge", require "helper"\nreturn { summary = "x", offline = true,'
                 ' run = function(ctx) ctx:report(kedge.ok(h.word .. tostring(h.again))) end }')  # fmt: skip
        os.symlink("lib/tool.lua", self.at("tool.lua"))
        self.put(".", "helper.lua", 'error "the wrong one"')
        self.assertEqual(self.ran("./tool.lua"), "deeptrue")

    def test_modules_from_nowhere_else(self):
        self.put(".", "outside.lua", 'error "taken from outside"')
        path = self.put("lib", "tool.lua", 'require "outside"')
        for module in ("outside", "../outside", "/etc/passwd", "..outside"):
            self.put("lib", "tool.lua", f'require "{module}"')
            self.refused(path, says=["tool.lua:1: there is no module"], exit_status=3, cwd=self.folder,
                         env={"LUA_PATH": "./?.lua", "LUA_CPATH": "./?.so"})  # fmt: skip

    def test_a_first_line_for_the_kernel(self):
        path = self.put(".", "tool", f"#!{kedge.KEDGE}\n" + SCRIPT % ("x", "run by its name"))
        os.chmod(path, 0o755)
        done = subprocess.run([path, "-f", "jsonl"], env=kedge.environment(), capture_output=True, text=True, timeout=kedge.GUARD, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("run by its name", done.stdout)

    def test_one_script_inside_another(self):
        """Its results go through a function into the same report; its own defaults hold for it."""
        path = self.put(".", "outer.lua", """\
            local kedge = require "kedge"
            return { summary = "x", run = function(ctx)
              local list = ctx:run("check", { "127.0.0.1:1", "--timeout", "3", protocol = "h2" }, function(r)
                r.id = "inner " .. r.id
                return r
              end)
              ctx:report(kedge.ok("after " .. #list .. " " .. list[1].code))
            end }""")  # fmt: skip
        done = self.run_it(path, "-f", "json")
        self.assertEqual([r["id"] for r in done.results], ["inner 127.0.0.1:1/h2", "after 1 tcp.refused"], str(done))
        self.assertEqual((done.status, done.report["script"]), (1, path))

    def test_a_strangers_first_script(self):
        """The ten lines of the design, against a real server."""
        path = self.put(".", "mine.lua", """\
            local kedge = require "kedge"
            return {
              summary = "our certificates live another 30000 days",
              run = function(ctx)
                ctx:each({ "a.example", "b.example" }, function(host)
                  local r = kedge.check("https://" .. host)
                  if r.chain and r.chain[1].days_left < 30000 then
                    return kedge.fail(r, "cert.expires_soon", "renew the certificate of " .. host)
                  end
                  return r
                end)
              end,
            }""")  # fmt: skip
        done = self.run_it(path, "-f", "json", "--insecure", "--trust", self.anchors, "--connect-to", f"::127.0.0.1:{self.lab.port['good']}")
        self.assertEqual((done.status, done.err), (1, ""), str(done))
        self.assertEqual([(r["code"], r["message"]) for r in done.results],
                         [("cert.expires_soon", "renew the certificate of a.example"), ("cert.expires_soon", "renew the certificate of b.example")])  # fmt: skip


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


BAD_FILES = [
    ("absent", lambda path: None, "No such file"),
    ("folder", os.mkdir, "is a folder, not a Lua file"),
    ("fifo", os.mkfifo, "is a FIFO, not a Lua file"),
    ("empty", lambda path: write(path, b""), "it returns nothing, not a table"),
    ("binary", lambda path: write(path, b"\x7fELF\0\0"), "is not Lua"),
    ("bytecode", lambda path: write(path, b"\x1bLua\x54\0\x19\x93"), "is bytecode"),
    ("bytecode behind a line", lambda path: write(path, b"#!x\n\x1bLua"), "mine.lua:2: "),
    ("large", lambda path: write(path, b"-" * (1024 * 1024 + 1)), "is larger than 1 MiB"),
    ("loop of links", lambda path: os.symlink(path, path), "symbolic links"),
    ("hostile", lambda path: write(path, b"\x1b[2J error"), "is bytecode"),
]  # fmt: skip


class Files(Folders):
    parts = None

    @rows(BAD_FILES)
    def bad(self, _, make, words):
        make(self.at("mine.lua"))
        for arguments in (["./mine.lua"], ["check", "127.0.0.1:1", "-f", "./mine.lua"]):
            self.refused(*arguments, says=["./mine.lua", words] if "mine" not in words else words, exit_status=3, cwd=self.folder)

    def test_unreadable(self):
        path = self.script(".")
        os.chmod(self.folder, 0o755)
        os.chmod(path, 0)
        self.refused("./mine.lua", says="ermission denied", exit_status=3, cwd=self.folder, preexec_fn=be_nobody)

    def test_no_such_script_dir(self):
        for folder in ("/nonexistent", kedge.KEDGE):
            for arguments in (["mine"], ["list"], ["help", "mine"]):
                self.refused(*arguments, "--script-dir", folder, says=["--script-dir", folder], exit_status=3)


def be_nobody():
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


# What isn't root's alone, made in a folder that holds lib/mine.lua; what the line says.
GUARDED = [
    ("file of another", lambda at: os.chown(at("lib/mine.lua"), NOBODY, 0), ["lib/mine.lua belongs to user 65534", "root alone"]),
    ("folder of another", lambda at: os.chown(at("lib"), NOBODY, 0), ["lib belongs to user 65534"]),
    ("file for all", lambda at: os.chmod(at("lib/mine.lua"), 0o666), ["others may write", "lib/mine.lua", "chmod go-w"]),
    ("folder for all", lambda at: os.chmod(at("lib"), 0o777), ["others may write", "/lib,"]),
    ("folder for a group", lambda at: (os.chown(at("lib"), 0, NOBODY), os.chmod(at("lib"), 0o775)), ["others may write", "/lib,"]),
    ("link of another", lambda at: (os.rename(at("lib/mine.lua"), at("real.lua")), os.symlink("../real.lua", at("lib/mine.lua")),
                                    os.lchown(at("lib/mine.lua"), NOBODY, 0)), ["lib/mine.lua belongs to user 65534"]),
    ("link into a folder of another", lambda at: (os.mkdir(at("theirs")), os.rename(at("lib/mine.lua"), at("theirs/mine.lua")),
                                                  os.chown(at("theirs"), NOBODY, 0), os.symlink("../theirs/mine.lua", at("lib/mine.lua"))),
     ["theirs belongs to user 65534"]),
    ("way through a folder of another", lambda at: (os.mkdir(at("theirs")), os.rename(at("lib"), at("theirs/lib")), os.chown(at("theirs"), NOBODY, 0),
                                                    os.symlink("theirs/lib", at("lib"))), ["theirs belongs to user 65534"]),
    ("second name in a sticky folder", lambda at: (os.chmod(at("lib"), 0o1777), os.link(at("lib/mine.lua"), at("other"))), ["another name"]),
]  # fmt: skip

ALLOWED = [
    ("as it is", lambda at: None),
    ("sticky folder", lambda at: os.chmod(at("lib"), 0o1777)),
    ("group root", lambda at: os.chmod(at("lib"), 0o775)),
    ("second name", lambda at: os.link(at("lib/mine.lua"), at("other"))),
    ("link of root", lambda at: (os.rename(at("lib/mine.lua"), at("real.lua")), os.symlink("../real.lua", at("lib/mine.lua")))),
    ("up and down", lambda at: os.symlink("../lib/../lib/mine.lua", at("lib/x.lua"))),
]  # fmt: skip


@unittest.skipIf(os.geteuid() != 0, "only root is guarded")
class Root(Folders):
    parts = None

    def setUp(self):
        super().setUp()
        self.script("lib")
        self.put("lib", "words.lua", FORMAT % "x")

    @rows(GUARDED)
    def guarded(self, _, change, words):
        """Named by path, found in a folder that is asked for, found by name: refused; anybody else may run it."""
        change(self.at)
        for arguments, env in ((["lib/mine.lua"], {}), (["--script-dir", "lib", "mine"], {}), (["mine"], {"KEDGE_PATH": "lib"})):
            self.refused(*arguments, says=words, exit_status=3, cwd=self.folder, env=env)
        os.chmod(self.folder, 0o755)
        self.assertEqual(kedge.run("lib/mine.lua", cwd=self.folder, preexec_fn=be_nobody).status, 0)

    @rows(ALLOWED)
    def allowed(self, _, change):
        change(self.at)
        self.assertEqual(self.ran("lib/mine.lua"), "lib")

    def test_formats_and_modules_are_guarded_too(self):
        os.chown(self.at("lib/words.lua"), NOBODY, 0)
        self.refused("check", "127.0.0.1:1", "-f", "lib/words.lua", says="lib/words.lua belongs to user 65534", exit_status=3, cwd=self.folder)
        self.put("lib", "mine.lua", 'require "words"')
        self.refused("lib/mine.lua", says=["mine.lua:1: ", "words.lua belongs to user 65534"], exit_status=3, cwd=self.folder)


class List(Folders):
    parts = None

    def test_where_each_comes_from(self):
        self.script("KEDGE_PATH", "mine", "of the path")
        self.script("KEDGE_PATH", "regions", "not the real one")
        self.put("KEDGE_PATH", "mine_test.lua", "error 'a test is not listed'")
        self.put("XDG_CONFIG_HOME", "words.lua", FORMAT % "x")
        self.script("XDG_CONFIG_HOME", "mine", "of the configuration")
        done = self.run_it("list")
        self.assertEqual((done.status, done.err), (0, ""), str(done))
        titles = [line for line in done.out.splitlines() if line and not line.startswith(" ")]
        self.assertEqual(titles, ["built in", self.at("path one"), self.at("config/kedge")])
        for words in ("  mine        of the path\n", "not the real one (hidden by the one above", "of the configuration (hidden", "  -f          words\n"):
            self.assertIn(words, done.out)

    def test_what_cannot_be_used_is_said(self):
        self.put("KEDGE_PATH", "bad.lua", "return {")
        self.script("KEDGE_PATH")
        done = self.run_it("list")
        self.assertEqual(done.status, 3)
        self.assertIn("bad.lua:1: ", done.err)
        self.assertIn("  mine ", done.out)

    def test_help_of_all(self):
        self.script("KEDGE_PATH", "mine", "of the path")
        self.script(".", "other", "of a file")
        for name, words in (("mine", "of the path"), ("./other.lua", "of a file"), ("other.lua", "of a file")):
            for arguments in (["help", name], [name, "--help"], ["--help", name]):
                done = self.run_it(*arguments)
                self.assertEqual((done.status, done.err), (0, ""), str(done))
                self.assertIn(words, done.out)

    def test_the_nearest_name_of_all(self):
        self.script("KEDGE_PATH", "temperature")
        self.refused("temprature", says="did you mean 'temperature'?", env=self.env)
        self.put("KEDGE_PATH", "influx.lua", FORMAT % "x")
        self.refused("check", "a.test", "-f", "inflx", says="did you mean 'influx'?", env=self.env)


CODES = [
    # word, arguments, standard output
    ("expression", ["-e", "1 + 1"], "2\n"),
    ("values", ["-e", "1, 'a', nil, {a = 1}"], '1\na\nnil\n{"a":1}\n'),
    ("statement", ["-e", "local x = 2 print(x)"], "2\n"),
    ("variable", ["-e", "x = 2 y = x print(y)"], "2\n"),
    ("arguments", ["-e", "print(...)", "a", "--", "-b"], "a\t-b\n"),
    ("two", ["-e", "x = 1", "-e", "print(x)"], "1\n"),
    ("attached", ["-e1+1"], "2\n"),
    ("check", ["-e", 'print(kedge.check("127.0.0.1:1").code)'], "tcp.refused\n"),
    ("option of a check", ["--timeout", "3", "-e", "ctx.options.timeout"], "3\n"),
    ("option behind", ["-e", "ctx.options.timeout", "--timeout", "3"], "3\n"),
    ("nothing", ["-e", "local x = 1"], ""),
]


class Code(Folders):
    @rows(CODES)
    def code(self, _, arguments, out):
        done = self.run_it(*arguments)
        self.assertEqual((done.status, done.out, done.err), (0, out, ""), str(done))

    def test_a_result_is_reported(self):
        for code in ('kedge.check("127.0.0.1:1")', 'return { kedge.check("127.0.0.1:1") }', 'ctx:report(kedge.check("127.0.0.1:1"))'):
            done = self.run_it("-e", code)
            self.assertEqual(done.status, 4, str(done))
            self.assertIn("1 check: 1 failed", done.out)
            done = self.run_it("-e", code, "-f", "json")
            self.assertEqual((done.status, done.results[0]["code"]), (4, "tcp.refused"))

    def test_print_beside_a_report(self):
        done = self.run_it("-e", 'print("x") return kedge.ok("a")', "-f", "json")
        self.assertEqual((done.status, done.err, done.results[0]["id"]), (0, "x\n", "a"))

    def test_against_a_server(self):
        arguments = self.to("good")[2:]
        done = self.run_it("-e", f'kedge.check("https://{kedge.AVS}").tls.version', *arguments)
        self.assertEqual((done.status, done.out), (0, "TLSv1.2\n"), str(done))

    @rows([
        ("syntax", "1 +", "-e:1: "), ("misspelt", "kedge.chek()", "-e:1: kedge has no 'chek'; did you mean 'check'?"),
        ("raised", "error('no luck')", "-e:1: no luck"), ("variable", "print(nothing)", "-e:1: there is no variable 'nothing'"),
    ])  # fmt: skip
    def wrong(self, _, code, words):
        self.refused("-e", code, says=words, exit_status=3)

    def test_script_dir(self):
        self.script("--script-dir")
        for arguments in (["-e", "ctx:run('mine')", "--script-dir", self.at("first")], ["--script-dir", self.at("first"), "-e", "ctx:run('mine')"]):
            self.assertEqual(self.ran(*arguments), "--script-dir")
        self.refused("-e", "1", "--script-dir", "/nonexistent", says="--script-dir", exit_status=3)

    def test_no_code(self):
        self.refused("-e", says="-e needs a value")

    def test_standard_input(self):
        text = """#!/usr/bin/env kedge
            local kedge = require "kedge"
            return { summary = "x", offline = true, options = function(cmd) cmd:argument("WORD") cmd:option("--more") end,
              run = function(ctx) ctx:report(kedge.ok(ctx.args.WORD .. (ctx.args.more or ""))) end }"""
        for arguments, word in ((["-", "a"], "a"), (["-", "a", "--more", "b"], "ab"), (["-f", "json", "-", "a"], "a")):
            done = kedge.run(*arguments, "-f", "json", stdin=text) if arguments[0] == "-" else kedge.run(*arguments, stdin=text)
            self.assertEqual((done.status, done.err, done.results[0]["id"]), (0, "", word), str(done))
        self.assertIn("--more", kedge.run("-", "--help", stdin=text).out)

    def test_standard_input_that_is_none(self):
        for text, words in (("", "standard input:1: it returns nothing"), ("return {}", "standard input:1: the field 'run'"), ("x x", "standard input:1: "),
                            ("--" + "x" * 1024 * 1024, "larger than 1 MiB"), ("\x1bLua", "bytecode")):  # fmt: skip
            self.refused("-", says=words, exit_status=3, stdin=text)


class New(Folders):
    def test_a_script_and_its_test(self):
        """What is written runs as it stands: against a server, and its test without one."""
        done = self.run_it("new", "mine")
        self.assertEqual((done.status, done.err), (0, ""), str(done))
        self.assertEqual([name for name in sorted(os.listdir(self.folder)) if name.endswith(".lua")], ["mine.lua", "mine_test.lua"])
        for words in ("mine.lua", "kedge ./mine_test.lua", "kedge help api"):
            self.assertIn(words, done.out)
        arguments = self.to("good")[2:]
        done = self.run_it("./mine.lua", f"https://{kedge.AVS}", *arguments, "-f", "json")
        self.assertEqual((done.status, done.results[0]["code"]), (0, "ok"), str(done))
        self.assertIsInstance(done.results[0]["values"]["days_left"], int)
        done = self.run_it("./mine.lua", f"https://{kedge.AVS}", *arguments, "--days", "40000", "-f", "json")
        self.assertEqual((done.status, done.results[0]["code"]), (0, "cert.expires_soon"), str(done))
        done = self.run_it("./mine.lua", "--timeout", "0.01", "-f", "json", "--dns", "127.0.0.1:1")
        self.assertEqual([r["target"]["host"] for r in done.results], ["example.org"], str(done))
        done = kedge.run("./mine_test.lua", "-f", "json", cwd=self.folder, preexec_fn=without_network)
        self.assertEqual((done.status, done.err, done.report["summary"]["ok"]), (0, "", 3), str(done))

    def test_its_test_can_fail(self):
        self.run_it("new", "mine")
        with open(self.at("mine.lua"), encoding="utf-8") as file:
            text = file.read()
        self.put(".", "mine.lua", text.replace("days_left < days", "days_left > days"))
        done = self.run_it("./mine_test.lua", "-f", "json")
        self.assertEqual((done.status, done.results[0]["code"]), (1, "test.failed"), str(done))

    def test_a_format_and_its_test(self):
        done = self.run_it("new", "--format", "my-words")
        self.assertEqual((done.status, done.err), (0, ""), str(done))
        done = self.run_it("check", "127.0.0.1:1", "-f", "./my-words.lua")
        self.assertEqual((done.status, done.out.splitlines()[0]), (4, "# kedge check"), str(done))
        done = kedge.run("./my-words_test.lua", "-f", "json", cwd=self.folder, preexec_fn=without_network)
        self.assertEqual((done.status, done.err, done.report["summary"]["ok"]), (0, "", 1), str(done))

    def test_by_name(self):
        self.run_it("new", "mine")
        self.run_it("new", "--format", "words")
        for name in ("mine.lua", "words.lua"):
            os.rename(self.at(name), self.at("config/kedge", name))
        done = self.run_it("mine", "127.0.0.1:1", "-f", "words")
        self.assertEqual((done.status, done.out.splitlines()[0]), (4, "# kedge mine"), str(done))

    @rows([
        ("none", []), ("two", ["a", "b"]), ("two kinds", ["a", "--format", "b"]), ("path", ["a/b"]), ("dots", [".."]), ("suffix", ["a.lua"]), ("digit", ["1"]),
        ("empty", [""]), ("long", ["a" * 65]), ("dash", ["--", "-a"]), ("word of kedge", ["list"]), ("bundled", ["check"]), ("test", ["a_test"]),
        ("format's file", ["--format", "a:b"]), ("built-in format", ["--format", "json"]), ("hostile", ["a\x1b[2J"]),
    ])  # fmt: skip
    def refuses(self, _, arguments):
        self.refused("new", *arguments, says="kedge: ", cwd=self.folder)
        self.assertEqual([name for name in os.listdir(self.folder) if "." in name], [])

    def test_nothing_is_overwritten(self):
        for there, other in (("mine.lua", "mine_test.lua"), ("mine_test.lua", "mine.lua")):
            for make in (lambda path: write(path, b""), lambda path: os.symlink("/nonexistent", path), os.mkdir):
                make(self.at(there))
                self.refused("new", "mine", says=[there, "nothing is overwritten"], exit_status=3, cwd=self.folder)
                self.assertFalse(os.path.lexists(self.at(other)))
                os.rmdir(self.at(there)) if os.path.isdir(self.at(there)) else os.unlink(self.at(there))

    def test_a_folder_that_cannot_be_written(self):
        os.chmod(self.folder, 0o755)
        self.refused("new", "mine", says=["mine.lua", "ermission denied"], exit_status=3, cwd=self.folder, preexec_fn=be_nobody)


def without_network():
    """A network namespace of its own, where we may make one: not even loopback is up."""
    ctypes.CDLL(None).unshare(CLONE_NEWNET)


if __name__ == "__main__":
    unittest.main()
