# kedge. `make help` lists the targets; `make` builds ./kedge and installs nothing.

VERSION = 0.1.0
PREFIX = /usr/local
DESTDIR =
CFLAGS = -O2 -g
LDFLAGS =
LUA = lua5.4
INSTALL = install
# Debian's own: its modules come from Debian's packages.
PYTHON = /usr/bin/python3
# Set to 1: DEBUG keeps line numbers in the embedded Lua, EMBED_SOURCE embeds
# text instead of bytecode (for building on a machine of another byte order),
# SHARED links the libraries dynamically, V shows the commands.
DEBUG =
EMBED_SOURCE =
SHARED =
V =

# Line editing for `kedge -i` by libedit where its static library is there; empty: lines as the terminal gives them.
EDIT := $(shell $(CC) $(CPPFLAGS) -include histedit.h -x c -fsyntax-only /dev/null 2>/dev/null && echo libedit)

# What kedge is made of ------------------------------------------------------

CORE = \
	core/admit.c \
	core/certificate.c \
	core/change.c \
	core/conn.c \
	core/der.c \
	core/der_time.c \
	core/descriptors.c \
	core/digest.c \
	core/dn.c \
	core/dn_text.c \
	core/edit.c \
	core/entropy.c \
	core/extension.c \
	core/file.c \
	core/file_beside.c \
	core/file_identity.c \
	core/h2.c \
	core/h2_hear.c \
	core/h2_names.c \
	core/h2_scan.c \
	core/h2_stream.c \
	core/interface.c \
	core/key.c \
	core/lock.c \
	core/loop.c \
	core/pem.c \
	core/process.c \
	core/process_child.c \
	core/process_text.c \
	core/resolver.c \
	core/resolver_socket.c \
	core/signature.c \
	core/socket.c \
	core/store.c \
	core/store_files.c \
	core/tls.c \
	core/tls_chain.c \
	core/tls_fault.c \
	core/tls_hello.c \
	core/tls_names.c \
	core/tls_offer.c \
	core/tls_pump.c \
	core/tree.c
STATIC_ONLY = core/static.c
BINDINGS = \
	core/bind/admit.c \
	core/bind/bind.c \
	core/bind/call.c \
	core/bind/certificate.c \
	core/bind/change.c \
	core/bind/embedded.c \
	core/bind/file.c \
	core/bind/lock.c \
	core/bind/loop.c \
	core/bind/loop_time.c \
	core/bind/modules.c \
	core/bind/net.c \
	core/bind/net_fail.c \
	core/bind/net_h2.c \
	core/bind/net_interface.c \
	core/bind/process.c \
	core/bind/prompt.c \
	core/bind/resolver.c \
	core/bind/store.c \
	core/bind/tree.c \
	core/bind/watch.c \
	core/bind/x509.c
