-- Sentences for store: what an audit finds out about a trust store. {add} and {update} are the layout's own commands,
-- {repair} is kedge's, where it writes this layout.

local REFUSED = "Programs that use this store refuse servers whose chains end in this authority."
local REPAIR = "[ kedge does it: {repair}.]"
local KEEP = REPAIR .. " Do not remove any authority that is there."

return {
  ["store.no_chain"] = {
    seen = "A chain to {authority} cannot be verified with {store}[: {detail}].",
    why = "Programs that use this store cannot connect to servers whose chains end in this root.",
    fix = "See what the audit says of {authority} itself. To add it: {add}." .. KEEP,
  },
  ["store.through_services"] = {
    seen = "A chain to {authority} can be verified with {store}, but only through Starfield Services G2.",
    why = "That works for the chains that Amazon sends today. It depends on the server sending the root signed by Starfield "
      .. "Services G2 as well; once servers stop, connections fail.",
    fix = "Add {authority} itself: {add}." .. KEEP,
  },
  ["store.through_class2"] = {
    seen = "A chain to {authority} can be verified with {store}, but only through Starfield Class 2.",
    why = "It depends on the server sending two certificates signed by older authorities, and distributions are dropping this one.",
    fix = "Add {authority} itself: {add}." .. KEEP,
  },
  ["store.partial_chain"] = {
    seen = "A chain to {authority} ends, with {store}, in a certificate that isn't self-signed and whose issuer isn't there"
      .. "[ ({detail})].",
    why = "curl, Go and kedge accept that; programs that use OpenSSL with its defaults (no partial chains) want a root and fail.",
    fix = "Add the self-signed certificate of {authority} as well: {add}." .. KEEP,
  },
  ["store.absent"] = {
    seen = "{authority} is not there: neither in [{store}, nor in ]any file that the configuration could take in.",
    why = REFUSED,
    fix = "To add it: {add}. An update of the package ca-certificates may be enough." .. KEEP,
  },
  ["store.class2_absent"] = {
    seen = "{authority} is not there. Distributions are dropping it, and chains to all four roots of Amazon verify without it.",
    why = "Only servers that send old chains alone would need it.",
    fix = "Nothing has to be done.",
  },
  ["store.only_live"] = {
    seen = "{authority} is in the store, but the next run of {update} takes it out[: {detail}].",
    why = "All is well until then, for instance until the next update of the package.",
    fix = "Enable its line in /etc/ca-certificates.conf (take only the ! away), or: {add}." .. KEEP,
  },
  ["store.not_configured"] = {
    seen = "{authority} is on the disk, but the configuration doesn't take it in[ ({detail})].",
    why = REFUSED,
    fix = "In /etc/ca-certificates.conf add a line with the file's name behind /usr/share/ca-certificates/ (see that the line "
      .. "before it ends in a newline); in a folder for local certificates its name has to end in .crt. Then run {update}." .. REPAIR,
  },
  ["store.disabled"] = {
    seen = "{authority} is on the disk, but the configuration switches it off[ ({detail})].",
    why = REFUSED,
    fix = "Take away the ! in front of its line (or, where there is a folder of refused certificates, take it out of there), and "
      .. "nothing else; then run {update}." .. REPAIR,
  },
  ["store.no_file"] = {
    seen = "The configuration names {authority}, but its file isn't there[ ({detail})].",
    why = REFUSED,
    fix = "Put the certificate where the line says, or install the package that ships it again (sudo apt-get install "
      .. "--reinstall ca-certificates); then run {update}." .. REPAIR,
  },
  ["store.not_applied"] = {
    seen = "{authority} is configured, but it is not in {store}[ ({detail})].",
    why = REFUSED,
    fix = "Run {update}." .. REPAIR,
  },
  ["store.wrong_content"] = {
    seen = "What goes by the name of {authority} is another certificate[: {detail}].",
    why = "A wrong certificate under this name helps nobody, and a forged one would let its owner read along.",
    fix = "Find out where it came from. Replace the file by the genuine certificate (compare the SHA-256 of its public key), then "
      .. "run {update}.",
  },
  ["store.cross_signed"] = {
    seen = "{authority} is there only as another certificate with the same key[: {detail}].",
    why = "curl, Go and kedge take any certificate of a store as an anchor if its name fits; programs that use OpenSSL with its "
      .. "defaults need its issuer too.",
    fix = "Add the self-signed certificate as well: {add}." .. KEEP,
  },
  ["store.expired"] = {
    seen = "The certificate of {authority} has expired[: {detail}].",
    why = REFUSED,
    fix = "First compare the clock with one that you trust. If it is right, update the package ca-certificates, or: {add}.",
  },
  ["store.not_yet_valid"] = {
    seen = "The certificate of {authority} is not valid yet[: {detail}].",
    why = REFUSED,
    fix = "First compare the clock with one that you trust, and set it (NTP). If it is right, replace the certificate: {add}.",
  },
  ["store.unusable"] = {
    seen = "The certificate of {authority} cannot be used as an anchor[: {detail}].",
    why = REFUSED,
    fix = "Replace it by the genuine one: {add}.",
  },
  ["store.disagree"] = {
    seen = "The stores of this system disagree[: {detail}].",
    why = "Some programs read the bundle and some the folder, so that some of them connect and others don't.",
    fix = "Make both anew: run {update}.",
  },
  ["store.differ"] = {
    seen = "Bundle and folder don't hold the same certificates[: {detail}].",
    why = "Some programs read the one and some the other.",
    fix = "An authority that is in the bundle only is lost when the store is made anew: give it a file first. Then run {update}.",
  },
  ["store.empty"] = {
    seen = "There is no authority in the store[ {store}].",
    why = "Without one no chain can be verified, and every secured connection fails.",
    fix = "Run {update}; if that doesn't help, install the package ca-certificates again.",
  },
  ["store.unreadable"] = {
    seen = "The store {store} cannot be read[: {detail}].",
    why = "What it holds was not judged.",
    fix = "Check its name, and that you may read it (a store has to be readable by everybody).",
  },
  ["store.no_layout"] = {
    seen = "In {where} there is no trust store in any layout that kedge knows.",
    why = "There is nothing to judge: either this is not the root of a system, or it has no authorities.",
    fix = "Check --root (the folder that holds etc and usr), or name the bundle or folder with --store. On a system without any "
      .. "store install the package ca-certificates.",
  },
  ["store.unparsable"] = {
    seen = "An entry of the store cannot be read[: {detail}].",
    why = "It is no authority for kedge, and some libraries refuse the whole store because of one such entry.",
    fix = "Take out this entry alone, at its source (not in the bundle, which is made anew), and run {update}.",
  },
  ["store.duplicates"] = {
    seen = "Certificates are in {store} more than once[: {detail}].",
    why = "It does no harm, but shows that the store was patched by hand, or made twice at once.",
    fix = "Run {update}, alone.",
  },
  ["store.stale_link"] = {
    seen = "A link of the folder is stale[: {detail}].",
    why = "OpenSSL opens only links that are named by the hash of the subject that it looks for.",
    fix = "Make the links anew: run {update}, or openssl rehash in that folder.",
  },
  ["store.outdated"] = {
    seen = "The bundle is older than its configuration[: {detail}].",
    why = "What was changed in the configuration since has no effect.",
    fix = "Run {update}.",
  },
  ["store.remainder"] = {
    seen = "An interrupted run has left {detail}.",
    why = "The next run appends to it: authorities then come twice, or come back, or the bundle becomes unreadable.",
    fix = "When no run is under way, remove this file, then run {update}." .. REPAIR,
  },
  ["store.broken_line"] = {
    seen = "{authority} stands in a line of the configuration that update-ca-certificates drops without a word[: {detail}].",
    why = "The authority of that line is lost at the next run.",
    fix = "End the line in a newline alone (no carriage return), then run {update}.",
  },
  ["store.temporary"] = {
    seen = "The store lies on a file system of the kind {detail} ({store}).",
    why = "What is changed there may be gone after a restart.",
    fix = "Repair it where the system keeps its files (the image, or the lower folder), not only in the running system.",
  },
  ["store.read_only"] = {
    seen = "The file system of {store} is mounted read-only.",
    why = "The store cannot be repaired as it is.",
    fix = "Mount it for writing first (mount -o remount,rw), or repair the image.",
  },
  ["store.own_bundle"] = {
    seen = "{detail}; such programs don't use this store.",
    why = "A repair of the store does not reach them, and they may work where others fail.",
    fix = "Where such a program fails, update its own bundle, or point it here (SSL_CERT_FILE, NODE_EXTRA_CA_CERTS).",
  },
  ["store.environment"] = {
    seen = "The variable {variable} is set: programs in this environment, kedge check among them, use {other} ({detail}) instead of "
      .. "this system's store.",
    why = "What was audited is not what they judge by, and a repair of the store does not reach them.",
    fix = "Unset {variable} where the system's store is meant, or audit what it names: kedge ca-audit --store {other}.",
  },
  ["store.pending"] = {
    seen = "This run has changed nothing.",
    why = "Without --apply nothing is written; what stands above is what would be done.",
    fix = "Run it again with --apply.",
  },
  ["store.clock"] = {
    seen = "This device's clock says {now}, which is before kedge was built ({build}); the store was judged at build time.",
    why = "With a wrong clock good certificates look not yet valid or expired, and every secured connection fails.",
    fix = "Set the clock: sudo date -s 'YYYY-MM-DD HH:MM', then see that it is kept (timedatectl, NTP).",
  },
  ["store.clock_anchor"] = {
    seen = "This device's clock says {now}, but an authority of the store begins later[: {detail}].",
    why = "The store was made after that time, so the clock is probably behind.",
    fix = "Compare the clock with one that you trust, and set it (NTP).",
  },
}
