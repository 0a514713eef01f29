# kedge. `make help` lists the targets; `make` builds ./kedge and installs nothing.

VERSION = 0.1.0
PREFIX = /usr/local
DESTDIR =
CFLAGS = -O2 -g
LDFLAGS =
LUA = lua5.4
INSTALL = install
PYTHON = python3
# Set to 1: DEBUG keeps line numbers in the embedded Lua, EMBED_SOURCE embeds
# text instead of bytecode (for building on a machine of another byte order),
# SHARED links the libraries dynamically, V shows the commands.
DEBUG =
EMBED_SOURCE =
SHARED =
V =

# What kedge is made of ------------------------------------------------------

CORE = $(wildcard core/*.c)
BINDINGS = $(filter-out core/bind/main.c,$(wildcard core/bind/*.c))
LUA_MODULES = $(wildcard lua/*.lua lua/*/*.lua)
SCRIPTS = $(wildcard scripts/*.lua)
ANCHORS = $(wildcard trust/*.pem)
LUA_SHARE = /usr/share/lua/5.4
LUA_LIBRARIES = $(LUA_SHARE)/argparse.lua $(LUA_SHARE)/dkjson.lua

C_TESTS = $(wildcard tests/core/*_test.c)

# Header or file that proves a package is there, and the package.
BUILD_HEADERS = ev.h:libev-dev ares.h:libc-ares-dev bearssl.h:libbearssl-dev \
	nghttp2/nghttp2.h:libnghttp2-dev lua.h:liblua5.4-dev
BUILD_FILES = $(LUA_SHARE)/argparse.lua:lua-argparse $(LUA_SHARE)/dkjson.lua:lua-dkjson

# Flags ----------------------------------------------------------------------

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes \
	-Wstrict-prototypes -Wvla
OPTIMISED = $(filter-out -O0,$(filter -O%,$(CFLAGS)))
HARDENING = -fPIE -fstack-protector-strong $(if $(OPTIMISED),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
HARDENING_LD = -pie -Wl,-z,relro,-z,now
LUA_INCLUDE = -I/usr/include/lua5.4
BASE = -std=c11 $(WARNINGS) -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -iquote . -iquote core \
	$(LUA_INCLUDE) -ffile-prefix-map=$(CURDIR)=.
DEFINES = -DKEDGE_VERSION='"$(VERSION)"' -DKEDGE_PREFIX='"$(PREFIX)"'
LIBRARIES = -llua5.4 -lbearssl -lnghttp2 -lcares -lev
LIBS = $(if $(SHARED),$(LIBRARIES),-Wl,-Bstatic $(LIBRARIES) -Wl,-Bdynamic) -lm

plain_CFLAGS = $(BASE) $(HARDENING) $(CPPFLAGS) $(CFLAGS)
plain_LDFLAGS = $(HARDENING_LD) $(LDFLAGS)
plain_LIBS = $(LIBS)

static_CFLAGS = $(BASE) -fstack-protector-strong -Os -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 \
	-ffunction-sections -fdata-sections $(CPPFLAGS)
static_LDFLAGS = -static -s -Wl,--gc-sections $(LDFLAGS)
static_LIBS = $(LIBRARIES) -lm

sanitized_CFLAGS = $(BASE) -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all $(CPPFLAGS)
sanitized_LDFLAGS = -fsanitize=address,undefined $(LDFLAGS)
sanitized_LIBS = $(LIBS)

coverage_CFLAGS = $(BASE) -O0 -g --coverage $(CPPFLAGS)
coverage_LDFLAGS = --coverage $(LDFLAGS)
coverage_LIBS = $(LIBS)

Q = $(if $(V),,@)

# Building -------------------------------------------------------------------

.PHONY: all static sanitized
all: kedge

kedge: build/plain/kedge
	$(Q)cp $< $@

static: kedge-static
kedge-static: build/static/kedge
	$(Q)cp $< $@

sanitized: build/sanitized/kedge build/sanitized/kedge-lua

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

EMBEDDED = $(LUA_MODULES) $(SCRIPTS) $(ANCHORS) $(LUA_LIBRARIES)
embed_TEXT = $(LUA) debug=$(DEBUG) source=$(EMBED_SOURCE) epoch=$(SOURCE_DATE_EPOCH) $(EMBEDDED)
$(eval $(call STAMP,embed))

build/embed/files.c: core/bind/embed.lua build/embed/flags $(EMBEDDED) | build/dependencies
	@echo "  EMBED $@"
	$(Q)DEBUG='$(DEBUG)' EMBED_SOURCE='$(EMBED_SOURCE)' $(LUA) core/bind/embed.lua $@ $(EMBEDDED)

# One set of rules per variant: objects below build/VARIANT/, the core as an
# archive for the C tests, kedge, and kedge-lua (the tests' interpreter).
define VARIANT
$(1)_TEXT = $$(CC) $$($(1)_CFLAGS) $$(DEFINES) $$($(1)_LDFLAGS) $$($(1)_LIBS)
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
	$$(Q)$$(CC) $$($(1)_LDFLAGS) -o $$@ $$(filter %.o %.a,$$^) $$($(1)_LIBS)

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

-include $$(wildcard build/$(1)/*.d build/$(1)/core/*.d build/$(1)/core/bind/*.d build/$(1)/tests/*.d build/$(1)/tests/*/*.d)
endef
$(foreach variant,plain static sanitized coverage,$(eval $(call VARIANT,$(variant))))

.SECONDARY:

.PHONY: clean
clean:
	rm -rf build kedge kedge-static
