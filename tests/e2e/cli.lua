-- The whole program in the tests' interpreter, which takes preloaded libraries (./kedge is static).
local words = table.move(arg, 1, #arg, 1, { [0] = "kedge" })
os.exit(require("kedge.cli").main(words), true)
