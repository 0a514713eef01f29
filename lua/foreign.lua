-- Options of other programs that people will type, and what kedge has instead.

local foreign = {}

local SAYS = {
  ["-k"] = "kedge's is --insecure, and the check still fails",
  ["--cacert"] = "kedge's is --trust FILE",
  ["--capath"] = "kedge's is --trust DIR",
  ["--ca-native"] = "kedge's is --trust system, the default",
  ["--connect-timeout"] = "kedge's is --timeout SECONDS, for the whole check",
  ["-m"] = "kedge's is --timeout SECONDS",
  ["--max-time"] = "kedge's is --timeout SECONDS",
  ["--ipv4"] = "kedge's is -4",
  ["--ipv6"] = "kedge's is -6",
  ["--dns-servers"] = "kedge's is --dns ADDRESS",
  ["--http2"] = "kedge's is --protocol h2",
  ["--http2-prior-knowledge"] = "kedge's is --protocol h2",
  ["--http1.1"] = "kedge's is --protocol http1",
  ["-0"] = "kedge's is --protocol http1",
  ["--http1.0"] = "kedge's is --protocol http1",
  ["--http3"] = "kedge speaks HTTP/2 and HTTP/1.1 only",
  ["--no-alpn"] = "kedge's is a target tls://HOST",
  ["-1"] = "kedge's is --tls 1.0-1.2",
  ["--tlsv1"] = "kedge's is --tls 1.0-1.2",
  ["--tlsv1.0"] = "kedge's is --tls 1.0-1.2",
  ["--tlsv1.1"] = "kedge's is --tls 1.1-1.2",
  ["--tlsv1.2"] = "kedge's is --tls 1.2, the default",
  ["--tlsv1.3"] = "kedge's TLS library, BearSSL, stops at 1.2",
  ["--tls-max"] = "kedge's is --tls VERSION",
  ["-s"] = "kedge's is -q, --quiet",
  ["--silent"] = "kedge's is -q, --quiet",
  ["-o"] = "kedge's is -f NAME:FILE",
  ["--output"] = "kedge's is -f NAME:FILE",
  ["-w"] = "kedge's is --print TEMPLATE",
  ["--write-out"] = "kedge's is --print TEMPLATE",
  ["--parallel"] = "kedge's is -j N; checks run side by side unless it is 1",
  ["-Z"] = "kedge's is -j N; checks run side by side unless it is 1",
  ["--parallel-max"] = "kedge's is -j N",
  ["--retry"] = "kedge's is --repeat N",
  ["--fail"] = "kedge's is --expect-status 2xx, for check",
  ["--no-progress-meter"] = "progress shows on a terminal only; -q turns it off",
  ["-x"] = "kedge connects directly; it has no proxy option",
  ["--proxy"] = "kedge connects directly; it has no proxy option",
  ["-L"] = "kedge follows no redirections",
  ["--location"] = "kedge follows no redirections",
  ["--cert"] = "kedge sends no client certificate",
  ["-E"] = "kedge sends no client certificate",
  ["--key"] = "kedge sends no client certificate",
  ["-connect"] = "the target is an argument: kedge check tls://HOST:PORT",
  ["-CAfile"] = "kedge's is --trust FILE",
  ["-CApath"] = "kedge's is --trust DIR",
  ["-servername"] = "kedge's is --connect-to, which leaves the name as it is",
  ["-attime"] = "kedge's is --at TIME",
  ["-verify"] = "kedge always verifies",
  ["-tls1_2"] = "kedge's is --tls 1.2, the default",
}

--- What kedge has instead of the option `name` of curl or openssl, or nil.
function foreign.instead(name)
  return SAYS[name]
end

return foreign
