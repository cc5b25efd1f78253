# The package for OpenWrt on the emulated router: it is installed as opkg and apk do it, and an
# interface of proto arc4 comes up as at boot, by the handler and the hooks of the package under
# busybox's ash, with a double of netifd that does what netifd does with what it is told. Sourced by
# the job tunnel while a server answers; needs packaging/openwrt's doubles in /job/openwrt.
# shellcheck shell=bash disable=SC2034,SC2154 # variables of the jobs

NETIFD=/run/netifd

# openwrt_system: what OpenWrt has, beside the package
openwrt_system() {
	local name
	mkdir -p $NETIFD /data
	cp -r /job/openwrt/lib/. /lib/
	for name in rm cat mkdir chmod printf; do
		[ -e /bin/$name ] || ln -s busybox /bin/$name
	done
	cat >>/lib/functions.sh <<-'F'
		default_postinst() { for file in /etc/uci-defaults/*; do "$file" && rm "$file"; done; }
	F
	cat >>/lib/netifd/netifd-proto.sh <<-'F'
		proto_run_command() { shift; printf '%s\n' "$@" >/run/netifd/command; }
		proto_add_host_dependency() { ip route replace "$2" dev c0; }
		proto_init_update() { device="$1" up="$2"; }
		proto_add_ipv4_route() { gateway="$3"; }
		proto_send_update() {
			[ "$up" = 0 ] || ip route replace default ${gateway:+via "$gateway"} dev "$device"
			echo "$1 $device $up" >>/run/netifd/state
		}
	F
}

# openwrt_install: the .apk and then the .ipk, which install the same. Nothing is unpacked twice, for
# what is in memory is not left for the tunnel.
openwrt_install() {
	local d=/run/package files="usr/sbin/arc4 lib/netifd/proto/arc4.sh lib/netifd/arc4-up lib/netifd/arc4-down etc/init.d/arc4 etc/config/arc4" by_apk by_ipk
	mkdir -p $d
	busybox gunzip -c </job/arc4.apk | busybox tar -xf - -C /
	by_apk=$(cd / && sha256sum $files)
	rm -rf /lib/apk /.PKGINFO /.post-* /.pre-* /usr/sbin/arc4
	busybox tar -xzf /job/arc4.ipk -O ./data.tar.gz | busybox tar -xzf - -C /
	by_ipk=$(cd / && sha256sum $files)
	check openwrt-packages "$(holds [ "$by_ipk" = "$by_apk" ])" "$(wc -c </usr/sbin/arc4) bytes of arc4"
	busybox tar -xzf /job/arc4.ipk -O ./control.tar.gz | busybox tar -xzf - -C $d
	busybox ash $d/postinst configure
	check openwrt-defaults "$(holds [ ! -e /etc/uci-defaults/50-arc4 ])"
}

# netifd COMMAND [VARIABLE=VALUE]: calls the handler for the interface vpn
netifd() { (cd /lib/netifd/proto && ip netns exec c env "${@:2}" busybox ash ./arc4.sh arc4 "$1" vpn '{}'); }

# openwrt_dial PASSWORD: the handler, and what it has netifd run; the process in $VPN_PID
openwrt_dial() {
	local words
	echo "$1" >/data/password
	rm -f $NETIFD/command
	netifd setup
	mapfile -t words <$NETIFD/command
	spawn c vpn "${words[@]}"
	VPN_PID=$SPAWNED
}

reaches() { in_c ping -q -c 3 -W 10 "$1" >/dev/null; }
tells() { grep -qx "$1" "$2" 2>/dev/null; }

openwrt_system
openwrt_install
echo $SADDR >/data/server
echo $SADDR >/data/resolved
echo "$LAB_USER" >/data/username
echo "3 10" >/data/keepalive
ip -n s addr add 198.51.100.7/32 dev lo

openwrt_dial "$LAB_PASS"
wait_for 120 tells "vpn arc4-vpn 1" $NETIFD/state
check openwrt-up "$(holds tells 'vpn arc4-vpn 1' $NETIFD/state)"
check openwrt-ping "$(holds reaches 198.51.100.7)" "by the default route that netifd sets"
stop $VPN_PID 60
check openwrt-exit "$(holds [ "$STATUS" = 0 ])" "status $STATUS"
check openwrt-down "$(holds tells 'vpn arc4-vpn 0' $NETIFD/state)"
netifd teardown
check openwrt-password "$(holds [ ! -e /var/etc/arc4-vpn.password ])"

rm -f /record
openwrt_dial "not $LAB_PASS"
ended $VPN_PID 120
netifd teardown ERROR=$STATUS
check openwrt-refused "$(holds tells 'proto_notify_error \[vpn\] \[AUTH_FAILED\]' /record)" "status $STATUS"
[ $FAILED = 0 ] || { tail_logs vpn; cat /record; }
