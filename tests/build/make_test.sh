#!/bin/sh
# The Makefile, in copies of the tree: what is built again and when, that two builds are equal, what it installs.
# shellcheck source=tests/build/tap.sh
. tests/build/tap.sh
temporary=$(mktemp -d)
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES DESTDIR PREFIX CFLAGS LDFLAGS DEBUG

copy() {
	mkdir -p "$temporary/$1"
	tar -cf - --exclude=./build --exclude=./.git --exclude=./kedge --exclude=./kedge-static . | tar -xf - -C "$temporary/$1"
}

build() {
	make -s -j 2 -C "$temporary/$1" CFLAGS=-O1 kedge
}

builds_in_two_folders() {
	copy one
	copy "the other"
	SOURCE_DATE_EPOCH=1700000000 build one >"$temporary/one.log" 2>&1 || { cat "$temporary/one.log"; return 1; }
	SOURCE_DATE_EPOCH=1700000000 build "the other"
}

without_a_warning() {
	! grep -i warning "$temporary/one.log"
}

are_equal() {
	cmp "$temporary/one/kedge" "$temporary/the other/kedge"
}

# What a make of one/ would do.
would_do() {
	SOURCE_DATE_EPOCH=1700000000 make -n -C "$temporary/one" CFLAGS=-O1 kedge
}

nothing_to_do() {
	would_do >"$temporary/plan" && ! grep -qE '(CC|LD|EMBED) ' "$temporary/plan"
}

touched() { # FILE STEP...: a change of FILE leads to each STEP
	touch "$temporary/one/$1"
	shift
	would_do >"$temporary/plan"
	for step; do
		grep -q "$step" "$temporary/plan" || { echo "missing: $step"; return 1; }
	done
	SOURCE_DATE_EPOCH=1700000000 build one >/dev/null 2>&1
}

header_rebuilds() {
	touched core/file.h 'CC build/plain/core/file.o' 'CC build/plain/core/bind/file.o' 'LD build/plain/kedge' &&
		! grep -q 'CC build/plain/core/loop.o' "$temporary/plan"
}

lua_rebuilds() {
	touched lua/check.lua EMBED 'CC build/plain/embed.o' 'LD build/plain/kedge' &&
		! grep -q 'CC build/plain/core/file.o' "$temporary/plan"
}

anchor_rebuilds() {
	touched trust/AmazonRootCA1.pem EMBED 'LD build/plain/kedge'
}

flags_rebuild() {
	make -n -C "$temporary/the other" CFLAGS=-O0 kedge | grep -q 'CC build/plain/core/file.o'
}

installs() {
	make -s -C "$temporary/the other" CFLAGS=-O1 DESTDIR="$temporary/root" PREFIX=/usr install >/dev/null &&
		"$temporary/root/usr/bin/kedge" list >/dev/null &&
		[ -z "$(find "$temporary/root" -path "$temporary/root/usr" -prune -o -type f -print)" ]
}

missing_library() {
	make -C "$temporary/one" LUA_INCLUDE=-I/nowhere kedge >"$temporary/missing" 2>&1 && return 1
	cat "$temporary/missing"
	[ "$(grep -c liblua5.4-dev "$temporary/missing")" -eq 1 ] && ! grep -q 'CC ' "$temporary/missing"
}

helps() {
	make -s -C "$temporary/one" help >"$temporary/help" &&
		for target in static install deps demo lab check check-all lint coverage bench clean; do
			grep -q "^  $target " "$temporary/help" || return 1
		done
}

case_ "make builds, in two folders, one with a space in its name" builds_in_two_folders
case_ "without a warning" without_a_warning
case_ "two builds with the same SOURCE_DATE_EPOCH are equal" are_equal
case_ "a second make does nothing" nothing_to_do
case_ "a header's change reaches its dependents" header_rebuilds
case_ "a Lua file's change reaches the binary" lua_rebuilds
case_ "an anchor's change reaches the binary" anchor_rebuilds
case_ "other flags build anew" flags_rebuild
case_ "make install honours DESTDIR and PREFIX" installs
rm -rf "$temporary/one/build/dependencies"
case_ "a missing library is one line that names the package" missing_library
case_ "make help lists the targets" helps
done_testing
