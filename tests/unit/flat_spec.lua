local lu = require "luaunit"
local flat = require "kedge.flat"

local function text_of(list)
  local parts = {}
  for i, field in ipairs(list) do parts[i] = field.name .. "=" .. flat.text(field.value) end
  return table.concat(parts, " ")
end

TestFlat = {}

function TestFlat.test_fields_in_the_order_of_json()
  local r = { code = "ok", status = "ok", id = "a", path = { 0, 2 }, target = { port = 443, host = "h" },
    values = { b = { true, "x" }, a = 1.5 },
    chain = { { subject = "s", not_before = "n" } }, labels = {} }
  lu.assertEquals(text_of(flat.list(r)), "id=a target.host=h target.port=443 status=ok stage= code=ok cause= message= remedy= "
    .. "chain.0.subject=s chain.0.not_before=n chain.0.not_after= path.0=0 path.1=2 values.a=1.5 values.b.0=true values.b.1=x")
end

function TestFlat.test_own_data()
  lu.assertEquals(text_of(flat.own { b = 1, a = { c = "x" } }), "a.c=x b=1")
  lu.assertEquals(flat.own(nil), {})
  lu.assertEquals(text_of(flat.own { [2.5] = "key", [true] = 0 / 0 }), "2.5=key true=null")
end

function TestFlat.test_own_data_within_itself()
  local values = {}
  values.again = values
  lu.assertErrorMsgContains("nested too deeply", flat.own, values)
end

function TestFlat.test_text_is_clean()
  lu.assertEquals(flat.text("a\n\xFF\u{202E}"), "a\\x0a\u{FFFD}\\u{202e}")
end

os.exit(lu.LuaUnit.run("-o", "tap"))
