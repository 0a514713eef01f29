-- The SDK's configuration: edits byte for byte, what is refused and where, and
-- that nothing but the edit changes, in random files.

local dkjson = require "dkjson"
local diff = require "kedge.diff"
local limits = require "kedge.limits"
local lu = require "luaunit"
local scan = require "kedge.json_scan"
local sdk_config = require "kedge.sdk_config"

local URL = "https://alexa.eu.gateway.devices.a2z.com"

-- A word, the file, and the file with the endpoint set; {U} is the URL. A true
-- at the end: --reset brings the first back.
local SET = {
  { "empty object", "{}", '{"sampleApp": { "endpoint": "{U}" }}' },
  { "minified, no sampleApp", '{"a":[1,{"b":2}]}', '{"a":[1,{"b":2}],"sampleApp":{"endpoint":"{U}"}}' },
  { "minified, empty sampleApp", '{"sampleApp":{},"z":1}', '{"sampleApp":{"endpoint":"{U}"},"z":1}', true },
  { "minified, members", '{"sampleApp":{"a":1e5,"b":-0.10}}', '{"sampleApp":{"a":1e5,"b":-0.10,"endpoint":"{U}"}}', true },
  { "one line with spaces", '{ "sampleApp": { "a": 1 } }', '{ "sampleApp": { "a": 1, "endpoint": "{U}" } }', true },
  { "spaces in an empty one", '{ "sampleApp": { } }\n', '{ "sampleApp": { "endpoint": "{U}" } }\n', true },
  { "no sampleApp yet", '{\n  "a": {\n    "b": 1\n  }\n}\n',
    '{\n  "a": {\n    "b": 1\n  },\n  "sampleApp": {\n    "endpoint": "{U}"\n  }\n}\n' },
  { "no sampleApp, comments", '// top\n{\n    "a": 1 // one\n    /* end */\n}\n// bottom\n',
    '// top\n{\n    "a": 1, // one\n    "sampleApp": {\n        "endpoint": "{U}"\n    }\n    /* end */\n}\n// bottom\n' },
  { "empty sampleApp, laid out", '{\n  "sampleApp": {}\n}', '{\n  "sampleApp": {\n    "endpoint": "{U}"\n  }\n}' },
  { "empty sampleApp on two lines", '{\n  "sampleApp": {\n  }\n}', '{\n  "sampleApp": {\n    "endpoint": "{U}"\n  }\n}', true },
  { "a comment alone", '{\n  "sampleApp": { // yet to come\n  }\n}',
    '{\n  "sampleApp": { // yet to come\n    "endpoint": "{U}"\n  }\n}', true },
  { "a block comment alone", '{"sampleApp":{/* none */}}', '{"sampleApp":{/* none */"endpoint":"{U}"}}', true },
  { "a trailing comment", '{\n    "sampleApp": {\n        "a": true // why\n    } // end\n}\n',
    '{\n    "sampleApp": {\n        "a": true, // why\n        "endpoint": "{U}"\n    } // end\n}\n', true },
  { "a comment of two lines", '{\n "sampleApp": {\n  "a": 1 /* x\n  y */\n }\n}',
    '{\n "sampleApp": {\n  "a": 1, /* x\n  y */\n  "endpoint": "{U}"\n }\n}', true },
  { "a block comment on the line", '{ "sampleApp": { "a": 1 /* c */ } }', '{ "sampleApp": { "a": 1, /* c */ "endpoint": "{U}" } }', true },
  { "a line comment behind the only line", '{"sampleApp":{"a":1// c\n}}', '{"sampleApp":{"a":1,// c\n    "endpoint":"{U}"\n}}', true },
  { "endpoint there already", '{"sampleApp" : {"endpoint" : "https://old" , "b":2}}', '{"sampleApp" : {"endpoint" : "{U}" , "b":2}}' },
  { "endpoint between comments", '{"sampleApp":{"endpoint"/*1*/:/*2*/"old"/*3*/}}', '{"sampleApp":{"endpoint"/*1*/:/*2*/"{U}"/*3*/}}' },
  { "endpoint is null", '{"sampleApp":{"endpoint":null}}', '{"sampleApp":{"endpoint":"{U}"}}' },
  { "endpoint in a comment only", '{\n\t"sampleApp": {\n\t\t// "endpoint": "old",\n\t\t"a": 1\n\t}\n}',
    '{\n\t"sampleApp": {\n\t\t// "endpoint": "old",\n\t\t"a": 1,\n\t\t"endpoint": "{U}"\n\t}\n}', true },
  { "endpoint elsewhere", '{"endpoint":"x","sampleApp":{"o":{"endpoint":"y"}}}',
    '{"endpoint":"x","sampleApp":{"o":{"endpoint":"y"},"endpoint":"{U}"}}', true },
  { "CRLF", '{\r\n  "sampleApp": {\r\n    "a": 1 // c\r\n  }\r\n}\r\n',
    '{\r\n  "sampleApp": {\r\n    "a": 1, // c\r\n    "endpoint": "{U}"\r\n  }\r\n}\r\n', true },
  { "CRLF, no sampleApp", '{\r\n  "a": 1\r\n}\r\n', '{\r\n  "a": 1,\r\n  "sampleApp": {\r\n    "endpoint": "{U}"\r\n  }\r\n}\r\n' },
  { "tabs", '{\n\t"a": 1,\n\t"sampleApp": {}\n}\n', '{\n\t"a": 1,\n\t"sampleApp": {\n\t\t"endpoint": "{U}"\n\t}\n}\n' },
  { "byte-order mark", '\u{FEFF}{\n  "sampleApp" : {\n    "a" : 1\n  }\n}',
    '\u{FEFF}{\n  "sampleApp" : {\n    "a" : 1,\n    "endpoint" : "{U}"\n  }\n}', true },
  { "escapes in names", '{"sample\\u0041pp":{"\\u0065ndpoint":"x"}}', '{"sample\\u0041pp":{"\\u0065ndpoint":"{U}"}}' },
  { "escapes that are others", '{"sample\\\\u0041pp":{},"sampleApp":{}}', '{"sample\\\\u0041pp":{},"sampleApp":{"endpoint":"{U}"}}', true },
  { "braces in strings and comments", '{"a":"}{\\"sampleApp\\":{",/*{"sampleApp":{}*/"sampleApp":{"b":"//"}}',
    '{"a":"}{\\"sampleApp\\":{",/*{"sampleApp":{}*/"sampleApp":{"b":"//","endpoint":"{U}"}}', true },
  { "bytes that aren't UTF-8", '{"a":"\xff\xe9","sampleApp":{"b":"\x7f"}}',
    '{"a":"\xff\xe9","sampleApp":{"b":"\x7f","endpoint":"{U}"}}', true },
  { "commas in front", '{\n  "sampleApp": {\n    "a": 1\n  , "b": 2\n  }\n}',
    '{\n  "sampleApp": {\n    "a": 1\n  , "b": 2,\n  "endpoint": "{U}"\n  }\n}', true },
}

