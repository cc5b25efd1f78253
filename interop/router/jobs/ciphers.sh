#!/bin/bash
# ciphers.sh ROUNDS: RC4 of the backend that arc4 selects and of OpenSSL in turns, with calls of 16
# and of 1,400 bytes; bytes a second.
. /job/lab.sh
export OPENSSL_CONF=/etc/openssl-legacy.cnf
cat /job/arc4 >/dev/null
for ((round = 1; round <= $1; round++)); do
	for bytes in 16 1400; do
		say "SPEED $(/job/arc4 speed --seconds 500ms --bytes $bytes --workload stream --json auto 2>/dev/null | tr -d '\n')"
		result openssl-$bytes "$(openssl speed -mr -elapsed -seconds 1 -bytes $bytes -evp rc4 2>/dev/null | awk -F: '/^\+F/ { print $NF }')"
	done
done
finish
