# shellcheck shell=sh
# TAP for shell tests: case_ NAME COMMAND [ARG]... counts and runs; done_testing prints the plan.
# A case fails when its command does; what it printed is shown as comments.
count=0
failed=0
output=$(mktemp)
temporary=
trap 'rm -rf "$output" ${temporary:+"$temporary"}' EXIT

case_() {
	name=$1
	shift
	count=$((count + 1))
	if "$@" >"$output" 2>&1; then
		echo "ok $count - $name"
	else
		failed=$((failed + 1))
		echo "not ok $count - $name"
		sed 's/^/# /' "$output"
	fi
}

done_testing() {
	echo "1..$count"
	[ "$failed" -eq 0 ]
}