LUA_MODULES = \
	lua/arguments.lua \
	lua/audit.lua \
	lua/author.lua \
	lua/avs.lua \
	lua/causes.lua \
	lua/certificate.lua \
	lua/check.lua \
	lua/cli.lua \
	lua/command_line.lua \
	lua/compare.lua \
	lua/config_edit.lua \
	lua/context.lua \
	lua/descriptors.lua \
	lua/details.lua \
	lua/diff.lua \
	lua/each.lua \
	lua/environment.lua \
	lua/every_address.lua \
	lua/evidence.lua \
	lua/expect.lua \
	lua/explain.lua \
	lua/flat.lua \
	lua/foreign.lua \
	lua/help.lua \
	lua/history.lua \
	lua/http1.lua \
	lua/inspect.lua \
	lua/instant.lua \
	lua/interrupt.lua \
	lua/json.lua \
	lua/json_scan.lua \
	lua/judge.lua \
	lua/kedge.lua \
	lua/launch.lua \
	lua/limits.lua \
	lua/loader.lua \
	lua/memo.lua \
	lua/metric.lua \
	lua/name.lua \
	lua/nearest.lua \
	lua/new.lua \
	lua/observe.lua \
	lua/one_liner.lua \
	lua/option_values.lua \
	lua/options.lua \
	lua/output.lua \
	lua/path.lua \
	lua/places.lua \
	lua/policy.lua \
	lua/print.lua \
	lua/prompt.lua \
	lua/reasons.lua \
	lua/report.lua \
	lua/result.lua \
	lua/result_shape.lua \
	lua/route.lua \
	lua/run.lua \
	lua/sdk_config.lua \
	lua/shape.lua \
	lua/show.lua \
	lua/sources.lua \
	lua/standard_files.lua \
	lua/target.lua \
	lua/target_list.lua \
	lua/task.lua \
	lua/terminal.lua \
	lua/api/blame.lua \
	lua/api/checks.lua \
	lua/api/h2.lua \
	lua/api/handle.lua \
	lua/api/insecure.lua \
	lua/api/json.lua \
	lua/api/lists.lua \
	lua/api/options.lua \
	lua/api/reference.lua \
	lua/api/results.lua \
	lua/api/session.lua \
	lua/api/stores.lua \
	lua/api/stream.lua \
	lua/api/targets.lua \
	lua/api/tools.lua \
	lua/api/verdict.lua \
	lua/audit/authorities.lua \
	lua/audit/chains.lua \
	lua/audit/config.lua \
	lua/audit/files.lua \
	lua/audit/finding.lua \
	lua/audit/image.lua \
	lua/audit/layout.lua \
	lua/audit/stores.lua \
	lua/audit/upkeep.lua \
	lua/formats/csv.lua \
	lua/formats/html.lua \
	lua/formats/json.lua \
	lua/formats/jsonl.lua \
	lua/formats/junit.lua \
	lua/formats/markdown.lua \
	lua/formats/nagios.lua \
	lua/formats/prometheus.lua \
	lua/formats/sh.lua \
	lua/formats/tap.lua \
	lua/formats/text.lua \
	lua/html/chain.lua \
	lua/html/check.lua \
	lua/html/element.lua \
	lua/html/page.lua \
	lua/html/style.lua \
	lua/html/waterfall.lua \
	lua/observe/connect.lua \
	lua/observe/http.lua \
	lua/observe/resolve.lua \
	lua/observe/tls.lua \
	lua/reasons/device.lua \
	lua/reasons/http.lua \
	lua/reasons/network.lua \
	lua/reasons/store.lua \
	lua/reasons/tls.lua \
	lua/reasons/trust.lua \
	lua/update.lua \
	lua/update/after.lua \
	lua/update/backup.lua \
	lua/update/backups.lua \
	lua/update/bounds.lua \
	lua/update/changes.lua \
	lua/update/configuration.lua \
	lua/update/fetch.lua \
	lua/update/forecast.lua \
	lua/update/holder.lua \
	lua/update/links.lua \
	lua/update/manifest.lua \
	lua/update/merge.lua \
	lua/update/names.lua \
	lua/update/outcome.lua \
	lua/update/plan.lua \
	lua/update/recovery.lua \
	lua/update/refusal.lua \
	lua/update/restore.lua \
	lua/update/rollback.lua \
	lua/update/runs.lua \
	lua/update/source.lua \
	lua/update/state.lua \
	lua/update/survey.lua \
	lua/update/system.lua \
	lua/update/tool.lua \
	lua/update/transaction.lua \
	lua/update/verdict.lua \
	lua/update/way_back.lua \
	lua/update/words.lua
# For people to copy: installed, not compiled in.
EXAMPLES = \
	scripts/examples/addresses.lua \
	scripts/examples/banner.lua \
	scripts/examples/downchannel.lua \
	scripts/examples/expiry.lua \
	scripts/examples/health.lua \
	scripts/examples/influx.lua \
	scripts/examples/latency.lua \
	scripts/examples/mqtt.lua \
	scripts/examples/own_regions.lua
SCRIPTS = \
	scripts/ca-audit.lua \
	scripts/ca-update.lua \
	scripts/check.lua \
	scripts/handshake.lua \
	scripts/regions.lua \
	scripts/sdk-config.lua
ANCHORS = \
	trust/AmazonRootCA1.pem \
	trust/AmazonRootCA2.pem \
	trust/AmazonRootCA3.pem \
	trust/AmazonRootCA4.pem \
	trust/StarfieldClass2CertificationAuthority.pem \
	trust/StarfieldServicesRootCertificateAuthority-G2.pem
