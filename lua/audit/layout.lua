-- How a system keeps its trust store: which files, and which tool makes them. Pure; what is there is asked for.

local layout = {}

local BUNDLES = { "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem", "/etc/pki/tls/certs/ca-bundle.crt" }
local FOLDER = "/etc/ssl/certs"

local NAMES = {
  debian = "Debian", raspbian = "Raspbian", ubuntu = "Ubuntu", alpine = "Alpine", buildroot = "Buildroot", openwrt = "OpenWrt",
  fedora = "Fedora", rhel = "RHEL", centos = "RHEL", rocky = "RHEL", almalinux = "RHEL",
}

-- "debian" from /etc/os-release: ID, else the first word known of ID_LIKE.
local function distribution(release)
  local fields = {}
  for line in (release or ""):sub(1, 65536):gmatch("[^\r\n]+") do
    local key, value = line:match("^(%u[%u_]*)=[\"']?([^\"']*)")
    if key then fields[key] = value:lower() end
  end
  for word in ((fields.ID or "") .. " " .. (fields.ID_LIKE or "")):gmatch("%S+") do
    if NAMES[word] then return word end
  end
end

local function first(places, has)
  for _, place in ipairs(places) do
    if has(place) == "file" then return place end
  end
end

local function openwrt()
  return {
    family = "openwrt", bundle = BUNDLES[1], directory = FOLDER,
    add = "run opkg update && opkg install ca-certificates ca-bundle, or put its certificate (PEM, name ending in .crt) into "
      .. "/etc/ssl/certs and link it as openssl rehash does",
    update = "opkg install --force-reinstall ca-certificates ca-bundle",
  }
end

local function fedora(has)
  local extracted = "/etc/pki/ca-trust/extracted/pem"
  local hashed = extracted .. "/directory-hash"
  return {
    family = "fedora", bundle = first({ extracted .. "/tls-ca-bundle.pem", BUNDLES[3] }, has) or extracted .. "/tls-ca-bundle.pem",
    directory = has(hashed) == "directory" and hashed or "/etc/pki/tls/certs",
    chosen = { "/etc/pki/ca-trust/source/anchors", "/usr/share/pki/ca-trust-source/anchors" },
    refused = { "/etc/pki/ca-trust/source/blocklist", "/etc/pki/ca-trust/source/blacklist" },
    add = "put its certificate (PEM) into /etc/pki/ca-trust/source/anchors/ and run sudo update-ca-trust",
    update = "sudo update-ca-trust",
  }
end

local function debian(has)
  local configuration = "/etc/ca-certificates.conf"
  return {
    family = "debian", bundle = BUNDLES[1], directory = FOLDER,
    configuration = has(configuration) == "file" and configuration or nil,
    shipped = "/usr/share/ca-certificates", chosen = { "/usr/local/share/ca-certificates" }, refused = {},
    add = "put its certificate (PEM, name ending in .crt) into /usr/local/share/ca-certificates/ and run sudo "
      .. "update-ca-certificates",
    update = "sudo update-ca-certificates",
  }
end

--- The layout of a single store, a "file" or "directory" at `path`.
function layout.bare(path, kind)
  if kind == "directory" then
    return { name = "bare directory", family = "bare", directory = path, is_whole = true,
      add = ("put its certificate (PEM) into %s and run openssl rehash %s"):format(path, path),
      update = "openssl rehash " .. path }
  end
  return { name = "bare bundle", family = "bare", bundle = path, add = ("append its certificate (PEM) to %s"):format(path),
    update = "the tool that made " .. path }
end

--- The layout of a system: { name= for people, family= "debian", "openwrt", "fedora" or "bare", bundle=, directory=
--- where these are kept, is_whole= the directory is read without hash links too, configuration=, shipped= folder of
--- what it may name, chosen= and refused= folders whose certificates are taken in or kept out, add= how to add an
--- authority, update= the command that makes the store }; nil where it is none that kedge knows.
--- `has(path)` gives "file", "directory" or nil, `read(path)` a text or nil.
function layout.detect(has, read)
  local id = distribution(read "/etc/os-release" or read "/usr/lib/os-release")
  local found
  if id == "openwrt" or has "/etc/openwrt_release" then
    found, id = openwrt(), "openwrt"
  elseif has "/etc/pki/ca-trust/source" == "directory" then
    found = fedora(has)
  elseif has "/etc/ca-certificates.conf" or has "/usr/sbin/update-ca-certificates" or has "/usr/share/ca-certificates"
    or id == "buildroot" and has(BUNDLES[1]) then
    found = debian(has)
  end
  if found then
    local family = found.family == "fedora" and "Fedora" or "Debian family"
    found.name = NAMES[id] or family
    if id == "buildroot" and not has "/usr/sbin/update-ca-certificates" then
      found.add = "append its certificate (PEM) to " .. BUNDLES[1] .. ", or select the package ca-certificates and build again"
      found.update = "make ca-certificates-reinstall all in Buildroot"
    end
    return found
  end
  local bundle = first(BUNDLES, has)
  if bundle then return layout.bare(bundle, "file") end
  if has(FOLDER) == "directory" then return layout.bare(FOLDER, "directory") end
end

return layout
