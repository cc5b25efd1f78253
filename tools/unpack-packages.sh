#!/bin/sh
# Unpacks, for tests in namespaces, what would take over this system if it were installed:
# what says which name servers a Debian system asks (systemd-resolved, resolvconf and openresolv, of
# which the last two refuse each other), and NetworkManager. Safe to repeat; where it cannot, tests
# that need them skip aloud.
set -eu
to=/var/lib/arc4-test
[ "$(id -u)" = 0 ] || exit 0

unpack() { # FOLDER PACKAGES
	folder=$to/$1
	shift
	[ ! -e "$folder" ] || return 0
	echo "test tools: unpacking $*"
	[ -n "${updated:-}" ] || apt-get update -qq >/dev/null 2>&1 || true
	updated=yes
	at=$(mktemp -d)
	chmod 755 "$at"
	# A warning says that it is not done by the user _apt.
	if ! (cd "$at" && apt-get download -qq "$@" 2>/dev/null && for deb in *.deb; do dpkg-deb -x "$deb" tree || exit 1; done); then
		rm -rf "$at"
		echo "test tools: apt-get download failed; tests that need $* are skipped" >&2
		return 0
	fi
	# As on a system where /sbin and /lib are links into /usr.
	mkdir -p "$at/tree/usr" "$to"
	for d in bin sbin lib; do
		[ ! -d "$at/tree/$d" ] || { cp -a "$at/tree/$d" "$at/tree/usr/" && rm -r "$at/tree/$d"; }
	done
	mv "$at/tree" "$folder"
	rm -rf "$at"
}

unpack systemd-resolved systemd-resolved libsystemd-shared
unpack resolvconf resolvconf
unpack openresolv openresolv
# With the libraries that are not here, and without udev, which it does without where /sys cannot be
# written to.
[ -e $to/network-manager ] || apt-get update -qq >/dev/null 2>&1 || true
# shellcheck disable=SC2046 # a list of words
unpack network-manager $({
	echo network-manager
	apt-get install -s --no-install-recommends network-manager 2>/dev/null | sed -n 's/^Inst \([^ ]*\) (.*/\1/p'
} | sort -u | grep -v '^udev$')