TEXTS = lua/kedge.d.lua lua/new/check.lua lua/new/check_test.lua lua/new/format.lua lua/new/format_test.lua
LUA_SHARE = /usr/share/lua/5.4
LUA_LIBRARIES = $(LUA_SHARE)/argparse.lua $(LUA_SHARE)/dkjson.lua

C_TESTS = \
	tests/core/admit_test.c \
	tests/core/certificate_test.c \
	tests/core/change_test.c \
	tests/core/der_test.c \
	tests/core/dn_test.c \
	tests/core/entropy_test.c \
	tests/core/file_test.c \
	tests/core/h2_broken_test.c \
	tests/core/h2_call_test.c \
	tests/core/h2_hostile_test.c \
	tests/core/h2_test.c \
	tests/core/lock_test.c \
	tests/core/pem_test.c \
	tests/core/process_test.c \
	tests/core/signature_test.c \
	tests/core/socket_test.c \
	tests/core/store_test.c \
	tests/core/tls_hello_test.c \
	tests/core/tls_open_test.c \
	tests/core/tls_server_test.c \
	tests/core/tls_test.c \
	tests/core/tree_test.c \
	tests/core/trust_test.c
LUA_TESTS = \
	tests/unit/api_spec.lua \
	tests/unit/audit_spec.lua \
	tests/unit/avs_spec.lua \
	tests/unit/cli_spec.lua \
	tests/unit/compare_spec.lua \
	tests/unit/expect_spec.lua \
	tests/unit/explain_spec.lua \
	tests/unit/file_spec.lua \
	tests/unit/flat_spec.lua \
	tests/unit/formats_spec.lua \
	tests/unit/history_spec.lua \
	tests/unit/http1_spec.lua \
	tests/unit/inspect_spec.lua \
	tests/unit/instant_spec.lua \
	tests/unit/json_spec.lua \
	tests/unit/judge_spec.lua \
	tests/unit/loader_spec.lua \
	tests/unit/metric_spec.lua \
	tests/unit/modules_spec.lua \
	tests/unit/name_spec.lua \
	tests/unit/nearest_spec.lua \
	tests/unit/path_spec.lua \
	tests/unit/policy_spec.lua \
	tests/unit/print_spec.lua \
	tests/unit/process_spec.lua \
	tests/unit/reasons_spec.lua \
	tests/unit/report_spec.lua \
	tests/unit/result_spec.lua \
	tests/unit/route_spec.lua \
	tests/unit/run_spec.lua \
	tests/unit/sdk_config_spec.lua \
	tests/unit/show_spec.lua \
	tests/unit/sources_spec.lua \
	tests/unit/target_list_spec.lua \
	tests/unit/target_spec.lua \
	tests/unit/task_spec.lua \
	tests/unit/text_spec.lua \
	tests/unit/update_after_spec.lua \
	tests/unit/update_configuration_spec.lua \
	tests/unit/update_forecast_spec.lua \
	tests/unit/update_holder_spec.lua \
	tests/unit/update_source_spec.lua \
	tests/unit/update_system_spec.lua \
	tests/unit/x509_spec.lua \
	tests/conformance/ats_spec.lua \
	tests/conformance/limbo_spec.lua
E2E_TESTS = \
	tests/e2e/api_test.py \
	tests/e2e/audit_test.py \
	tests/e2e/author_test.py \
	tests/e2e/check_test.py \
	tests/e2e/examples_test.py \
	tests/e2e/faults_test.py \
	tests/e2e/filter_test.py \
	tests/e2e/formats_test.py \
	tests/e2e/handshake_command_test.py \
	tests/e2e/handshake_test.py \
	tests/e2e/hostile_test.py \
	tests/e2e/input_test.py \
	tests/e2e/interface_test.py \
	tests/e2e/interrupt_test.py \
	tests/e2e/network_test.py \
	tests/e2e/output_test.py \
	tests/e2e/prompt_test.py \
	tests/e2e/regions_test.py \
	tests/e2e/resources_test.py \
	tests/e2e/scripts_test.py \
	tests/e2e/sdk_config_test.py \
	tests/e2e/shell_test.py \
	tests/e2e/static_test.py \
	tests/e2e/update_fetch_test.py
