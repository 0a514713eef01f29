-- Sentences for dns and tcp: nothing could be tested yet.

local NO_ADDRESS = "Without an address there is nothing to connect to."
local NO_CONNECTION = "Without a connection nothing can be said about TLS or certificates."

return {
  ["dns.nxdomain"] = {
    seen = "The name server says that this name does not exist (NXDOMAIN).",
    why = NO_ADDRESS,
    fix = "Check the spelling of the name. If it is right, the name server is the one to ask: one that filters, or one "
      .. "inside a closed network, may hide public names. Look into /etc/resolv.conf, and try another server with --dns ADDRESS.",
  },
  ["dns.nodata"] = {
    seen = "There is no address to connect to[: {detail}].",
    why = NO_ADDRESS,
    fix = "If -4, -6 or an address for --interface was given, try without it. Otherwise the owner of the name has to publish an "
      .. "address, or the name server hides it: compare with another one, --dns ADDRESS.",
  },
  ["dns.timeout"] = {
    seen = "No name server answered in time[ ({detail})].",
    why = NO_ADDRESS,
    fix = "Check that the device has a network at all (cable, Wi-Fi, an address, a route). If it has, the name server in "
      .. "/etc/resolv.conf is down, or a firewall drops UDP and TCP port 53 on the way to it: try another with --dns ADDRESS.",
  },
  ["dns.servfail"] = {
    seen = "The name server answered that it failed (SERVFAIL).",
    why = NO_ADDRESS,
    fix = "The fault is at the name server or behind it (often a broken DNSSEC signature or an unreachable upstream). Try "
      .. "again in a minute, then another server with --dns ADDRESS. DNSSEC also fails when the server's clock is wrong.",
  },
  ["dns.refused"] = {
    seen = "The name server refuses to answer this device (REFUSED).",
    why = NO_ADDRESS,
    fix = "This name server isn't meant for this device. Correct /etc/resolv.conf (or what DHCP hands out), or name "
      .. "another server with --dns ADDRESS.",
  },
  ["dns.no_server"] = {
    seen = "No name server could be reached[ ({detail})].",
    why = NO_ADDRESS,
    fix = "Check that /etc/resolv.conf names a server, and that the device has an address and a route to it. The network "
      .. "may not have come up yet.",
  },
  ["dns.bad_answer"] = {
    seen = "The name server's answer cannot be understood[ ({detail})].",
    why = NO_ADDRESS,
    fix = "What answers on port 53 is no proper name server, or a box on the way rewrites answers (a hotel's or a "
      .. "provider's portal). Try another server with --dns ADDRESS.",
  },
  ["tcp.refused"] = {
    seen = "The address was reached, but the connection was refused: nothing listens on this port[ ({address})].",
    why = NO_CONNECTION,
    fix = "Check host and port. If they are right, the service is down, or a firewall refuses for it. If the address is "
      .. "127.0.0.1, 0.0.0.0 or one of your own network, a filtering name server put it there.",
  },
  ["tcp.timeout"] = {
    seen = "The connection was never answered: packets to this address are lost[ ({address})].",
    why = NO_CONNECTION,
    fix = "Usually a firewall drops them. Allow outgoing TCP to this host and port, and check from another network whether "
      .. "the service is up. A device that is slow or far away may need a longer --timeout.",
  },
  ["tcp.unreachable"] = {
    seen = "There is no way to this address[ ({address})][: {detail}].",
    why = NO_CONNECTION,
    fix = "Check that the device has an address and a default route. If only IPv6 addresses fail, the network has no "
      .. "IPv6: compare with -4.",
  },
  ["tcp.reset"] = {
    seen = "The connection was cut while it was being made[ ({address})].",
    why = NO_CONNECTION,
    fix = "Something on the way cuts it, most often a firewall, or the server is overloaded. Try from another network; if "
      .. "it works there, ask whoever runs this one to allow the host and port.",
  },
}
