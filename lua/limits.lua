-- What a peer, a file or a script controls is bounded, and the Lua side's bounds stand here.

return {
  path_signatures = 64, -- signatures checked for one verdict, then local.limit
  path_steps = 1000, -- candidates looked at for one verdict, then local.limit
  remembered = 1024, -- certificates parsed, and signatures checked, that a run remembers
  body_shown = 4096, -- bytes of a body that a result holds
  names_shown = 100, -- names of one certificate that a result holds
  text_shown = 1000, -- bytes of any other text of a peer's that a result holds
  pattern_line = 512, -- bytes of a line that --pattern looks at
  pattern_steps = 1e8, -- of matching a --pattern with one such line at worst (about a second); it is refused above
  pattern_seconds = 1, -- of CPU for one --pattern over one body, then local.limit
  causes = 50, -- paragraphs of one text report
  cause_ids = 20, -- checks named in one paragraph, the others are counted
  cause_messages = 3, -- sentences of one paragraph, where its checks say different ones
  value_depth = 16, -- of tables in a result's values and labels
  script_depth = 16, -- of scripts that run each other by ctx:run
  interim_replies = 16, -- 1xx replies of HTTP/1.1 before the one that counts
  http_line = 8192, -- bytes of a status line of HTTP/1.1, and of the line of a chunk's size
  http_fields = 128, -- fields of a header list
  http_field_bytes = 64 * 1024, -- bytes of a header list of HTTP/1.1
  body_kept = 64 * 1024, -- bytes of a body that are kept; the rest is drained
  json_bytes = 16 * 1024 * 1024, -- of a JSON file that is read
  json_depth = 512, -- of objects and lists in one
  diff_line = 1000, -- bytes of a line that a diff shows; of a longer one what stands around the change
  source_files = 1000, -- in a folder of certificates for an update
  source_bytes = 16 * 1024 * 1024, -- of all of them together
  body_drained = 1024 * 1024, -- bytes after which a body is cut off
}