OTHER_TESTS = \
	tests/e2e/formats_html_test.py \
	tests/e2e/guides_test.py \
	tests/e2e/formats_memory_test.py \
	tests/conformance/graphs_test.py \
	tests/e2e/update_full_test.py \
	tests/e2e/update_kill_test.py \
	tests/e2e/update_random_test.py \
	tests/e2e/update_recovery_test.py \
	tests/e2e/update_test.py \
	tests/e2e/update_system_test.py \
	tests/e2e/update_together_test.py \
	tests/build/boot_test.sh \
	tests/build/make_test.sh
# What `make check` runs under the sanitizers besides the C tests.
SANITIZED_TESTS = tests/e2e/hostile_test.py tests/e2e/faults_test.py tests/fuzz/x509_test.sh
# Programs that change bytes; tests/fuzz/*_test.sh run them.
FUZZERS = tests/fuzz/x509_fuzz.c

# Header or file that proves a package is there, and the package.
BUILD_HEADERS = ev.h:libev-dev ares.h:libc-ares-dev bearssl.h:libbearssl-dev \
	nghttp2/nghttp2.h:libnghttp2-dev lua.h:liblua5.4-dev zlib.h:zlib1g-dev
BUILD_FILES = $(LUA_SHARE)/argparse.lua:lua-argparse $(LUA_SHARE)/dkjson.lua:lua-dkjson

# Flags ----------------------------------------------------------------------

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes \
	-Wstrict-prototypes -Wvla
