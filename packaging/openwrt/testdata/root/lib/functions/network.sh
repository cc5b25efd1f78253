# A double of OpenWrt's: interfaces have the addresses that lie in /data.
network_get_ipaddrs() {
	[ -f "/data/addresses_$2" ] || return 1
	eval "$1=\$(cat \"/data/addresses_$2\")"
}