local RESET = {
  { "the only one", '{"sampleApp":{"endpoint":"x"}}', '{"sampleApp":{}}' },
  { "the first", '{"sampleApp": {"endpoint": "x", "b": 1}}', '{"sampleApp": {"b": 1}}' },
  { "the first of lines", '{\n "sampleApp": {\n  "endpoint": "x",\n  "b": 1\n }\n}', '{\n "sampleApp": {\n  "b": 1\n }\n}' },
  { "the middle", '{"sampleApp":{"a":1,"endpoint":"x","b":1}}', '{"sampleApp":{"a":1,"b":1}}' },
  { "a comment stays", '{\n "sampleApp": {\n  "a": 1, // a\n  "endpoint": "x" // why\n }\n}',
    '{\n "sampleApp": {\n  "a": 1 // a\n // why\n }\n}' },
  { "comments inside stay", '{"sampleApp":{"endpoint"/*1*/:/*2*/"x"/*3*/,"b":1}}', '{"sampleApp":{/*1*//*2*//*3*/"b":1}}' },
  { "CRLF", '{\r\n "sampleApp": {\r\n  "endpoint": "x"\r\n }\r\n}', '{\r\n "sampleApp": {\r\n }\r\n}' },
  { "not a string", '{"sampleApp":{"a":0,"endpoint":false}}', '{"sampleApp":{"a":0}}' },
  { "none there", '{"sampleApp":{"a":0}}', '{"sampleApp":{"a":0}}' },
  { "no sampleApp", "{}", "{}" },
}

