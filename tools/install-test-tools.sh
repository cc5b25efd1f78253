#!/bin/sh
# Installs what `make test` needs beside Go, on Debian, as root. Safe to
# repeat: with everything there it asks no package server. Where it cannot
# install it says what is missing and leaves it to the tests to skip aloud (or,
# under CI=true, to fail).
set -eu

# gcc and libc6-dev: the race detector and pppd's plugin
# libssl-dev: the comparison with OpenSSL, build tag libcrypto
# qemu-user-static: the ciphers on mips and mipsle; strace: what its programs ask the kernel for
# iproute2 iperf3 iputils-ping nftables: tests in network namespaces
# busybox-static make: the scripts and the feed for OpenWrt; chromium-headless-shell: LuCI's page
# man-db: whether the manual pages can be read
# qemu-system-mips squashfs-tools cpio gcc-mipsel-linux-gnu libc6-dev-mipsel-cross xz-utils: the
# emulated router, see interop/router/README.md
# lintian rpm libarchive-tools systemd dbus: the packages for Linux distributions, and a Debian to
# install one in
# curl: a client of the proxies
# dbus-daemon: name servers by systemd-resolved, and NetworkManager, with what unpack-packages.sh
# unpacks
# the rest: the guest with the real peers, see interop/README.md
want="git make chromium-headless-shell gcc libc6-dev libssl-dev qemu-user-static strace iproute2 iperf3 iputils-ping nftables man-db
	user-mode-linux ppp ppp-dev pptpd pptp-linux ethtool kmod tcpdump busybox-static procps util-linux
	qemu-system-mips squashfs-tools cpio gcc-mipsel-linux-gnu libc6-dev-mipsel-cross xz-utils
	lintian rpm libarchive-tools systemd curl mmdebstrap dbus-daemon"

if ! command -v dpkg-query >/dev/null; then
	echo "test tools: not a Debian system; tests that need more than Go are skipped" >&2
	exit 0
fi
unpack() { sh "$(dirname "$0")/unpack-packages.sh"; }
miss=
for p in $want; do
	dpkg-query -W -f '${Status}\n' "$p" 2>/dev/null | grep -q 'ok installed' || miss="$miss $p"
done
if [ -z "$miss" ]; then
	unpack
	exit 0
fi
if [ "$(id -u)" != 0 ]; then
	echo "test tools: missing; as root: apt-get install --no-install-recommends$miss" >&2
	exit 0
fi

echo "test tools: installing$miss"
# Daemons (pptpd) are not to be started here: they run inside the guest only.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod +x $policy
	trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of words
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends $miss; } >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	echo "test tools: apt-get failed; tests that need$miss are skipped" >&2
fi
rm -f "$log"
unpack
