-- How the report looks: light, dark by the reader's wish, narrow, on paper. Each colour of text has 4.5 times the
-- brightness of what it stands on, or the other way round (WCAG 2 AA).

return [[
:root {
  color-scheme: light;
  --back: #ffffff; --panel: #f4f6f8; --text: #1b1f24; --dim: #57606a; --line: #cbd2d9; --link: #0550ae;
  --ok: #116329; --warn: #7a4a00; --fail: #a40e26; --skip: #57606a;
  --dns: #8250df; --tcp: #0969da; --tls: #0e7c7b; --h2: #bc4c00; --http: #bf3989; --rest: #768089;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    color-scheme: dark;
    --back: #0f1319; --panel: #181d25; --text: #e6edf3; --dim: #a3adb8; --line: #333b46; --link: #79c0ff;
    --ok: #56d364; --warn: #e3b341; --fail: #ff8a82; --skip: #a3adb8;
    --dns: #b392f0; --tcp: #58a6ff; --tls: #39c5bb; --h2: #f0883e; --http: #f778ba; --rest: #768390;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0 auto; padding: 1rem; max-width: 70rem; background: var(--back); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
h1, h2, h3, h4, p, dl, ul, table { margin: 0 0 .75rem; }
h1 { font-size: 1.5rem; line-height: 1.2; }
h2 { font-size: 1.25rem; margin-top: 2rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; }
h4 { font-size: .875rem; color: var(--dim); margin: 1rem 0 .5rem; }
code, pre, .certificate .facts, .fields td { font-family: ui-monospace, monospace; font-size: .875em; }
ul { padding-left: 1.25rem; }
.skip-link { position: absolute; left: -100rem; }
.skip-link:focus { left: 1rem; top: 1rem; padding: .5rem; background: var(--back); z-index: 1; }

header { padding: 1rem; background: var(--panel); border-left: .5rem solid var(--skip); border-radius: .25rem; }
header.ok { border-color: var(--ok); }
header.warn { border-color: var(--warn); }
header.fail { border-color: var(--fail); }
.verdict { font-size: 1.125rem; font-weight: 600; margin-bottom: .25rem; }
header .facts { margin: 0; color: var(--dim); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; margin: .75rem 0 0; }

.mark { font-weight: 600; white-space: nowrap; }
.mark.ok, td.ok { color: var(--ok); }
.mark.warn, td.warn { color: var(--warn); }
.mark.fail, td.fail { color: var(--fail); }
.mark.skip, td.skip, td.none { color: var(--dim); }

table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 600; }
th, td { padding: .25rem .75rem .25rem 0; vertical-align: top; }
thead th { color: var(--dim); font-weight: 400; font-size: .875rem; }
.counts { width: auto; }
.counts td { font-size: 1.5rem; font-weight: 600; line-height: 1.2; }
.counts th, .counts td { padding-right: 1.5rem; }
.shares { display: block; width: 100%; height: .75rem; border-radius: .25rem; margin-bottom: 1rem; }
.shares rect.ok { fill: var(--ok); }
.shares rect.warn { fill: var(--warn); }
.shares rect.fail { fill: var(--fail); }
.shares rect.skip { fill: var(--line); }

dl { display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: .25rem 1rem; }
dt { color: var(--dim); grid-column: 1; }
dd { margin: 0; grid-column: 2; }
.cause { margin-bottom: 1.5rem; padding-left: .75rem; border-left: .25rem solid var(--warn); }
.cause.fail { border-color: var(--fail); }

fieldset { display: none; margin: 0 0 .75rem; padding: 0; border: 0; }
legend { float: left; margin-right: 1rem; padding: 0; color: var(--dim); }
fieldset label { display: inline-block; margin-right: 1rem; padding: .125rem 0; }
@supports selector(:has(*)) {
  fieldset { display: block; }
  #checks:has(#show-fail:checked) .check:not(.fail), #checks:has(#show-warn:checked) .check:not(.warn),
  #checks:has(#show-ok:checked) .check:not(.ok), #checks:has(#show-skip:checked) .check:not(.skip) { display: none; }
}
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; padding: 0; color: var(--dim); font-size: .875rem; }
.legend svg { width: .75em; height: .75em; }
rect.dns { fill: var(--dns); }
rect.tcp { fill: var(--tcp); }
rect.tls { fill: var(--tls); }
rect.h2 { fill: var(--h2); }
rect.http { fill: var(--http); }
rect.rest { fill: var(--rest); }

.check { border-top: 1px solid var(--line); scroll-margin-top: 1rem; }
.check:last-child { border-bottom: 1px solid var(--line); }
.check summary { cursor: pointer; padding: .5rem 0 .5rem 1.25rem; }
.check > summary { display: grid; grid-template-columns: 7rem 1fr minmax(8rem, 14rem) 6rem; gap: 0 1rem; align-items: baseline;
  position: relative; }
.check > summary::before { content: "\25B8"; position: absolute; left: .125rem; top: .5rem; color: var(--dim); }
.check[open] > summary::before { content: "\25BE"; }
.check > summary::-webkit-details-marker { display: none; }
.check > summary:hover { background: var(--panel); }
.name { margin: 0; font-weight: 600; grid-column: 2; }
.mark { grid-column: 1; grid-row: 1; }
.bar { grid-column: 3; grid-row: 1; display: block; width: 100%; height: .75rem; align-self: center; }
.bar.cut { -webkit-mask-image: linear-gradient(90deg, #000 80%, transparent); mask-image: linear-gradient(90deg, #000 80%, transparent); }
.time { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.check > summary .time { grid-column: 4; grid-row: 1; }
.code { grid-column: 3 / 5; grid-row: 2; text-align: right; font-weight: 600; font-size: .875rem; }
.fail .code { color: var(--fail); }
.warn .code { color: var(--warn); }
.target { grid-column: 2; grid-row: 2; color: var(--dim); font-size: .875rem; unicode-bidi: isolate; }
.plain .target { grid-column: 2 / 5; }
.body { padding: .5rem 0 1rem 1.25rem; scroll-margin-top: 4rem; }
.remedy { padding: .5rem .75rem; background: var(--panel); border-radius: .25rem; }

.stages { table-layout: fixed; }
.stages th:nth-child(1) { width: 11rem; }
.stages th:nth-child(2), .stages td.time { width: 7rem; text-align: right; }
.stages b { color: var(--fail); font-weight: 600; }
.stages .draw { padding-right: 0; }
.wide { display: block; width: 100%; height: 1rem; margin-top: .25rem; background: var(--panel); border-radius: .125rem; }
tfoot th, tfoot td { border-top: 1px solid var(--line); }

.tree, .tree ul { list-style: none; padding: 0; margin: 0; }
.tree ul { margin-left: .75rem; }
.tree li { position: relative; padding: .25rem 0 0 1rem; }
.tree > li { padding-left: 0; }
.tree li li::before { content: ""; position: absolute; left: 0; top: -.25rem; width: .75rem; height: 1.5rem;
  border: solid var(--line); border-width: 0 0 2px 2px; }
.tree li li:not(:last-child)::after { content: ""; position: absolute; left: 0; top: 0; bottom: 0; border-left: 2px solid var(--line); }
.certificate { padding: .25rem .75rem; background: var(--panel); border-left: .25rem solid var(--rest); border-radius: .25rem;
  unicode-bidi: isolate; }
.certificate.good { border-color: var(--ok); }
.certificate.soon { border-color: var(--warn); }
.certificate.bad { border-color: var(--fail); }
.certificate.absent { background: none; border: 2px dashed var(--rest); }
.validity.good { color: var(--ok); }
.validity.soon { color: var(--warn); }
.validity.bad, .failure { color: var(--fail); }
.validity { font-weight: 600; white-space: nowrap; }
.role { color: var(--dim); }
.certificate .facts, .names, .failure { display: block; }
.certificate .facts { color: var(--dim); }

.fields { border-top: 1px solid var(--line); }
.fields th[scope=row] { font-weight: 400; width: 30%; color: var(--dim); }
.fields td { unicode-bidi: isolate; white-space: pre-wrap; }
.fields tr { border-bottom: 1px solid var(--line); }
.all { margin-top: 1rem; }
.all summary { padding: .25rem 0; color: var(--link); }
.diff { margin: 0; padding: .5rem; overflow: auto; background: var(--panel); white-space: pre-wrap; }
.diff ins { color: var(--ok); text-decoration: none; }
.diff del { color: var(--fail); text-decoration: none; }
footer { margin-top: 2rem; color: var(--dim); font-size: .875rem; }

@media (max-width: 40rem) {
  body { padding: .75rem; }
  .check > summary { grid-template-columns: 6rem 1fr auto; }
  .name, .target { grid-column: 1 / 4; grid-row: auto; }
  .check > summary .mark { grid-column: 1; grid-row: 1; }
  .check > summary .time { grid-column: 3; grid-row: 1; }
  .code { grid-column: 2; grid-row: 1; text-align: left; }
  .bar { grid-column: 1 / 4; grid-row: auto; height: .5rem; margin: .25rem 0; }
  .counts th, .counts td { padding-right: .75rem; }
  dl { display: block; }
  dd { margin-bottom: .5rem; }
  .stages th:nth-child(1) { width: 5.5rem; }
  .stages th:nth-child(2), .stages td.time { width: 6rem; }
  .tree ul { margin-left: .25rem; }
  .fields th[scope=row] { width: 40%; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, fieldset, .skip-link, .all:not([open]) { display: none !important; }
  h2, h3, h4 { break-after: avoid; }
  .cause, .check > summary, .certificate, tr { break-inside: avoid; }
  .check > summary { padding-left: 0; grid-template-columns: 5.5rem 1fr 9rem 5.5rem; }
  .check > summary::before, .check[open] > summary::before { content: none; }
  header, .certificate, .wide, svg { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
]]
