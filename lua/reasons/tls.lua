-- Sentences for tls and alpn: a connection, but no handshake that ended well.

local NOT_SECURED = "No secured connection came about, so nothing was sent over it."

return {
  ["tls.timeout"] = {
    seen = "The connection was made, but the TLS handshake did not end in time.",
    why = NOT_SECURED,
    fix = "A server that accepts and then says nothing is overloaded, or a firewall lets the connection through and drops "
      .. "the handshake. Try again with a longer --timeout, and from another network. If large packets are lost (VPN, "
      .. "PPPoE), lower the MTU of the device.",
  },
  ["tls.closed"] = {
    seen = "The server closed the connection in the middle of the handshake[ ({detail})].",
    why = NOT_SECURED,
    fix = "Check that this port speaks TLS. A server does this for a name it doesn't serve, and firewalls do it to names "
      .. "they block: try from another network. Old servers may need --tls 1.0-1.2.",
  },
  ["tls.reset"] = {
    seen = "The connection was cut (reset) during the handshake[ ({detail})].",
    why = NOT_SECURED,
    fix = "Most often a firewall that has read the name in the handshake and doesn't allow it. Try from another network; "
      .. "if it works there, ask whoever runs this one to allow the host.",
  },
  ["tls.not_tls"] = {
    seen = "What answers on this port is not TLS[: {detail}].",
    why = NOT_SECURED,
    fix = "Check the port: this may be a plain HTTP, mail or SSH port. If it is right, a portal or proxy on the way "
      .. "answers in the server's place: log in to it, or use another network.",
  },
  ["tls.version"] = {
    seen = "Server and kedge have no TLS version in common[ ({detail})]. kedge offers TLS 1.2 unless told otherwise and "
      .. "cannot speak TLS 1.3.",
    why = "The server may be well; it only can't be tested. This is never a fault of certificates.",
    fix = "If the server is old, try --tls 1.0-1.2. If it accepts TLS 1.3 only, kedge cannot test it, and neither can a "
      .. "device connect whose library stops at 1.2.",
  },
  ["tls.no_cipher"] = {
    seen = "The server found nothing in common with what was offered (cipher suites, groups or kinds of key) and broke off.",
    why = NOT_SECURED,
    fix = "The server may only accept TLS 1.3 or uncommon keys (Ed25519, RSA-PSS, DSA), or very old suites: try --tls "
      .. "1.0-1.2. Some servers answer like this to a name they don't serve.",
  },
  ["tls.client_cert_required"] = {
    seen = "The server asked for a client certificate and goes no further without one.",
    why = "Its own certificate was received and judged, but requests are not answered.",
    fix = "This service is for devices with a certificate of their own. Check that this is the right host and port for "
      .. "this device. To test the server's chain alone, use a target tls://HOST.",
  },
  ["tls.alert"] = {
    seen = "The server broke off with the alert {alert}[ ({detail})].",
    why = NOT_SECURED,
    fix = "Check host and port first. The server's log names the reason; if the server isn't yours, try from another "
      .. "network, since proxies send alerts too.",
  },
  ["tls.alert.unrecognized_name"] = {
    seen = "The server doesn't serve this name (alert unrecognized_name).",
    why = NOT_SECURED,
    fix = "Check the spelling of the host, and whether --connect-to, --resolve or the name server leads to the wrong server.",
  },
  ["tls.alert.access_denied"] = {
    seen = "The server, or a firewall in its place, denies access (alert access_denied).",
    why = NOT_SECURED,
    fix = "Ask whoever runs the network or the server to allow this device. Try from another network to learn which.",
  },
  ["tls.alert.internal_error"] = {
    seen = "The server broke off with the alert internal_error.",
    why = NOT_SECURED,
    fix = "The fault is at the server, often a name for which it has no certificate. Check the host; else tell its owner.",
  },
  ["tls.alert.decrypt_error"] = {
    seen = "The server could not check what it received (alert decrypt_error).",
    why = NOT_SECURED,
    fix = "Something on the way changes the handshake, or the device's memory or network is faulty. Try again, and from "
      .. "another network.",
  },
  ["tls.bad_message"] = {
    seen = "The server sent a handshake message that is against the rules[ ({detail})].",
    why = NOT_SECURED,
    fix = "A faulty server, or a box on the way that changes what is sent. Try from another network, and tell the owner "
      .. "of the server.",
  },
  ["tls.too_large"] = {
    seen = "The server's certificates are larger than any honest chain[ ({detail})].",
    why = "kedge stops there, so that a hostile server cannot fill the device's memory.",
    fix = "Tell the owner of the server: a chain should hold the leaf and its intermediates, nothing else.",
  },
  ["tls.flood"] = {
    seen = "The server went on sending without ending the handshake[ ({detail})].",
    why = "kedge stops there, so that a hostile server cannot keep the device busy.",
    fix = "Check host and port. A server that does this is broken or hostile.",
  },
  ["alpn.none"] = {
    seen = "TLS works, but the server did not choose HTTP/2.",
    why = "HTTP/2 is agreed on during the handshake (ALPN). Without it a client that needs HTTP/2, as AVS devices do, "
      .. "cannot go on.",
    fix = "If the server is right, a proxy on the way takes the offer out, or the server has HTTP/2 switched off. Compare "
      .. "with --protocol http1, and with another network.",
  },
  ["alpn.mismatch"] = {
    seen = "The server doesn't speak the protocol that was offered[ ({detail})].",
    why = "Client and server have to agree on HTTP/2 or HTTP/1.1 during the handshake (ALPN).",
    fix = "Let kedge offer both (--protocol auto), and check that host and port belong to a web service.",
  },
}