OPTIMISED = $(filter-out -O0,$(filter -O%,$(CFLAGS)))
HARDENING = -fPIE -fstack-protector-strong $(if $(OPTIMISED),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
HARDENING_LD = -pie -Wl,-z,relro,-z,now
LUA_INCLUDE = -I/usr/include/lua5.4
BASE = -std=c11 $(WARNINGS) -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -iquote . -iquote core \
	$(LUA_INCLUDE) -ffile-prefix-map='$(CURDIR)'=.
DEFINES = -DKEDGE_VERSION='"$(VERSION)"' -DKEDGE_PREFIX='"$(PREFIX)"'
LIBRARIES = -llua5.4 -lbearssl -lnghttp2 -lcares -lev -lz
# Not in kedge-static, which it would make a third of a MiB larger.
EDIT_CFLAGS = $(if $(EDIT),-DKEDGE_EDIT)
EDIT_LIBRARIES = $(if $(EDIT),-ledit -lbsd -lmd -ltinfo)
LIBS = $(if $(SHARED),$(LIBRARIES) $(if $(EDIT),-ledit),-Wl,-Bstatic $(LIBRARIES) $(EDIT_LIBRARIES) -Wl,-Bdynamic) -lm

plain_CFLAGS = $(BASE) $(EDIT_CFLAGS) $(HARDENING) $(CPPFLAGS) $(CFLAGS)
plain_LDFLAGS = $(HARDENING_LD) $(LDFLAGS)
plain_LIBS = $(LIBS)
# ./kedge itself takes glibc in too, as a PIE all the same: shared libraries
# cost a third of its memory and half of its start. Not with SHARED=1.
ifndef SHARED
plain_LINK = -static-pie -Wl,-z,relro,-z,now $(LDFLAGS)
plain_LINK_LIBS = $(LIBRARIES) $(EDIT_LIBRARIES) -lm
plain_EXTRA = $(STATIC_ONLY:%.c=build/plain/%.o)
endif

static_CFLAGS = $(BASE) -fstack-protector-strong -Os -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 \
	-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables $(CPPFLAGS)
static_LDFLAGS = -static -s -Wl,--gc-sections,-z,relro,-z,noseparate-code,--no-eh-frame-hdr,-T,core/static.ld $(LDFLAGS)
static_EXTRA = $(STATIC_ONLY:%.c=build/static/%.o)
static_LIBS = $(LIBRARIES) -lm

sanitized_CFLAGS = $(BASE) $(EDIT_CFLAGS) -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all $(CPPFLAGS)
sanitized_LDFLAGS = -fsanitize=address,undefined $(LDFLAGS)
sanitized_LIBS = $(LIBS)

coverage_CFLAGS = $(BASE) $(EDIT_CFLAGS) -O0 -g --coverage $(CPPFLAGS)
coverage_LDFLAGS = --coverage $(LDFLAGS)
coverage_LIBS = $(LIBS)

Q = $(if $(V),,@)

# Building -------------------------------------------------------------------

.PHONY: all static sanitized
all: kedge ## build ./kedge (the default); installs nothing

kedge: build/plain/kedge
	$(Q)cp -f $< $@

static: kedge-static ## build ./kedge-static: one file, no shared library, at most 2.0 MiB
kedge-static: build/static/kedge
	$(Q)cp -f $< $@

sanitized: build/sanitized/kedge build/sanitized/kedge-lua ## build/sanitized/kedge, under ASan, UBSan and LSan

# A missing library is one line that names its package.
build/dependencies: Makefile
	$(Q)mkdir -p build
	$(Q)command -v $(firstword $(CC)) >/dev/null || { echo "no C compiler '$(firstword $(CC))': apt-get install gcc libc6-dev" >&2; exit 1; }
	$(Q)command -v $(LUA) >/dev/null || { echo "no '$(LUA)': apt-get install lua5.4" >&2; exit 1; }
	$(Q)for pair in $(BUILD_HEADERS); do \
		echo "#include <$${pair%%:*}>" | $(CC) $(LUA_INCLUDE) $(CPPFLAGS) -E -o /dev/null - 2>/dev/null || \
		{ echo "$${pair%%:*} not found: apt-get install $${pair#*:} (or make deps)" >&2; exit 1; }; \
	done
	$(Q)for pair in $(BUILD_FILES); do \
		test -r "$${pair%%:*}" || \
		{ echo "$${pair%%:*} not found: apt-get install $${pair#*:} (or make deps)" >&2; exit 1; }; \
	done
	$(Q)touch $@

# A target that depends on build/NAME/flags is made again when NAME_TEXT changed.
define STAMP
build/$(1)/flags: $$(if $$(filter-out $$(strip $$(file <build/$(1)/flags)),$$(strip $$($(1)_TEXT)))$$(filter-out $$(strip $$($(1)_TEXT)),$$(strip $$(file <build/$(1)/flags))),FORCE)
	$$(shell mkdir -p $$(@D))$$(file >$$@,$$(strip $$($(1)_TEXT)))
endef
FORCE:
.PHONY: FORCE

EMBEDDED = $(LUA_MODULES) $(SCRIPTS) $(ANCHORS) $(TEXTS) $(LUA_LIBRARIES)
embed_TEXT = $(LUA) debug=$(DEBUG) source=$(EMBED_SOURCE) epoch=$(SOURCE_DATE_EPOCH) $(EMBEDDED)
$(eval $(call STAMP,embed))

$(LUA_LIBRARIES): | build/dependencies ;

build/embed/files.c: core/bind/embed.lua build/embed/flags $(EMBEDDED) | build/dependencies
	@echo "  EMBED $@"
	$(Q)DEBUG='$(DEBUG)' EMBED_SOURCE='$(EMBED_SOURCE)' $(LUA) core/bind/embed.lua $@ $(EMBEDDED)

# One set of rules per variant: objects below build/VARIANT/, the core as an
# archive for the C tests, kedge, and kedge-lua (the tests' interpreter).
define VARIANT
$(1)_TEXT = $$(CC) $$($(1)_CFLAGS) $$(DEFINES) $$($(1)_LDFLAGS) $$($(1)_LIBS) $$($(1)_LINK)
$$(eval $$(call STAMP,$(1)))

build/$(1)/%.o: %.c build/$(1)/flags | build/dependencies
	@echo "  CC $$@"
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$($(1)_CFLAGS) $$(DEFINES) -MMD -MP -c -o $$@ $$<

build/$(1)/embed.o: build/embed/files.c build/$(1)/flags | build/dependencies
	@echo "  CC $$@"
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$($(1)_CFLAGS) -MMD -MP -c -o $$@ $$<

$(1)_OBJECTS = $$(BINDINGS:%.c=build/$(1)/%.o) build/$(1)/embed.o build/$(1)/core.a

build/$(1)/kedge: $$($(1)_EXTRA) build/$(1)/core/bind/main.o $$($(1)_OBJECTS)
	@echo "  LD $$@"
	$$(Q)$$(CC) $$(or $$($(1)_LINK),$$($(1)_LDFLAGS)) -o $$@ $$(filter %.o %.a,$$^) $$(or $$($(1)_LINK_LIBS),$$($(1)_LIBS))

build/$(1)/kedge-lua: build/$(1)/tests/interpreter.o $$($(1)_OBJECTS)
	@echo "  LD $$@"
	$$(Q)$$(CC) $$($(1)_LDFLAGS) -Wl,-E -o $$@ $$^ $$($(1)_LIBS)

build/$(1)/core.a: $$(CORE:%.c=build/$(1)/%.o)
	@echo "  AR $$@"
	$$(Q)rm -f $$@
	$$(Q)$$(AR) rcsD $$@ $$^

build/$(1)/tests/%_test: build/$(1)/tests/%_test.o build/$(1)/core.a
	@echo "  LD $$@"
	$$(Q)$$(CC) $$($(1)_LDFLAGS) -o $$@ $$^ $$($(1)_LIBS) -lcmocka

build/$(1)/tests/fuzz/%_fuzz: build/$(1)/tests/fuzz/%_fuzz.o build/$(1)/core.a
	@echo "  LD $$@"
	$$(Q)$$(CC) $$($(1)_LDFLAGS) -o $$@ $$^ $$($(1)_LIBS)

-include $$(wildcard build/$(1)/*.d build/$(1)/core/*.d build/$(1)/core/bind/*.d build/$(1)/tests/*.d build/$(1)/tests/*/*.d)
endef
$(foreach variant,plain static sanitized coverage,$(eval $(call VARIANT,$(variant))))

build/kedge-lua: build/plain/kedge-lua
	$(Q)cp -f $< $@

# Keep objects that only a chain of rules needs.
.SECONDARY:

# Installing -----------------------------------------------------------------

.PHONY: install uninstall
install: kedge ## install below PREFIX (/usr/local), under DESTDIR if set
	$(INSTALL) -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/kedge $(DESTDIR)$(PREFIX)/share/doc/kedge
	$(INSTALL) -m 755 kedge $(DESTDIR)$(PREFIX)/bin/kedge
	$(INSTALL) -m 644 README.md LICENSE lua/kedge.d.lua $(DESTDIR)$(PREFIX)/share/doc/kedge
	$(INSTALL) -d $(DESTDIR)$(PREFIX)/share/doc/kedge/examples
	$(INSTALL) -m 644 $(EXAMPLES) $(DESTDIR)$(PREFIX)/share/doc/kedge/examples

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/kedge
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/kedge
	-rmdir $(DESTDIR)$(PREFIX)/share/kedge

# Packages -------------------------------------------------------------------

BUILD_PACKAGES = gcc libc6-dev lua5.4 liblua5.4-dev libbearssl-dev libnghttp2-dev \
	libev-dev libc-ares-dev zlib1g-dev lua-argparse lua-dkjson libedit-dev
DEMO_PACKAGES = openssl python3
LAB_PACKAGES = dnsmasq-base gnutls-bin
CHECK_PACKAGES = perl parallel tmux procps lua-unit libcmocka-dev python3-tap python3-jsonschema python3-cryptography curl strace ca-certificates debootstrap \
	jq libxml2-utils python3-junitparser python3-yaml python3-prometheus-client libmonitoring-plugin-perl \
	cmark-gfm busybox-static dash bash tidy nghttp2-server
# Where Debian has it; without it the tests of -f html in a browser are skipped, and say so.
BROWSER_PACKAGE = chromium-headless-shell
LINT_PACKAGES = lua-check cppcheck clang clang-tidy shellcheck
# nginx, prometheus (for promtool), mosquitto and influxdb are unpacked, not installed: their packages enable services.

.PHONY: deps deps-demo deps-lab deps-check
deps: ## install what the build needs (apt; sudo if not root)
	$(Q).ci/apt install $(BUILD_PACKAGES)

deps-demo: deps
	$(Q).ci/apt install $(DEMO_PACKAGES)
	$(Q)mkdir -p build
	$(Q).ci/apt unpack build/nginx nginx

deps-lab: deps-demo
	$(Q).ci/apt install $(LAB_PACKAGES)

deps-check: deps-lab ## install what the tests and lint need besides
	$(Q).ci/apt install $(CHECK_PACKAGES) $(LINT_PACKAGES)
	$(Q).ci/apt unpack build/prometheus prometheus
	$(Q).ci/apt unpack build/mosquitto mosquitto libmosquitto1 libcjson1 libdlt2 libwrap0
	$(Q).ci/apt unpack build/influxdb influxdb
	$(Q)if apt-cache show $(BROWSER_PACKAGE) >/dev/null 2>&1; then .ci/apt install $(BROWSER_PACKAGE); fi

# Of the targets below each installs what it needs before anything is compiled.
ifneq ($(filter check check-all lint coverage bench,$(MAKECMDGOALS)),)
build/dependencies: | deps-check
else ifneq ($(filter lab,$(MAKECMDGOALS)),)
build/dependencies: | deps-lab
else ifneq ($(filter demo,$(MAKECMDGOALS)),)
build/dependencies: | deps-demo
endif
build/dependencies: $(if $(filter deps deps-check,$(MAKECMDGOALS)),| $(filter deps deps-check,$(MAKECMDGOALS)))

# Trying ---------------------------------------------------------------------

.PHONY: demo lab
demo: kedge ## kedge regions against the lab: a first impression, on loopback
	$(Q)$(PYTHON) tests/lab/lab.py demo ./kedge

lab: kedge ## run the lab's servers in the foreground; prints kedge lines to paste
	$(Q)$(PYTHON) tests/lab/lab.py serve

# Testing --------------------------------------------------------------------

JOBS = 2
TEST_ENTRIES = $(C_TESTS:%=plain:%) $(LUA_TESTS:%=plain:%) $(E2E_TESTS:%=plain:%) $(OTHER_TESTS:%=plain:%) \
	$(E2E_TESTS:%=static:%) $(C_TESTS:%=sanitized:%) $(SANITIZED_TESTS:%=sanitized:%)
# What a run of `tests/run` in VARIANT needs.
needs = $(C_TESTS:%.c=build/$(1)/%) $(if $(filter sanitized,$(1)),$(FUZZERS:%.c=build/$(1)/%)) build/$(1)/kedge build/$(1)/kedge-lua

.PHONY: check check-all unit
check: kedge kedge-static build/kedge-lua $(call needs,plain) $(call needs,sanitized) ## every test: plain, kedge-static end to end, in part under ASan+UBSan
	$(Q)PYTHON=$(PYTHON) tests/run -j $(JOBS) $(TEST_ENTRIES)

check-all: kedge kedge-static build/kedge-lua $(call needs,plain) $(call needs,sanitized) ## check, longer, every kill point and power cut, and everything end to end under ASan+UBSan
	$(Q)KEDGE_TEST_ALL=1 TEST_TIMEOUT=14400 PYTHON=$(PYTHON) tests/run -j $(JOBS) $(TEST_ENTRIES) \
		$(filter-out $(SANITIZED_TESTS:%=sanitized:%),$(E2E_TESTS:%=sanitized:%))

unit: build/kedge-lua $(call needs,plain) ## C and Lua units only (needs what make deps-check installs)
	$(Q)tests/run -j $(JOBS) $(C_TESTS:%=plain:%) $(LUA_TESTS:%=plain:%)

.PHONY: bench coverage
bench: kedge ## speed and memory beside curl and openssl; a table
	$(Q)$(PYTHON) tests/bench/bench.py ./kedge

coverage: $(call needs,coverage) ## lines of core/ that the tests reach (gcov)
	$(Q)find build/coverage -name '*.gcda' -delete
	$(Q)PYTHON=$(PYTHON) tests/run -j $(JOBS) $(C_TESTS:%=coverage:%) $(LUA_TESTS:%=coverage:%) $(E2E_TESTS:%=coverage:%) >build/coverage/tests.log 2>&1 || \
		echo "(some tests failed, see build/coverage/tests.log: this measures, make check judges)"
	$(Q).ci/coverage build/coverage $(CORE) $(BINDINGS)

# Lint -----------------------------------------------------------------------

LINT_C = $(CORE) $(STATIC_ONLY) $(BINDINGS) core/bind/main.c tests/interpreter.c $(C_TESTS) $(FUZZERS)
HEADERS = $(wildcard core/*.h core/bind/*.h)
LUA_FILES = $(LUA_MODULES) $(SCRIPTS) $(EXAMPLES) $(filter lua/new/%,$(TEXTS)) $(LUA_TESTS) core/bind/embed.lua tests/e2e/every_result.lua tests/e2e/update_source.lua
SHELL_FILES = .ci/run .ci/apt .ci/demo .ci/layers .ci/coverage tests/run tests/lab/demo tests/build/tap.sh $(filter %.sh,$(SANITIZED_TESTS)) $(filter %.sh,$(OTHER_TESTS))

.PHONY: lint lint-lists lint-layers lint-lua lint-shell lint-warnings lint-cppcheck lint-tidy
lint: lint-lists lint-layers lint-lua lint-shell lint-warnings lint-cppcheck lint-tidy ## luacheck, cppcheck, clang-tidy, shellcheck, warnings, who includes what

# Nothing of these kinds lies in the tree without standing in a list above.
UNLISTED = $(filter-out $(LINT_C) $(LUA_MODULES) $(SCRIPTS) $(EXAMPLES) $(ANCHORS) $(TEXTS) $(LUA_TESTS) $(E2E_TESTS) $(OTHER_TESTS) $(SANITIZED_TESTS), \
	$(wildcard core/*.c core/bind/*.c lua/*.lua lua/*/*.lua scripts/*.lua scripts/examples/*.lua trust/*.pem tests/core/*_test.c \
	tests/unit/*_spec.lua tests/conformance/*_spec.lua tests/*/*_test.py tests/*/*_test.sh))
lint-lists:
	$(Q)$(if $(UNLISTED),echo "in no list of the Makefile: $(UNLISTED)" >&2; exit 1,:)

lint-layers: | build/dependencies
	$(Q).ci/layers

lint-lua: | build/dependencies
	$(Q)luacheck --quiet $(LUA_FILES)

lint-shell: | build/dependencies
	$(Q)shellcheck $(SHELL_FILES)

# Both compilers, warnings as errors, optimised: some warnings need the data flow.
lint-warnings: | build/dependencies
	$(Q)for file in $(LINT_C); do \
		gcc $(BASE) $(EDIT_CFLAGS) $(DEFINES) -O2 -Werror -c -o /dev/null $$file && \
		clang $(BASE) $(EDIT_CFLAGS) $(DEFINES) -O2 -Werror -fsyntax-only $$file || exit 1; \
	done

lint-cppcheck: | build/dependencies
	$(Q)mkdir -p build/lint/cppcheck
	$(Q)cppcheck --quiet --std=c11 --enable=warning,style,performance,portability --inline-suppr \
		--suppressions-list=.cppcheck --error-exitcode=1 --cppcheck-build-dir=build/lint/cppcheck \
		-D_GNU_SOURCE $(EDIT_CFLAGS) $(DEFINES) -I. -Icore $(LINT_C)

lint-tidy: $(LINT_C:%=build/lint/%.tidy)
build/lint/%.tidy: % .clang-tidy tests/core/.clang-tidy $(HEADERS) | build/dependencies
	@echo "  TIDY $<"
	$(Q)mkdir -p $(@D)
	$(Q)clang-tidy --quiet --warnings-as-errors='*' $< -- $(BASE) $(EDIT_CFLAGS) $(DEFINES) 2>$@.log || { cat $@.log; exit 1; }
	$(Q)touch $@

# The rest -------------------------------------------------------------------

.PHONY: clean help
clean: ## remove what was built
	rm -rf build kedge kedge-static

help: ## this list
	@echo "make [VARIABLE=VALUE]... [TARGET]..."
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16
	@echo
	@echo "variables: CC CFLAGS CPPFLAGS LDFLAGS PREFIX DESTDIR LUA PYTHON SOURCE_DATE_EPOCH DEBUG SHARED EDIT JOBS V"
	@echo "EDIT: line editing for kedge -i, here $(or $(EDIT),none: apt-get install libedit-dev) (EDIT= builds without)"
