-- The sole owner of standard output, standard error and report files.

local file = require "kedge.core.file"
local show = require "kedge.show"
local terminal = require "kedge.terminal"

local output = {}

local STDOUT, STDERR = 1, 2
local ERASE = "\r\27[K"

-- Standard error: messages and the progress line, which never mix.
local err = { handle = nil, traits = nil, line = nil }

local function write_err(text)
  err.handle = err.handle or file.output(STDERR)
  err.handle:write(text) -- where this fails there is nobody left to tell
end

local function erase_progress()
  local line = err.line
  if line then write_err(ERASE) end
  err.line = nil
  return line
end

--- Writes "kedge: TEXT" as a line of its own to standard error, escaped.
function output.say(text)
  erase_progress()
  write_err("kedge: " .. show.escape(text) .. "\n")
end

--- Writes text to standard error as it is.
function output.say_plain(text)
  erase_progress()
  write_err(text)
end

--- True where progress is shown: standard error is a terminal.
function output.shows_progress()
  err.traits = err.traits or terminal.traits(STDERR, "auto")
  return err.traits.terminal
end

local report_on_stdout = true

--- Says whether a report goes to standard output; a script's print goes to standard error then.
function output.keep_for_report(is_kept)
  report_on_stdout = is_kept
end

--- What a script prints.
function output.print_of_script(text)
  if report_on_stdout then return output.say_plain(text) end
  erase_progress()
  file.output(STDOUT):write(text)
end

--- Shows `text` as the progress line, where there is one; nil takes it away.
function output.progress(text)
  if not text then
    erase_progress()
  elseif output.shows_progress() then
    err.line = text:sub(1, err.traits.width - 1)
    write_err(ERASE .. err.line)
  end
end

local out = {}
out.__index = out

--- Adds text to what the next flush writes; formats call this.
function out:write(...)
  for i = 1, select("#", ...) do self.pending[#self.pending + 1] = (select(i, ...)) end
end

-- Writes what is pending. While one coroutine waits for the reader, others
-- leave theirs behind and go.
function out:flush()
  if self.busy or not self.pending[1] then return end
  self.busy = true
  while self.pending[1] and not self.fault do
    local text = table.concat(self.pending)
    self.pending = {}
    local progress = self.traits.terminal and erase_progress()
    local written, message, code = self.handle:write(text)
    if progress then output.progress(progress) end
    if not written then self.fault = { message = message, code = code } end
  end
  self.busy = false
  if self.fault then self.pending = {} end
end

--- True while a reader is being waited for.
function out:is_busy() return self.busy end

--- Text of a peer's or a user's, as it may stand here.
function out:escape(text)
  return show.escape(text, self.traits.ascii)
end

--- `text` in a colour ("red", "green", "yellow", "bold", "dim"), where colours are shown.
function out:paint(colour, text)
  local codes = { red = 31, green = 32, yellow = 33, bold = 1, dim = 2 }
  if not self.traits.colour or text == "" then return text end
  return ("\27[%dm%s\27[0m"):format(codes[colour], text)
end

local function new_out(spec, format, handle, traits)
  return setmetatable({ name = spec.name, file = spec.file, format = format, handle = handle, traits = traits,
    width = traits.width, pending = {}, state = {}, busy = false }, out)
end

-- The system's words without the name, which the sentence has already.
local function words_of(message, name)
  message = (message or "unknown error"):gsub("^cannot write: ", "")
  return message:sub(1, #name + 2) == name .. ": " and message:sub(#name + 3) or message
end

local function open_one(spec, opts, places)
  local format, message, status = spec.made
  if not format then format, message, status = require("kedge.loader").format(spec.name) end
  if not format then return nil, message, status end
  local place = file.place(spec.file or STDOUT)
  local shown = spec.file or "standard output"
  if place and places[place] then return nil, ("two reports to one place, %s"):format(shown), 2 end
  if place then places[place] = true end
  if not spec.file then return new_out(spec, format, file.output(STDOUT), terminal.traits(STDOUT, opts.color)) end
  local handle
  handle, message = file.create(spec.file)
  if not handle then return nil, ("%s cannot be written: %s"):format(shown, words_of(message, shown)), 3 end
  return new_out(spec, format, handle, terminal.traits(nil))
end

--- Opens what opts.format names ({ name=, file= or nil for standard output, made= the format's table
-- where it needs no looking for }): a list of outputs, or nil, message, exit status.
function output.open(opts)
  local list, places = {}, {}
  for _, spec in ipairs(opts.format) do
    local one, message, status = open_one(spec, opts, places)
    if not one then
      output.abandon(list)
      return nil, message, status
    end
    one.verbose = opts.verbose
    list[#list + 1] = one
  end
  return list
end

--- Ends one output: what it was given is written, a file appears under its
-- name. true, or nil and a sentence; nil alone where the reader has gone.
function output.close(one)
  one:flush()
  if not one.fault and one.file then
    local done, message, code = one.handle:commit()
    if not done then one.fault = { message = message, code = code } end
  end
  if not one.fault then return true end
  if one.file then one.handle:close() end
  if one.fault.code == "local.pipe" and not one.file then return nil end
  if one.fault.code == "script.error" then return nil, ("the format '%s' failed: %s"):format(one.name, one.fault.message) end
  local shown = one.file or "standard output"
  return nil, ("%s cannot be written: %s"):format(shown, words_of(one.fault.message, shown))
end

--- Forgets outputs; files under construction vanish.
function output.abandon(list)
  for _, one in ipairs(list) do
    if one.file then one.handle:close() end
  end
end

--- Writes text to standard output as it is (help, lists); true, or nil, message, code.
function output.print(text)
  return file.output(STDOUT):write(text)
end

return output
