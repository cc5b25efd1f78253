#!/bin/bash
# Builds what the guest needs into $INTEROP_BUILD (default: build/interop of the
# repository): the pppd plugin kpptp.so, a static arc4, the forger, the probe, and
# wireguard-go with what sets it up. Safe to repeat. INTEROP_ARC4=FILE takes that
# binary instead of building one.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${INTEROP_BUILD:-$here/../build/interop}
mkdir -p "$build"
if [ ! -e "$build/kpptp.so" ] || [ "$here/kpptp/kpptp.c" -nt "$build/kpptp.so" ]; then
	gcc -O2 -Wall -Wno-address-of-packed-member -shared -fPIC -o "$build/kpptp.so.new" "$here/kpptp/kpptp.c"
	mv "$build/kpptp.so.new" "$build/kpptp.so"
fi
cd "$here/.."
CGO_ENABLED=0 go build -o "$build/forge" ./interop/forge
CGO_ENABLED=0 go build -o "$build/probe" ./interop/probe
CGO_ENABLED=0 go build -o "$build/contest" ./interop/contest
CGO_ENABLED=0 go build -trimpath -o "$build/wireguard-go" golang.zx2c4.com/wireguard
if [ -n "${INTEROP_ARC4:-}" ]; then
	cp "$INTEROP_ARC4" "$build/arc4"
else
	CGO_ENABLED=0 go build -o "$build/arc4" ./cmd/arc4
fi
