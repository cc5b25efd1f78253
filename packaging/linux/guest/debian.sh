#!/bin/sh
# debian.sh DIR [--copied]: makes a Debian in DIR, with systemd and nothing that is not needed to boot
# it and to look at a network: a fresh one of this machine's package server, by mmdebstrap; or, with
# --copied or where no server answers, of the packages that are installed here.
set -eu
dir=$1
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
want="systemd dbus kmod iproute2 iputils-ping"

fresh() {
	command -v mmdebstrap >/dev/null || return 1
	sources=
	for s in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
		[ ! -s "$s" ] || sources="$sources $s"
	done
	# shellcheck disable=SC2086 # a list of files
	mmdebstrap --quiet --mode=root --variant=essential --format=directory --include="$(echo $want | tr ' ' ,)" \
		--aptopt='Acquire::Retries "2"' --aptopt='Acquire::http::Timeout "20"' --aptopt='Acquire::Languages "none"' \
		"$suite" "$dir" $sources
}

# The packages that are essential or wanted, with all that they need.
needed() {
	{
		# shellcheck disable=SC2016 # dpkg-query's own
		dpkg-query -W -f '${Essential} ${Package}\n' | sed -n 's/^yes //p'
		printf '%s\n' $want
	} >"$dir/list"
	while :; do
		# shellcheck disable=SC2016,SC2046
		dpkg-query -W -f '${Package}\n${Depends}, ${Pre-Depends}\n' $(cat "$dir/list") 2>/dev/null |
			tr ',|' '\n\n' | sed 's/(.*//; s/:any//; s/[[:space:]]//g' | sort -u >"$dir/names"
		# shellcheck disable=SC2016,SC2046
		dpkg-query -W -f '${db:Status-Status} ${Package}\n' $(cat "$dir/names") 2>/dev/null |
			sed -n 's/^installed //p' | sort -u >"$dir/more"
		cmp -s "$dir/list" "$dir/more" && break
		mv "$dir/more" "$dir/list"
	done
	cat "$dir/list"
	rm "$dir/list" "$dir/names" "$dir/more"
}

# Their files as they are here, and what dpkg knows of them.
copied() {
	rm -rf "$dir"
	mkdir -p "$dir"
	needed >"$dir.packages"
	for path in /bin /sbin /lib /lib64 /lib32 /libx32; do # first: paths lead through these
		if [ -L "$path" ]; then
			cp -a "$path" "$dir/"
			mkdir -p "$dir/usr$path"
		fi
	done
	{
		xargs dpkg-query -L <"$dir.packages" | sort -u | while read -r path; do
			if [ -e "$path" ] || [ -L "$path" ]; then printf '%s\0' "$path"; fi
		done
		printf '%s\0' /etc/passwd /etc/group /etc/shadow /etc/gshadow /etc/ld.so.cache /etc/nsswitch.conf
		find /etc/alternatives -print0
	} >"$dir.files"
	tar -C / --no-recursion --null -T "$dir.files" -cf - 2>/dev/null | tar -C "$dir" --keep-directory-symlink -xpf -
	mkdir -p "$dir/proc" "$dir/sys" "$dir/dev" "$dir/run" "$dir/tmp" "$dir/var/lib/dpkg/info" "$dir/var/lib/dpkg/updates"
	while read -r p; do
		dpkg-query -s "$p"
		echo
		cp /var/lib/dpkg/info/"$p".* /var/lib/dpkg/info/"$p":*.* "$dir/var/lib/dpkg/info/" 2>/dev/null || true
	done <"$dir.packages" >"$dir/var/lib/dpkg/status"
	cp /var/lib/dpkg/info/format "$dir/var/lib/dpkg/info/"
	: >"$dir/etc/machine-id"
	rm -f "$dir.packages" "$dir.files"
}

if [ "${2-}" = --copied ] || ! fresh; then
	copied
fi
chroot "$dir" dpkg --audit
