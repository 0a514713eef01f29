-- Sentences for what goes wrong on the device itself, and in scripts.

return {
  ["local.file"] = {
    seen = "A file could not be used[: {detail}].",
    why = "What depends on it was not checked.",
    fix = "Check the name and that the file is whole.",
  },
  ["local.permission"] = {
    seen = "The device does not allow this[: {detail}].",
    why = "What depends on it was not checked.",
    fix = "Run it as the user who may, or with sudo.",
  },
  ["local.tool_missing"] = {
    seen = "A program that is needed is not installed[: {detail}].",
    why = "What depends on it was not done.",
    fix = "Install the package that holds it.",
  },
  ["local.tool_failed"] = {
    seen = "A program that was called failed[: {detail}].",
    why = "What depends on it was not done.",
    fix = "Its own words above say why; run it by hand to see all of them.",
  },
  ["local.limit"] = {
    seen = "A limit was reached[: {detail}].",
    why = "kedge stops there, so that nothing can keep the device busy or fill its memory.",
    fix = "If it is the number of open files or processes, lower -j. If it is the search for a path, the server's chain is "
      .. "absurd: it should hold the leaf and its intermediates only.",
  },
  ["local.entropy"] = {
    seen = "The device has no random numbers yet[: {detail}].",
    why = "A handshake without good random numbers is not secret, so none is made.",
    fix = "Early after start the kernel is still collecting: wait and try again. On boards without a generator, rngd or "
      .. "haveged help.",
  },
  ["local.busy"] = {
    seen = "Something else is using what is needed[: {detail}].",
    why = "Two at once could damage it.",
    fix = "Wait until it has ended, then try again.",
  },
  ["local.interface"] = {
    seen = "The interface that connections were to leave by cannot be used[: {detail}].",
    why = "Nothing was sent, since it could only have left by another way.",
    fix = "`ip address` lists interfaces and their addresses. Correct --interface, or bring the interface up.",
  },
  ["local.interrupted"] = {
    seen = "The check was interrupted before it was done.",
    why = "It says nothing about the server.",
    fix = "Run it again.",
  },
  ["script.error"] = {
    seen = "The script failed[: {detail}].",
    why = "This check was not made; the others were.",
    fix = "The message names file and line; correct the script there.",
  },
}
