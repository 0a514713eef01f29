#!/bin/sh
# The binary from outside: what it needs from its surroundings, and that it takes nothing else from them.
# shellcheck source=tests/build/tap.sh
. tests/build/tap.sh
temporary=$(mktemp -d)

alone() {
	cp "$KEDGE" "$temporary/alone" && (cd "$temporary" && env -i ./alone list) | grep -q regions
}

# Ways into another program's Lua: none of them may be looked at.
no_lua_path() {
	mkdir -p "$temporary/kedge"
	echo 'error "taken from outside"' >"$temporary/kedge/cli.lua"
	cp "$temporary/kedge/cli.lua" "$temporary/argparse.lua"
	(cd "$temporary" &&
		LUA_PATH="$temporary/?.lua" LUA_PATH_5_4="$temporary/?.lua" LUA_CPATH="$temporary/?.so" \
			LUA_INIT="@$temporary/argparse.lua" "$KEDGE" --version) | grep -q kedge
}

closed_descriptors() {
	"$KEDGE" list <&- >&- 2>&- || return 1
	"$KEDGE" list <&- >"$temporary/list" && grep -q regions "$temporary/list" || return 1
	"$KEDGE" list 2>&- | grep -q regions
}

# Standard output that nobody reads any more ends kedge quietly, with the status it would have had.
broken_pipe() {
	: >"$temporary/status"
	{
		"$KEDGE" list 2>"$temporary/errors"
		echo "$?" >"$temporary/status"
	} | true
	[ "$(cat "$temporary/status")" = 0 ] && ! [ -s "$temporary/errors" ]
}

full_output() {
	"$KEDGE" list >/dev/full 2>"$temporary/errors"
	[ $? -eq 3 ] && [ "$(wc -l <"$temporary/errors")" -eq 1 ] && grep -q 'No space left' "$temporary/errors"
}

version() {
	"$KEDGE" --version >"$temporary/version" || return 1
	cat "$temporary/version"
	for word in kedge Lua BearSSL nghttp2 c-ares; do
		grep -q "$word" "$temporary/version" || return 1
	done
}

hardened() {
	file=$temporary/headers
	readelf -Wlhd "$KEDGE" >"$file"
	grep -q 'Type: *DYN' "$file" && grep -q GNU_RELRO "$file" && grep -q 'BIND_NOW\|NOW' "$file" &&
		! grep -q 'GNU_STACK.*RWE' "$file"
}

case_ "runs alone, with an empty environment" alone
case_ "looks at no path of Lua's" no_lua_path
case_ "descriptors 0 to 2 may be closed" closed_descriptors
case_ "a broken pipe is quiet" broken_pipe
case_ "a full output is status 3 and one sentence" full_output
case_ "says its version and those of its libraries" version
[ "$KEDGE_VARIANT" != plain ] || case_ "is position independent, read-only after relocation" hardened
done_testing
