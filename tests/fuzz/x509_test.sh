#!/bin/sh
# Changed bytes of real certificates, as many as there is time for; the seed is printed and can be given as SEED.
# shellcheck source=tests/build/tap.sh
. tests/build/tap.sh
seed=${SEED:-$(date +%s)}
rounds=5000
[ -z "${KEDGE_TEST_ALL-}" ] || rounds=100000

echo "# $rounds rounds, SEED=$seed"
case_ "nothing is read or written out of bounds" \
	"build/$KEDGE_VARIANT/tests/fuzz/x509_fuzz" "$rounds" "$seed" trust/*.pem
done_testing