-- A word, the file, and what the sentence says.
local REFUSED = {
  { "nothing", "", "line 1, column 1: " },
  { "a list", "[]", "line 1, column 1: an object" },
  { "a comma before the brace", '{\n  "a": 1,\n}', "line 2, column 9: a comma" },
  { "a comma before the bracket", '{"a":[1,]}', "line 1, column 8: a comma" },
  { "a comma alone", "{,}", "line 1, column 2: " },
  { "a tab in a string", '{"a":"\t"}', "line 1, column 7: a control" },
  { "a line break in a string", '{"a":"\n"}', "line 1, column 7: a control" },
  { "text behind", '{"a":1}\nx', "line 2, column 1: text" },
  { "a second object", "{}{}", "line 1, column 3: text" },
  { "a NUL", "{}\n\0", "line 2, column 1: a NUL" },
  { "no colon", '{"endpoint" "x"}', "line 1, column 13: a colon" },
  { "no comma", '{"a":1 "b":2}', "line 1, column 8: a comma" },
  { "no quotes", "{a:1}", "line 1, column 2: a name" },
  { "single quotes", "{'a':1}", "line 1, column 2: a name" },
  { "an open comment", '{"a":1}/* x', "line 1, column 8: the comment" },
  { "a comment that ends too early", '{"a":1}/*/', "line 1, column 8: the comment" },
  { "a slash", '{"a":1/2}', "line 1, column 7: a '/'" },
  { "an open string", '{"a":"x', "line 1, column 6: the string" },
  { "an open object", '{"a":1', "line 1, column 7: the file ends" },
  { "a line comment to the end", '{"a":1 // }', "line 1, column 12: the file ends" },
  { "half a pair", '{"a":"\\ud800"}', "line 1, column 7: half" },
  { "the other half", '{"a":"\\udc00\\ud800"}', "line 1, column 7: half" },
  { "an unknown escape", '{"a":"\\x41"}', "line 1, column 7: a backslash" },
  { "a short escape", '{"a":"\\u12"}', "line 1, column 7: \\u" },
  { "a zero in front", '{"a":01}', "line 1, column 7: a comma" },
  { "a plus in front", '{"a":+1}', "line 1, column 6: a value" },
  { "no digit behind the point", '{"a":1.}', "line 1, column 7: a number" },
  { "no digit in the exponent", '{"a":1e}', "line 1, column 7: a number" },
  { "a number too large", '{"a":1e309}', "line 1, column 6: the number" },
  { "digits too many", '{"a":' .. ("9"):rep(400) .. "}", "line 1, column 6: the number" },
  { "NaN", '{"a":NaN}', "line 1, column 6: a value" },
  { "True", '{"a":True}', "line 1, column 6: a value" },
  { "columns count characters", '{"\u{e4}\u{1F600}":x}', "line 1, column 7: a value" },
  { "a mark isn't a column", "\u{FEFF}x", "line 1, column 1: an object" },
  { "sampleApp is text", '{\n "sampleApp": "x"}', 'line 2, column 15: "sampleApp" is not an object' },
  { "sampleApp is a list", '{"sampleApp":[]}', 'line 1, column 14: "sampleApp" is not an object' },
  { "endpoint is an object", '{"sampleApp":{"endpoint":{}}}', 'line 1, column 26: "endpoint" is not a text' },
  { "two sampleApp", '{"sampleApp":{},\n"sample\\u0041pp":{}}', "twice, at line 1, column 2 and at line 2, column 1" },
  { "two endpoint", '{"sampleApp":{"endpoint":"a",\n "endpoint":"b"}}', "twice, at line 1, column 15 and at line 2, column 2" },
  { "too deep", '{"a":' .. ("["):rep(limits.json_depth) .. ("]"):rep(limits.json_depth) .. "}", "column 517: objects and lists" },
  { "too large", "{}" .. (" "):rep(limits.json_bytes - 1), "larger than 16777216 bytes" },
}

