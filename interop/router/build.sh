#!/bin/bash
# Builds the emulated router into $ROUTER_BUILD (default: build/router of the repository): Debian's
# kernel for QEMU's Malta board, a squashfs root with Debian's mipsel packages, an initrd, and pppd's
# plugin kpptp.so. Safe to repeat: what is there and up to date is kept, and asks no package server.
#
# The packages come through an apt of its own beside the system's, of which nothing changes, from
# the archive that this machine's apt uses. Exit status 3: the archive could not be reached.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${ROUTER_BUILD:-$here/../../build/router}
mkdir -p "$build"
build=$(cd "$build" && pwd)

# What the root and the initrd are made of: a change of any makes them anew.
stamp=$(cat "$here/build.sh" "$here"/guest/init*.sh "$here/../kpptp/kpptp.c" | sha256sum)
if [ -s "$build/root.sq" ] && [ "$(cat "$build/stamp" 2>/dev/null)" = "$stamp" ]; then
	exit 0
fi
# One at a time: a test and a measurement may begin together.
exec 9>"$build/lock"
flock 9
[ "$(cat "$build/stamp" 2>/dev/null)" != "$stamp" ] || exit 0

# What runs in the guest: both peers, iperf3, OpenSSL, and what the shell functions in
# interop/guest use. Most small programs are busybox's.
packages="bash busybox-static ethtool iperf3 iproute2 iputils-ping openssl ppp pptp-linux pptpd procps util-linux"

# ---- packages

apt=$build/apt
debs=$apt/cache/archives
if ! [ -e "$apt/complete" ] || [ "$(cat "$apt/complete")" != "$packages" ]; then
	rm -f "$apt/complete"
	mkdir -p "$apt"/{state,lists/partial,cache/archives/partial,etc}
	: >"$apt/status" # nothing is installed, so apt fetches everything that is needed
	archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' |
		grep -v security | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')
	release=$(. /etc/os-release && echo "$VERSION_CODENAME")
	echo "deb [arch=mipsel signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive $release main" >"$apt/etc/sources.list"
	cat >"$apt/apt.conf" <<-C
		Dir::State "$apt/state";
		Dir::State::lists "$apt/lists";
		Dir::State::status "$apt/status";
		Dir::Cache "$apt/cache";
		Dir::Etc::sourcelist "$apt/etc/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		APT::Architecture "mipsel";
		APT::Architectures { "mipsel"; };
		APT::Sandbox::User "root";
	C
	export APT_CONFIG=$apt/apt.conf
	echo "router: fetching Debian's mipsel packages from $archive" >&2
	fetch() {
		apt-get update -qq &&
			apt-get install -y -qq -d --no-install-recommends $packages ppp-dev &&
			kernel=$(apt-cache depends linux-image-4kc-malta | sed -n 's/.*Depends: \(linux-image-.*-4kc-malta\)$/\1/p' | head -n 1) &&
			(cd "$debs" && apt-get download -qq "$kernel")
	}
	if ! fetch >"$build/apt.log" 2>&1; then
		tail -n 5 "$build/apt.log" >&2
		echo "router: no mipsel packages from $archive" >&2
		exit 3
	fi
	unset APT_CONFIG
	echo "$packages" >"$apt/complete"
fi

# ---- the root

echo "router: making the guest's root" >&2
R=$build/root
rm -rf "$R" "$build/kernel" "$build/initrd"
mkdir -p "$R" "$build/kernel"
for f in "$debs"/*.deb; do
	case ${f##*/} in
	linux-image-*) dpkg-deb -x "$f" "$build/kernel" ;;
	# what only installing packages needs
	dpkg_* | debconf_* | perl-base_* | passwd_* | adduser_* | libdb5* | tar_*) ;;
	*) dpkg-deb -x "$f" "$R" ;;
	esac
done
version=$(ls "$build/kernel/lib/modules")
cp "$build/kernel/boot/vmlinux-$version" "$build/vmlinux" 2>/dev/null ||
	cp "$build/kernel/boot/vmlinuz-$version" "$build/vmlinux"

from=$build/kernel/lib/modules/$version to=$R/lib/modules/$version
mkdir -p "$to/kernel" "$R"/{proc,sys,dev,run,tmp,mnt,job,root,etc/ppp,var/run,var/lib/misc}
for d in crypto lib net/ipv4 net/netfilter net/sched drivers/net/tun.ko drivers/net/veth.ko drivers/net/ppp drivers/net/slip \
	drivers/virtio drivers/net/virtio_net.ko drivers/net/net_failover.ko net/core/failover.ko; do
	mkdir -p "$to/kernel/$(dirname $d)"
	cp -r "$from/kernel/$d" "$to/kernel/$(dirname $d)/"
done
cp "$from"/modules.{builtin,order,builtin.modinfo} "$to/"
depmod -b "$R" "$version"

mipsel-linux-gnu-gcc -O2 -Wall -Wno-address-of-packed-member -shared -fPIC -I"$R/usr/include" -o "$build/kpptp.so" "$here/../kpptp/kpptp.c"
rm -rf "$R"/usr/include "$R"/usr/share/{doc,man,locale,info,bash-completion} "$R"/usr/lib/mipsel-linux-gnu/gconv "$R"/usr/share/zoneinfo
[ -e "$R/bin/sh" ] || ln -s busybox "$R/bin/sh"
echo root:x:0:0:root:/root:/bin/sh >"$R/etc/passwd"
echo root:x:0: >"$R/etc/group"
# OpenSSL 3 has RC4 in a module of its own.
printf '%s\n' 'openssl_conf = i' '[i]' 'providers = p' '[p]' 'default = on' 'legacy = on' '[on]' 'activate = 1' >"$R/etc/openssl-legacy.cnf"
install -m 755 "$here/guest/init.sh" "$R/sbin/guestinit"
mksquashfs "$R" "$build/root.new" -comp xz -b 128K -noappend -quiet -no-progress
mv "$build/root.new" "$build/root.sq"

# ---- the initrd, which finds the root

I=$build/initrd
mkdir -p "$I"/{bin,modules,proc,sys,dev,ro,rw,new}
cp "$R/bin/busybox" "$I/bin/"
for m in drivers/ata/ata_piix fs/squashfs/squashfs fs/overlayfs/overlay; do
	cp "$from/kernel/$m.ko" "$I/modules/"
done
install -m 755 "$here/guest/initrd.sh" "$I/init"
(cd "$I" && find . | cpio -o -H newc --quiet | gzip -9) >"$build/initrd.gz"
rm -rf "$I" "$R" "$build/kernel"
echo "$stamp" >"$build/stamp"
