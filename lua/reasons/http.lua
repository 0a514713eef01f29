-- Sentences for h2 and http: the connection is secure, what is spoken over it isn't as it should be.

local SECURE = "The secured connection itself works; what fails is the service behind it."
local BOUNDED = "kedge stops there, so that a hostile server cannot fill the device's memory or keep it busy."

return {
  ["h2.not_h2"] = {
    seen = "HTTP/2 was agreed on, but the server speaks something else[: {detail}].",
    why = SECURE,
    fix = "The server or a proxy in front of it is set up wrongly: what takes the connection isn't what HTTP/2 was "
      .. "offered for. Compare with --protocol http1.",
  },
  ["h2.timeout"] = {
    seen = "The handshake went well, but HTTP/2 was not established in time.",
    why = SECURE,
    fix = "The server is overloaded, or a box on the way holds data back. Try again with a longer --timeout and from "
      .. "another network.",
  },
  ["h2.goaway"] = {
    seen = "The server ended the HTTP/2 connection[ with {goaway}][: {detail}].",
    why = SECURE,
    fix = "Wait a minute and try again: servers do this when they restart or are too busy. If it stays, the code after "
      .. "GOAWAY tells their owner the reason.",
  },
  ["h2.reset"] = {
    seen = "The HTTP/2 connection was cut[ ({detail})].",
    why = SECURE,
    fix = "Try again and from another network. Servers cut requests that they don't want to answer, proxies those they "
      .. "don't understand.",
  },
  ["h2.protocol_error"] = {
    seen = "The server breaks the rules of HTTP/2[ ({detail})].",
    why = SECURE,
    fix = "Tell the owner of the server. A proxy on the way can be at fault too: compare from another network.",
  },
  ["h2.flood"] = {
    seen = "The server sends HTTP/2 frames without end that carry nothing[ ({detail})].",
    why = BOUNDED,
    fix = "Check host and port. A server that does this is broken or hostile.",
  },
  ["h2.no_ping_ack"] = {
    seen = "The reply is complete, but the server did not answer the PING.",
    why = "Devices that keep a connection open find out by PING whether it still lives.",
    fix = "Nothing if it happens once. If it stays, the server or a proxy on the way ignores PING: long-lived connections "
      .. "through it will look dead.",
  },
  ["http.timeout"] = {
    seen = "The server did not answer the request in time.",
    why = SECURE,
    fix = "The service behind the server is slow or down. Try again with a longer --timeout.",
  },
  ["http.status"] = {
    seen = "The server answered with status {status}[; expected was {expected}].",
    why = SECURE,
    fix = "Check the path and what the service expects of this request. 401 and 403 mean that it wants to know who asks, "
      .. "404 that the path is wrong, 5xx that it is in trouble.",
  },
  ["http.unexpected_body"] = {
    seen = "The reply does not hold the expected text[ ({expected})][; its status is {status}].",
    why = SECURE,
    fix = "Look at the reply (-f json shows it). Another service may answer here, or a maintenance page; if the text has "
      .. "merely changed, nothing is wrong with the connection.",
  },
  ["http.bad_reply"] = {
    seen = "What came back is not a valid HTTP reply[ ({detail})].",
    why = SECURE,
    fix = "Check the port: the service behind TLS may not be a web server. For a check without a request, use a target "
      .. "tls://HOST.",
  },
  ["http.too_large"] = {
    seen = "The reply is larger than what kedge reads[ ({detail})].",
    why = BOUNDED,
    fix = "Ask for a path with a small reply. What was expected may stand behind the part that was read.",
  },
}