-- What the text becomes; nil and a sentence where it is refused.
local function change(text, url)
  local config, message = sdk_config.read(text)
  if not config then return nil, message end
  return sdk_config.change(config, url)
end

TestSdkConfig = {}

local function each(class, kind, rows, check)
  for _, row in ipairs(rows) do
    class[("test_%s_%s"):format(kind, row[1]:gsub("%W+", "_"))] = function() check(table.unpack(row, 2)) end
  end
end

each(TestSdkConfig, "set", SET, function(before, after, comes_back)
  after = after:gsub("{U}", URL)
  lu.assertEquals(change(before, URL), after)
  lu.assertEquals(change(after, URL), after)
  if comes_back then lu.assertEquals(change(after, nil), before) end
end)

each(TestSdkConfig, "reset", RESET, function(before, after)
  lu.assertEquals(change(before, nil), after)
  lu.assertEquals(change(after, nil), after)
end)

each(TestSdkConfig, "refused", REFUSED, function(text, words)
  local config, message = sdk_config.read(text)
  lu.assertNil(config)
  lu.assertStrContains(message, words)
  lu.assertNil(message:find("\n", 1, true))
end)

function TestSdkConfig:test_at_the_bounds()
  local deep = limits.json_depth - 1
  lu.assertNotNil(sdk_config.read('{"a":' .. ("["):rep(deep) .. "1" .. ("]"):rep(deep) .. "}"))
  lu.assertNotNil(sdk_config.read("{}" .. (" "):rep(limits.json_bytes - 2)))
  lu.assertNotNil(sdk_config.read('{"a":[1e308,-1.7e308,0e-999,1E+2,0]}'))
end

function TestSdkConfig:test_equal_after_unescaping_is_nothing_to_do()
  local text = '{"sampleApp":{"endpoint":"https:\\/\\/h\\u002eexample"}}'
  lu.assertEquals(change(text, "https://h.example"), text)
end

function TestSdkConfig:test_members_tell_their_places()
  local root = scan.read('{ "a" : 1 , "b":{"c":""}}', { b = {} })
  lu.assertEquals(root.members[1], { key = "a", key_at = 3, key_stop = 6, colon = 7, value_at = 9, value_stop = 10,
    kind = "number", comma = 11 })
  lu.assertEquals(root.members[2].value.members[1].value, "")
end

-- Random files. Comments are marked, so that they can be found again.

local function pick(...)
  return (select(math.random(select("#", ...)), ...))
end

local function gap()
  local parts = {}
  for _ = 1, math.random(0, 2) do
    parts[#parts + 1] = pick("", " ", "\t", "\n", "\r\n", "  ", "\n    ", "/*@" .. math.random(999) .. "*/",
      "//@" .. math.random(999) .. ' "endpoint": {\n', "/*@\n" .. math.random(999) .. "**/")
  end
  return table.concat(parts)
end

local value

