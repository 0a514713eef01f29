-- Sentences for trust: a certificate chain that was received and judged.

local IMPOSTOR = "A chain that cannot be verified may be anybody's, so clients break off here."
local REFUSED = "Clients that hold to the rules of the web refuse this chain."

local ADD = "on the Debian family: see whether /etc/ca-certificates.conf holds the authority's line with a ! in front (take only "
  .. "the ! away), or put its certificate (PEM, name ending in .crt) into /usr/local/share/ca-certificates/; then run "
  .. "sudo update-ca-certificates. Do not remove any authority that is there."

return {
  ["trust.missing_ca"] = {
    seen = "The server's chain is genuine, it ends in [{anchor}, ]one of the expected authorities, but this device's store "
      .. "({store}) does not accept it.",
    why = "Programs on this device refuse the server although nothing is wrong with it.",
    fix = "Add the authority to the store. Amazon's are added by sudo kedge ca-update --apply; without --apply it shows what that "
      .. "changes. By hand, " .. ADD .. " An update of the package ca-certificates may be enough.",
  },
  ["trust.not_ats"] = {
    seen = "This device's store accepts the chain, but it does not end in one of the expected authorities[; it was issued by {issuer}].",
    why = "Somebody between device and server may be reading along, or this is the wrong server.",
    fix = "Look at the issuer: if it names your company, school or an antivirus product, a proxy intercepts TLS; have this "
      .. "host excepted from it. Otherwise check the host, /etc/hosts and the name server. Compare from another network.",
  },
  ["trust.unverified"] = {
    seen = "The connection[ to {detail}] was used although nobody verified the server's certificate.",
    why = "What came over it may be anybody's.",
    fix = "Have the script call session:verify before it reads or writes, and take unverified=true (or name=false) out of it.",
  },
  ["trust.unknown_issuer"] = {
    seen = "The chain is complete, but ends in no authority of the store ({store})[; its last issuer is {last_issuer}].",
    why = IMPOSTOR,
    fix = "If you know and trust this issuer (your own authority, say), add its root to the store or name it with --trust "
      .. "FILE. If you don't, suspect a proxy that intercepts TLS: compare from another network. An old store may lack a "
      .. "new authority: update the package ca-certificates.",
  },
  ["trust.incomplete_chain"] = {
    seen = "The server did not send the certificate of its issuer[ ({issuer})], and the store ({store}) doesn't hold it either.",
    why = "Browsers fetch or remember missing certificates, devices don't; they break off here.",
    fix = "The server's configuration has to send its intermediate certificates too (nginx: ssl_certificate with leaf and "
      .. "intermediates in one file; Apache: SSLCertificateFile likewise). If the issuer is a root that you trust, add it "
      .. "to the store.",
  },
  ["trust.wrong_order"] = {
    seen = "The server sends its certificates in the wrong order, or with others among them.",
    why = "kedge puts them in order; strict or old clients on the device may refuse them.",
    fix = "In the server's file put the leaf first, then each certificate's issuer behind it, and nothing else.",
  },
  ["trust.self_signed"] = {
    seen = "The server's certificate is signed by itself[ ({subject})].",
    why = IMPOSTOR,
    fix = "This is often a default certificate: the wrong host or port, a service that was never set up, or a router's or "
      .. "portal's own page. If it is your own and meant to be so, name it with --trust FILE.",
  },
  ["trust.expired"] = {
    seen = "{which} has expired[: {detail}]; judged at {now}.",
    why = REFUSED,
    fix = "First compare {now} with a clock you trust: on a device whose clock runs ahead, set it (NTP). If the time is "
      .. "right, the owner of the server has to renew the certificate; where an anchor has expired, update the store.",
  },
  ["trust.not_yet_valid"] = {
    seen = "{which} is not valid yet[: {detail}]; judged at {now}.",
    why = REFUSED,
    fix = "First compare {now} with a clock you trust: on a device whose clock is behind, set it (NTP). If the time is "
      .. "right, the certificate was put to use too early.",
  },
  ["trust.clock"] = {
    seen = "This device's clock is wrong: it says {now}[, which is before kedge was built ({build})]. At a believable time "
      .. "the chain is good.",
    why = "Every certificate has dates. With a wrong clock good ones look expired or not yet valid, and every secured "
      .. "connection fails.",
    fix = "Set the clock: sudo date -s 'YYYY-MM-DD HH:MM', then see that it is kept (timedatectl, NTP through UDP port 123, "
      .. "a battery for the clock chip).",
  },
  ["trust.name_mismatch"] = {
    seen = "The certificate is for another name[: {detail}].",
    why = "This may be another server than the one that was asked for.",
    fix = "Check the host. If it is right, look for an entry in /etc/hosts, a name server or a proxy that leads elsewhere. "
      .. "If the server is yours, it needs a certificate with this name in subjectAltName.",
  },
  ["trust.bad_signature"] = {
    seen = "A signature is wrong[: {certificate}][ ({detail})].",
    why = "The certificate was changed or forged, or its issuer's key is another one of the same name.",
    fix = "Do not trust this connection. Compare from another network; if it is the same there, the server's files are "
      .. "damaged or mixed up.",
  },
  ["trust.weak_key"] = {
    seen = "{which} has a key that is too weak[: {detail}].",
    why = REFUSED,
    fix = "The owner of the server needs a new certificate with a key of at least RSA 2048 or P-256.",
  },
  ["trust.weak_signature"] = {
    seen = "{which} is signed with an algorithm that is no longer safe[: {detail}].",
    why = REFUSED,
    fix = "The owner of the server needs a new certificate, signed with SHA-256 or better.",
  },
  ["trust.not_ca"] = {
    seen = "{which} issued another one without being an authority's[: {detail}].",
    why = "Otherwise every owner of a certificate could issue one for any name.",
    fix = "The server's chain is put together wrongly, or forged. Have its owner install the intermediates that the "
      .. "authority delivered.",
  },
  ["trust.path_length"] = {
    seen = "The chain is longer than is allowed[: {detail}].",
    why = REFUSED,
    fix = "Where an authority in it sets the limit, that authority, often a private one, has to issue an intermediate with the "
      .. "right path length. Where --verify-depth sets it, allow more.",
  },
  ["trust.name_constraints"] = {
    seen = "An authority in the chain may not issue certificates for this name[: {detail}].",
    why = REFUSED,
    fix = "The certificate has to come from an authority that may issue for this name.",
  },
  ["trust.critical_extension"] = {
    seen = "{which} has a condition marked critical that kedge doesn't know[: {detail}].",
    why = "The rules say: what is critical and not understood has to be refused.",
    fix = "Ask whoever issued the certificate what the extension is for. For a web server none but the usual ones are needed.",
  },
  ["trust.bad_usage"] = {
    seen = "{which} isn't meant for this use[: {detail}].",
    why = REFUSED,
    fix = "The owner of the server needs a certificate for TLS servers (extended key usage serverAuth). A certificate for "
      .. "clients or for mail was installed by mistake.",
  },
  ["trust.unsupported"] = {
    seen = "The chain has a key or a signature of a kind that kedge cannot check[: {detail}].",
    why = "It may be good or bad: it is neither accepted nor called wrong.",
    fix = "Devices with small TLS libraries stumble over such keys as well. RSA 2048 to 4096 and P-256 or P-384 work everywhere.",
  },
  ["trust.bad_certificate"] = {
    seen = "A certificate cannot be read[: {certificate}][ ({detail})].",
    why = IMPOSTOR,
    fix = "The server's file is damaged, or its issuer doesn't keep to the rules (RFC 5280). Have it issued again.",
  },
  ["trust.no_store"] = {
    seen = "There is no usable trust store: {store} holds no authority.",
    why = "Without one no chain can be verified, and every secured connection fails.",
    fix = "If it was named by --trust, SSL_CERT_FILE or SSL_CERT_DIR, name certificates: a file in PEM or DER, or a folder of "
      .. "them (a private key is none). If it is the device's own, install it: sudo apt-get install ca-certificates (with "
      .. "--reinstall where it is damaged). kedge's own anchors can be used for a look: --trust ats.",
  },
  ["trust.partial_chain"] = {
    seen = "The chain ends in a certificate of the store that isn't a root[ ({anchor})].",
    why = "curl, Go and kedge accept that; programs that use OpenSSL with its defaults want a root and refuse.",
    fix = "Add the root above it to the store as well: " .. ADD,
  },
}