local function object(depth, members)
  local parts = {}
  for _, member in ipairs(members) do
    parts[#parts + 1] = gap() .. member[1] .. gap() .. ":" .. gap() .. member[2] .. gap()
  end
  for i = #parts, 2, -1 do
    local j = math.random(i)
    parts[i], parts[j] = parts[j], parts[i]
  end
  return "{" .. (parts[1] and table.concat(parts, ",") or gap()) .. "}", depth
end

local function members(depth)
  local list = {}
  for i = 1, math.random(0, 3) do list[i] = { ('"m%d"'):format(i), value(depth + 1) } end
  return list
end

function value(depth)
  if depth > 3 or math.random(3) > 1 then
    return pick("1", "-0.50", "1e3", "true", "null", '"x"', '"\\u00e4 // no"', '"/* \\" */"', "[]", "[" .. gap() .. "1,2" .. gap() .. "]")
  end
  return (object(depth, members(depth)))
end

local function random_file()
  local root, app = members(1), members(2)
  if math.random(3) > 1 then app[#app + 1] = { pick('"endpoint"', '"endpo\\u0069nt"'), pick('"https://old"', "null", '""') } end
  if math.random(5) > 1 then root[#root + 1] = { pick('"sampleApp"', '"sample\\u0041pp"'), (object(2, app)) } end
  return pick("", "\u{FEFF}") .. gap() .. (object(1, root)) .. gap()
end

local function decoded(text)
  local found, _, message = dkjson.decode((text:gsub("^\u{FEFF}", "")), 1, dkjson.null)
  return assert(found, message)
end

local function comments(text)
  local list = {}
  for comment in text:gmatch("/[/*]@%s*%d+") do list[#list + 1] = comment end
  return list
end

function TestSdkConfig:test_only_the_edit_changes()
  local seed = os.time()
  math.randomseed(seed)
  for n = 1, 2000 do
    local text = random_file()
    local url = n % 3 > 0 and URL or nil
    local hint = ("seed %d, file %d:\n%s"):format(seed, n, text)
    local config = assert(sdk_config.read(text))
    local edits, kept, from = url and sdk_config.set(config, url) or sdk_config.reset(config), {}, 1
    for _, edit in ipairs(edits) do
      lu.assertTrue(edit[1] >= from and edit[2] >= edit[1], hint)
      local removed = text:sub(edit[1], edit[2] - 1)
      lu.assertNil(removed:find("@", 1, true), hint)
      kept[#kept + 1] = text:sub(from, edit[1] - 1)
      from = edit[2]
    end
    local changed = change(text, url)
    lu.assertEquals(comments(changed), comments(text), hint)
    local position = 1
    for _, piece in ipairs(kept) do -- every kept byte is there, in order
      local at = changed:find(piece, position, true)
      lu.assertNotNil(at, hint)
      position = at + #piece
    end
    lu.assertEquals(changed:sub(#changed - #text + from), text:sub(from), hint)
    local wanted = decoded(text)
    if url then
      wanted.sampleApp = wanted.sampleApp or {}
      wanted.sampleApp.endpoint = url
    elseif wanted.sampleApp then
      wanted.sampleApp.endpoint = nil
    end
    lu.assertEquals(decoded(changed), wanted, hint)
  end
end

TestDiff = {}

local function lines(...)
  return table.concat({ ... }, "\n") .. "\n"
end

function TestDiff:test_one_line_of_many()
  local old = lines("a", "b", "c", "d", "e", "f", "g", "h", "i")
  lu.assertEquals(diff.unified(old, (old:gsub("e", "E\nF")), "x"), lines("--- x", "+++ x", "@@ -2,7 +2,8 @@", " b", " c", " d",
    "-e", "+E", "+F", " f", " g", " h"))
end

function TestDiff:test_nothing()
  lu.assertEquals(diff.unified("a", "a", "x"), "")
end

function TestDiff:test_no_newline_at_the_end()
  lu.assertEquals(diff.unified("a\nb", "a\nc", "x"), lines("--- x", "+++ x", "@@ -1,2 +1,2 @@", " a", "-b",
    "\\ No newline at end of file", "+c", "\\ No newline at end of file"))
end

function TestDiff:test_a_line_taken_out()
  lu.assertEquals(diff.unified("a\nb\n", "a\n", "x"), lines("--- x", "+++ x", "@@ -1,2 +1 @@", " a", "-b"))
end

function TestDiff:test_a_long_line_is_shown_where_it_changes()
  local long = ("a"):rep(100000)
  local shown = diff.unified(long .. "1" .. long .. "\n", long .. "2" .. long .. "\n", "x")
  lu.assertTrue(#shown < 3000)
  lu.assertStrContains(shown, "a1a")
  lu.assertStrContains(shown, "a2a")
end

os.exit(lu.LuaUnit.run())
